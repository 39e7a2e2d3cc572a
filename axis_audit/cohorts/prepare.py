"""Strips into rows of a cohort; rows are whole microvolts.

Microvolts as int16 are the recordings' own resolution. They halve the cache, and rounding makes
the same recordings give the same cohort fingerprint on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import LEADS, Cohort, FloatArray, Kind, waveform_hashes
from axis_audit.cohorts.beats import (
    ALIGN_SAMPLES,
    BEAT_RATE,
    BEAT_SAMPLES,
    CORE,
    FEWEST_BEATS,
    HIGH_PASS_HZ,
    QRS_HALF_WIDTH,
    R_INDEX,
    RR_TOLERANCE,
    SMALLEST_CORRELATION,
    SNAP_SAMPLES,
    UnusableStripError,
    derive_twelve_leads,
    independent_rows,
    representative_beats,
    single_beats,
)
from axis_audit.cohorts.cycles import (
    CYCLE_R_INDEX,
    CYCLE_RATE,
    CYCLE_SAMPLES,
    REFINE_SECONDS,
    REFRACTORY_SECONDS,
    STEP_SECONDS,
    find_cycles,
)

PREPARATION_VERSION = "1"
"""Raise it when the code that makes rows changes, or stale cache entries would be served."""
FLAT_MILLIVOLTS = 0.01
"""A lead whose whole strip spans less is disconnected, not quiet."""
LARGEST_STRIP_MILLIVOLTS = 10.0

DUPLICATE_REASON = "duplicate waveform"

LAYOUTS: dict[Kind, tuple[float, int]] = {
    "beat": (BEAT_RATE, R_INDEX),
    "cycle": (CYCLE_RATE, CYCLE_R_INDEX),
}
"""The rate and the sample of R of rows that do not keep their source's."""


class Strip(NamedTuple):
    """What is read of a file.

    `signals` are mV, (12, samples), leads as `LEADS`; `rate` samples per second; `qrs` onset and
    offset of every complex in samples, (beats, 2), where experts marked them (only cycles ask);
    `raw` what the signals were resampled from, if they were: a recording hashes alike at any rate.
    """

    signals: NDArray[Any]
    rate: float
    qrs: NDArray[np.int64] | None = None
    raw: NDArray[Any] | None = None


Read = Callable[[str], tuple[NDArray[Any], float] | Strip]


@dataclass(frozen=True)
class Preparation:
    """What is to be made of every strip; see `axis_audit.cohorts.open_cohort`.

    `samples` is the length that records must have, since rows are stacked; 0 takes any.
    """

    kind: Kind = "beat"
    beats: Literal["median", "single"] = "median"
    per_record: int = 8
    rate: float = BEAT_RATE
    samples: int = 0

    @property
    def version(self) -> str:
        """Everything but the source that the rows depend on."""
        rules: tuple[Any, ...] = (
            BEAT_RATE, BEAT_SAMPLES, R_INDEX, HIGH_PASS_HZ, SNAP_SAMPLES, ALIGN_SAMPLES,
            QRS_HALF_WIDTH, CORE, SMALLEST_CORRELATION, RR_TOLERANCE, FEWEST_BEATS,
            FLAT_MILLIVOLTS, LARGEST_STRIP_MILLIVOLTS,
        )  # fmt: skip
        if self.kind == "cycle":
            rules += (
                CYCLE_SAMPLES, CYCLE_R_INDEX, REFINE_SECONDS, REFRACTORY_SECONDS, STEP_SECONDS,
            )  # fmt: skip
        return repr((PREPARATION_VERSION, self, rules))

    @property
    def label(self) -> str:
        """A short name for files."""
        if self.kind == "record":
            return f"record-{self.rate:g}hz"
        if self.kind == "cycle":
            return f"cycle{self.per_record}-{self.rate:g}hz"
        suffix = f"{self.per_record}" if self.beats == "single" else ""
        return f"{self.beats}{suffix}-{self.rate:g}hz"


@dataclass(frozen=True)
class Prepared:
    """The rows of several strips.

    Attributes:
        rows: int16 microvolts; beats and cycles have the eight independent leads, records all
            twelve.
        source: for each row, the index of its strip.
        hashes: one waveform hash per strip, of its raw independent leads; 0 where unreadable.
        reasons: one per strip: why it has no rows, "" if it has.
        seconds: for each row how long it lasted, float32; of length 0 where rows are not cycles.
    """

    rows: NDArray[np.int16]
    source: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    reasons: list[str]
    seconds: FloatArray = field(default_factory=lambda: np.empty(0, np.float32))

    @property
    def durations(self) -> FloatArray | None:
        """The column `seconds` of a cohort: None where rows have no duration of their own."""
        return self.seconds if len(self.seconds) else None

    @property
    def stored(self) -> dict[str, NDArray[Any]]:
        """The arrays of a cache entry, all but the hashes."""
        reasons = np.array(self.reasons, dtype=np.str_)
        entry: dict[str, NDArray[Any]] = {
            "rows": self.rows,
            "source": self.source,
            "reasons": reasons,
        }
        return entry if self.durations is None else {**entry, "seconds": self.durations}

    @classmethod
    def of(cls, entry: Mapping[str, NDArray[Any]]) -> Prepared:
        """From the arrays of a cache entry."""
        lasting = entry.get("seconds", np.empty(0, np.float32))
        reasons = entry["reasons"].tolist()
        return cls(entry["rows"], entry["source"], entry["hashes"], reasons, lasting)


def signals_of(parts: Sequence[NDArray[np.int16]], kind: str) -> FloatArray:
    """Rows of several `Prepared` as one array of float32 millivolts with twelve leads."""
    n, samples = sum(map(len, parts)), parts[0].shape[-1]
    signals = np.empty((n, len(LEADS), samples), np.float32)
    start = 0
    for rows in parts:
        millivolts = rows.astype(np.float32)
        millivolts /= np.float32(1000.0)
        into = signals[start : start + len(rows)]
        if kind != "record":
            derive_twelve_leads(millivolts, out=into)
        else:
            into[:] = millivolts
        start += len(rows)
    return signals


def strip_fault(strip: NDArray[Any]) -> str:
    """Why a strip (leads, samples) in mV is no usable signal, "" if it is one."""
    if not np.isfinite(strip).all():
        return "NaN samples"
    if np.abs(strip).max(initial=0.0) > LARGEST_STRIP_MILLIVOLTS:
        return f"samples over {LARGEST_STRIP_MILLIVOLTS:g} mV"
    if np.ptp(strip, axis=1).min(initial=np.inf) < FLAT_MILLIVOLTS:
        return "flat lead"
    return ""


def without_duplicates(cohort: Cohort) -> Cohort:
    """Keep the first record of every waveform; what is counted is records, not rows."""
    _, first, inverse = np.unique(cohort.hashes, return_index=True, return_inverse=True)
    again = cohort.record_ids != cohort.record_ids[first[inverse]]
    if not again.any():
        return cohort
    records = len(np.unique(cohort.record_ids[again]))
    kept = cohort.excluding(again, DUPLICATE_REASON)
    return replace(kept, exclusions={**kept.exclusions, DUPLICATE_REASON: records})


def prepare_strip(read: Strip, how: Preparation) -> tuple[NDArray[np.int16], FloatArray]:
    """Rows (n, leads, samples) of one strip, and how long each lasted if they are cycles.

    Raises:
        UnusableStripError: with the plain-word reason.
    """
    strip, rate, qrs, _ = read
    if fault := strip_fault(strip):
        raise UnusableStripError(fault)
    none = np.empty(0, np.float32)
    if how.kind == "record":
        if how.samples and (strip.shape[1], rate) != (how.samples, how.rate):
            raise UnusableStripError("unusual length or rate")
        return _microvolts(strip[None]), none
    eight = independent_rows()
    if how.kind == "cycle":
        cycles = find_cycles(strip[eight], rate, how.per_record, qrs)
        return _microvolts(cycles.signals), cycles.seconds.astype(np.float32)
    if how.beats == "median":
        return _microvolts(representative_beats(strip[eight], rate)[None, eight]), none
    return _microvolts(single_beats(strip[eight], rate, how.per_record)[:, eight]), none


def _microvolts(millivolts: NDArray[Any]) -> NDArray[np.int16]:
    # Clipped: a spike of the widest allowed may overshoot what 16 bits hold once it is filtered.
    whole = np.rint(np.asarray(millivolts, np.float64) * 1000.0)
    return np.clip(whole, -32768, 32767).astype(np.int16)


def prepare_chunk(read: Read, paths: Sequence[str], how: Preparation) -> Prepared:
    """Prepare files one after another; `read` raises UnusableStripError with its reason."""
    eight = independent_rows()
    rows, source, seconds = [], [], []
    hashes = np.zeros(len(paths), np.uint64)
    reasons = [""] * len(paths)
    for index, path in enumerate(paths):
        try:
            strip = Strip(*read(path))
            hashed = strip.signals if strip.raw is None else strip.raw
            hashes[index] = waveform_hashes(np.nan_to_num(hashed[None, eight]))[0]
            made, lasting = prepare_strip(strip, how)
        except UnusableStripError as reason:
            reasons[index] = str(reason)
            continue
        rows.append(made)
        seconds.append(lasting)
        source += [index] * len(made)
    lengths = np.concatenate([np.empty(0, np.float32), *seconds])
    return Prepared(stacked(rows), np.array(source, np.int64), hashes, reasons, lengths)


def stacked(rows: list[NDArray[np.int16]]) -> NDArray[np.int16]:
    """Rows of several strips as one array."""
    filled = [r for r in rows if len(r)]
    return np.concatenate(filled) if filled else np.empty((0, len(LEADS), 0), np.int16)
