"""The leakage interval of a fitted probe: invert a test whose tails come from planted leaks.

A fitted probe recovers less than the leak and a bootstrap of its predictions does not know it. So
leaks of known size r are planted in the very latents under audit, scored by the same probe, and the
observed score is compared with theirs: r belongs to the interval when the observed score is in
neither tail of the scores planted at r.

The tails are fitted: scores planted at one r count as draws of a normal distribution, and the
observed score as one draw more (Student's t with k-1 degrees of freedom for the k plants, standard
deviation inflated by sqrt(1 + 1/k)); between planted levels mean, standard deviation and degrees of
freedom are interpolated along sqrt(r). The normal fit is tested and a misfit is a complaint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, optimize, special, stats

from axis_audit.finding import Interval
from axis_audit.statistics.levels import Levels

FloatArray = NDArray[np.float64]
_STRICT = 0.001
"""Level of the tests of the calibration itself: one false alarm in a thousand audits."""


@dataclass(frozen=True)
class PlantedCurve:
    """Scores of one probe on planted leaks and on the target itself.

    Attributes:
        planted: leak R² of each plant, shape (m,), with several plants at 0 and at the margin.
        scores: the probe's score of each plant, shape (m,), roughly normal at each level.
        observed: the probe's score of the target.
    """

    planted: NDArray[np.float64]
    scores: NDArray[np.float64]
    observed: float


@dataclass(frozen=True)
class PlantedLeak:
    """A leak on the R² scale, inverted from planted scores.

    Attributes:
        estimate: the r whose mean planted score equals the observed one.
        interval, fail_interval: at the levels' pass_tail and fail_tail.
        power_at_margin: share of the scores planted at the margin above the null's upper pass_tail.
        null_at_zero: whether the null's mean score is consistent with the score of no leak, 0.
        complaint: why the tails cannot be trusted, or "".
        minimum_detectable: smallest r that would FAIL with 90 % power; None beyond the grid.
        curve: series for the figure: levels, mean, low, high (pass tails), observed, margin.
    """

    estimate: float
    interval: Interval
    fail_interval: Interval
    power_at_margin: float
    null_at_zero: bool
    complaint: str
    minimum_detectable: float | None
    curve: dict[str, object]


def invert(curve: PlantedCurve, margin: float, levels: Levels) -> PlantedLeak:
    """Invert the planted scores into a leak estimate with both intervals.

    PASS (upper end at most the margin) exactly when the observed score lies in the lower pass_tail
    of those planted at the margin; FAIL (lower end above it) exactly when in the upper fail_tail.
    A bound beyond the largest planted leak is reported as that leak (lower) or 1 (upper).

    Raises:
        ValueError: shapes that do not match, or fewer than 5 plants at a level, at 0 or the margin.
    """
    planted, scores = np.asarray(curve.planted, float), np.asarray(curve.scores, float)
    if planted.shape != scores.shape or planted.ndim != 1:
        raise ValueError(f"planted {planted.shape} and scores {scores.shape} need one shape (m,)")
    if np.isnan(scores).any() or np.isnan(curve.observed):
        return _undefined(curve, margin)
    for r in (0.0, margin):
        if r not in planted:
            raise ValueError(f"no plants of R² {r:g}: the rule compares with them")
    tails = _Tails(planted, scores)
    grid = tails.grid(margin)
    low_tail = tails.lower(curve.observed, grid)
    null_limit = tails.limit(0.0, 1 - levels.pass_tail)
    return PlantedLeak(
        estimate=_estimate(tails.mean(grid), grid, curve.observed),
        interval=_interval(low_tail, grid, margin, levels.pass_tail),
        fail_interval=_interval(low_tail, grid, margin, levels.fail_tail),
        power_at_margin=float(np.mean(scores[planted == margin] > null_limit)),
        null_at_zero=_null_at_zero(scores[planted == 0]),
        complaint=_complaint(planted, scores),
        minimum_detectable=_detectable(tails, grid, margin, levels.fail_tail),
        curve=_series(curve, tails, margin, levels.pass_tail),
    )


class _Tails:
    """Mean, standard deviation and degrees of freedom of planted scores as functions of r."""

    def __init__(self, planted: FloatArray, scores: FloatArray) -> None:
        self.levels, counts = np.unique(planted, return_counts=True)
        if counts.min(initial=5) < 5:
            few = self.levels[np.argmin(counts)]
            raise ValueError(f"{counts.min()} plants of R² {few:g}: every level needs at least 5")
        groups = [scores[planted == r] for r in self.levels]
        means = np.array([g.mean() for g in groups])
        # A larger leak is read at least as well: disagreements between levels are noise.
        self._means = optimize.isotonic_regression(means, weights=counts).x
        self._roots, self._counts = np.sqrt(self.levels), counts.astype(float)
        self._deviations = np.array([max(g.std(ddof=1), 1e-12) for g in groups])
        self._curve = interpolate.PchipInterpolator(self._roots, self._means)

    def grid(self, margin: float) -> FloatArray:
        """Leaks from 0 to the largest planted one, fine near 0, the margin among them."""
        fine = np.linspace(0, self._roots[-1], 2001) ** 2
        # Rounding must not put a twin beside the margin.
        fine = fine[np.abs(fine - margin) > 1e-9]
        return np.unique(np.concatenate([fine, [margin]]))

    def mean(self, r: FloatArray) -> FloatArray:
        return np.asarray(self._curve(np.sqrt(r)))

    def deviation(self, r: FloatArray) -> FloatArray:
        """Of the observed score around the mean of the plants: both are drawn."""
        k = self._count(r)
        spread = np.interp(np.sqrt(r), self._roots, self._deviations)
        return np.asarray(spread * np.sqrt(1 + 1 / k))

    def _count(self, r: FloatArray) -> FloatArray:
        return np.asarray(np.interp(np.sqrt(r), self._roots, self._counts))

    def lower(self, observed: float, r: FloatArray) -> FloatArray:
        """P(score <= observed) under each leak r."""
        deviate = (observed - self.mean(r)) / self.deviation(r)
        return np.asarray(special.stdtr(self._count(r) - 1, deviate))

    def limit(self, r: float, share: float) -> float:
        """The score below which `share` of those planted at r fall."""
        at = np.array([r])
        deviate = special.stdtrit(self._count(at) - 1, share)
        return float((self.mean(at) + deviate * self.deviation(at))[0])


def _interval(low_tail: FloatArray, grid: FloatArray, margin: float, tail: float) -> Interval:
    """Leaks that the observed score rejects in neither tail, given P(score <= observed) of each.

    A larger leak gives larger scores: what rejects the margin from below rejects all beyond it,
    even where few plants make for wide tails; likewise from above.
    """
    at = int(np.searchsorted(grid, margin))
    below, above = low_tail > tail, 1 - low_tail > tail
    if not above[at]:
        left = np.flatnonzero(above[at:])
        low = grid[at + left[0]] if left.size else grid[-1]
    else:
        low = grid[np.flatnonzero(above[: at + 1])[0]]
    if not below[at]:
        right = np.flatnonzero(below[:at])
        high = grid[right[-1]] if right.size else 0.0
    else:
        high = 1.0 if below[-1] else grid[np.flatnonzero(below)[-1]]
    return float(min(low, high)), float(high)


def _estimate(means: FloatArray, grid: FloatArray, observed: float) -> float:
    reached = np.flatnonzero(means >= observed)
    if not reached.size:
        return float(grid[-1])
    return float(grid[reached[0]])


def _null_at_zero(null: FloatArray) -> bool:
    error = null.std(ddof=1) / np.sqrt(null.size)
    if error == 0:
        return bool(abs(null.mean()) < 1e-12)
    p = 2 * special.stdtr(null.size - 1, -abs(null.mean()) / error)
    return bool(p > _STRICT)


def _complaint(planted: FloatArray, scores: FloatArray) -> str:
    """Whether the normal tails fit, on levels with enough plants to standardise by their own."""
    groups = [scores[planted == r] for r in np.unique(planted)]
    residuals = [
        (g - g.mean()) / g.std(ddof=1) for g in groups if g.size >= 15 and g.std(ddof=1) > 0
    ]
    if not residuals:
        return "too few plants to test the fit of the tails"
    p = float(stats.shapiro(np.concatenate(residuals)).pvalue)
    if p > _STRICT:
        return ""
    return f"planted scores are not normal (Shapiro-Wilk p = {p:.1g}): the fitted tails do not hold"


def _detectable(tails: _Tails, grid: FloatArray, margin: float, tail: float) -> float | None:
    critical = tails.limit(margin, 1 - tail)
    nine_of_ten = tails.mean(grid) - special.ndtri(0.9) * tails.deviation(grid)
    found = np.flatnonzero((nine_of_ten >= critical) & (grid >= margin))
    return float(grid[found[0]]) if found.size else None


def _series(curve: PlantedCurve, tails: _Tails, margin: float, tail: float) -> dict[str, object]:
    levels = tails.levels
    return {
        "levels": levels.tolist(),
        "mean": tails.mean(levels).tolist(),
        "low": [tails.limit(float(r), tail) for r in levels],
        "high": [tails.limit(float(r), 1 - tail) for r in levels],
        "planted": np.asarray(curve.planted, float).tolist(),
        "scores": np.asarray(curve.scores, float).tolist(),
        "observed": float(curve.observed),
        "margin": float(margin),
    }


def _undefined(curve: PlantedCurve, margin: float) -> PlantedLeak:
    nothing = (math.nan, math.nan)
    series: dict[str, object] = {"observed": float(curve.observed), "margin": float(margin)}
    complaint = "the probe's scores are not numbers"
    return PlantedLeak(math.nan, nothing, nothing, 0.0, False, complaint, None, series)
