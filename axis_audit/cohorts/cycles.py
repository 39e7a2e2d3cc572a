"""From a strip of ECG to cardiac cycles: one heartbeat a row, stretched to 400 samples.

A cycle is the window from R - 0.4 RR to R + 0.6 RR, RR the strip's median R-R interval, resampled
so that R stands at sample 160 of 400. R is the peak of the vector magnitude (root mean square over
the eight independent leads), one instant for all leads, found between the samples of the strip; a
beat with no peak where it was found or marked becomes no cycle.

The strip is high-passed at 0.5 Hz at its own rate and read by a cubic spline; each cycle's median
per lead is then subtracted. Linear in the strip but for that median, so it is done on the eight
independent leads and the other four are derived (as for beats).
"""

from __future__ import annotations

from collections.abc import Callable
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
STEP_SECONDS = 0.0005
"""In which R is looked for: it lies between the samples of a strip at 100 Hz."""


Curve = Callable[[Float64Array], Float64Array]
"""Seconds, any shape -> millivolts, (leads, *shape)."""


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
    curve = _curve(without_drift(strip, rate), rate)
    last = (strip.shape[1] - 1) / rate
    if qrs is None:
        beats = find_beats(strip, rate)
        near = np.array([-REFINE_SECONDS, REFINE_SECONDS])
        usable, _ = _tallest(curve, beats.peaks[:, None] / BEAT_RATE + near, last)
        _, every = _tallest(curve, beats.found[:, None] / BEAT_RATE + near, last)
    else:
        usable, every = _tallest(curve, np.asarray(qrs).reshape(-1, 2) / rate, last)
    rr = _median_interval(every)
    whole = _whole(usable, every, rr, last)
    if not len(whole):
        raise UnusableStripError("no whole cycle without another R peak")
    if len(whole) > limit:
        whole = whole[np.linspace(0, len(whole) - 1, limit).round().astype(int)]
    cut = curve(whole[:, None] + _offsets(rr)).transpose(1, 0, 2)
    return Cycles(level(cut), np.full(len(whole), rr), whole)


def _curve(clean: Float64Array, rate: float) -> Curve:
    """The leads as functions of seconds."""
    from scipy.interpolate import CubicSpline

    curve: Curve = CubicSpline(np.arange(clean.shape[1]) / rate, clean, axis=1)
    return curve


def _tallest(curve: Curve, bounds: Float64Array, last: float) -> tuple[Float64Array, Float64Array]:
    """When the vector magnitude is largest within each pair of times; sorted, no repeats.

    Returns:
        where that is a peak, and everywhere: at the edge of its window it is on the way to one.
    """
    peaks, every = [], []
    for first, final in np.clip(bounds, 0.0, last):
        if first < final:
            times = np.linspace(first, final, max(3, round((final - first) / STEP_SECONDS) + 1))
            at = int(np.mean(curve(times) ** 2, axis=0).argmax())
            every.append(times[at])
            if 0 < at < len(times) - 1:
                peaks.append(times[at])
    return np.unique(np.array(peaks, np.float64)), np.unique(np.array(every, np.float64))


def _median_interval(peaks: Float64Array) -> float:
    """The median R-R interval, of every beat, left out ones too."""
    if len(peaks) < FEWEST_BEATS:
        raise UnusableStripError(f"fewer than {FEWEST_BEATS} beats detected")
    rr = float(np.median(np.diff(peaks)))
    if not 60.0 / FASTEST_BPM <= rr <= 60.0 / SLOWEST_BPM:
        raise UnusableStripError(f"heart rate outside {SLOWEST_BPM:g}-{FASTEST_BPM:g} a minute")
    return rr


def _whole(usable: Float64Array, every: Float64Array, rr: float, last: float) -> Float64Array:
    """Peaks whose window lies in the strip and holds no other R peak."""
    before, after = _offsets(rr)[[0, -1]]
    gaps = every[None, :] - usable[:, None]
    other = (gaps >= before) & (gaps <= after) & (np.abs(gaps) > REFRACTORY_SECONDS)
    inside = (usable + before >= 0) & (usable + after <= last)
    alone: Float64Array = usable[inside & ~other.any(axis=1)]
    return alone


def _offsets(rr: float) -> Float64Array:
    """Seconds from R of the samples of a cycle."""
    return np.arange(-CYCLE_R_INDEX, CYCLE_SAMPLES - CYCLE_R_INDEX, dtype=np.float64) * (
        rr / CYCLE_SAMPLES
    )
