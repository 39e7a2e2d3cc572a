"""The quadratic screen: even functions and products of directions, by the spectrum of E[t z zᵀ].

With z whitened and t standardised, a leak t = sqrt(r)·q(z) + noise whose q is quadratic along one
or two directions gives the matrix A = E[t z zᵀ] one or two eigenvalues with squares summing to 2r
for Gaussian z: one for (u·z)² (and 1.75 r for |u·z|), one at each end for (u·z)(v·z), wherever u
and v point. Noise fills the spectrum to about ±2 sqrt(d/n). So the score is the root of the summed
squares of A's two extreme eigenvalues, set against the scores of permuted targets and of leaks
planted in the very same latents.

What it can see is bounded by the noise (Baik, Ben Arous & Péché 2005, Ann. Probab. 33:1643): a
product of R² r shows itself where r exceeds about d/n, and no sooner. Of sign(u·z)·sign(v·z) only
the share (2/π)² = .41 is quadratic, and little more of it is within reach: at R² .20, n = 5,000
and d = 256 A's directions overlap with u and v by .61, and the best iteration that starts from them
(Bayes-optimal message passing with the sign's own posterior mean) ends at .62. Tried and no better:
alternating sign(u·z) and tanh, gaps and more eigenvalues, cross-fitted directions, normal scores of
the target. The ends of bounded ages say more: probes.extremes.

Where there are other people to fit on, their n counts: the extreme directions are theirs, and the
score is how well the squares of the audited people's places along them tell the target.

The level holds on the average over the planted family, half |u·z| and half products: of leaks at
the margin (1,200 Gaussian people, 16 dimensions, 3,000 to fit on) 2 % of the former and 4 % of the
latter were called none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.probes.linear import SPARE_ROWS, checked_target
from axis_audit.probes.planted import planting_levels
from axis_audit.probes.whitening import fit_whitening, whiten
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.permutation import p_value, permuted_rows
from axis_audit.statistics.planting import PlantedCurve, PlantedLeak, invert

FloatArray = NDArray[np.float64]
STEPS = 24
"""Of Lanczos: the ends of a spectrum of 256 eigenvalues without gaps come out within 1 %."""
LARGEST_COORDINATE = 4.0
"""Standard deviations beyond which a whitened coordinate is winsorised."""
LARGEST_ROW = 2.0
"""Median row norms beyond which a whitened row is shortened: a wild person is one person."""


IN_SAMPLE, FITTED = "in-sample", "fitted"


@dataclass(frozen=True)
class QuadraticLeak:
    """What the quadratic screen found.

    Attributes:
        leak: of the way that counts, on the R² scale at which quadratic leaks planted in these
            latents score as observed.
        way: "in-sample" or "fitted", the way that counts. ways: every way that ran.
        p_value: of the way's permutation test, (b + 1)/(m + 1).
        eigenvalues: the smallest and the largest of the way's A.
        rank: directions of the latents that vary. n: rows, one a patient. n_fit: fitting people.
        complaint: why the interval cannot be trusted, or "".
    """

    leak: PlantedLeak
    way: str
    ways: Mapping[str, PlantedLeak]
    p_value: float
    eigenvalues: tuple[float, float]
    rank: int
    n: int
    n_fit: int
    complaint: str


@dataclass(frozen=True)
class _Scores:
    """Of the target, then of its permutations and plants, with A's ends for the target."""

    scores: FloatArray
    ends: FloatArray
    rank: int
    fitted_on: int


def quadratic_leak(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    margin: float,
    levels: Levels,
    fit_latents: NDArray[np.floating] | None = None,
    fit_target: NDArray[np.floating] | None = None,
    permutations: int = 99,
    plants: int = 96,
    seed: int = 0,
) -> QuadraticLeak:
    """Infer how much of a target (n,) is a quadratic of one or two directions of latents (n, d).

    With people to fit on both ways run. One that FAILs counts; otherwise the one fitted on more
    people does: the choice looks at no target. The permuted targets are also the plants of R² 0.

    Args:
        latents, target: one row a patient. margin: R² above which the claim is broken.
        levels: tails. fit_latents, fit_target: other people, shapes (m, d) and (m,).
        permutations: permuted targets, at least 35. plants: planted leaks, as in
            `planting_levels`. seed: of both.

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    above = planting_levels(margin, plants)
    planted = np.concatenate([np.zeros(permutations), above[above > 0]])
    n = len(latents)
    y = checked_target(target, n)
    found = {IN_SAMPLE: _in_sample(latents, y, planted, seed)}
    n_fit = 0
    if fit_latents is not None and fit_target is not None:
        n_fit = len(fit_latents)
        known = checked_target(fit_target, n_fit)
        found[FITTED] = _fitted((latents, fit_latents), (y, known), planted, seed)
    # Any way may FAIL, so they share the level of a FAIL.
    shared = Levels(levels.pass_tail, levels.fail_tail / len(found))
    ways = {
        way: invert(PlantedCurve(planted, f.scores[1:], float(f.scores[0])), margin, shared)
        for way, f in found.items()
    }
    sound = [w for w, f in found.items() if not _too_few(f) and not ways[w].complaint]
    failing = [w for w in sound if ways[w].fail_interval[0] > margin]
    way = max(failing or found, key=lambda w: found[w].fitted_on)
    counted = found[way]
    return QuadraticLeak(
        leak=ways[way],
        way=way,
        ways=ways,
        p_value=p_value(float(counted.scores[0]), counted.scores[1 : permutations + 1]),
        eigenvalues=(float(counted.ends[0]), float(counted.ends[1])),
        rank=counted.rank,
        n=n,
        n_fit=n_fit,
        complaint=_too_few(counted) or ways[way].complaint,
    )


def _in_sample(
    latents: NDArray[np.floating], target: FloatArray, planted: FloatArray, seed: int
) -> _Scores:
    """Root of the extreme eigenvalues' squares, less its mean over permuted targets.

    The null is at zero by construction: spectra are never negative.
    """
    whitened = whiten(latents)
    targets = _plant(whitened, target, planted, seed)
    ends, _ = extreme_eigenvalues(winsorised(whitened), targets, seed=seed)
    scores = np.sqrt(np.sum(ends**2, axis=1))
    null = scores[1:][planted == 0]
    return _Scores(scores - null.mean(), ends[0], whitened.shape[1], len(whitened))


def _fitted(
    latents: tuple[NDArray[np.floating], NDArray[np.floating]],
    target: tuple[FloatArray, FloatArray],
    planted: FloatArray,
    seed: int,
) -> _Scores:
    """Correlation of unseen targets with squared places along the fitting people's directions.

    Latents and targets come in pairs: of the audited people, of the fitting people.
    The two ends are weighed by the fourth power of their eigenvalues: the end that stands out of
    the noise counts.
    """
    whitening = fit_whitening(latents[1])
    unseen, known = (whitening.apply(part) for part in latents)
    both, y = np.concatenate([unseen, known]), np.concatenate(target)
    n = len(unseen)
    targets = _plant(both, y, planted, seed, n)
    theirs = targets[n:] - targets[n:].mean(axis=0)
    ends, directions = extreme_eigenvalues(winsorised(known), theirs, seed=seed)
    ours = targets[:n] - targets[:n].mean(axis=0)
    ours /= np.sqrt(np.sum(ours**2, axis=0))
    weights = np.sign(ends) * (ends / np.abs(ends).max(axis=1, keepdims=True)) ** 4
    weights /= np.sqrt(np.sum(weights**2, axis=1, keepdims=True))
    rows = winsorised(unseen)
    total = np.zeros(targets.shape[1])
    for end in (0, 1):
        squares = (rows @ directions[:, end].T) ** 2
        squares -= squares.mean(axis=0)
        squares /= np.maximum(np.sqrt(np.sum(squares**2, axis=0)), 1e-12)
        total += weights[:, end] * np.sum(squares * ours, axis=0)
    return _Scores(total, ends[0], whitening.rank, len(known))


def _too_few(found: _Scores) -> str:
    needed = found.rank + SPARE_ROWS
    if found.fitted_on >= needed:
        return ""
    return f"{found.fitted_on} people for {found.rank} directions of the latents: at least {needed}"


def _plant(
    whitened: FloatArray, target: FloatArray, planted: FloatArray, seed: int, audited: int = 0
) -> FloatArray:
    """The target, then sqrt(r)·q(z) + sqrt(1-r)·(target permuted), shape (n, 1 + m).

    The first `audited` rows trade targets among themselves, and so do the others.
    """
    n, count = len(whitened), len(planted)
    y = (target - target.mean()) / target.std()
    rows = permuted_rows(n - audited, count, seed) + audited
    if audited:
        rows = np.column_stack([permuted_rows(audited, count, seed + 1), rows])
    columns = y[rows].T * np.sqrt(1 - planted)
    leaking = planted > 0
    members = quadratic_members(whitened, int(leaking.sum()), seed)
    columns[:, leaking] += np.sqrt(planted[leaking]) * members
    return np.column_stack([y, columns])


def winsorised(whitened: FloatArray) -> FloatArray:
    """Whitened latents (n, d) whose wild coordinates and rows are pulled in, so none rules A."""
    z = np.clip(whitened, -LARGEST_COORDINATE, LARGEST_COORDINATE)
    norms = np.linalg.norm(z, axis=1)
    limit = LARGEST_ROW * float(np.median(norms))
    return np.asarray(z * np.minimum(1.0, limit / np.maximum(norms, 1e-12))[:, None])


def quadratic_members(whitened: FloatArray, count: int, seed: int = 0) -> FloatArray:
    """Random |u·z| and (u·z)(v·z) by turns, shape (n, count), of zero mean and unit variance.

    u and v are uniform on the sphere and at right angles (with a single direction: |z| and z²).
    """
    d = whitened.shape[1]
    rng = np.random.default_rng(seed + 1)
    u, v = (_unit(rng.standard_normal((d, count))) for _ in range(2))
    if d > 1:
        v = _unit(v - u * np.sum(u * v, axis=0))
    first, second = whitened @ u, whitened @ v
    members = np.where(np.arange(count) % 2 == 0, np.abs(first), first * second)
    members -= members.mean(axis=0)
    return np.asarray(members / np.maximum(members.std(axis=0), 1e-12))


def extreme_eigenvalues(
    z: FloatArray, targets: FloatArray, *, steps: int = STEPS, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest eigenvalue of mean(t z zᵀ) for each column of targets.

    Lanczos from one random start for all targets at once, with full reorthogonalisation: two
    matrix products a step, in float32. Exact to its rounding when `steps` reaches d.

    Args:
        z: shape (n, d). targets: shape (n, T), centred. steps: Lanczos steps at most.

    Returns:
        eigenvalues, shape (T, 2), and their directions, shape (T, 2, d).
    """
    n, d = z.shape
    count, steps = targets.shape[1], min(steps, d)
    rows, weights = z.astype(np.float32), (targets / n).astype(np.float32)
    start = np.random.default_rng(seed).standard_normal((d,))
    vector = np.tile(start / np.sqrt(start @ start), (count, 1))
    basis = np.zeros((count, steps, d))
    tridiagonal = np.zeros((count, steps, steps))
    for k in range(steps):
        basis[:, k] = vector
        image = _apply(rows, weights, vector)[:, :, None]
        known = basis[:, : k + 1]
        tridiagonal[:, k, k] = (basis[:, k, None] @ image)[:, 0, 0]
        for _ in range(2):  # once leaves rounding that a long run amplifies
            image = image - known.transpose(0, 2, 1) @ (known @ image)
        length = np.sqrt(np.sum(image[:, :, 0] ** 2, axis=1, keepdims=True))
        # An invariant subspace: what is left is rounding.
        length[length < 1e-6] = 0.0
        if k + 1 < steps:
            tridiagonal[:, k, k + 1] = tridiagonal[:, k + 1, k] = length[:, 0]
            vector = image[:, :, 0] / np.where(length > 0, length, np.inf)
    values, combinations = np.linalg.eigh(tridiagonal)
    ends: FloatArray = np.asarray(combinations[:, :, [0, -1]], np.float64)
    directions = ends.transpose(0, 2, 1) @ basis
    return np.asarray(values[:, [0, -1]], np.float64), np.asarray(directions, np.float64)


def _apply(
    rows: NDArray[np.float32], weights: NDArray[np.float32], vectors: FloatArray
) -> FloatArray:
    """A·v for each target, shape (T, d)."""
    places = rows @ vectors.T.astype(np.float32)
    places *= weights
    return np.asarray(places.T @ rows, np.float64)


def _unit(columns: FloatArray) -> FloatArray:
    return np.asarray(columns / np.linalg.norm(columns, axis=0))
