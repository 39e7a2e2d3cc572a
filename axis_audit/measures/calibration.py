"""Whether a difference in prediction is worth the same difference in truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def calibration_slope(weights: FloatArray, predicted: FloatArray, truth: FloatArray) -> FloatArray:
    """Slope of the truth regressed on predictions, for each row of weights.

    Args:
        weights: multiplicities of the patients, shape (k, n).
        predicted, truth: shape (n,), one unit.

    Returns:
        shape (k,); NaN where the predictions do not vary.

    Source: Cox 1958, Biometrika 45:562 (calibration slope).
    """
    # Centred on the whole sample first, or moments of ages near 60 lose digits.
    p, y = predicted - predicted.mean(), truth - truth.mean()
    total = weights.sum(axis=1)
    sums = weights @ np.column_stack([p, y, p * p, p * y])
    mean_p, mean_y, mean_pp, mean_py = (sums / total[:, None]).T
    variance = mean_pp - mean_p**2
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (mean_py - mean_p * mean_y) / variance
    return np.asarray(
        np.where(variance > 1e-12 * max(float(np.mean(p * p)), 1e-300), slope, np.nan)
    )
