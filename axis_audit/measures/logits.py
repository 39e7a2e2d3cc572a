"""How far logits are from being log odds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Float64Array = NDArray[np.float64]
_STEPS, _ENOUGH = 60, 1e-9
_BINS = 10


@dataclass(frozen=True)
class Line:
    """log odds = intercept + slope · logit, with the slope's standard error.

    `settled` is false where nobody with the disease scores below anybody without it: the
    likelihood then rises with the slope for ever.
    """

    slope: float
    intercept: float
    error: float
    settled: bool


def recalibrated(logits: Float64Array, positive: NDArray[np.bool_]) -> Line:
    """The logistic regression of having the disease on its logit; 1 and 0 are calibrated.

    Source: Cox 1958, Biometrika 45:562. Standard error from the information.
    """
    if logits[positive].min() >= logits[~positive].max() or np.ptp(logits) == 0:
        return Line(np.nan, np.nan, np.nan, settled=False)
    centre, scale = float(logits.mean()), float(logits.std())
    x = np.stack([np.ones(len(logits)), (logits - centre) / scale], axis=1)
    y, weights = positive.astype(np.float64), np.zeros(2)
    for _ in range(_STEPS):
        share = special.expit(x @ weights)
        information = (x.T * (share * (1 - share))) @ x
        step = np.linalg.solve(information, x.T @ (y - share))
        # Where scores are far from log odds a whole step may overshoot.
        weights += step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _ENOUGH:
            break
    error = float(np.sqrt(np.linalg.inv(information)[1, 1])) / scale
    slope = float(weights[1]) / scale
    return Line(slope, float(weights[0]) - slope * centre, error, settled=True)


def calibration_error(logits: Float64Array, positive: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of as many people each.

    Source: Naeini et al. 2015, AAAI 29:2901; biased upwards by about the bins' sampling error.
    """
    order = np.argsort(logits, kind="stable")
    shares = special.expit(logits[order])
    parts = np.array_split(np.arange(len(order)), min(_BINS, len(order)))
    gaps = [abs(float(shares[p].mean() - positive[order][p].mean())) * len(p) for p in parts]
    return float(sum(gaps) / len(order))
