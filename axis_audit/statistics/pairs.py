"""Means over pairs of different people: U-statistics of order two, with the people as units.

A pair's two people each bring their own luck, so an interval from the number of pairs would be far
too narrow. The projection of Hoeffding (1948, Ann. Math. Stat. 19:293) says what each person adds;
its error, where nothing but pairs differ, is of the order of 1/n.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.statistics.intervals import mean
from axis_audit.statistics.levels import Estimate, Levels

FloatArray = NDArray[np.float64]


def influences(pairs: NDArray[np.floating]) -> FloatArray:
    """What each person (n,) brings to the mean over pairs off the diagonal; they average to it.

    Args:
        pairs: one number for each ordered pair of people, (n, n), n at least 2; the diagonal does
            not matter.
    """
    h = np.asarray(pairs, np.float64)
    n = len(h)
    diagonal = np.diag(h)
    person = (h.sum(axis=0) + h.sum(axis=1) - 2 * diagonal) / (2 * (n - 1))
    return np.asarray(2 * person - person.mean())


def pair_mean(pairs: NDArray[np.floating], levels: Levels) -> Estimate:
    """Mean over pairs of different people, with Student's t interval of their projection."""
    return mean(influences(pairs), levels)


def gap(pairs: NDArray[np.floating], levels: Levels) -> Estimate:
    """Mean of the diagonal (a person with themselves) less that of pairs of different people."""
    return mean(np.diag(pairs).astype(np.float64) - influences(pairs), levels)
