"""Whether an axis value rises with age, exactly."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def spearman_exact(ages: ArrayLike, values: ArrayLike) -> float:
    """Spearman's correlation of an axis value with age on a grid of distinct ages, shape (n,).

    1.0 exactly if and only if the values rise strictly; ties lower it; constant or non-finite
    values give NaN.

    Source: Spearman 1904, Am. J. Psychol. 15:72 (as Pearson's correlation of average ranks).
    """
    age, value = np.asarray(ages, np.float64), np.asarray(values, np.float64)
    if age.shape != value.shape or age.ndim != 1 or age.size < 2:
        raise ValueError(
            f"ages and values need one shape (n >= 2,), got {age.shape}, {value.shape}"
        )
    if not (np.isfinite(age).all() and np.isfinite(value).all()):
        return math.nan
    a, v = _average_ranks(age), _average_ranks(value)
    # Ranks are multiples of a half, so that their sums are exact and equal orders give just 1.
    a, v = a - a.mean(), v - v.mean()
    scale = np.sqrt((a @ a) * (v @ v))
    return float(a @ v / scale) if scale > 0 else math.nan


def smallest_increment(values: ArrayLike) -> float:
    """The smallest step between consecutive values (n,) of an axis on rising ages.

    Positive when the axis rises strictly, 0 at a tie, negative at a reversal, NaN for NaN.
    """
    return float(np.diff(np.asarray(values, np.float64)).min())


def _average_ranks(x: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[inverse]
