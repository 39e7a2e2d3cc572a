"""g and B in closed form: what one strictly increasing function of age, times one direction, says.

x = mean + g(a)·B is fitted to prepared median beats by alternating least squares, every patient
with the same weight. For a given g, B is the regression of beats on g; for a given B, g is the
increasing piecewise-linear regression of the beats' projections on age, with a penalty on its
second differences (bounded least squares, Stark & Parker 1995, Comput. Stat. 10:129). No gradient
of a reconstruction reaches either: decoder and axis cannot agree on an arbitrary direction.

B has unit norm over the twelve leads, so g carries the size, in the unit of the projection. The
neutral age a0 is the age whose g is the mean g of the people: D(z) then has the mean beat for its
mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.deformation.config import NetworkConfig
from model.deformation.spline import SMALLEST_INCREMENT

FloatArray = NDArray[np.float64]
ROUNDS = 8
SMOOTHING = 0.1
"""Weight of g's squared second differences from knot to knot beside the mean squared error."""
SMALLEST_RISE = 2 * SMALLEST_INCREMENT


@dataclass(frozen=True)
class Axis:
    """A fitted axis.

    Attributes:
        direction: B, unit norm, shape (leads, samples). increments: rise of g over each segment
            between knots, all positive. neutral_age: a0 in years.
    """

    direction: FloatArray
    increments: FloatArray
    neutral_age: float


def fit_axis(
    beats: NDArray[np.floating],
    ages: NDArray[np.floating],
    shares: NDArray[np.floating],
    config: NetworkConfig,
) -> Axis:
    """Fit g, B and a0.

    Args:
        beats: prepared median beats, shape (n, leads, samples). ages: years, shape (n,).
        shares: weight of every row, shape (n,).

    Returns:
        the axis; it is the same for beats and leads in any order.
    """
    from scipy.optimize import lsq_linear

    x = np.asarray(beats, np.float64).reshape(len(beats), -1)
    weight = np.asarray(shares, np.float64) / np.sum(shares, dtype=np.float64)
    centred = x - weight @ x
    basis = hat_basis(np.asarray(ages, np.float64), config)
    knots = basis.shape[1]
    heights = np.tril(np.ones((knots, knots)))  # of knots from a start and increments
    heights[:, 0] = 1.0
    bends = math.sqrt(SMOOTHING) * np.diff(heights, 2, axis=0)
    design = np.concatenate([np.sqrt(weight)[:, None] * (basis @ heights), bends])
    low = np.full(knots, SMALLEST_RISE)
    low[0] = -np.inf
    g = np.asarray(ages, np.float64)
    for _ in range(ROUNDS):
        slope = _regress(centred, g, weight)
        direction = slope / np.linalg.norm(slope)
        target = np.concatenate([np.sqrt(weight) * (centred @ direction), np.zeros(len(bends))])
        solved = lsq_linear(design, target, (low, np.full(knots, np.inf))).x
        g = basis @ (heights @ solved)
    neutral = _age_of(float(weight @ g), heights @ solved, config)
    return Axis(direction.reshape(beats.shape[1:]), solved[1:], neutral)


def hat_basis(ages: FloatArray, config: NetworkConfig) -> FloatArray:
    """Piecewise-linear basis at the knots, shape (n, knots), continued linearly outside them."""
    count = round((config.knot_high - config.knot_low) / config.knot_step)
    place = (ages - config.knot_low) / config.knot_step
    segment = np.clip(np.floor(place), 0, count - 1).astype(int)
    basis = np.zeros((len(ages), count + 1))
    rows = np.arange(len(ages))
    basis[rows, segment] = 1 - (place - segment)
    basis[rows, segment + 1] = place - segment
    return basis


def _regress(centred: FloatArray, g: FloatArray, weight: FloatArray) -> FloatArray:
    away = g - weight @ g
    return np.asarray((weight * away) @ centred / (weight @ away**2))


def _age_of(value: float, heights: FloatArray, config: NetworkConfig) -> float:
    """The age at which a g with these heights at its knots has a value."""
    ages = np.linspace(config.knot_low, config.knot_high, len(heights))
    return float(np.interp(value, heights, ages))
