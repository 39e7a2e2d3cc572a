"""From a strip of ECG to beats: detect, align, leave out what is ectopic or noisy.

Every beat is 1.2 s at 100 Hz with its R peak at sample 40. The R peak is the peak of the vector
magnitude (root mean square over the eight independent leads), so it is one instant for all leads.

Baseline: the strip is high-passed at 0.5 Hz without phase shift, then each beat's median per lead
is subtracted. Both act on the eight independent leads; the other four are derived afterwards
(Einthoven 1912, Goldberger 1942), because a median of single leads breaks Einthoven's law.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import INDEPENDENT_LEADS, LEADS, FloatArray

BEAT_RATE = 100.0
BEAT_SAMPLES = 120
R_INDEX = 40

HIGH_PASS_HZ = 0.5
SNAP_SAMPLES = 5
"""How far the detector's peak may lie from the peak of the vector magnitude."""
ALIGN_SAMPLES = 3
"""How far a beat may be shifted to match the provisional median."""
QRS_HALF_WIDTH = 10
"""Samples either side of R over which beats are matched."""
CORE = slice(R_INDEX - 20, R_INDEX + 40)
"""P-R to T, 0.2 s before R to 0.4 s after: what a beat is compared over. Beyond it neighbouring
beats enter at fast rates, and an irregular rhythm would look like noise."""
SMALLEST_CORRELATION = 0.8
"""A beat less like the provisional median over the core of the eight leads is ectopic or noisy."""
RR_TOLERANCE = 0.25
"""A beat is left out when the interval before it differs by more from the median interval."""
FEWEST_BEATS = 3
SLOWEST_BPM, FASTEST_BPM = 25.0, 230.0
SHORTEST_STRIP_SECONDS = 3.0

Float64Array = NDArray[np.float64]


class UnusableStripError(Exception):
    """A strip that gives no beats; the message is the plain-word reason for the report."""


@dataclass(frozen=True)
class Beats:
    """The usable beats of one strip.

    Attributes:
        signals: millivolts, shape (beats, 8, 120), leads as `INDEPENDENT_LEADS`.
        peaks: the R peaks, in samples of the strip at 100 Hz.
        found: the R peaks before any was left out, in the same samples.
    """

    signals: Float64Array
    peaks: NDArray[np.int64]
    found: NDArray[np.int64]


def derive_twelve_leads(independent: NDArray[Any], out: FloatArray | None = None) -> FloatArray:
    """Twelve leads from the eight independent ones, so that Einthoven's law holds exactly.

    Args:
        independent: (..., 8, samples), leads as `INDEPENDENT_LEADS`.
        out: where to put the result.

    Returns:
        float32, (..., 12, samples), leads as `LEADS`: III = II - I, aVR = -(I + II)/2,
        aVL = I - II/2, aVF = II - I/2, each computed in float32 from the float32 I and II.
    """
    eight = np.asarray(independent, dtype=np.float32)
    shape = (*eight.shape[:-2], len(LEADS), eight.shape[-1])
    twelve = np.empty(shape, np.float32) if out is None else out
    i, ii = eight[..., 0, :], eight[..., 1, :]
    half = np.float32(0.5)
    twelve[..., 0, :], twelve[..., 1, :] = i, ii
    np.subtract(ii, i, out=twelve[..., 2, :])
    twelve[..., 3, :] = -half * (i + ii)
    twelve[..., 4, :] = i - half * ii
    twelve[..., 5, :] = ii - half * i
    twelve[..., 6:, :] = eight[..., 2:, :]
    return twelve


def independent_rows(leads: tuple[str, ...] = LEADS) -> list[int]:
    """Where the eight independent leads stand among `leads`; ValueError if one is missing."""
    return [leads.index(lead) for lead in INDEPENDENT_LEADS]


def find_beats(strip: NDArray[Any], rate: float) -> Beats:
    """All usable beats of a strip.

    R peaks come from sleepecg (Pan and Tompkins 1985, modified) on lead II; where that yields
    fewer than three usable beats, on the vector magnitude, then on V2, V5 and I.

    Args:
        strip: millivolts, shape (8, samples), leads as `INDEPENDENT_LEADS`, finite.
        rate: samples per second of the strip; other rates than 100 Hz are resampled first.

    Raises:
        UnusableStripError: the strip is too short or no lead gives three usable beats.
    """
    if strip.shape[0] != len(INDEPENDENT_LEADS):
        raise ValueError(f"expected the eight independent leads, got shape {strip.shape}")
    if strip.shape[1] < SHORTEST_STRIP_SECONDS * rate:
        raise UnusableStripError(f"shorter than {SHORTEST_STRIP_SECONDS:g} s")
    clean = without_drift(_at_beat_rate(np.asarray(strip, np.float64), rate), BEAT_RATE)
    magnitude = np.sqrt(np.mean(clean**2, axis=0))
    most = 0
    for signal in _detection_signals(clean, magnitude):
        peaks = _snap(_detect(signal), magnitude)
        most = max(most, len(peaks))
        if _plausible(peaks) and (beats := _usable(clean, peaks)) is not None:
            return beats
    if most < FEWEST_BEATS:
        raise UnusableStripError(f"fewer than {FEWEST_BEATS} beats detected")
    raise UnusableStripError(f"fewer than {FEWEST_BEATS} beats are neither ectopic nor noisy")


def representative_beats(strip: NDArray[Any], rate: float) -> FloatArray:
    """The median beat of a strip: millivolts, shape (12, 120), leads as `LEADS`.

    Args and errors as `find_beats`.
    """
    return derive_twelve_leads(level(np.median(find_beats(strip, rate).signals, axis=0)))


def single_beats(strip: NDArray[Any], rate: float, limit: int = 8) -> FloatArray:
    """Up to `limit` usable beats spread evenly over the strip, shape (beats, 12, 120), mV.

    The choice depends on the strip alone. Args and errors as `find_beats`.
    """
    signals = find_beats(strip, rate).signals
    if len(signals) > limit:
        signals = signals[np.linspace(0, len(signals) - 1, limit).round().astype(int)]
    return derive_twelve_leads(level(signals))


def resample(signals: NDArray[Any], rate: float, target: float) -> NDArray[Any]:
    """Signals (..., samples) at another rate, by a polyphase filter without edge steps."""
    if rate == target:
        return signals
    from scipy.signal import resample_poly

    ratio = Fraction(target / rate).limit_denominator(1000)
    resampled: NDArray[Any] = resample_poly(
        signals, ratio.numerator, ratio.denominator, axis=-1, padtype="line"
    )
    return resampled


def _at_beat_rate(strip: Float64Array, rate: float) -> Float64Array:
    return resample(strip, rate, BEAT_RATE)


@lru_cache(maxsize=8)
def _high_pass(rate: float) -> Float64Array:
    from scipy.signal import butter

    sections: Float64Array = butter(1, HIGH_PASS_HZ, "highpass", fs=rate, output="sos")
    return sections


def without_drift(strip: Float64Array, rate: float) -> Float64Array:
    """A strip (leads, samples) high-passed at 0.5 Hz without phase shift, at its own rate."""
    from scipy.signal import sosfiltfilt

    # one second of odd extension keeps the filter's transient out of the first and last beat
    filtered: Float64Array = sosfiltfilt(_high_pass(rate), strip, axis=-1, padlen=round(rate))
    return filtered


def _detection_signals(clean: Float64Array, magnitude: Float64Array) -> Iterator[Float64Array]:
    yield clean[INDEPENDENT_LEADS.index("II")]
    yield magnitude
    for lead in ("V2", "V5", "I"):
        yield clean[INDEPENDENT_LEADS.index(lead)]


def _detect(signal: Float64Array) -> NDArray[np.int64]:
    from sleepecg.heartbeats import detect_heartbeats

    if np.ptp(signal) < 1e-6:
        return np.empty(0, np.int64)
    return np.asarray(detect_heartbeats(signal, BEAT_RATE), np.int64)


def _snap(peaks: NDArray[np.int64], magnitude: Float64Array) -> NDArray[np.int64]:
    """Each peak moved to the largest vector magnitude nearby; peaks that meet become one."""
    if peaks.size == 0:
        return peaks
    padded = np.pad(magnitude, SNAP_SAMPLES, constant_values=-1.0)
    near = padded[peaks[:, None] + np.arange(2 * SNAP_SAMPLES + 1)]
    return np.unique(peaks + near.argmax(axis=1) - SNAP_SAMPLES)


def _plausible(peaks: NDArray[np.int64]) -> bool:
    if len(peaks) < FEWEST_BEATS:
        return False
    bpm = 60.0 * BEAT_RATE / float(np.median(np.diff(peaks)))
    return SLOWEST_BPM <= bpm <= FASTEST_BPM


def _windows(clean: Float64Array, peaks: NDArray[np.int64]) -> Float64Array:
    """Beats (n, 8, 120) around peaks whose windows lie inside the strip."""
    columns = peaks[:, None] + np.arange(-R_INDEX, BEAT_SAMPLES - R_INDEX)
    return clean[:, columns].transpose(1, 0, 2)


def _usable(clean: Float64Array, peaks: NDArray[np.int64]) -> Beats | None:
    """Align the beats, leave out odd ones by rhythm and by shape; None when under three stay."""
    found = peaks
    intervals = np.diff(peaks)
    typical = np.median(intervals)
    # the first beat's interval is unknown, which is no reason to leave it out
    regular = np.r_[True, np.abs(intervals - typical) <= RR_TOLERANCE * typical]
    margin = 2 * ALIGN_SAMPLES
    inside = (peaks >= R_INDEX + margin) & (
        peaks < clean.shape[1] - (BEAT_SAMPLES - R_INDEX) - margin
    )
    peaks = peaks[regular & inside]
    if len(peaks) < FEWEST_BEATS:
        return None
    peaks = _aligned(clean, peaks)
    beats = _windows(clean, peaks)
    alike = _correlations(beats, np.median(beats, axis=0)) >= SMALLEST_CORRELATION
    if alike.sum() < FEWEST_BEATS:
        return None
    peaks = _centred(clean, peaks[alike])
    return Beats(_windows(clean, peaks), peaks, found)


def _aligned(clean: Float64Array, peaks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Shift each beat by at most three samples to where its QRS matches the median's best."""
    qrs = slice(R_INDEX - QRS_HALF_WIDTH, R_INDEX + QRS_HALF_WIDTH + 1)
    template = np.median(_windows(clean, peaks)[:, :, qrs], axis=0)
    lags = np.arange(-ALIGN_SAMPLES, ALIGN_SAMPLES + 1)
    offsets = np.arange(-QRS_HALF_WIDTH, QRS_HALF_WIDTH + 1)
    columns = peaks[:, None, None] + lags[:, None] + offsets
    shifted = clean[:, columns]  # (8, beats, lags, offsets)
    energy = np.sqrt(np.sum(shifted**2, axis=(0, 3))) + 1e-12
    match = np.einsum("cblo,co->bl", shifted, template) / energy
    best: NDArray[np.int64] = lags[match.argmax(axis=1)]
    return peaks + best


def _centred(clean: Float64Array, peaks: NDArray[np.int64]) -> NDArray[np.int64]:
    """All beats moved together so that the median's vector magnitude peaks at `R_INDEX`."""
    magnitude = np.sqrt(np.mean(np.median(_windows(clean, peaks), axis=0) ** 2, axis=0))
    near = magnitude[R_INDEX - ALIGN_SAMPLES : R_INDEX + ALIGN_SAMPLES + 1]
    return peaks + int(near.argmax()) - ALIGN_SAMPLES


def _correlations(beats: Float64Array, template: Float64Array) -> Float64Array:
    """Pearson correlation of each beat with the template over the core of all eight leads."""
    flat = beats[:, :, CORE].reshape(len(beats), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    other = template[:, CORE].ravel()
    other = other - other.mean()
    scale = np.linalg.norm(flat, axis=1) * np.linalg.norm(other) + 1e-12
    correlations: Float64Array = flat @ other / scale
    return correlations


def level(beats: Float64Array) -> Float64Array:
    """Beats or cycles (..., samples) with the median of every lead at zero."""
    levelled: Float64Array = beats - np.median(beats, axis=-1, keepdims=True)
    return levelled
