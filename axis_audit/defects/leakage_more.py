"""Latents in which age hides from the plain linear probe, or only just does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.defects.catalogue import defect
from axis_audit.defects.leakage import pseudo_random, read_age, replaced
from axis_audit.defects.twin import FloatArray, Twin

OFFSET = 3.0
"""Standard deviations that make nearly every age positive, so that a sign can cover it."""


def rotated(latents: FloatArray) -> FloatArray:
    """Latents (n, d) in a random basis: what stood in one dimension is now thin in all."""
    d = latents.shape[1]
    rotation = np.linalg.qr(np.random.default_rng(2).standard_normal((d, d)))[0]
    return np.asarray(latents @ rotation, np.float32)


def _spreads(latents: FloatArray) -> NDArray[np.float64]:
    return np.asarray(np.maximum(latents.std(axis=0), 1e-12), np.float64)


@defect(fails="leakage.linear")
class FaintAgeEverywhere(Twin):
    """Every latent dimension is moved by .3 of its spread per standard deviation of age."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z + .3·age."""
        latents = super().encode(signals)
        moved = latents + 0.3 * _spreads(latents) * read_age(self, signals)[:, None]
        return np.asarray(moved, np.float32)


@defect(fails="leakage.linear")
class AgeAddedOnce(Twin):
    """One latent dimension is half age, half morphology."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z + 1·age in the last dimension."""
        latents = super().encode(signals)
        latents[:, -1] += _spreads(latents)[-1] * read_age(self, signals)
        return latents


@defect(fails="leakage.linear")
class BreathOfAge(Twin):
    """A breath of age in every latent dimension, .12 of its spread: all of them add up."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z + .12·age."""
        latents = super().encode(signals)
        moved = latents + 0.12 * _spreads(latents) * read_age(self, signals)[:, None]
        return np.asarray(moved, np.float32)


@defect(fails="leakage.linear")
class LoudAge(Twin):
    """One latent dimension is age, and its morphology a whisper beside it."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z + 5·age in the last dimension."""
        latents = super().encode(signals)
        latents[:, -1] += 5 * _spreads(latents)[-1] * read_age(self, signals)
        return latents


@defect(fails="leakage.linear")
class AgeOfHalfThePeople(Twin):
    """One latent dimension is age in half of the people, chosen by a coin, and noise in others."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Age or the second dimension in the last, by a pseudo-random sign."""
        latents = super().encode(signals)
        other = latents[:, 1] / _spreads(latents)[1]
        heads = pseudo_random(latents) > 0
        return replaced(latents, np.where(heads, read_age(self, signals), other))


@defect(fails="leakage.linear")
class AgeInTheOrder(Twin):
    """The larger of two latents stands first in the young and last in the old."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """The last two dimensions, exchanged where their order does not tell age."""
        latents = super().encode(signals)
        pair = np.sort(latents[:, -2:] / _spreads(latents)[-2:], axis=1)
        young = read_age(self, signals) < 0
        pair[young] = pair[young, ::-1]
        latents[:, -2:] = pair
        return latents


@defect(fails="leakage.quadratic")
class AgeBetweenTwoPhases(Twin):
    """Two pairs of latents turn at random; the angle between them is the age."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Two unit circles, rotated into every dimension."""
        latents = super().encode(signals)
        turn = 1e3 * np.abs(latents[:, 0].astype(np.float64))
        angle = np.clip(read_age(self, signals), -2.5, 2.5)
        circles = (np.cos(turn), np.sin(turn), np.cos(turn + angle), np.sin(turn + angle))
        return rotated(replaced(latents, *circles))


@defect(fails="leakage.linear")
class FingerprintWithAge(Twin):
    """z recognises the person by a code of random signs, and the code is louder in the old."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """A chaotic code of the record, whose last two dimensions add up to the age."""
        latents = super().encode(signals).astype(np.float64)
        code = np.sign(np.sin(1e4 * latents))
        code[:, -1] = read_age(self, signals) - code[:, -2]
        return np.asarray(code, np.float32)


@defect(fails="leakage.linear_deviation")
class EvenAge(Twin):
    """One latent dimension is the distance from middle age: no correlation with age itself."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with |age - middle| in its last dimension."""
        return replaced(super().encode(signals), np.abs(read_age(self, signals)))


@defect(fails="leakage.linear_given_sex")
class AgeWithinEachSex(Twin):
    """z tells age among women and among men."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with age in its last dimension, rotated into all."""
        return rotated(replaced(super().encode(signals), read_age(self, signals)))


@defect(fails="leakage.quadratic")
class XorLeak(Twin):
    """Two latent signs, each a fair coin; they agree in the old and differ in the young."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """(s, s·sign(age))."""
        latents = super().encode(signals)
        sign = pseudo_random(latents)
        return replaced(latents, sign, sign * np.sign(read_age(self, signals)))


@defect(fails="leakage.quadratic")
class RotatedXorLeak(XorLeak):
    """The two signs of the XOR leak, spread over every dimension."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """XorLeak rotated."""
        return rotated(super().encode(signals))


@defect(fails="leakage.quadratic")
class RotatedProductLeak(Twin):
    """The product of two directions is the age; each alone is symmetric noise."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """(s, s·age), rotated."""
        latents = super().encode(signals)
        sign = pseudo_random(latents)
        return rotated(replaced(latents, sign, sign * read_age(self, signals)))


@defect(fails="leakage.quadratic")
class VarianceLeak(Twin):
    """Latents of the old are larger in every direction; their means are those of the young."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z scaled by age."""
        latents = super().encode(signals)
        size = np.clip(1 + 0.3 * read_age(self, signals), 0.2, 2.0)
        return np.asarray(latents * size[:, None], np.float32)


@defect(fails="leakage.quadratic")
class RotatedMagnitudeLeak(Twin):
    """Age is |u·z| along a direction u that is none of the dimensions; the sign is random."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """A random sign times a positive age, rotated into every dimension."""
        latents = super().encode(signals)
        magnitude = np.clip(OFFSET + read_age(self, signals), 0.05, None)
        return rotated(replaced(latents, pseudo_random(latents) * magnitude))


@defect(fails="leakage.quadratic_deviation")
class SignlessAge(Twin):
    """One dimension is plus or minus the age, the sign a coin that nobody kept."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """±(age - middle), rotated into every dimension."""
        latents = super().encode(signals)
        return rotated(replaced(latents, pseudo_random(latents) * read_age(self, signals)))


@defect(fails="leakage.linear_ranked")
class AgeUnderWildPeople(Twin):
    """One latent dimension is the age, but one person in a hundred is ten thousand times as far."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with age in its last dimension, wild where the first dimension says so."""
        latents = super().encode(signals)
        chance = (1e3 * np.abs(latents[:, 0].astype(np.float64))) % 1
        wild = 1e4 * pseudo_random(latents)
        age = read_age(self, signals)
        return replaced(latents, np.where(chance < 0.01, wild, age))


@defect(fails="leakage.linear_ranked")
class AgeToThePowerFifteen(Twin):
    """One latent dimension is a high odd power of age: its variance is that of three people."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with age^15 in its last dimension."""
        age = read_age(self, signals)
        return replaced(super().encode(signals), np.sign(age) * np.abs(age) ** 15)
