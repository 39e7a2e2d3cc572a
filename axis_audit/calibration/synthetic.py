"""Synthetic people: latents and canonical beats of known truth, and targets that they leak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from axis_audit.measures.canonical import canonical_features
from axis_audit.probes.random_members import random_members

FloatArray = NDArray[np.float64]
LATENTS = ("gaussian", "t")
DEGREES_OF_FREEDOM = 5.0
"""Of the t-tailed latents: a person's whole latent is scaled by one heavy-tailed factor."""
COMPONENTS = 64
"""Of the canonical beats: as many as `canonical_features` keeps, so that no leak is lost."""
_BEAT = (12, 120)
_FOREIGN = 10**6
"""Added to seeds of leaking functions: the MLP plants random members of the smaller seeds."""


@dataclass(frozen=True)
class People:
    """One draw of people, the audited ones first.

    Attributes:
        audited: how many of the rows are audited; the others may be fitted on.
        isotropic: (n, d), zero mean and unit covariance in the population.
        latents: (n, d), the same in a random basis whose variances run from 50 down to 2e-4.
        seed: of what is drawn for these people later.
    """

    audited: int
    isotropic: FloatArray
    latents: FloatArray
    seed: tuple[int, int, int]

    @property
    def wide(self) -> int:
        """Directions of the latents that canonical beats are drawn from."""
        return min(COMPONENTS, int(self.isotropic.shape[1]))

    @cached_property
    def canonical(self) -> tuple[FloatArray, FloatArray]:
        """Norms (n,) and `canonical_features` (n, f) of beats drawn from the leading directions."""
        rng = np.random.default_rng([*self.seed, 1])
        smooth = np.cumsum(rng.standard_normal((self.wide + 1, *_BEAT)), axis=2)
        basis = np.linalg.qr(smooth.reshape(self.wide + 1, -1).T)[0].T
        sizes = np.geomspace(1.0, 0.05, self.wide)
        beats = 3.0 * basis[0] + (self.isotropic[:, : self.wide] * sizes) @ basis[1:]
        shaped = beats.astype(np.float32).reshape(-1, *_BEAT)
        reference = shaped[self.audited :] if len(shaped) > self.audited else shaped
        return np.linalg.norm(beats, axis=1), canonical_features(shaped, reference=reference)

    def directions(self, count: int, wide: int) -> FloatArray:
        """Projections (n, count) on random directions of the first `wide` dimensions."""
        rng = np.random.default_rng([*self.seed, 2, wide])
        unit = rng.standard_normal((wide, count))
        unit /= np.linalg.norm(unit, axis=0)
        return np.asarray(self.isotropic[:, :wide] @ unit)

    def members(self, count: int, wide: int) -> FloatArray:
        """Random small networks (n, count) of the first `wide` dimensions, unit variance."""
        seed = _FOREIGN + int(np.random.default_rng([*self.seed, 3, wide]).integers(_FOREIGN))
        return random_members(self.isotropic[:, :wide], count, seed)


def draw_people(
    kind: str, audited: int, others: int, dimensions: int, seed: tuple[int, int, int]
) -> People:
    """People of one kind of latents ("gaussian" or "t"); seed is (run, draw, kind)."""
    rng = np.random.default_rng(seed)
    isotropic = draw_isotropic(kind, audited + others, dimensions, rng)
    spectrum = np.sqrt(np.geomspace(50.0, 2e-4, dimensions))
    rotation = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))[0]
    return People(audited, isotropic, (isotropic * spectrum) @ rotation, seed)


def draw_isotropic(kind: str, rows: int, dimensions: int, rng: np.random.Generator) -> FloatArray:
    """Latents of unit covariance, shape (rows, dimensions), normal or multivariate t."""
    normal = rng.standard_normal((rows, dimensions))
    if kind == "gaussian":
        return normal
    nu = DEGREES_OF_FREEDOM
    factor = np.sqrt((nu - 2) / rng.chisquare(nu, rows))
    return np.asarray(normal * factor[:, None])


def leaking(
    signals: FloatArray, true: tuple[float, ...], rng: np.random.Generator, *, half: bool = False
) -> Mapping[tuple[float, int], FloatArray]:
    """Targets sqrt(r)·signal + sqrt(1-r)·noise by (r, replicate), each of shape (n,).

    Args:
        signals: (n, replicates), unit variance. true: population R² of the targets on them.
        half: noise is half-normal, as |age - median| is, and not normal.
    """
    targets = {}
    for replicate, signal in enumerate(signals.T):
        for r in true:
            noise = rng.standard_normal(len(signal))
            if half:
                noise = (np.abs(noise) - np.sqrt(2 / np.pi)) / np.sqrt(1 - 2 / np.pi)
            targets[r, replicate] = np.sqrt(r) * signal + np.sqrt(1 - r) * noise
    return targets
