"""g, the age axis: a strictly increasing piecewise-linear function of age with g(a0) = 0.

Published: a spline with strictly positive increments, g(a) = g_raw(a) - g_raw(a0), a0 learned.
Chosen here: knots every 5 years from 15 to 95, softplus increments in float32 with a small floor,
the first and the last segment continued linearly outside the knots, and evaluation by gathering a
segment and interpolating in it. A product with a basis matrix would sum in an order that depends
on the batch, and g(a0) would then miss zero by a few units in the last place.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

SMALLEST_INCREMENT = 1e-2
"""Least rise of g from knot to knot: a step of 0.1 y stays far above float32's resolution."""


class MonotoneSpline(nn.Module):
    """Strictly increasing g with a learned neutral age.

    Args:
        low, high: first and last knot, years. step: distance of knots, years.
        neutral_age: where a0 starts, years. slope: what g's slope starts with, per year.
    """

    def __init__(
        self,
        low: float = 15.0,
        high: float = 95.0,
        step: float = 5.0,
        neutral_age: float = 50.0,
        slope: float = 0.2,
    ) -> None:
        super().__init__()
        self.low, self.step = float(low), float(step)
        self.segments = round((high - low) / step)
        start = math.log(math.expm1(slope * step - SMALLEST_INCREMENT))  # softplus inverted
        self.raw_increments = nn.Parameter(torch.full((self.segments,), start))
        self.neutral_age = nn.Parameter(torch.tensor(float(neutral_age)))

    def increments(self) -> Tensor:
        """Rise of g over every segment, float32, shape (segments,), all positive."""
        return softplus(self.raw_increments.float()) + SMALLEST_INCREMENT

    def set_increments(self, increments: Tensor) -> None:
        """Take up rises of g over every segment, shape (segments,), all above the floor."""
        with torch.no_grad():
            self.raw_increments.copy_(
                torch.log(torch.expm1(increments.double() - SMALLEST_INCREMENT))
            )

    def forward(self, ages: Tensor, frozen_rise: bool = False) -> Tensor:
        """g(ages).

        Args:
            ages: years, float32 or float64, any shape; NaN gives NaN.
            frozen_rise: let gradients reach a0 but not the increments.

        Returns:
            g, of the shape and dtype of `ages`; bitwise 0 where an age equals a0.
        """
        increments = self.increments().detach() if frozen_rise else self.increments()
        neutral = self.neutral_age.to(ages.dtype)
        return self._raw(ages, increments) - self._raw(neutral, increments)

    def unanchored(self, ages: Tensor) -> Tensor:
        """g_raw(ages), zero at the first knot: g but for a constant, and without a0."""
        return self._raw(ages, self.increments())

    def _raw(self, ages: Tensor, increments: Tensor) -> Tensor:
        heights = torch.cat([increments.new_zeros(1), increments.cumsum(0)[:-1]]).to(ages.dtype)
        slopes = (increments / self.step).to(ages.dtype)
        # Single IEEE operations only (no lerp, no addcmul: their fused multiply-add may differ
        # between vector lanes and remainders), so that one age always gives the same bits.
        position = torch.floor((ages.detach() - self.low) / self.step)
        position = position.nan_to_num(0.0).clamp(0, self.segments - 1)
        segment = position.long()
        offset = ages - (position * self.step + self.low)
        return heights[segment] + offset * slopes[segment]

    def roughness(self) -> Tensor:
        """Second differences of g on a one-year grid, over g's range between the end knots.

        Returns:
            shape (segments - 1,), per year²: on such a grid g bends only at its knots.
        """
        increments = self.increments()
        return (increments / self.step).diff() / increments.sum()
