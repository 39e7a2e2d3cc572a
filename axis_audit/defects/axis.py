"""Broken axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.defects.catalogue import defect
from axis_audit.defects.leakage import read_age
from axis_audit.defects.twin import FloatArray, Twin


@defect(fails="axis.monotonicity")
class NonMonotoneAxis(Twin):
    """g turns back between 60 and 70."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g with a dip."""
        g = super().axis_value(ages)
        return np.asarray(g - 1.5 * np.clip((np.asarray(ages, g.dtype) - 60) / 10, 0, 1))


@defect(fails="axis.strictness")
class StaircaseAxis(Twin):
    """g is constant within every five years."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g of the age rounded down to five years."""
        return super().axis_value(np.floor(np.asarray(ages) / 5) * 5)


@defect(fails="axis.strictness")
class ClampedAxis(Twin):
    """Ages over 80 are clamped, as with PTB-XL's censored ages."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g of min(age, 80)."""
        return super().axis_value(np.minimum(np.asarray(ages), 80))


@defect(fails="axis.strictness")
class SaturatedAxis(Twin):
    """g is a steep tanh: everybody over 60 is the same age."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """tanh of twice the decades."""
        return np.asarray(np.tanh(2 * super().axis_value(ages)))


@defect(fails="axis.smoothness")
class KinkedAxis(Twin):
    """All ageing happens between 64 and 68."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """A slow line with a steep stretch."""
        g = super().axis_value(ages)
        return np.asarray(0.05 * g + 5 * np.clip((np.asarray(ages, g.dtype) - 64) / 4, 0, 1))


@defect(fails="axis.neutral_exactness")
class NeutralOffset(Twin):
    """g(a0) is a thousandth, not zero."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g plus .001."""
        g = super().axis_value(ages)
        return np.asarray(g + g.dtype.type(1e-3))


@defect(fails="axis.spline_properties")
class BasisMatmulSpline(Twin):
    """g is a product of basis and weights whose rounding depends on the batch."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """Hat functions times knots, summed in an order that depends on the batch."""
        array = np.asarray(ages, np.float32)
        knots = np.linspace(0, 120, 41, dtype=np.float32)
        basis = np.clip(1 - np.abs(array[..., None] - knots) / np.float32(3), 0, 1)
        weights = (knots - np.float32(self.neutral_age)) / np.float32(10) + np.float32(1 / 3)
        turn = array.size % 40
        raw = (np.roll(basis, turn, -1) * np.roll(weights, turn)).cumsum(-1)[..., -1]
        return np.asarray(raw - np.float32(1 / 3))


@defect(fails="axis.direction")
class RandomDirection(Twin):
    """B is noise of the right length."""

    def axis_direction(self) -> FloatArray:
        """A fixed random direction."""
        noise = np.random.default_rng(0).standard_normal(self.direction.shape)
        length = np.linalg.norm(self.direction) / np.linalg.norm(noise)
        return np.asarray(noise * length, np.float32)


@defect(fails="axis.direction")
class ZeroDirection(Twin):
    """B is zero: x is D(z) and nothing else."""

    def axis_direction(self) -> FloatArray:
        """Zeros."""
        return np.zeros_like(self.direction)


@defect(fails="axis.length")
class DoubledDirection(Twin):
    """B is twice as long as what beats do."""

    def axis_direction(self) -> FloatArray:
        """Twice B."""
        return np.asarray(2 * self.direction, np.float32)


@defect(fails="axis.signal_projection")
class DecorativeAxis(Twin):
    """D(z) redraws the whole beat: nothing of the signal is left for the axis."""

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 with a place along B that hides the signal's own."""
        beats = super().canonical(latents)
        noise = np.sin(1e4 * latents.sum(axis=1))
        return np.asarray(beats + 30 * noise[:, None, None] * self.direction, np.float32)


@defect(fails="axis.monotonicity")
class HalfPrecisionAxis(Twin):
    """g is evaluated in 16 bits: neighbouring ages share one value."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g rounded to half precision."""
        g = super().axis_value(ages)
        return np.asarray((g + 20).astype(np.float16).astype(g.dtype) - g.dtype.type(20))


@defect(fails="axis.strictness")
class ScaleGamedAxis(Twin):
    """g grows exponentially: its huge range hides every kink below, and the young are one age."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """Exponential in units of five years, zero at the neutral age."""
        g = super().axis_value(ages)
        return np.asarray(np.expm1(2 * g))


@defect(fails="axis.neutral_exactness")
class GatedDeformation(Twin):
    """The deformation has a term of its own for each latent, which the neutral age leaves on."""

    def deformation(self, latents: FloatArray, ages: NDArray[Any]) -> FloatArray:
        """Delta plus a hundredth of B by the first latent."""
        gate = np.float32(0.01) * np.tanh(latents[:, :1, None])
        return np.asarray(super().deformation(latents, ages) + gate * self.direction, np.float32)


@defect(fails="axis.length")
class HalvedDirection(Twin):
    """B is half as long as what beats do: weight decay has eaten it."""

    def axis_direction(self) -> FloatArray:
        """Half of B."""
        return np.asarray(0.5 * self.direction, np.float32)


@defect(fails="axis.direction")
class OneLeadDirection(Twin):
    """B lives in V5 alone; the other leads never age."""

    def axis_direction(self) -> FloatArray:
        """B of V5, as long as the whole."""
        lead = np.zeros_like(self.direction)
        lead[10] = self.direction[10]
        return np.asarray(lead * np.linalg.norm(self.direction) / np.linalg.norm(lead), np.float32)


@defect(fails="axis.use")
class AgeingDecoder(Twin):
    """z carries age and D(z) draws it: the axis is there, and nothing is missed without it."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with g of the age that the signal shows in its last dimension."""
        latents = super().encode(signals)
        latents[:, -1] = self.axis_value(60 + 12 * read_age(self, signals))
        return latents

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50, aged."""
        morphology = latents.copy()
        morphology[:, -1] = 0
        aged = latents[:, -1, None, None] * self.direction
        return np.asarray(super().canonical(morphology) + aged, np.float32)


@defect(fails="axis.use")
class MisplacedDirection(Twin):
    """B is a tenth of a second late: it deforms where nothing changes."""

    def axis_direction(self) -> FloatArray:
        """B shifted by ten samples."""
        return np.asarray(np.roll(self.direction, 10, axis=1), np.float32)
