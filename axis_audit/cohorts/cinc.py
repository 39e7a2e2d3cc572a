"""Folders of the PhysioNet/CinC Challenges 2020 and 2021 (Perez Alday et al., Physiological
Measurement 41:124003, 2020; Reyna et al., CinC 2021): Chapman-Shaoxing, Ningbo, Georgia, CPSC.

Layout: a WFDB header and its samples a record (A0001.hea, A0001.mat), in one folder or in folders
within it (training/georgia/g1/...). Comments of the header tell age, sex and diagnoses: "#Age: 74"
or "# Age: 74", "#Sex: Male", "#Dx: 164889003,59118001" (SNOMED CT, or CPSC's abbreviations).

People. The Challenge gives no patient ids: every record counts as a person. That is true of most
sources; the Challenge's PTB holds 549 records of 290 people, INCART 75 of 32, and says not whose.

Length. All kinds of rows are of a record's first ten seconds, as PTB-XL's are. Shorter ones give
no record (they are left out and counted, not padded: no model here was trained on padding), but
beats and cycles. Records are resampled to the rate asked for, once they are found to be whole;
beats and cycles are cut at the recording's own rate.

Codes come as given, each with likelihood 100; which mean what is in `axis_audit.diseases`. A
record's name tells its source, which becomes its site, since that says what was annotated.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import CENSORED_AGE, CENSORED_REASON, OLDEST_AGE, Cohort, make_cohort
from axis_audit.cohorts import cache
from axis_audit.cohorts.beats import UnusableStripError, resample
from axis_audit.cohorts.prepare import (
    LAYOUTS,
    Preparation,
    Prepared,
    Strip,
    signals_of,
    strip_fault,
    without_duplicates,
)
from axis_audit.cohorts.strips import file_stats, read_strip
from axis_audit.cohorts.workers import Preparer
from axis_audit.errors import CohortError

SECONDS = 10
SHORT = f"shorter than {SECONDS} s"
PTBXL_RECORD = "PTB-XL's record: read it from PTB-XL, which says whose it is"
SOURCES: tuple[tuple[str, str], ...] = (
    (r"A\d{4}", "CPSC 2018"),
    (r"Q\d{4}", "CPSC extra"),
    (r"E\d{5}", "Georgia"),
    (r"JS\d{5}", "Chapman-Shaoxing or Ningbo"),
    (r"S\d{4}", "PTB"),
    (r"I\d{4}", "INCART"),
)
"""Names of records as published, and of the sources they come from."""
_PTBXL_NAME = re.compile(r"HR\d{5}")
_SEX = {"female": "female", "f": "female", "male": "male", "m": "male"}
_NOTHING = ("", "unknown", "unknows", "nan", "none", "n/a")
_LARGEST_HEADER, _MOST_CODES, _LONGEST_CODE = 2**16, 100, 100
_FIRST_HEADERS, _MOST_FOLDERS = 20, 2000
"""How many headers and folders are looked at before a folder is said to be none of the
Challenge's."""
_FACTS_VERSION = "1"
"""Raise it when what is read of headers changes, or stale cache entries would be served."""
_CURE = "restore the headers (.hea) and samples (.mat) as published"


class Facts(NamedTuple):
    """What a header's comments tell of a person: years (NaN unknown), sex, codes."""

    age: float
    sex: str
    codes: tuple[str, ...]


def is_cinc(root: Path) -> bool:
    """Whether one of the first headers found within a folder has a line of diagnoses."""
    some = islice(_headers(root), _FIRST_HEADERS)
    return any(re.search(r"^#\s*Dx\s*:", _text(root / f"{name}.hea"), re.M) for name in some)


def open_cinc(
    root: Path, folds: tuple[int, ...] | None, how: Preparation, progress: bool = True
) -> Cohort:
    """The recordings within a folder, prepared or from the cache, in the order of their paths.

    Raises:
        CohortError: folds are asked for, or no record is usable.
    """
    if folds is not None:
        raise CohortError(
            root, "the Challenge has no folds", "leave --folds and --fit-folds away: it is one test"
        )
    if how.kind == "record":
        how = replace(how, samples=round(SECONDS * how.rate))
    names = sorted(_headers(root))
    theirs = [name for name in names if _PTBXL_NAME.fullmatch(_stem(name))]
    names = [name for name in names if not _PTBXL_NAME.fullmatch(_stem(name))]
    prepared, facts = _prepared(root, names, how, progress)
    exclusions = Counter(reason for reason in prepared.reasons if reason)
    if theirs:
        exclusions[PTBXL_RECORD] = len(theirs)
    if not len(prepared.rows):
        told = "; ".join(f"{n} x {reason}" for reason, n in exclusions.items())
        raise CohortError(root, f"no record is usable: {told}", _CURE)
    usable = np.array([not reason for reason in prepared.reasons], bool)
    censored = facts["age"] >= CENSORED_AGE
    if count := int((censored & usable).sum()):
        exclusions[CENSORED_REASON] = count
    rate, r_index = LAYOUTS.get(how.kind, (how.rate, 0))
    ids, sites, rows = _ids(names), [source_of(_stem(name)) for name in names], prepared.source
    diagnoses = [dict.fromkeys(json.loads(text), 100.0) for text in facts["codes"].tolist()]
    present = sorted({sites[row] for row in rows} - {""})
    cohort = make_cohort(
        f"CinC {', '.join(present) or root.name}", signals_of([prepared.rows], how.kind),
        rate=rate, kind=how.kind, r_index=r_index, seconds=prepared.durations,
        record_ids=ids[rows], patient_ids=ids[rows], exclusions=dict(exclusions),
        age=np.where(censored, np.nan, facts["age"]).astype(np.float32)[rows],
        sex=facts["sex"][rows], site=np.array(sites, dtype=np.str_)[rows],
        diagnoses=[diagnoses[row] for row in rows], hashes=prepared.hashes[rows],
    )  # fmt: skip
    return without_duplicates(cohort)


def source_of(name: str) -> str:
    """The source that a record's name tells of, "" if none."""
    return next((source for form, source in SOURCES if re.fullmatch(form, name)), "")


def read_record(root: Path, rate: float, name: str) -> Strip:
    """The first ten seconds of a record, (12, samples) in mV.

    Args:
        rate: samples per second to resample them to; 0 takes them as they are, also where a record
            is shorter.

    Raises:
        UnusableStripError: the files cannot give such a strip.
    """
    whole, own = read_strip(root, name)
    needed = math.ceil(SECONDS * own)
    strip = whole[:, :needed]
    if not rate:
        return Strip(strip, own)
    if strip.shape[1] < needed:
        raise UnusableStripError(SHORT)
    if own == rate:
        return Strip(strip, own)
    if fault := strip_fault(strip):  # resampling would hide a spike, and spread what is missing
        raise UnusableStripError(fault)
    made = resample(strip, own, rate)[:, : round(SECONDS * rate)]
    return Strip(made, rate, raw=strip)


def facts_of(text: str) -> Facts:
    """Age, sex and diagnoses of a header's comments; what is not there or no value is unknown."""
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            said.setdefault(key.strip().casefold(), []).append(value.strip())
    try:
        age = float(said.get("age", ["nan"])[0])
    except ValueError:
        age = math.nan
    if not (0 <= age <= OLDEST_AGE or age == CENSORED_AGE):
        age = math.nan
    sex = _SEX.get(said.get("sex", [""])[0].casefold(), "")
    given = [code.strip() for value in said.get("dx", []) for code in value.split(",")]
    codes = [code[:_LONGEST_CODE] for code in given if code.casefold() not in _NOTHING]
    return Facts(age, sex, tuple(dict.fromkeys(codes))[:_MOST_CODES])


def _text(path: Path) -> str:
    """A header's text, "" where there is none that can be read."""
    try:
        with path.open(encoding="ascii", errors="ignore") as stream:
            return stream.read(_LARGEST_HEADER)
    except OSError:
        return ""


def _headers(root: Path) -> Iterator[str]:
    """Names of records within a folder, without suffix, relative to it; links are followed once.

    Raises:
        OSError: a folder cannot be looked into: its records would be missing unsaid.
    """

    def stop(error: OSError) -> None:
        raise error

    seen: set[tuple[int, int]] = set()
    found = False
    for folder, below, files in os.walk(root, onerror=stop, followlinks=True):
        about = os.stat(folder)
        if (about.st_dev, about.st_ino) in seen or (len(seen) >= _MOST_FOLDERS and not found):
            below.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        below[:] = sorted(name for name in below if not name.startswith("."))
        inside = Path(folder).relative_to(root)
        for file in sorted(files):
            if file.endswith(".hea") and not file.startswith("."):
                found = True
                yield (inside / file).as_posix().removesuffix(".hea")


def _stem(name: str) -> str:
    return name.rpartition("/")[2]


def _ids(names: list[str]) -> NDArray[np.str_]:
    """Ids of the records: their names, with the folder where two records share one."""
    stems = [_stem(name) for name in names]
    times = Counter(stems)
    chosen = [stem if times[stem] == 1 else n for stem, n in zip(stems, names, strict=True)]
    return np.array([f"cinc/{name}" for name in chosen], dtype=np.str_)


def _prepared(
    root: Path, names: list[str], how: Preparation, progress: bool
) -> tuple[Prepared, dict[str, NDArray[Any]]]:
    """Rows, and what the headers tell: age, sex, and codes as a JSON list; one value a record."""
    stats = file_stats(root, names)
    files = [part for name in names for part in (name, stats.get(name, "absent"))]
    label, key = f"cinc-{how.label}", cache.fingerprint([_FACTS_VERSION, how.version, *files])
    if (entry := cache.load(label, key)) is not None:
        return Prepared.of(entry), {name: entry[name] for name in Facts._fields}
    with Preparer(len(names), progress) as preparer:
        read = partial(read_record, root, how.rate if how.kind == "record" else 0.0)
        made = preparer.run(read, names, how) if names else _nothing()
    told = [facts_of(_text(root / f"{name}.hea")) for name in names]
    facts: dict[str, NDArray[Any]] = {
        "age": np.array([one.age for one in told], np.float32),
        "sex": np.array([one.sex for one in told], dtype=np.str_),
        "codes": np.array([json.dumps(one.codes) for one in told], dtype=np.str_),
    }
    cache.store(label, key, {**made.stored, "hashes": made.hashes, **facts})
    return made, facts


def _nothing() -> Prepared:
    none = np.empty(0, np.int64)
    return Prepared(np.empty((0, 12, 0), np.int16), none, none.astype(np.uint64), [])
