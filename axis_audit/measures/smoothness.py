"""How sharply an axis bends, free of its scale."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def largest_second_difference(values: ArrayLike, step: float) -> float:
    """Largest |g(a+h) - 2 g(a) + g(a-h)| / h², divided by the range of g.

    Args:
        values: g on ages `step` years apart, shape (n >= 3,). step: h, in years.

    Returns:
        per year²; NaN for a constant g, which has no scale, and for NaN or infinite values.

    Source: central second difference; the division by the range keeps it from being won by scaling
    g down and B up.
    """
    g = np.asarray(values, np.float64)
    if g.ndim != 1 or g.size < 3 or not step > 0:
        raise ValueError(f"needs at least 3 values and a positive step, got {g.shape}, {step}")
    span = float(np.ptp(g))
    if not np.isfinite(span) or span == 0:
        return math.nan
    return float(np.abs(np.diff(g, 2)).max() / step**2 / span)
