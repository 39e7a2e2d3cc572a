"""How late one waveform is beside another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def lags(waves: NDArray[np.floating], others: NDArray[np.floating], most: int) -> FloatArray:
    """Samples by which each of `others` (n, x) comes later than the row of `waves` (n, x).

    The lag of the largest covariance of slopes within ±`most` samples, between samples by a
    parabola through its neighbours; NaN where one of the two is constant. Slopes, because they are
    small at both ends: waves that are cut off there would draw the lag towards 0.

    Raises:
        ValueError: `most` is not below half of the samples.
    """
    a = np.diff(np.asarray(waves, np.float64), axis=1)
    b = np.diff(np.asarray(others, np.float64), axis=1)
    x = a.shape[1]
    if not 0 < most < x // 2:
        raise ValueError(f"most must lie between 1 and {x // 2 - 1}, got {most}")
    size = 2 * x
    spectrum = np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size)
    covariance = np.fft.irfft(spectrum, size)
    window = np.concatenate([covariance[:, -most - 1 :], covariance[:, : most + 2]], axis=1)
    peak = 1 + np.argmax(window[:, 1:-1], axis=1)
    rows = np.arange(len(a))
    left, top, right = (window[rows, peak + k] for k in (-1, 0, 1))
    bend = left - 2 * top + right
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(bend < 0, 0.5 * (left - right) / bend, 0.0)
    found = peak - 1 - most + np.clip(between, -0.5, 0.5)
    constant = (a == 0).all(axis=1) | (b == 0).all(axis=1)
    return np.where(constant, np.nan, found)
