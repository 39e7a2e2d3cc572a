"""PTB-XL as published on PhysioNet (Wagner et al., Scientific Data 7:154, 2020).

Layout: ptbxl_database.csv, records100/ (column filename_lr) and records500/ (filename_hr) in
WFDB format. Ages over 89 are coded 300 there, and sex 0 is male, 1 female.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import (
    CENSORED_AGE,
    CENSORED_REASON,
    Cohort,
    make_cohort,
)
from axis_audit.cohorts import cache
from axis_audit.cohorts.prepare import (
    LAYOUTS,
    Preparation,
    Prepared,
    signals_of,
    without_duplicates,
)
from axis_audit.cohorts.strips import file_stats, read_strip
from axis_audit.cohorts.workers import Preparer
from axis_audit.errors import CohortError

if TYPE_CHECKING:
    import pandas as pd

DATABASE = "ptbxl_database.csv"
FILENAME_COLUMN = {100.0: "filename_lr", 500.0: "filename_hr"}
RECORD_SECONDS = 10
_COLUMNS = ("ecg_id", "patient_id", "age", "sex", "site", "device", "scp_codes", "strat_fold")
_LONGEST_CODES = 10_000
_LARGEST_ID = 2**53
_SEX = {0: "male", 1: "female"}


def open_ptbxl(
    root: Path, folds: tuple[int, ...] | None, how: Preparation, progress: bool = True
) -> Cohort:
    """The recordings of some folds (all by default), prepared or from the cache.

    Rows stand in the order of the folds asked for, and within a fold in that of the table.

    Raises:
        CohortError: the table is unreadable, a fold is absent, or no record is usable.
    """
    if how.rate not in FILENAME_COLUMN:
        raise CohortError(root, f"PTB-XL has no recordings at {how.rate:g} Hz", "use 100 or 500")
    if how.kind == "record":
        how = replace(how, samples=round(RECORD_SECONDS * how.rate))
    table = read_table(root, FILENAME_COLUMN[how.rate])
    chosen = _present_folds(root, table, folds)
    parts = _load_folds(root, table, chosen, how, progress)
    exclusions: Counter[str] = Counter()
    for part in parts:
        exclusions.update(json.loads(str(part["exclusions"])))
    columns: dict[str, Any] = {
        name: np.concatenate([p[name] for p in parts if name in p])
        for name in sorted(set().union(*parts))
        if name not in ("exclusions", "rows")
    }
    rows = [p["rows"] for p in parts if len(p["rows"])]
    if not rows:
        told = "; ".join(f"{n} x {reason}" for reason, n in exclusions.items())
        raise CohortError(root, f"no record is usable: {told}", "restore the published files")
    rate, r_index = LAYOUTS.get(how.kind, (how.rate, 0))
    cohort = make_cohort(
        f"PTB-XL {_fold_label(chosen)}",
        signals_of(rows, how.kind),
        rate=rate,
        kind=how.kind,
        r_index=r_index,
        diagnoses=_diagnoses(columns.pop("diagnoses")),
        exclusions=dict(exclusions),
        **columns,
    )
    return without_duplicates(cohort)


def read_table(root: Path, filename_column: str = "filename_lr") -> pd.DataFrame:
    """The columns of ptbxl_database.csv that a cohort needs, one row a record.

    Raises:
        CohortError: the file is missing, no table, or lacks columns.
    """
    import pandas as pd

    path = root / DATABASE
    cure = "restore ptbxl_database.csv as published"
    try:
        header = pd.read_csv(path, nrows=0).columns
        missing = [c for c in (*_COLUMNS, filename_column) if c not in header]
        if missing:
            raise CohortError(path, f"columns are missing: {', '.join(missing)}", cure)
        table = pd.read_csv(path, usecols=[*_COLUMNS, filename_column], dtype={"device": "string"})
        for column in ("ecg_id", "patient_id", "age", "sex", "strat_fold"):
            table[column] = pd.to_numeric(table[column], errors="raise")
            whole = column not in ("age", "sex")
            _check_numbers(path, column, table[column].to_numpy(np.float64), whole)
        table = table.astype({"ecg_id": "int64", "patient_id": "int64", "strat_fold": "int64"})
    except OSError as error:
        raise CohortError(path, f"cannot be read ({error.strerror or error})", cure) from error
    except CohortError:
        raise
    except Exception as error:  # pandas raises many kinds on damage: all mean the same
        raise CohortError(path, f"is not the published table ({error})", cure) from error
    if table.empty:
        raise CohortError(path, "holds no records", cure)
    if table["ecg_id"].duplicated().any():
        twice = table["ecg_id"][table["ecg_id"].duplicated()].iloc[0]
        raise CohortError(path, f"ecg_id {twice} stands in more than one row", cure)
    table["filename"] = table.pop(filename_column).fillna("").astype(str)
    return table


def _check_numbers(path: Path, column: str, values: NDArray[np.float64], whole: bool) -> None:
    known = values[~np.isnan(values)]
    wrong = np.abs(known) > _LARGEST_ID
    if whole:
        wrong |= known != np.rint(known)
    if wrong.any():
        raise CohortError(
            path,
            f"is not the published table ({column} holds {known[wrong][0]:g})",
            f"restore {DATABASE} as published",
        )


def _present_folds(
    root: Path, table: pd.DataFrame, folds: tuple[int, ...] | None
) -> tuple[int, ...]:
    """The folds asked for. A fold is there when the table and its recordings' folder say so."""
    listed = sorted(set(table["strat_fold"].tolist()))
    if folds is None:
        return tuple(listed)
    absent = [f for f in folds if f not in listed]
    if absent:
        raise CohortError(
            root,
            f"folds {', '.join(map(str, absent))} are not there; "
            f"present: {', '.join(map(str, listed))}",
            "choose among the folds present",
        )
    return tuple(dict.fromkeys(folds))


def _diagnoses(texts: NDArray[np.str_]) -> list[dict[str, float]]:
    """Rows with the same codes share one mapping."""
    distinct, inverse = np.unique(texts, return_inverse=True)
    mappings: list[dict[str, float]] = [json.loads(text) for text in distinct.tolist()]
    return [mappings[i] for i in inverse.tolist()]


def _fold_label(folds: tuple[int, ...]) -> str:
    return f"fold{'s' if len(folds) > 1 else ''} {','.join(map(str, folds))}"


def _load_folds(
    root: Path,
    table: pd.DataFrame,
    folds: tuple[int, ...],
    how: Preparation,
    progress: bool,
) -> list[dict[str, NDArray[Any]]]:
    """One cache entry a fold; what is missing is prepared with one pool of workers."""
    table_sha = cache.file_sha256(root / DATABASE)
    stats = file_stats(root, table["filename"].tolist())
    names, keys, tables, parts = [], [], [], []
    for fold in folds:
        rows = table[table["strat_fold"] == fold]
        files = [part for name in rows["filename"] for part in (name, stats.get(name, "absent"))]
        names.append(f"ptbxl-fold{fold}-{how.label}")
        keys.append(cache.fingerprint([table_sha, how.version, *map(str, files)]))
        tables.append(rows)
        parts.append(cache.load(names[-1], keys[-1]))
    total = sum(len(t) for t, part in zip(tables, parts, strict=True) if part is None)
    with Preparer(total, progress) as preparer:
        for i, rows in enumerate(tables):
            if parts[i] is not None:
                continue
            prepared = preparer.run(partial(read_strip, root), rows["filename"].tolist(), how)
            parts[i] = _entry(rows, prepared)
            cache.store(names[i], keys[i], parts[i] or {})
    return [part for part in parts if part is not None]


def _entry(rows: pd.DataFrame, prepared: Prepared) -> dict[str, NDArray[Any]]:
    """A fold's columns, one value a prepared row, as arrays without pickles."""
    exclusions = Counter(reason for reason in prepared.reasons if reason)
    age = rows["age"].to_numpy(np.float32, copy=True)
    usable = np.array([not reason for reason in prepared.reasons], bool)
    censored = age >= CENSORED_AGE
    age[censored] = np.nan
    if count := int((censored & usable).sum()):
        exclusions[CENSORED_REASON] = count
    sex = [_SEX.get(value, "") for value in rows["sex"].tolist()]
    columns: dict[str, Any] = {
        "record_ids": [f"ptb-xl/{i}" for i in rows["ecg_id"]],
        "patient_ids": [f"ptb-xl/{i}" for i in rows["patient_id"]],
        "age": age,
        "sex": sex,
        "site": rows["site"].map(_site).tolist(),
        "device": rows["device"].fillna("").str.strip().tolist(),
        "diagnoses": [json.dumps(_codes(text)) for text in rows["scp_codes"]],
        "fold": rows["strat_fold"].to_numpy(np.int64),
        "hashes": prepared.hashes,
    }
    return {
        "rows": prepared.rows,
        **({} if prepared.durations is None else {"seconds": prepared.durations}),
        "exclusions": np.array(json.dumps(exclusions)),
        **{
            name: (np.asarray(values) if len(values) else np.empty(0, "U1"))[prepared.source]
            for name, values in columns.items()
        },
    }


def _site(value: Any) -> str:
    return "" if value != value else f"{value:g}" if isinstance(value, float) else str(value)  # noqa: PLR0124


def _codes(text: Any) -> dict[str, float]:
    """SCP-ECG statements -> likelihood, 0-100; a cell that is no dict is no diagnosis."""
    try:
        if len(text) > _LONGEST_CODES:
            return {}
        codes = ast.literal_eval(text)
        return {str(code): float(likelihood) for code, likelihood in codes.items()}
    except (
        ValueError, SyntaxError, AttributeError, TypeError, RecursionError, MemoryError,
        OverflowError,
    ):  # fmt: skip
        return {}
