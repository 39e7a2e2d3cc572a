"""Waves of a drawn beat: when they begin and end, how high they are, where the QRS axis points.

Meant for the smooth beats that the system draws, not for recordings: thresholds on the steepness of
the vector magnitude, the T wave's end by the tangent of its steepest descent (Lepeschkin & Surawicz
1952, Circulation 6:378), the frontal axis from net QRS areas of I and aVF.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import LEADS

FloatArray = NDArray[np.float64]
_QRS_SHARE, _P_SHARE = 0.12, 0.35
"""Of the steepest slope within the wave's window: below it the wave has not begun or has ended."""
_FINE = 10
"""Samples per sample: drawn beats are smooth, so instants are interpolated."""


@dataclass(frozen=True)
class Waves:
    """What a drawn beat shows; durations in ms, heights in the beat's unit, the axis in degrees."""

    pr: float
    qrs: float
    qt: float
    p_height: float
    r_height_v5: float
    t_height: float
    st_level: float
    axis: float


def measure(beat: NDArray[np.floating], rate: float, r_index: int) -> Waves:
    """Waves of one twelve-lead beat (12, samples) with its R peak at `r_index`.

    Heights are over the level before the QRS complex: P and T in lead II, R and ST (60 ms after the
    QRS ends) in V5.
    """
    fine, instants = _interpolated(np.asarray(beat, np.float64))
    eight = fine[[LEADS.index(x) for x in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")]]
    steepness = np.sqrt(np.square(np.gradient(eight, axis=1)).mean(axis=0))
    milliseconds = (instants - r_index) * 1000 / rate

    def within(low: float, high: float) -> NDArray[np.bool_]:
        return np.asarray((milliseconds >= low) & (milliseconds <= high))

    qrs_on, qrs_off = _extent(steepness, milliseconds, within(-90, 100), _QRS_SHARE)
    p_on, _ = _extent(steepness, milliseconds, within(-320, qrs_on - 20), _P_SHARE)
    level = fine[:, int(np.argmin(np.abs(milliseconds - qrs_on)))]
    two, v5 = (fine[LEADS.index(lead)] - level[LEADS.index(lead)] for lead in ("II", "V5"))
    after = within(qrs_off + 60, 640)
    t_end = _tangent_end(two, milliseconds, after)
    complex_ = within(qrs_on, qrs_off)
    areas = [
        float((fine[LEADS.index(lead)] - level[LEADS.index(lead)])[complex_].sum())
        for lead in ("I", "aVF")
    ]
    return Waves(
        pr=qrs_on - p_on,
        qrs=qrs_off - qrs_on,
        qt=t_end - qrs_on,
        p_height=float(two[within(p_on, qrs_on - 10)].max()),
        r_height_v5=float(v5[complex_].max()),
        t_height=_largest(two[after]),
        st_level=float(v5[int(np.argmin(np.abs(milliseconds - qrs_off - 60)))]),
        # aVF measures 2/sqrt(3) of a lead at right angles to I
        axis=math.degrees(math.atan2(areas[1] * 2 / math.sqrt(3), areas[0])),
    )


def _interpolated(beat: FloatArray) -> tuple[FloatArray, FloatArray]:
    from scipy.interpolate import CubicSpline

    samples = np.arange(beat.shape[1])
    instants = np.linspace(0, beat.shape[1] - 1, (beat.shape[1] - 1) * _FINE + 1)
    return np.asarray(CubicSpline(samples, beat, axis=1)(instants)), instants


def _extent(
    steepness: FloatArray, milliseconds: FloatArray, window: NDArray[np.bool_], share: float
) -> tuple[float, float]:
    inside = np.where(window, steepness, 0.0)
    steep = np.flatnonzero(inside > share * inside.max())
    return float(milliseconds[steep[0]]), float(milliseconds[steep[-1]])


def _largest(values: FloatArray) -> float:
    return float(values[np.abs(values).argmax()])


def _tangent_end(lead: FloatArray, milliseconds: FloatArray, after: NDArray[np.bool_]) -> float:
    rows = np.flatnonzero(after)
    sign = np.sign(_largest(lead[rows]))
    wave = sign * lead
    peak = rows[int(wave[rows].argmax())]
    slopes = np.gradient(wave, milliseconds)
    tail = np.arange(peak, rows[-1] + 1)
    steepest = tail[int(slopes[tail].argmin())]
    base = float(np.median(wave[rows[-len(rows) // 8 :]]))
    return float(milliseconds[steepest] + (base - wave[steepest]) / slopes[steepest])
