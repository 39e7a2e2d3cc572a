"""Axes broken where few people are, between the ages one looks at, or in what they deform."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.defects.catalogue import defect
from axis_audit.defects.twin import NEUTRAL_AGE, FloatArray, Twin


@defect(fails="axis.spline_properties")
class ReversedBeyondPeople(Twin):
    """g turns back at 97, the oldest of the training people."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g reflected at 97."""
        array = np.asarray(ages)
        return super().axis_value(np.where(array > 97, 194 - array, array))


@defect(fails="axis.spline_properties")
class FlatForCentenarians(Twin):
    """g stands still from 100 to 102."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g of ages that wait at 100."""
        array = np.asarray(ages)
        return super().axis_value(np.where((array > 100) & (array < 102), 100, array))


@defect(fails="axis.spline_properties")
class NarrowDip(Twin):
    """g falls for three weeks of everybody's life: no grid of tenths of a year sees it."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g, three units lower between 63.02 and 63.08."""
        array = np.asarray(ages)
        g = super().axis_value(array)
        return np.asarray(g - g.dtype.type(3) * ((array > 63.02) & (array < 63.08)))


@defect(fails="axis.spline_properties")
class NeutralBySpecialCase(Twin):
    """g(a0) is zero because somebody wrote `if age == a0`; beside it g is not."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g less a little, but at the neutral age."""
        g = super().axis_value(ages)
        return np.asarray(np.where(np.asarray(ages) == NEUTRAL_AGE, g, g - g.dtype.type(0.03)))


@defect(fails="axis.monotonicity")
class AxisUpsideDown(Twin):
    """-g and -B: every beat is deformed as it should be, and older is less."""

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """-g."""
        return np.asarray(-super().axis_value(ages))

    def axis_direction(self) -> FloatArray:
        """-B."""
        return np.asarray(-self.direction, np.float32)


@defect(fails="axis.direction")
class NegatedDirection(Twin):
    """B makes everybody younger."""

    def axis_direction(self) -> FloatArray:
        """-B."""
        return np.asarray(-self.direction, np.float32)


@defect(fails="axis.one_direction")
class DeformationOfItsOwn(Twin):
    """How much a year deforms depends on the latent; the g and B that are shown do not."""

    def deformation(self, latents: FloatArray, ages: NDArray[Any]) -> FloatArray:
        """Delta times a factor of the first latent, nothing at the neutral age."""
        factor = 1 + 0.5 * np.tanh(latents[:, :1, None])
        return np.asarray(super().deformation(latents, ages) * factor, np.float32)


@defect(fails="axis.one_direction")
class DeadDeformation(Twin):
    """The decoder never adds the deformation: g and B are there to be looked at."""

    def deformation(self, latents: FloatArray, ages: NDArray[Any]) -> FloatArray:
        """Zeros."""
        return np.zeros_like(super().deformation(latents, ages))


@defect(fails="axis.every_lead")
class OneLeadUpsideDown(Twin):
    """B has the wrong sign in V1, too small a lead to turn the cosine over all of them."""

    def axis_direction(self) -> FloatArray:
        """B with V1 negated."""
        turned = self.direction.copy()
        turned[6] *= -1
        return turned


@defect(fails="axis.neutral_beat")
class CanonicalAtSixtyFive(Twin):
    """D(z) draws everybody at sixty-five, though g is zero at the neutral age of fifty."""

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 plus fifteen years of B."""
        return np.asarray(super().canonical(latents) + 1.5 * self.direction, np.float32)
