"""Where cohorts come from: the embedded atlas, PTB-XL, LUDB, CinC, or arrays of one's own.

Importing this package is cheap; the readers and their libraries load when a cohort is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from axis_audit.errors import CohortError

if TYPE_CHECKING:
    from axis_audit.cohort import Cohort, Kind
    from axis_audit.cohorts.prepare import Preparation
    from axis_audit.cohorts.readers import Reader

ATLAS = "atlas"
_KNOWN = (
    "PTB-XL (a folder with ptbxl_database.csv), LUDB (a folder with ludb.csv), CinC 2020/2021 (a "
    "folder of .hea and .mat with #Dx lines), arrays (a .npz file), or the word 'atlas'"
)


def open_cohort(
    source: str | os.PathLike[str],
    *,
    folds: tuple[int, ...] | None = None,
    kind: Kind = "beat",
    beats: Literal["median", "single"] = "median",
    per_record: int = 8,
    rate: float = 100.0,
    patients: int | None = None,
    seed: int = 0,
    progress: bool = True,
    readers: Mapping[str, Reader] | None = None,
) -> Cohort:
    """Open a cohort by name or path.

    Args:
        source: 'atlas', a folder of PTB-XL, LUDB or CinC, a .npz of arrays, or `NAME:SOURCE` for a
            reader of somebody else's (entry-point group `axis_audit.cohorts`, or `readers`), which
            gives the rows it sees fit: `beats` and `per_record` do not reach it.
        folds: which folds; by default all that are there, and of the atlas fold 9.
        kind: "beat" gives beats of shape (n, 12, 120) at 100 Hz with the R peak at sample 40,
            "record" gives whole strips, "cycle" cardiac cycles of shape (n, 12, 400) with the R
            peak at sample 160, up to `per_record` a record (see `cohorts.cycles`).
        beats: one median beat a record, or up to `per_record` single ones, which then share
            their record's id and hash.
        rate: samples per second of records: PTB-XL has 100 and 500, others are resampled. Of
            PTB-XL, also which recordings beats and cycles are cut from; those of other sources
            are used as they are. Beats always come at 100.
        patients: at most so many people, drawn with `seed`; all of a person's rows are kept.
        progress: a bar on standard error while recordings are prepared.
        readers: name -> function, or its name as "module:function"; see `cohorts.readers`.

    Raises:
        CohortError: the source cannot be read as a cohort, or the folds are not there.
    """
    if per_record < 1:
        raise CohortError("per_record", f"is {per_record}", "ask for at least one beat a record")
    if patients is not None and patients < 1:
        raise CohortError("patients", f"is {patients}", "ask for at least one patient")
    if source == ATLAS:
        from axis_audit.cohorts.atlas import open_atlas

        return open_atlas(folds, kind=kind, patients=patients, seed=seed)
    from axis_audit.cohorts import readers as others
    from axis_audit.cohorts.prepare import Preparation

    _check_words(kind, beats)
    if not 0 < rate < float("inf"):
        raise CohortError("rate", f"is {rate}", "give samples per second")
    if kind == "cycle":
        beats = "single"  # there is no median of cycles; one preparation, one cache entry
    how = Preparation(kind, beats, per_record if beats == "single" else 1, float(rate))
    theirs = others.read(
        os.fspath(source), others.known_readers(readers or {}), folds, kind, float(rate)
    )
    if theirs is not None:
        return _some_patients(theirs, patients, seed)
    path = Path(source)
    try:
        # expanduser fails on a stranger's ~name, every look at the path where it is too long
        with suppress(RuntimeError):
            path = path.expanduser()
        cohort = _open_path(path, folds, how, progress)
    except OSError as error:
        raise CohortError(source, f"cannot be opened ({error})", "check the path") from error
    return _some_patients(cohort, patients, seed)


def _check_words(kind: str, beats: str) -> None:
    if kind not in ("beat", "record", "cycle"):
        raise CohortError("kind", f"is {kind!r}", "ask for 'beat', 'record' or 'cycle'")
    if beats not in ("median", "single"):
        raise CohortError("beats", f"is {beats!r}", "ask for 'median' or 'single'")


def parse_folds(text: str) -> tuple[int, ...]:
    """'1-8' -> (1, ..., 8); also '9' and '1,2,5-7'. Repeats are dropped, order is kept.

    Raises:
        CohortError: the text is no list of folds.
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", part, re.ASCII)
        if match is None:
            raise CohortError(
                f"folds {text!r}",
                f"{part.strip()!r} is neither a fold nor a range of folds",
                "write folds like 9, 1-8 or 1,2,5-7",
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first > 1000:
            raise CohortError(
                f"folds {text!r}",
                f"the range {part.strip()} does not rise",
                "write the smaller fold first, like 1-8",
            )
        found += range(first, last + 1)
    return tuple(dict.fromkeys(found))


def _open_path(
    path: Path, folds: tuple[int, ...] | None, how: Preparation, progress: bool
) -> Cohort:
    if path.is_dir():
        from axis_audit.cohorts.cinc import is_cinc, open_cinc
        from axis_audit.cohorts.ludb import TABLE as LUDB_TABLE
        from axis_audit.cohorts.ludb import open_ludb
        from axis_audit.cohorts.ptbxl import DATABASE, open_ptbxl

        if (path / DATABASE).is_file():
            return open_ptbxl(path.resolve(), folds, how, progress)
        if (path / LUDB_TABLE).is_file():
            return open_ludb(path.resolve(), folds, how, progress)
        if is_cinc(path):
            return open_cinc(path.resolve(), folds, how, progress)
        inside = sorted(entry.name for entry in path.iterdir())
        listed = ", ".join(inside[:8]) + (", ..." if len(inside) > 8 else "")
        raise CohortError(
            path,
            f"no known layout; it holds {listed or 'nothing'}",
            f"give one of the known cohorts: {_KNOWN}",
        )
    if path.suffix == ".npz" and path.exists():
        from axis_audit.cohorts.arrays import open_arrays

        return open_arrays(path, folds, how, progress)
    cause = "is no .npz file" if path.exists() else "does not exist"
    raise CohortError(path, cause, f"give one of the known cohorts: {_KNOWN}")


def _some_patients(cohort: Cohort, patients: int | None, seed: int) -> Cohort:
    """At most `patients` people, chosen by `seed`, in cohort order."""
    import numpy as np

    people = np.unique(cohort.patient_ids)
    if patients is None or len(people) <= patients:
        return cohort
    chosen = np.random.default_rng(seed).choice(people, patients, replace=False)
    return cohort.subset(np.isin(cohort.patient_ids, chosen))
