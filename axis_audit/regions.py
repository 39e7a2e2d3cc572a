"""Where in a record the QRS complexes, and the ST segments with their T waves, are.

A record's usual beat (the median of its usable ones, `cohorts.beats`) is delineated in each of the
eight independent leads (`delineation`: NeuroKit2), and the median of the leads counts for all
twelve: one QRS onset and offset and one end of T a record, as far from each of its R peaks. What
lies outside sane limits, or is found in fewer than three leads, is what most people have instead.
The ST segment and the T wave are one region, from the end of the QRS complex to the end of T.
Where the fiducial points of PTB-XL+ are at hand (`cohorts.fiducials`), its records have those.

How far that is from LUDB's cardiologists: tests/benchmarks/ludb_regions.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort
from axis_audit.cohorts import fiducials
from axis_audit.cohorts.beats import (
    BEAT_RATE,
    BEAT_SAMPLES,
    R_INDEX,
    UnusableStripError,
    find_beats,
    independent_rows,
)
from axis_audit.delineation import delineate

Float64Array = NDArray[np.float64]
CORRECTION = (0.0, 0.009, -0.007)
"""Seconds added to what is found: the median errors on LUDB's even-numbered records, turned
round."""
USUAL = (-0.05, 0.06, 0.40)
"""Seconds from R of the QRS complex's onset and offset and the end of T, where none are found."""
LIMITS = ((-0.12, -0.02), (0.02, 0.16), (0.16, 0.60))
"""Seconds from R within which each is believed."""
LATEST_T = 0.70
"""Of the interval from R to R: later is the next beat's P wave."""
FEWEST_LEADS = 3
_MARGIN = 0.8
"""Of the interval from R to R after R that is delineated: the next QRS complex is left out."""


@dataclass(frozen=True)
class Bounds:
    """The waves of some records.

    Attributes:
        peaks: seconds of each record's R peaks, none where it has no usable beat.
        seconds: QRS onset, QRS offset and T end from R, (n, 3), NaN where nothing was found.
    """

    peaks: tuple[Float64Array, ...]
    seconds: Float64Array


def masks(cohort: Cohort, waves: Collection[str]) -> NDArray[np.bool_]:
    """Samples within some waves of the beats, one answer for all leads, (n, samples).

    Args:
        cohort: records of twelve leads. waves: of "QRS" and "ST-T".

    Returns:
        A row without a usable beat is False everywhere.
    """
    found = bounds(cohort)
    drawn = np.zeros((len(cohort), cohort.signals.shape[2]), dtype=bool)
    at = np.arange(drawn.shape[1]) / cohort.rate
    for row, (peaks, ends) in enumerate(zip(found.peaks, found.seconds, strict=True)):
        onset, offset, end = believed(ends, interval_of(peaks))
        for wave in waves:
            first, last = {"QRS": (onset, offset), "ST-T": (offset, end)}[wave]
            for peak in peaks:
                drawn[row] |= (at >= peak + first) & (at <= peak + last)
    return drawn


def bounds(cohort: Cohort) -> Bounds:
    """The usual beat of every record, delineated; or what PTB-XL+ says of it.

    Raises:
        CohortError: the folder that is to hold PTB-XL+ does not.
    """
    order, published = independent_rows(cohort.leads), fiducials.folder()
    beats = np.zeros((len(cohort), len(order), BEAT_SAMPLES))
    peaks, known = [np.empty(0)] * len(cohort), dict[int, Float64Array]()
    for row, signals in enumerate(cohort.signals):
        marks = published and fiducials.read_marks(published, str(cohort.record_ids[row]))
        if marks:
            peaks[row], known[row] = marks
            continue
        try:
            found = find_beats(signals[order], cohort.rate)
        except UnusableStripError:
            continue
        beats[row], peaks[row] = np.median(found.signals, axis=0), found.found / BEAT_RATE
    seconds = _delineated(beats, [interval_of(p) for p in peaks])
    for row, ends in known.items():
        seconds[row] = ends
    return Bounds(tuple(peaks), seconds)


def interval_of(peaks: Float64Array) -> float:
    """The usual time from R to R in seconds; 1 where it is not known."""
    return float(np.median(np.diff(peaks))) if len(peaks) > 1 else 1.0


def believed(ends: Float64Array, interval: float) -> tuple[float, float, float]:
    """QRS onset, offset and T end in seconds from R: as found, or as most people have them."""
    latest = LATEST_T * interval
    given = []
    for found, usual, (low, high) in zip(ends.tolist(), USUAL, LIMITS, strict=True):
        given.append(found if low <= found <= high else usual)
    onset, offset, end = given
    return onset, offset, max(min(end, latest), offset)


def _delineated(beats: Float64Array, intervals: list[float]) -> Float64Array:
    """QRS onset, offset and T end in seconds from R of beats (n, 8, 120), (n, 3)."""
    n, leads, _ = beats.shape
    last = [R_INDEX + round(_MARGIN * interval * BEAT_RATE) for interval in intervals]
    lengths = np.clip(last, R_INDEX + 30, BEAT_SAMPLES)
    found = np.full((n, leads, 3), np.nan)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        cut = beats[rows, :, :length].reshape(-1, int(length))
        waves = delineate(cut, np.full(len(cut), length / BEAT_RATE), R_INDEX)
        ends = np.stack([waves.onset[:, 1], waves.offset[:, 1], waves.offset[:, 2]], axis=1)
        found[rows] = ends.reshape(len(rows), leads, 3) / 1000.0
    few = np.sum(~np.isnan(found), axis=1) < FEWEST_LEADS
    found[few[:, None, :].repeat(leads, axis=1)] = 0.0
    middle = np.nanmedian(found, axis=1) + CORRECTION
    return np.where(few, np.nan, middle)
