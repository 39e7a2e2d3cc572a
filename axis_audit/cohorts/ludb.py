"""LUDB as published on PhysioNet 1.0.1 (Kalyakulina et al., IEEE Access 8:186181, 2020).

Layout: ludb.csv, RECORDS, and data/ with a WFDB record and twelve annotation files a person
(`ludb_marks`): 12 leads, 10 s, 500 Hz, one record a person, no folds.

Units. The headers state for every lead its own gain, which stretches it to 1 mV from peak to peak:
amplitudes so read are alike in all leads and people, and no law of limb leads holds (III differs
from II - I by half of itself). The stored units are taken as microvolts instead, which LUDB does
not state. What speaks for it, in 140 records: III = II - I holds in stored units to the unit, and
Goldberger's laws to half a unit; and the QRS complexes are as tall as PTB-XL's, median from peak
to peak of the median beat in mV (PTB-XL: 2,177 records of fold 9):

            I    II   III   aVR   aVL   aVF    V1    V2    V3    V4    V5    V6
LUDB      .76   .99   .65   .84   .55   .67  1.10  1.41  1.58  1.79  1.60  1.22
PTB-XL    .79   .79   .60   .75   .57   .56   .94  1.50  1.61  1.73  1.47  1.09
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from axis_audit.cohort import CENSORED_AGE, CENSORED_REASON, OLDEST_AGE, Cohort, make_cohort
from axis_audit.cohorts import cache
from axis_audit.cohorts.beats import resample
from axis_audit.cohorts.ludb_marks import qrs_bounds, read_marks
from axis_audit.cohorts.prepare import (
    LAYOUTS,
    Preparation,
    Prepared,
    Strip,
    signals_of,
    without_duplicates,
)
from axis_audit.cohorts.strips import file_stats, read_adc
from axis_audit.cohorts.workers import Preparer
from axis_audit.errors import CohortError

if TYPE_CHECKING:
    import pandas as pd

TABLE = "ludb.csv"
RATE, SAMPLES = 500.0, 5000
MICROVOLTS_PER_UNIT = 1.0
DEVICE = "Schiller Cardiovit AT-101"
_TEXTS = (
    "Rhythms", "Electric axis of the heart", "Conduction abnormalities", "Extrasystolies",
    "Hypertrophies", "Cardiac pacing", "Ischemia", "Non-specific repolarization abnormalities",
    "Other states",
)  # fmt: skip
_SHORTER = {
    "electric axis of the heart": "axis",
    "non-specific repolarization abnormalities": "repolarization",
    "undefined ischemia/scar/supp.nstemi": "undefined ischemia",
}
_SEX = {"F": "female", "M": "male"}
_CENSORED = ">89"
_LONGEST_CODE = 100
_LARGEST_ID = 10**6
_CURE = f"restore {TABLE} as published"


def open_ludb(
    root: Path, folds: tuple[int, ...] | None, how: Preparation, progress: bool = True
) -> Cohort:
    """The recordings, prepared or from the cache, in the order of the table.

    Cycles are of the beats that experts marked; records are resampled to `how.rate`.

    Raises:
        CohortError: folds are asked for, the table is unreadable, or no record is usable.
    """
    if folds is not None:
        raise CohortError(
            root, "LUDB has no folds", "leave --folds and --fit-folds away: its people are one test"
        )
    table = read_table(root)
    target = how.rate
    how = replace(how, rate=RATE, samples=SAMPLES if how.kind == "record" else 0)
    prepared = _prepared(root, table, how, progress)
    exclusions = Counter(reason for reason in prepared.reasons if reason)
    if not len(prepared.rows):
        told = "; ".join(f"{n} x {reason}" for reason, n in exclusions.items())
        raise CohortError(root, f"no record is usable: {told}", "restore the published files")
    usable = np.array([not reason for reason in prepared.reasons], bool)
    if count := int((table["censored"].to_numpy(bool) & usable).sum()):
        exclusions[CENSORED_REASON] = count
    signals = signals_of([prepared.rows], how.kind)
    if how.kind == "record":
        signals = resample(signals, RATE, target).astype(np.float32)
    rate, r_index = LAYOUTS.get(how.kind, (target, 0))
    rows = table.iloc[prepared.source]
    ids = np.array([f"ludb/{i}" for i in rows["ID"]], dtype=np.str_)
    cohort = make_cohort(
        "LUDB", signals, rate=rate, kind=how.kind, r_index=r_index,
        seconds=prepared.durations, record_ids=ids, patient_ids=ids, exclusions=dict(exclusions),
        age=rows["age"].to_numpy(np.float32), sex=rows["sex"].to_numpy(np.str_),
        device=np.full(len(ids), DEVICE), diagnoses=rows["diagnoses"].tolist(),
        hashes=prepared.hashes[prepared.source],
    )  # fmt: skip
    return without_duplicates(cohort)


def read_strip(root: Path, name: str, marked: bool = False) -> Strip:
    """A record's strip in mV (12, samples), with the experts' complexes if asked for.

    Raises:
        UnusableStripError: the files cannot give such a strip, or its marks are damaged.
    """
    stored, rate = read_adc(root, name)
    qrs = qrs_bounds(read_marks(root, name, stored.shape[1])) if marked else None
    return Strip(stored * (MICROVOLTS_PER_UNIT / 1000.0), rate, qrs)


def read_table(root: Path) -> pd.DataFrame:
    """ludb.csv, one row a record: ID, filename, age (NaN over 89), censored, sex, diagnoses.

    Raises:
        CohortError: the file is missing, no table, or lacks columns.
    """
    import pandas as pd

    path = root / TABLE
    try:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing = [c for c in ("ID", "Sex", "Age", *_TEXTS) if c not in raw.columns]
        if missing:
            raise CohortError(path, f"columns are missing: {', '.join(missing)}", _CURE)
        cells = raw.apply(lambda column: column.str.strip())
        ids = pd.to_numeric(cells["ID"], errors="raise")
        age = pd.to_numeric(cells["Age"].replace({_CENSORED: CENSORED_AGE, "": np.nan}))
        table = pd.DataFrame({"ID": ids, "age": age.astype(np.float32)})
    except OSError as error:
        raise CohortError(path, f"cannot be read ({error.strerror or error})", _CURE) from error
    except CohortError:
        raise
    except Exception as error:  # pandas raises many kinds on damage: all mean the same
        raise CohortError(path, f"is not the published table ({error})", _CURE) from error
    _check(path, table)
    table["ID"] = table["ID"].astype(np.int64)
    table["filename"] = [f"data/{i}" for i in table["ID"]]
    table["censored"] = table["age"] == CENSORED_AGE
    table.loc[table["censored"], "age"] = np.nan
    table["sex"] = [_SEX.get(value, "") for value in cells["Sex"]]
    diagnoses = [
        {code: 100.0 for text in row for code in _codes(text)}
        for row in cells[list(_TEXTS)].itertuples(index=False)
    ]
    table["diagnoses"] = pd.Series(diagnoses, table.index, dtype=object)
    return table


def _check(path: Path, table: pd.DataFrame) -> None:
    if table.empty:
        raise CohortError(path, "holds no records", _CURE)
    ids = table["ID"].to_numpy(np.float64)
    odd = ~((ids > 0) & (ids < _LARGEST_ID) & (ids == np.rint(ids)))
    if odd.any():
        raise CohortError(path, f"ID {ids[odd][0]:g} is not a record's number", _CURE)
    if table["ID"].duplicated().any():
        twice = table["ID"][table["ID"].duplicated()].iloc[0]
        raise CohortError(path, f"ID {twice} stands in more than one row", _CURE)
    known = table["age"].dropna().to_numpy(np.float64)
    odd = ((known < 0) | (known > OLDEST_AGE)) & (known != CENSORED_AGE)
    if odd.any():
        raise CohortError(path, f"an age is {known[odd][0]:g}", _CURE)


def _codes(text: str) -> Iterator[str]:
    """A cell's findings, one a line, in lower case: "axis: left axis deviation"."""
    for line in text.splitlines():
        kind, colon, rest = line.strip().lower().partition(":")
        if code := f"{_SHORTER.get(kind, kind)}{colon}{rest}"[:_LONGEST_CODE]:
            yield code


def _prepared(root: Path, table: pd.DataFrame, how: Preparation, progress: bool) -> Prepared:
    names = table["filename"].tolist()
    stats = file_stats(root, names)
    files = [part for name in names for part in (name, stats.get(name, "absent"))]
    label, key = f"ludb-{how.label}", cache.fingerprint([how.version, *files])
    if (entry := cache.load(label, key)) is not None:
        return Prepared.of(entry)
    with Preparer(len(names), progress) as preparer:
        read = partial(read_strip, root, marked=how.kind == "cycle")
        made = preparer.run(read, names, how)
    cache.store(label, key, {**made.stored, "hashes": made.hashes})
    return made
