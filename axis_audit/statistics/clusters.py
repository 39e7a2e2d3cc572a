"""A proportion whose trials come in clusters that share something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from axis_audit.finding import Interval
from axis_audit.statistics.levels import Estimate, Levels


def clustered_proportion(
    successes: Sequence[float], sizes: Sequence[int], levels: Levels
) -> Estimate:
    """A proportion with an interval that allows for likeness within clusters; undefined without n.

    The exact interval at the effective number of trials n / (1 + (k - 1)·icc), icc the intraclass
    correlation of a one-way analysis of variance, never below 0.

    Args:
        successes: of each cluster. sizes: trials of each cluster. levels: tails.

    Raises:
        ValueError: successes beyond the trials, or another number of clusters.

    Source: Korn & Graubard 1998, Survey Methodology 24:193; Donner & Klar 2000, chapter 1.
    """
    hits, n = np.asarray(successes, float), np.asarray(sizes, float)
    if hits.shape != n.shape or np.any(hits < 0) or np.any(hits > n):
        raise ValueError(f"successes {successes} of {sizes} are no proportions")
    hits, n = hits[n > 0], n[n > 0]
    if n.size == 0:
        return Estimate.undefined()
    rate = float(hits.sum() / n.sum())
    effective = float(n.sum()) / _design_effect(hits, n)
    found = rate * effective

    def interval(tail: float) -> Interval:
        low = special.betaincinv(found, effective - found + 1, tail) if rate > 0 else 0.0
        high = special.betaincinv(found + 1, effective - found, 1 - tail) if rate < 1 else 1.0
        return float(low), float(high)

    return Estimate(rate, interval(levels.pass_tail), interval(levels.fail_tail))


def _design_effect(hits: np.ndarray, n: np.ndarray) -> float:
    """1 + (k - 1)·icc, at least 1; 1 where clusters cannot be compared or nothing varies."""
    clusters, total = n.size, n.sum()
    rate = hits.sum() / total
    if clusters < 2 or total <= clusters or rate in {0.0, 1.0}:
        return 1.0
    between = float(np.sum(n * (hits / n - rate) ** 2)) / (clusters - 1)
    within = float(np.sum(hits * (1 - hits / n))) / (total - clusters)
    size = (total - np.sum(n**2) / total) / (clusters - 1)
    spread = between + (size - 1) * within
    icc = (between - within) / spread if spread > 0 else 0.0
    return float(max(1.0, 1 + (np.sum(n**2) / total - 1) * icc))
