"""Plain numbers with patient-level intervals, for the looks at a trained system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.levels import Levels

Array = NDArray[np.float64]
DRAWS = 2000


def interval(statistic: Callable[[Array], Array], people: int) -> dict[str, Any]:
    """Estimate and 95 % interval of a statistic of how often each person is drawn.

    Args:
        statistic: maps multiplicities (k, people) to k values.
    """
    found = bootstrap(statistic, people, Levels(0.025, 0.025), draws=DRAWS)
    return {"estimate": rounded(found.value), "interval": [rounded(v) for v in found.interval]}


def ratio(ours: Array, theirs: Array) -> dict[str, Any]:
    """Sum of `ours` over sum of `theirs`, one value a person each, with its interval."""
    return interval(lambda w: (w @ ours) / (w @ theirs), len(ours))


def mean(values: Array) -> dict[str, Any]:
    """The mean over people, with its interval."""
    return interval(lambda w: (w @ values) / w.sum(axis=1), len(values))


def auc(scores: Array, positive: NDArray[np.bool_]) -> dict[str, Any]:
    """Area under the ROC curve, one score a person; ties count half."""
    return interval(area(scores, positive.astype(np.float64)), len(scores))


def auc_drop(before: Array, after: Array, positive: NDArray[np.bool_]) -> dict[str, Any]:
    """How much less the area under the ROC curve is by `after` than by `before`, same people."""
    truth = positive.astype(np.float64)
    first, second = area(before, truth), area(after, truth)
    return interval(lambda w: first(w) - second(w), len(before))


def area(scores: Array, truth: Array) -> Callable[[Array], Array]:
    """The area under the ROC curve as a function of multiplicities (k, people).

    Args:
        truth: 1, 0, or NaN where a person does not count.
    """
    order = np.argsort(scores, kind="stable")
    order = order[~np.isnan(truth[order])]
    ranked, hit = scores[order], truth[order] == 1
    first = np.searchsorted(ranked, ranked, side="left")
    last = np.searchsorted(ranked, ranked, side="right")

    def statistic(weights: Array) -> Array:
        w = weights[:, order]
        negative = np.concatenate([np.zeros((len(w), 1)), np.cumsum(w * ~hit, axis=1)], axis=1)
        below = (negative[:, first] + negative[:, last]) / 2
        wins = ((w * hit) * below).sum(axis=1)
        pairs = (w * hit).sum(axis=1) * negative[:, -1]
        return np.asarray(wins / np.where(pairs > 0, pairs, np.nan))

    return statistic


def rounded(value: float) -> float:
    """Four digits are enough for anybody."""
    return float(f"{value:.4g}")
