"""P wave, QRS complex and T wave of single beats or cycles, by NeuroKit2 (Makowski et al. 2021).

NeuroKit2's delineators read strips, in which every row is laid here between two flat stretches,
so that what is found in a row does not depend on the rows beside it. The method is peak prominence
(Emrich et al., EUSIPCO 2024), chosen among NeuroKit2's four on 487 cycles of lead II of LUDB's
even-numbered records, against the experts' marks and before any correction:

              QRS bounds found   median absolute error of the duration   ms a cycle
                                        P       QRS       T
  prominence       100 %               17.7     27.7     16.5                .6
  dwt               96 %               35.4     15.4     66.5               30
  cwt               57 %                8.2     11.8     15.6               50

cwt also misplaces some P and T waves by far (SD of their onsets 131 and 116 ms; prominence's are 44
and 29), and "peak" reports no bounds of the QRS complex.

Three things are added, set on the same cycles: constant corrections (prominence stands inside the
experts' marks); a P or T wave must have some height and length, since prominence finds both in
every row; and waves must not overlap. A P wave that points down, as in aVR or V1, is not found, and
the waves of atrial fibrillation often pass for one. How good the result is:
tests/benchmarks/ludb_delineation.py, on the odd-numbered records.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]

WAVES = ("P", "QRS", "T")
METHOD = "prominence"
RATE = 500
"""Samples per second at which rows are delineated, nearly: a row has a multiple of `GRID`."""
LOW_PASS_HZ = 40.0
"""Muscle noise shortens waves and hides small ones: without it 95 % instead of 89 % of
cardiologists' P are found (even-numbered records, lead II), and noisy and smooth rows are judged
alike."""
GRID = 10
ROWS_A_STRIP = 256
SHORTEST_SECONDS, LONGEST_SECONDS = 0.2, 4.0
CORRECTION = np.array([[-8.0, 3.0], [-13.0, 15.0], [-7.0, -9.0]])
"""Milliseconds added to onset and offset of P, QRS and T: the median errors, turned round."""
SHORTEST_WAVE = 40.0
"""Milliseconds of a P or T wave, before the correction."""
SMALLEST_AREA = 1.5
"""Of a P or T wave: milliseconds times height, in parts of the row's peak-to-peak amplitude."""
LATEST_P = -60.0
"""Milliseconds from R of a P wave's peak; later there is only the QRS complex."""
LEVEL_MILLISECONDS = 20.0
"""Before the QRS onset, where the level is taken as isoelectric."""
FLATTEST = 1e-9
_KEYS = ("P", "R", "T")


@dataclass(frozen=True)
class Waves:
    """Where the waves of some rows are; columns as `WAVES`, NaN where none is found.

    Attributes:
        onset, offset: milliseconds from the R peak, shape (n, 3).
        amplitude: peak minus the isoelectric level before the QRS complex, signed, in the rows'
            unit, shape (n, 3).
    """

    onset: Float64Array
    offset: Float64Array
    amplitude: Float64Array


def delineate(cycles: NDArray[Any], seconds: NDArray[Any], r_index: int) -> Waves:
    """Delineate single-lead cycles or beats.

    Args:
        cycles: shape (n, samples), in any unit. seconds: how long each row lasts, shape (n,).
        r_index: the sample of the R peak.

    Returns:
        The waves; a row that is flat, not finite or of no possible duration has none.

    Raises:
        ValueError: the shapes do not fit one another.
    """
    rows, lasting = np.asarray(cycles, np.float64), np.asarray(seconds, np.float64)
    if rows.ndim != 2 or lasting.shape != (len(rows),) or not 0 < r_index < rows.shape[1] - 1:
        raise ValueError(f"cycles {rows.shape}, seconds {lasting.shape}, R at {r_index}")
    found = np.full((len(rows), 3, 3), np.nan)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        height = np.ptp(rows, axis=1)
        possible = np.isfinite(height) & (height > FLATTEST)
        possible &= (lasting >= SHORTEST_SECONDS) & (lasting <= LONGEST_SECONDS)
        lengths = np.zeros(len(rows), np.int64)
        lengths[possible] = GRID * np.rint(lasting[possible] * RATE / GRID).astype(np.int64)
        for length in np.unique(lengths[possible]):
            group = np.flatnonzero(lengths == length)
            for start in range(0, len(group), ROWS_A_STRIP):
                some = group[start : start + ROWS_A_STRIP]
                tiles = _tiles(rows[some] / height[some, None], int(length))
                found[some] = _delineated(tiles, r_index / rows.shape[1])
        found *= lasting[:, None, None] * 1000.0
        return _measured(rows, _clock(rows, lasting, r_index), found)


def _tiles(rows: Float64Array, length: int) -> Float64Array:
    """Rows with `length` samples whose ends lie at zero, without what is faster than 40 Hz."""
    from scipy.interpolate import CubicSpline
    from scipy.signal import butter, sosfiltfilt

    samples = rows.shape[1]
    edge = max(1, samples // 40)
    first, last = (
        rows[:, part].mean(axis=1)[:, None] for part in (slice(edge), slice(-edge, None))
    )
    level = rows - (first + (last - first) * np.linspace(0.0, 1.0, samples))
    at = np.minimum(np.arange(length) * (samples / length), samples - 1)
    tiles = CubicSpline(np.arange(samples), level, axis=1)(at)
    sections = butter(2, LOW_PASS_HZ, fs=RATE, output="sos")
    padding = min(RATE // 10, length - 1)
    return np.asarray(sosfiltfilt(sections, tiles, axis=1, padlen=padding), np.float64)


def _delineated(tiles: Float64Array, r_at: float) -> Float64Array:
    """Onset, peak and offset of the three waves, in parts of a row from R, (n, 3, 3)."""
    try:
        return _from_strip(tiles, r_at)
    except Exception:  # NeuroKit2 cannot read some shape: the others keep their waves
        if len(tiles) == 1:
            return np.full((1, 3, 3), np.nan)
        return np.concatenate([_delineated(tile[None], r_at) for tile in tiles])


def _from_strip(tiles: Float64Array, r_at: float) -> Float64Array:
    import neurokit2

    n, length = tiles.shape
    before = length // 2
    wide = np.pad(tiles, ((0, 0), (before, length - before)))
    # One more at either end: delineators treat the first and the last beat apart.
    strip = np.concatenate([wide[0], wide.ravel(), wide[-1]])
    peaks = np.arange(n + 2) * 2 * length + before + round(r_at * length)
    _, read = neurokit2.ecg_delineate(strip, peaks, sampling_rate=RATE, method=METHOD)
    parts = (_columns(read, n + 2) - peaks[:, None, None])[1:-1] / length
    return np.asarray(parts, np.float64)


def _columns(read: Mapping[str, Any], beats: int) -> Float64Array:
    """What NeuroKit2 found of every beat, in samples, (beats, 3, 3)."""
    found = np.full((beats, 3, 3), np.nan)
    for wave, key in enumerate(_KEYS):
        for column, place in enumerate(("Onsets", "Peaks", "Offsets")):
            values = np.asarray(read.get(f"ECG_{key}_{place}", ()), np.float64)
            if len(values) == beats:  # peaks of the QRS complex are not among them
                found[:, wave, column] = values
    return found


@dataclass(frozen=True)
class _Clock:
    """When a row's samples are, in milliseconds from R: `times` (n, samples)."""

    times: Float64Array
    step: Float64Array
    r_index: int

    def value(self, rows: Float64Array, at: Float64Array) -> Float64Array:
        """The rows at times (n,), NaN where the time is."""
        samples = rows.shape[1]
        index = np.clip(np.rint(self.r_index + np.nan_to_num(at) / self.step), 0, samples - 1)
        read = rows[np.arange(len(rows)), np.nan_to_num(index).astype(np.int64)]
        return np.asarray(np.where(np.isnan(at), np.nan, read), np.float64)


def _clock(rows: Float64Array, seconds: Float64Array, r_index: int) -> _Clock:
    step = seconds * 1000.0 / rows.shape[1]
    return _Clock((np.arange(rows.shape[1]) - r_index) * step[:, None], step, r_index)


def _measured(rows: Float64Array, clock: _Clock, found: Float64Array) -> Waves:
    """Corrected boundaries and amplitudes of the waves that are any."""
    onset, peak, offset = found.transpose(2, 0, 1).copy()
    for wave in (0, 2):
        at = (onset[:, wave], peak[:, wave], offset[:, wave])
        none = ~_is_wave(rows, clock, *at)
        if wave == 0:
            none |= ~(peak[:, 0] <= LATEST_P)
        onset[none, wave] = peak[none, wave] = offset[none, wave] = np.nan
    onset, offset = onset + CORRECTION[:, 0], offset + CORRECTION[:, 1]
    offset[:, 0] = np.fmin(offset[:, 0], onset[:, 1])
    onset[:, 2] = np.fmax(onset[:, 2], offset[:, 1])
    lost = ~(onset < offset)
    onset[lost] = offset[lost] = np.nan
    return Waves(onset, offset, _amplitudes(rows, clock, onset, peak, offset))


def _is_wave(
    rows: Float64Array, clock: _Clock, onset: Float64Array, peak: Float64Array, offset: Float64Array
) -> NDArray[np.bool_]:
    """Whether what lies between onset and offset (n,) is tall and long enough for a wave."""
    length = offset - onset
    area = _height(rows, clock, onset, peak, offset) * length
    return np.asarray((length >= SHORTEST_WAVE) & (area >= SMALLEST_AREA), np.bool_)


def _height(
    rows: Float64Array, clock: _Clock, onset: Float64Array, peak: Float64Array, offset: Float64Array
) -> Float64Array:
    """Of a peak over the nearer of its two ends, in parts of the row's peak-to-peak amplitude."""
    at_peak = clock.value(rows, peak)
    left, right = at_peak - clock.value(rows, onset), at_peak - clock.value(rows, offset)
    # On a slope there is no wave.
    height = np.where(left * right > 0, np.minimum(np.abs(left), np.abs(right)), 0.0)
    return np.asarray(height / np.ptp(rows, axis=1), np.float64)


def _amplitudes(
    rows: Float64Array,
    clock: _Clock,
    onset: Float64Array,
    peak: Float64Array,
    offset: Float64Array,
) -> Float64Array:
    start = onset[:, 1, None]
    before = (clock.times >= start - LEVEL_MILLISECONDS) & (clock.times <= start)
    level = np.nanmedian(np.where(before, rows, np.nan), axis=1)
    level = np.where(np.isnan(level), np.median(rows, axis=1), level)
    amplitude = np.full(onset.shape, np.nan)
    for wave in (0, 2):
        amplitude[:, wave] = clock.value(rows, peak[:, wave]) - level
    within = (clock.times >= start) & (clock.times <= offset[:, 1, None])
    away = np.where(within, rows - level[:, None], 0.0)
    tallest = away[np.arange(len(rows)), np.abs(away).argmax(axis=1)]
    amplitude[:, 1] = np.where(within.any(axis=1), tallest, np.nan)
    amplitude[np.isnan(onset)] = np.nan
    return amplitude
