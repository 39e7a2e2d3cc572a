"""Where a QRS complex begins and ends, by where its slopes are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

FloatArray = NDArray[np.float64]
REACH_SECONDS = 0.15
"""Either side of R: no QRS begins or ends beyond."""
LEFT_OUT = 0.05
"""Of the squared slope, on either side."""
SMOOTHED_SECONDS = 0.004
SPIKE_SECONDS = 0.008
"""What is half as short as this is a pacemaker's spike: no QRS, and steeper than any."""
WHOLE = 2.25
"""A cardiologist's QRS duration over the width found here: the median of LUDB's even-numbered
records, lead II (tests/benchmarks/ludb_delineation.py)."""
NOISE = 4.0
"""Times the mean squared slope beyond the reach: what lies below is no QRS."""


def qrs_ends(
    rows: NDArray[np.floating], seconds: NDArray[np.floating], r_index: int
) -> tuple[FloatArray, FloatArray]:
    """Begin and end of the QRS complex in milliseconds from R, each (n,), NaN where nothing varies.

    The middle nine tenths of the squared slope within 150 ms of R. A QRS drawn f times as slowly is
    found f times as wide, and over LUDB's people the width goes with cardiologists' durations
    (correlation .83, odd-numbered records, lead II; NeuroKit2's peak prominence: .05).

    Args:
        rows: (n, samples), in any unit. seconds: how long each row lasts, (n,).
        r_index: the sample of R.
    """
    n, samples = np.shape(rows)
    begin, end = np.full(n, np.nan), np.full(n, np.nan)
    for i, (row, lasting) in enumerate(zip(np.asarray(rows, np.float64), seconds, strict=True)):
        step = float(lasting) / samples
        without_spikes = median_filter(row, 2 * round(SPIKE_SECONDS / step / 2) + 1)
        smooth = gaussian_filter1d(without_spikes, SMOOTHED_SECONDS / step)
        reach = min(round(REACH_SECONDS / step), r_index, samples - 1 - r_index)
        near = slice(r_index - reach, r_index + reach + 1)
        slope = np.gradient(smooth) ** 2
        beyond = np.concatenate([slope[: near.start], slope[near.stop :]])
        floor = NOISE * float(beyond.mean()) if beyond.size else 0.0
        slope = np.maximum(slope[near] - floor, 0.0)
        total = slope.sum()
        if not np.isfinite(total) or total <= 0.0:
            continue
        share = np.cumsum(slope) / total
        at = (np.arange(len(share)) - reach) * step * 1000.0
        begin[i], end[i] = np.interp([LEFT_OUT, 1 - LEFT_OUT], share, at)
    return begin, end


def qrs_durations(
    rows: NDArray[np.floating], seconds: NDArray[np.floating], r_index: int
) -> FloatArray:
    """Duration of the QRS complex in milliseconds, (n,), as long as a cardiologist's in the median.

    Arguments as `qrs_ends`.
    """
    begin, end = qrs_ends(rows, seconds, r_index)
    return WHOLE * (end - begin)
