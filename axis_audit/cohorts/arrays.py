"""Recordings or beats of one's own: a .npz of plain arrays, no pickles.

Required: `signals` (n, leads, samples) in millivolts and `rate` in samples per second. Optional:
`leads` (default: the twelve), `kind` ("record", the default, or "beat"), `r_index` (needed for
beats), and one value a row of `age` (years; NaN or 300 where unknown), `patient_ids`,
`record_ids`, `sex` ("female", "male" or ""), `site`, `device` and `fold`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import (
    CENSORED_AGE,
    CENSORED_REASON,
    INDEPENDENT_LEADS,
    LEADS,
    Cohort,
    make_cohort,
    waveform_hashes,
)
from axis_audit.cohorts import cache
from axis_audit.cohorts.arrays_file import (
    Arrays,
    columns_of,
    kind_of,
    r_index_of,
    rate_of,
    read_arrays,
    refuse,
    signals_and_leads,
)
from axis_audit.cohorts.beats import (
    BEAT_RATE,
    BEAT_SAMPLES,
    R_INDEX,
    derive_twelve_leads,
    resample,
)
from axis_audit.cohorts.prepare import (
    LAYOUTS,
    Preparation,
    Prepared,
    signals_of,
    strip_fault,
    without_duplicates,
)
from axis_audit.cohorts.workers import Preparer

Columns = dict[str, Any]
"""One array a field of `Cohort`, one value a row."""


def open_arrays(
    path: Path, folds: tuple[int, ...] | None, how: Preparation, progress: bool = True
) -> Cohort:
    """Read a .npz of the layout above; records are segmented where beats or cycles are asked for.

    Records are resampled to `how.rate` where they are asked for at another rate.

    Raises:
        CohortError: the file is damaged, lacks a key or breaks the layout.
    """
    arrays = read_arrays(path)
    signals, leads = signals_and_leads(path, arrays)
    rate, given = rate_of(path, arrays), kind_of(path, arrays)
    columns = columns_of(path, arrays, len(signals), given)
    rows = _chosen_rows(path, columns["fold"], folds, "fold" in arrays)
    signals, columns = signals[rows], {name: values[rows] for name, values in columns.items()}
    exclusions: dict[str, int] = {}
    age = columns["age"]
    if count := int((age == CENSORED_AGE).sum()):
        exclusions[CENSORED_REASON] = count
        age[age == CENSORED_AGE] = np.nan
    independent = [i for i, lead in enumerate(leads) if lead in INDEPENDENT_LEADS]
    columns["hashes"] = waveform_hashes(signals[:, independent or slice(None)])
    if given == "record" and how.kind != "record":
        cohort = _segmented(path, signals, leads, rate, columns=columns, how=how, progress=progress)
    else:
        _refuse_other_beats(path, arrays, (signals.shape[2], rate), given, how)
        cohort = _as_given(path, signals, leads, rate, columns=columns, kind=given, target=how.rate)
    counted = replace(cohort, exclusions={**cohort.exclusions, **exclusions})
    return without_duplicates(counted)


def _chosen_rows(
    path: Path, fold: NDArray[np.int64], folds: tuple[int, ...] | None, has_folds: bool
) -> NDArray[np.int64]:
    """Rows of the folds asked for, in file order; all rows when none are asked for."""
    if folds is None:
        return np.arange(len(fold))
    if not has_folds:
        refuse(path, "has no folds", "leave the folds away, or add an array `fold`")
    present = np.unique(fold).tolist()
    absent = [f for f in folds if f not in present]
    if absent:
        refuse(
            path,
            f"folds {', '.join(map(str, absent))} are not there; "
            f"present: {', '.join(map(str, present))}",
            "choose among the folds present",
        )
    return np.flatnonzero(np.isin(fold, folds))


def _refuse_other_beats(
    path: Path, arrays: Arrays, beat: tuple[int, float], given: str, how: Preparation
) -> None:
    """Beats cannot be made into records, nor into beats of another length or alignment."""
    if given == "record":
        return
    if how.kind != "beat":
        refuse(path, f"holds beats, and {how.kind}s are asked for", "give strips, kind 'record'")
    r_index = r_index_of(path, arrays)
    samples, rate = beat
    if (samples, rate, r_index) != (BEAT_SAMPLES, BEAT_RATE, R_INDEX):
        refuse(
            path,
            f"beats have {samples} samples at {rate:g} Hz and r_index {r_index}",
            f"give {BEAT_SAMPLES} samples at {BEAT_RATE:g} Hz with the R peak at sample {R_INDEX}, "
            "or give the strips (kind 'record') to have them segmented",
        )


def _as_given(
    path: Path,
    signals: NDArray[np.float32],
    leads: tuple[str, ...],
    rate: float,
    *,
    columns: Columns,
    kind: Literal["beat", "record"],
    target: float,
) -> Cohort:
    """Rows as they are; records at another rate are resampled, unusable ones left out."""
    faults = np.array([strip_fault(row) for row in signals])
    keep = faults == ""
    exclusions = Counter(faults[~keep].tolist())
    if not keep.any():
        _refuse_all(path, exclusions)
    kept = signals[keep]
    if kind == "record" and rate != target:
        kept, rate = resample(kept, rate, target), target
    return make_cohort(
        path.stem, kept, rate=rate, leads=leads, kind=kind,
        r_index=R_INDEX if kind == "beat" else 0,
        exclusions=dict(exclusions),
        **{name: values[keep] for name, values in columns.items()},
    )  # fmt: skip


def _segmented(
    path: Path,
    signals: NDArray[np.float32],
    leads: tuple[str, ...],
    rate: float,
    *,
    columns: Columns,
    how: Preparation,
    progress: bool,
) -> Cohort:
    """Beats or cycles of the records, cached like those of any source."""
    missing = [lead for lead in INDEPENDENT_LEADS if lead not in leads]
    if missing:
        refuse(
            path,
            f"{how.kind}s need the eight independent leads; {', '.join(missing)} missing",
            f"give at least {', '.join(INDEPENDENT_LEADS)}",
        )
    strips = signals
    if leads != LEADS:
        strips = derive_twelve_leads(signals[:, [leads.index(lead) for lead in INDEPENDENT_LEADS]])
    prepared = _prepared(strips, rate, columns["hashes"], how, progress)
    exclusions = Counter(reason for reason in prepared.reasons if reason)
    if not len(prepared.rows):
        _refuse_all(path, exclusions)
    row_rate, r_index = LAYOUTS[how.kind]
    return make_cohort(
        path.stem, signals_of([prepared.rows], how.kind), rate=row_rate, kind=how.kind,
        r_index=r_index, exclusions=dict(exclusions),
        seconds=prepared.durations,
        **{name: values[prepared.source] for name, values in columns.items()},
    )  # fmt: skip


def _prepared(
    strips: NDArray[np.float32],
    rate: float,
    hashes: NDArray[np.uint64],
    how: Preparation,
    progress: bool,
) -> Prepared:
    digest = hashlib.sha256(np.ascontiguousarray(strips).tobytes()).hexdigest()
    name, key = f"arrays-{how.label}", cache.fingerprint([digest, repr(rate), how.version])
    entry = cache.load(name, key)
    if entry is not None:
        return Prepared.of({**entry, "hashes": hashes})
    with Preparer(len(strips), progress, workers=1) as preparer:
        # in this process: sending the strips to others costs as much as segmenting them
        numbers = [str(i) for i in range(len(strips))]
        made = preparer.run(lambda i: (strips[int(i)], rate), numbers, how)
    cache.store(name, key, made.stored)
    return made


def _refuse_all(path: Path, exclusions: Counter[str]) -> NoReturn:
    told = "; ".join(f"{n} x {reason}" for reason, n in exclusions.items())
    refuse(path, f"no record is usable: {told}", "see the reasons, and repair the records")
