"""Intervals of single statistics in closed form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from axis_audit.finding import Interval
from axis_audit.statistics.levels import Estimate, Levels


def spearman(x: ArrayLike, y: ArrayLike, levels: Levels) -> Estimate:
    """Spearman's correlation of x and y, shape (n,) each, one value a patient.

    NaN in the input, a constant input or n < 4 gives the undefined (NaN) estimate.

    Source: Bonett & Wright 2000, Psychometrika 65:23 (standard error on Fisher's z).
    """
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"x and y need one shape (n,), got {a.shape} and {b.shape}")
    n = a.size
    if n < 4 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return Estimate.undefined()
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return Estimate.undefined()
    r = float(np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1])
    # A perfect order in a sample is no proof of one in the population: half a step of the
    # coefficient's grid keeps Fisher's z finite.
    limit = 1 - 6 / (n * (n * n - 1.0))
    centre = math.atanh(min(max(r, -limit), limit))
    error = math.sqrt((1 + r * r / 2) / (n - 3))

    def interval(tail: float) -> Interval:
        half = float(special.ndtri(1 - tail)) * error
        low, high = math.tanh(centre - half), math.tanh(centre + half)
        return (-1.0 if r <= -limit else low, 1.0 if r >= limit else high)

    return Estimate(r, interval(levels.pass_tail), interval(levels.fail_tail))


def quantile(values: ArrayLike, q: float, levels: Levels, *, low: float = -math.inf) -> Estimate:
    """The q-quantile of values (n,), with a distribution-free interval of order statistics.

    Args:
        values: one value a patient. q: in (0, 1). levels: tails.
        low: the smallest possible value (0 for magnitudes): the lower bound where n is too small
            for an order statistic to be one. The upper bound is then +inf.

    Source: Conover 1999, Practical Nonparametric Statistics, section 3.2.
    """
    x = np.sort(np.asarray(values, np.float64).ravel())
    if not 0 < q < 1:
        raise ValueError(f"q must lie between 0 and 1, got {q}")
    if x.size == 0 or not np.isfinite(x).all():
        return Estimate.undefined()
    counts = stats.binom(x.size, q)

    def interval(tail: float) -> Interval:
        # x[l-1] > quantile needs fewer than l values below it: P(Bin(n, q) <= l - 1) <= tail.
        lower = int(np.searchsorted(counts.cdf(np.arange(x.size)), tail, side="right"))
        above = counts.sf(np.arange(x.size))  # P(Bin >= u + 1) for u = 0...
        upper = int(np.argmax(above <= tail)) + 1 if np.any(above <= tail) else x.size + 1
        return (
            float(x[lower - 1]) if lower >= 1 else low,
            float(x[upper - 1]) if upper <= x.size else math.inf,
        )

    value = float(np.quantile(x, q))
    return Estimate(value, interval(levels.pass_tail), interval(levels.fail_tail))


def proportion(successes: int, n: int, levels: Levels) -> Estimate:
    """A proportion of n patients with its exact interval; n = 0 is undefined.

    Source: Clopper & Pearson 1934, Biometrika 26:404.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} are not a proportion")
    if n == 0:
        return Estimate.undefined()

    def interval(tail: float) -> Interval:
        low = special.betaincinv(successes, n - successes + 1, tail) if successes else 0.0
        high = special.betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
        return float(low), float(high)

    return Estimate(successes / n, interval(levels.pass_tail), interval(levels.fail_tail))


def mean(values: ArrayLike, levels: Levels) -> Estimate:
    """The mean of values (n,), one a patient, with Student's t interval; n < 2 is undefined."""
    x = np.asarray(values, np.float64).ravel()
    if x.size < 2 or not np.isfinite(x).all():
        return Estimate.undefined()
    centre, error = float(x.mean()), float(x.std(ddof=1) / math.sqrt(x.size))

    def interval(tail: float) -> Interval:
        half = float(special.stdtrit(x.size - 1, 1 - tail)) * error
        return centre - half, centre + half

    return Estimate(centre, interval(levels.pass_tail), interval(levels.fail_tail))
