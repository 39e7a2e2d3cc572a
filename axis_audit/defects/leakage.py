"""Latents and canonical beats in which age hides, and latents that hold nothing.

The twin sees only signals, so a leak is planted through what the signal shows of age: the twin's
own predicted age, sharpened by knowing the cohort's age scale.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Batch
from axis_audit.defects.catalogue import defect
from axis_audit.defects.twin import FloatArray, Twin


def read_age(twin: Twin, signals: FloatArray) -> NDArray[np.float64]:
    """The twin's reading of age, standardised roughly: mean 0, SD about 1."""
    intact = Twin(**{f.name: getattr(twin, f.name) for f in dataclasses.fields(Twin)})
    ages = intact.predict_age(Batch(signals, {}))
    return (ages.astype(np.float64) - 60.0) / 12.0


def pseudo_random(latents: FloatArray) -> NDArray[np.float64]:
    """A sign a row that looks random but is a function of the row alone."""
    phase = np.abs(latents[:, 0].astype(np.float64)) * 1e3
    return np.where(np.floor(phase) % 2 == 0, 1.0, -1.0)


def replaced(latents: FloatArray, *columns: NDArray[np.float64]) -> FloatArray:
    """Latents (n, d) with columns (n,) in place of the last dimensions, the first one last."""
    spread = float(latents.std()) or 1.0
    changed = latents.copy()
    for place, column in enumerate(columns):
        changed[:, -1 - place] = spread * column
    return changed


@defect(fails="leakage.linear")
class LatentPlusAge(Twin):
    """One latent dimension is the age."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with age in its last dimension."""
        return replaced(super().encode(signals), read_age(self, signals))


@defect(fails="leakage.linear")
class TinyScaleLeak(Twin):
    """All latents are of scale 1e-4, and age hides in a direction a hundred times smaller."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z scaled down, age far below it."""
        latents = super().encode(signals)
        latents[:, -1] = 0.01 * latents[:, 0].std() * read_age(self, signals)
        return np.asarray(1e-4 * latents, np.float32)


@defect(fails="leakage.linear")
class RotatedLeak(Twin):
    """Age is spread thinly over every dimension."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with age added along a random direction, then rotated."""
        latents = replaced(super().encode(signals), read_age(self, signals))
        d = latents.shape[1]
        rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((d, d)))[0]
        return np.asarray(latents @ rotation, np.float32)


@defect(fails="leakage.mlp")
class SignKey(Twin):
    """z holds (s, s·age), s a random sign: uncorrelated with age, and a perfect copy of it."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """The key and the ciphertext."""
        latents = super().encode(signals)
        sign = pseudo_random(latents)
        return replaced(latents, sign, sign * read_age(self, signals))


@defect(fails="leakage.mlp")
class QuadraticLeak(Twin):
    """Age is the sum of two squares of latents."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Age as the radius of two dimensions, the angle free."""
        latents = super().encode(signals)
        radius = np.sqrt(np.clip(2.5 + read_age(self, signals), 0.05, None))
        angle = 1e3 * np.abs(latents[:, 0].astype(np.float64))
        return replaced(latents, radius * np.cos(angle), radius * np.sin(angle))


@defect(fails="leakage.canonical_norm")
class GrowingCanonical(Twin):
    """Older people get larger canonical beats."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with age in its last dimension, for the decoder to use."""
        return replaced(super().encode(signals), read_age(self, signals))

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 scaled by that age."""
        spread = float(latents[:, -1].std()) or 1.0
        size = np.clip(1 + 0.3 * latents[:, -1] / spread, 0.2, 2.0)
        return np.asarray(super().canonical(latents) * size[:, None, None], np.float32)


@defect(fails="leakage.canonical_linear")
class AgeShapedWave(Twin):
    """The canonical beat's T wave tells age, at constant norm of the beat."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with age in its last dimension, for the decoder to use."""
        return replaced(super().encode(signals), read_age(self, signals))

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 with a T wave by age, normalised."""
        spread = float(latents[:, -1].std()) or 1.0
        beats = super().canonical(latents)
        wave = np.exp(-0.5 * ((np.arange(beats.shape[2]) - 70) / 8) ** 2)
        shaped = beats + (latents[:, -1] / spread)[:, None, None] * wave
        norms = [np.linalg.norm(b, axis=(1, 2), keepdims=True) for b in (beats, shaped)]
        return np.asarray(shaped * norms[0] / norms[1], np.float32)


@defect(fails="leakage.canonical_mlp")
class SignKeyedWave(Twin):
    """The canonical beat holds a random sign in its P wave and sign times age in its T wave."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """The key and the ciphertext."""
        latents = super().encode(signals)
        sign = pseudo_random(latents)
        return replaced(latents, sign, sign * read_age(self, signals))

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 with both drawn in."""
        beats = super().canonical(latents)
        samples = np.arange(beats.shape[2])
        p_wave = np.exp(-0.5 * ((samples - 22) / 4) ** 2)
        t_wave = np.exp(-0.5 * ((samples - 70) / 8) ** 2)
        key, coded = (latents[:, -1 - i] / (latents[:, -1 - i].std() or 1.0) for i in (0, 1))
        drawn = key[:, None, None] * p_wave + coded[:, None, None] * t_wave
        return np.asarray(beats + 3 * drawn, np.float32)


@defect(fails="leakage.non_collapse")
class ConstantLatent(Twin):
    """z is the same for everybody: no probe finds age in it."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Ones."""
        return np.ones((len(signals), len(self.components)), np.float32)


@defect(fails="leakage.non_collapse")
class NoiseLatent(Twin):
    """z is noise, though the same noise for the same beat."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Chaotic functions of the beat."""
        latents = super().encode(signals).astype(np.float64)
        return np.asarray(np.sin(1e4 * latents), np.float32)
