"""Strips into rows of a cohort, in a few processes; rows are whole microvolts.

Microvolts as int16 are the recordings' own resolution. They halve the cache, and rounding makes
the same recordings give the same cohort fingerprint on every machine. Workers import no torch.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import LEADS, Cohort, FloatArray, waveform_hashes
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

PREPARATION_VERSION = "1"
"""Raise it when the code that makes rows changes, or stale cache entries would be served."""
FLAT_MILLIVOLTS = 0.01
"""A lead whose whole strip spans less is disconnected, not quiet."""
LARGEST_STRIP_MILLIVOLTS = 10.0
WORKERS = 2
FEWEST_FOR_WORKERS = 400
"""Below this, starting processes costs more than it saves."""
CHUNK = 100

DUPLICATE_REASON = "duplicate waveform"

Read = Callable[[str], tuple[NDArray[Any], float]]
"""A file's strip in mV, shape (12, samples), leads as `LEADS`, and its rate."""


@dataclass(frozen=True)
class Preparation:
    """What is to be made of every strip; see `axis_audit.cohorts.open_cohort`.

    `samples` is the length that records must have, since rows are stacked; 0 takes any.
    """

    kind: Literal["beat", "record"] = "beat"
    beats: Literal["median", "single"] = "median"
    per_record: int = 8
    rate: float = BEAT_RATE
    samples: int = 0

    @property
    def version(self) -> str:
        """Everything but the source that the rows depend on."""
        rules = (
            BEAT_RATE, BEAT_SAMPLES, R_INDEX, HIGH_PASS_HZ, SNAP_SAMPLES, ALIGN_SAMPLES,
            QRS_HALF_WIDTH, CORE, SMALLEST_CORRELATION, RR_TOLERANCE, FEWEST_BEATS,
            FLAT_MILLIVOLTS, LARGEST_STRIP_MILLIVOLTS,
        )  # fmt: skip
        return repr((PREPARATION_VERSION, self, rules))

    @property
    def label(self) -> str:
        """A short name for files."""
        if self.kind == "record":
            return f"record-{self.rate:g}hz"
        suffix = f"{self.per_record}" if self.beats == "single" else ""
        return f"{self.beats}{suffix}-{self.rate:g}hz"


@dataclass(frozen=True)
class Prepared:
    """The rows of several strips.

    Attributes:
        rows: int16 microvolts; beats have the eight independent leads, records all twelve.
        source: for each row, the index of its strip.
        hashes: one waveform hash per strip, of its raw independent leads; 0 where unreadable.
        reasons: one per strip: why it has no rows, "" if it has.
    """

    rows: NDArray[np.int16]
    source: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    reasons: list[str]


def signals_of(parts: Sequence[NDArray[np.int16]], kind: str) -> FloatArray:
    """Rows of several `Prepared` as one array of float32 millivolts with twelve leads."""
    n, samples = sum(map(len, parts)), parts[0].shape[-1]
    signals = np.empty((n, len(LEADS), samples), np.float32)
    start = 0
    for rows in parts:
        millivolts = rows.astype(np.float32)
        millivolts /= np.float32(1000.0)
        into = signals[start : start + len(rows)]
        if kind == "beat":
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


def prepare_strip(strip: NDArray[Any], rate: float, how: Preparation) -> NDArray[np.int16]:
    """Rows (n, leads, samples) of one strip in mV, (12, samples), leads as `LEADS`.

    Raises:
        UnusableStripError: with the plain-word reason.
    """
    if fault := strip_fault(strip):
        raise UnusableStripError(fault)
    if how.kind == "record":
        if how.samples and (strip.shape[1], rate) != (how.samples, how.rate):
            raise UnusableStripError("unusual length or rate")
        return _microvolts(strip[None])
    eight = independent_rows()
    if how.beats == "median":
        return _microvolts(representative_beats(strip[eight], rate)[None, eight])
    return _microvolts(single_beats(strip[eight], rate, how.per_record)[:, eight])


def _microvolts(millivolts: NDArray[Any]) -> NDArray[np.int16]:
    return np.rint(np.asarray(millivolts, np.float64) * 1000.0).astype(np.int16)


def prepare_chunk(read: Read, paths: Sequence[str], how: Preparation) -> Prepared:
    """Prepare files one after another; `read` raises UnusableStripError with its reason."""
    eight = independent_rows()
    rows, source = [], []
    hashes = np.zeros(len(paths), np.uint64)
    reasons = [""] * len(paths)
    for index, path in enumerate(paths):
        try:
            strip, rate = read(path)
            hashes[index] = waveform_hashes(np.nan_to_num(strip[None, eight]))[0]
            made = prepare_strip(strip, rate, how)
        except UnusableStripError as reason:
            reasons[index] = str(reason)
            continue
        rows.append(made)
        source += [index] * len(made)
    return Prepared(_stacked(rows), np.array(source, np.int64), hashes, reasons)


def _stacked(rows: list[NDArray[np.int16]]) -> NDArray[np.int16]:
    filled = [r for r in rows if len(r)]
    return np.concatenate(filled) if filled else np.empty((0, len(LEADS), 0), np.int16)


class Preparer(AbstractContextManager["Preparer"]):
    """Prepares lists of files, with worker processes when there are enough of them.

    Args:
        total: files to come, over all calls. progress: a bar on standard error.
        workers: processes at most; with 1, `read` need not be picklable.
    """

    def __init__(self, total: int, progress: bool = True, workers: int = WORKERS) -> None:
        from tqdm import tqdm

        workers = min(workers, os.cpu_count() or 1)
        self._pool = (
            ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
            if total >= FEWEST_FOR_WORKERS and workers > 1
            else None
        )
        self._bar = tqdm(
            total=total, desc="preparing recordings", unit="record", file=sys.stderr,
            disable=not progress or total == 0, dynamic_ncols=True,
        )  # fmt: skip

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(self, read: Read, paths: Sequence[str], how: Preparation) -> Prepared:
        """Prepare files in order."""
        chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
        done: list[Prepared] = []
        for chunk, prepared in zip(chunks, self._results(read, chunks, how), strict=True):
            done.append(prepared)
            self._bar.update(len(chunk))
        return _concatenated(done)

    def _results(
        self, read: Read, chunks: list[Sequence[str]], how: Preparation
    ) -> Iterator[Prepared]:
        n, finished = len(chunks), 0
        if self._pool is not None:
            try:
                with _without_main():
                    results = self._pool.map(prepare_chunk, [read] * n, chunks, [how] * n)
                for prepared in results:
                    finished += 1
                    yield prepared
            except BrokenProcessPool:
                self._pool = None
                warnings.warn("worker processes died, preparing in this one", stacklevel=2)
        for chunk in chunks[finished:]:
            yield prepare_chunk(read, chunk, how)


@contextmanager
def _without_main() -> Iterator[None]:
    """Start processes that do not run the caller's script again.

    Spawned processes import the main module: a script without a `__main__` guard would start
    over in each, and one that imports torch would cost each three seconds.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _concatenated(parts: list[Prepared]) -> Prepared:
    starts = np.cumsum([0] + [len(p.reasons) for p in parts])[:-1]
    return Prepared(
        _stacked([p.rows for p in parts]),
        np.concatenate([p.source + start for p, start in zip(parts, starts, strict=True)]),
        np.concatenate([p.hashes for p in parts]),
        [reason for p in parts for reason in p.reasons],
    )
