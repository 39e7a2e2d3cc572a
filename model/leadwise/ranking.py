"""Area under the ROC curve of several diseases, for choosing among epochs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def areas(logits: Array, truth: Array) -> Array:
    """One area a disease, NaN where there is no pair; labels of NaN are left out.

    Args:
        logits, truth: (n, k).
    """
    from sklearn.metrics import roc_auc_score

    found = np.full(truth.shape[1], np.nan)
    for k in range(truth.shape[1]):
        known = ~np.isnan(truth[:, k])
        if len(np.unique(truth[known, k])) == 2:
            found[k] = roc_auc_score(truth[known, k], logits[known, k])
    return found


def platt(logits: Array, truth: Array) -> tuple[Array, Array]:
    """Scale and shift of each disease's logits that calibrate them (Platt 1999), (k,) each."""
    from sklearn.linear_model import LogisticRegression

    scale, shift = np.ones(truth.shape[1]), np.zeros(truth.shape[1])
    for k in range(truth.shape[1]):
        known = ~np.isnan(truth[:, k])
        fit = LogisticRegression(C=1e6).fit(logits[known, k : k + 1], truth[known, k])
        if fit.coef_[0, 0] > 0:  # a line that turns the ranking round would not be a calibration
            scale[k], shift[k] = fit.coef_[0, 0], fit.intercept_[0]
    return scale, shift
