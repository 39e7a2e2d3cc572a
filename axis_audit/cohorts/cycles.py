"""From a strip of ECG to cardiac cycles: one heartbeat a row, stretched to 400 samples.

A cycle is the window from R - 0.4 RR to R + 0.6 RR, RR the strip's median R-R interval, resampled
so that R stands at sample 160 of 400. R is the peak of the vector magnitude (root mean square over
the eight independent leads), one instant for all leads, found between the samples of the strip.

The strip is high-passed at 0.5 Hz at its own rate and read by a cubic spline; each cycle's median
per lead is then subtracted. Linear in the strip but for that median, so it is done on the eight
independent leads and the other four are derived (as for beats).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohorts.beats import (
    BEAT_RATE,
    FASTEST_BPM,
    FEWEST_BEATS,
    SHORTEST_STRIP_SECONDS,
    SLOWEST_BPM,
    Float64Array,
    UnusableStripError,
    find_beats,
    level,
    without_drift,
)

CYCLE_SAMPLES = 400
CYCLE_RATE = 400.0
"""Samples a cycle: a cycle has no rate in Hz."""
CYCLE_R_INDEX = 160
REFINE_SECONDS = 0.05
"""How far a peak found at 100 Hz may lie from the peak of the vector magnitude."""
REFRACTORY_SECONDS = 0.2
"""No heart beats twice within it: a nearer peak is the other half of the same complex."""
BETWEEN_SAMPLES = 16
"""Steps a sample of the strip in which R is looked for."""


@dataclass(frozen=True)
class Cycles:
    """Cycles of one strip.

    Attributes:
        signals: millivolts, shape (n, 8, 400), leads as `INDEPENDENT_LEADS`, medians at zero.
        seconds: how long each row lasted, shape (n,): the strip's median R-R interval.
        peaks: where each row's R peak stands in the strip, in seconds.
    """

    signals: Float64Array
    seconds: Float64Array
    peaks: Float64Array


def find_cycles(
    strip: NDArray[Any], rate: float, limit: int = 8, qrs: NDArray[Any] | None = None
) -> Cycles:
    """Up to `limit` cycles spread evenly over the strip.

    Args:
        strip: millivolts, shape (8, samples), leads as `INDEPENDENT_LEADS`, finite.
        rate: samples per second of the strip.
        limit: at most so many cycles; the choice depends on the strip alone.
        qrs: onset and offset of every QRS complex in samples of the strip, shape (beats, 2), in
            order, where experts marked them. Without them beats are found (`beats.find_beats`),
            and only those neither ectopic nor noisy become cycles.

    Raises:
        UnusableStripError: the strip is too short, has too few beats or an impossible rate, or no
            cycle of it is whole and free of other R peaks.
    """
    strip = np.asarray(strip, np.float64)
    if strip.shape[1] < SHORTEST_STRIP_SECONDS * rate:
        raise UnusableStripError(f"shorter than {SHORTEST_STRIP_SECONDS:g} s")
    clean = without_drift(strip, rate)
    if qrs is None:
        beats = find_beats(strip, rate)
        to_strip = rate / BEAT_RATE
        usable = _near(clean, rate, beats.peaks * to_strip)
        every = _near(clean, rate, beats.found * to_strip)
    else:
        usable = every = _within(clean, qrs)
    rr = _median_interval(every, rate)
    whole = _whole(usable, every, rr, rate, strip.shape[1])
    if not len(whole):
        raise UnusableStripError("no whole cycle without another R peak")
    if len(whole) > limit:
        whole = whole[np.linspace(0, len(whole) - 1, limit).round().astype(int)]
    return _cut(clean, whole, rr, rate)


def _near(clean: Float64Array, rate: float, peaks: NDArray[Any]) -> NDArray[np.int64]:
    """The samples of the largest vector magnitude within 50 ms of each peak; sorted, no repeats."""
    about = np.rint(peaks).astype(np.int64)
    reach = max(1, round(REFINE_SECONDS * rate))
    return _largest(clean, np.stack([about - reach, about + reach], axis=1))


def _within(clean: Float64Array, qrs: NDArray[Any]) -> NDArray[np.int64]:
    """The samples of the largest vector magnitude between each onset and offset."""
    bounds = np.asarray(qrs, np.int64).reshape(-1, 2)
    return _largest(clean, bounds)


def _largest(clean: Float64Array, bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    magnitude = np.mean(clean**2, axis=0)
    last = len(magnitude) - 1
    found = [
        int(first) + int(magnitude[first : final + 1].argmax())
        for first, final in np.clip(bounds, 0, last)
        if first <= final
    ]
    return np.unique(np.asarray(found, np.int64))


def _median_interval(peaks: NDArray[np.int64], rate: float) -> float:
    """The median R-R interval in seconds, of every beat, left out ones too."""
    if len(peaks) < FEWEST_BEATS:
        raise UnusableStripError(f"fewer than {FEWEST_BEATS} beats detected")
    rr = float(np.median(np.diff(peaks))) / rate
    if not 60.0 / FASTEST_BPM <= rr <= 60.0 / SLOWEST_BPM:
        raise UnusableStripError(f"heart rate outside {SLOWEST_BPM:g}-{FASTEST_BPM:g} a minute")
    return rr


def _whole(
    usable: NDArray[np.int64], every: NDArray[np.int64], rr: float, rate: float, samples: int
) -> NDArray[np.int64]:
    """Peaks whose window lies in the strip and holds no other R peak."""
    before, after = _offsets(rr)[[0, -1]] * rate
    gaps = every[None, :] - usable[:, None]
    other = (gaps >= before) & (gaps <= after) & (np.abs(gaps) > REFRACTORY_SECONDS * rate)
    # One sample to spare: R may lie between two samples.
    inside = (usable + before >= 1) & (usable + after <= samples - 2)
    alone: NDArray[np.int64] = usable[inside & ~other.any(axis=1)]
    return alone


def _offsets(rr: float) -> Float64Array:
    """Seconds from R of the samples of a cycle."""
    return np.arange(-CYCLE_R_INDEX, CYCLE_SAMPLES - CYCLE_R_INDEX, dtype=np.float64) * (
        rr / CYCLE_SAMPLES
    )


def _cut(clean: Float64Array, peaks: NDArray[np.int64], rr: float, rate: float) -> Cycles:
    from scipy.interpolate import CubicSpline

    curve = CubicSpline(np.arange(clean.shape[1]), clean, axis=1)
    steps = np.arange(-BETWEEN_SAMPLES, BETWEEN_SAMPLES + 1) / BETWEEN_SAMPLES
    around = np.mean(curve(peaks[:, None] + steps) ** 2, axis=0)
    exact = peaks + steps[around.argmax(axis=1)]
    cut = curve(exact[:, None] + _offsets(rr) * rate).transpose(1, 0, 2)
    return Cycles(level(cut), np.full(len(exact), rr), exact / rate)
