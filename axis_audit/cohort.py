"""A cohort: validated ECG signals in millivolts with the people they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from axis_audit.errors import CohortError

FloatArray = NDArray[np.float32]
Kind = Literal["beat", "record", "cycle"]
KINDS: tuple[Kind, ...] = ("beat", "record", "cycle")
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
CENSORED_AGE = 300.0
"""PTB-XL's code for an age over 89; never a number of years."""
CENSORED_REASON = "age over 89 (coded 300)"
UNKNOWN_AGE = "age unknown"
OLDEST_AGE = 130.0
SLOWEST_RATE, FASTEST_RATE = 10.0, 20_000.0
"""Samples per second; others are damage, and resampling from them would explode."""
LARGEST_MILLIVOLTS = 100.0
"""Above this no physiological signal; most likely microvolts or raw ADC units."""


@dataclass(frozen=True)
class Cohort:
    """Signals and covariates, one row a record (or a single beat or cycle).

    Attributes:
        name: what the cohort is called in reports.
        signals: float32 millivolts, shape (n, leads, samples), finite.
        leads: lead names in the order of axis 1.
        rate: samples per second; of cycles, samples a cycle.
        kind: "beat" (one R-aligned beat a row), "record" (a continuous strip a row) or "cycle"
            (one cardiac cycle a row, stretched to as many samples as any other).
        r_index: for beats and cycles, the sample of the R peak.
        record_ids, patient_ids: strings, shape (n,). The patient is the unit of every statistic.
        age: float32 years, NaN where unknown or censored.
        sex: "female", "male" or "" (unknown). site, device: strings, "" where unknown.
        diagnoses: one mapping code -> likelihood per row (PTB-XL: 0-100), empty where unknown.
        fold: int, -1 where the source has no folds.
        hashes: uint64 waveform fingerprints of the source records (see `waveform_hashes`).
        scope: "recorded" (people) or "synthetic".
        exclusions: reason -> how many source records were left out or altered, for the report.
        seconds: for cycles, float32, how long each row lasted; None otherwise.
    """

    name: str
    signals: FloatArray
    leads: tuple[str, ...]
    rate: float
    kind: Kind
    record_ids: NDArray[np.str_]
    patient_ids: NDArray[np.str_]
    age: FloatArray
    sex: NDArray[np.str_]
    site: NDArray[np.str_]
    device: NDArray[np.str_]
    fold: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    diagnoses: tuple[Mapping[str, float], ...]
    r_index: int = 0
    scope: Literal["recorded", "synthetic"] = "recorded"
    exclusions: Mapping[str, int] = field(default_factory=dict)
    seconds: FloatArray | None = None

    def __post_init__(self) -> None:
        _validate(self)

    def __len__(self) -> int:
        return len(self.signals)

    @property
    def n_patients(self) -> int:
        """Distinct people."""
        return len(np.unique(self.patient_ids))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over signals, leads, rate, ids, ages and durations: the same cohort's alone."""
        digest = hashlib.sha256()
        digest.update(repr((self.leads, float(self.rate), self.kind, self.r_index)).encode())
        for column in (self.signals, self.age, self.seconds):
            if column is not None:
                digest.update(np.ascontiguousarray(column).tobytes())
        for ids in (self.record_ids, self.patient_ids):
            digest.update("\0".join(ids.tolist()).encode())
        return digest.hexdigest()

    def subset(self, rows: NDArray[Any]) -> Cohort:
        """The rows of a boolean mask or an index array, in their order."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        columns = ("record_ids", "patient_ids", "age", "sex", "site", "device", "fold", "hashes")
        return replace(
            self,
            signals=self.signals[index],
            diagnoses=tuple(self.diagnoses[i] for i in index),
            seconds=None if self.seconds is None else self.seconds[index],
            **{name: getattr(self, name)[index] for name in columns},
        )

    def excluding(self, rows: NDArray[np.bool_], reason: str) -> Cohort:
        """Drop rows and count them under `reason`."""
        if not rows.any():
            return self
        counted = dict(self.exclusions)
        counted[reason] = counted.get(reason, 0) + int(rows.sum())
        return replace(self.subset(~rows), exclusions=counted)

    def one_per_patient(self) -> Cohort:
        """The first row of every patient, in cohort order: the unit of every statistic."""
        _, first = np.unique(self.patient_ids, return_index=True)
        return self if len(first) == len(self) else self.subset(np.sort(first))

    def with_known_age(self) -> Cohort:
        """Rows whose age is a number; the others are counted, not guessed."""
        unknown = np.isnan(self.age)
        if not unknown.any():
            return self
        counted = dict(self.exclusions)
        # Readers count censored ages as they blank them: nobody is to be counted twice.
        more = int(unknown.sum()) - counted.get(CENSORED_REASON, 0)
        if more > 0:
            counted[UNKNOWN_AGE] = counted.get(UNKNOWN_AGE, 0) + more
        return replace(self.subset(~unknown), exclusions=counted)


def waveform_hashes(signals: FloatArray) -> NDArray[np.uint64]:
    """64-bit fingerprints of waveforms, one a row, from microvolts rounded to integers.

    The same recording under another id hashes alike; used for split integrity.

    Args:
        signals: millivolts, shape (n, leads, samples).
    """
    # Clipped: what is no voltage has a fingerprint too, and is refused elsewhere.
    millivolts = np.clip(np.nan_to_num(np.asarray(signals, np.float64)), -2e6, 2e6)
    microvolts = np.rint(millivolts * 1000.0).astype("<i4")
    rows = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in microvolts]
    return np.frombuffer(b"".join(rows), dtype="<u8").astype(np.uint64)


def make_cohort(
    name: str,
    signals: NDArray[Any],
    *,
    rate: float,
    leads: tuple[str, ...] = LEADS,
    kind: Kind = "record",
    **columns: Any,
) -> Cohort:
    """Build a cohort from what is known; the rest becomes "unknown".

    Args:
        columns: any other field of `Cohort`. Without `patient_ids` every row is its own patient;
            without `hashes` they are computed from `signals`.

    Raises:
        CohortError: the arrays do not make a valid cohort.
    """
    array = np.ascontiguousarray(signals, dtype=np.float32)
    n = len(array)
    ids = np.asarray(columns.pop("record_ids", np.arange(n).astype(str))).astype(str)
    filled: dict[str, Any] = {
        "record_ids": ids,
        "patient_ids": np.asarray(columns.pop("patient_ids", ids)).astype(str),
        "age": np.asarray(columns.pop("age", np.full(n, np.nan)), dtype=np.float32),
        "fold": np.asarray(columns.pop("fold", np.full(n, -1)), dtype=np.int64),
        "diagnoses": tuple(columns.pop("diagnoses", ({},) * n)),
    }
    for text in ("sex", "site", "device"):
        filled[text] = np.asarray(columns.pop(text, np.full(n, ""))).astype(str)
    if (seconds := columns.pop("seconds", None)) is not None:
        filled["seconds"] = np.asarray(seconds, np.float32)
    hashes = columns.pop("hashes", None)
    filled["hashes"] = waveform_hashes(array) if hashes is None else np.asarray(hashes, np.uint64)
    return Cohort(
        name=name, signals=array, leads=tuple(leads), rate=float(rate), kind=kind,
        **filled, **columns,
    )  # fmt: skip


def _validate(cohort: Cohort) -> None:
    def refuse(cause: str, cure: str) -> None:
        raise CohortError(f"cohort {cohort.name!r}", cause, cure)

    signals = cohort.signals
    if signals.ndim != 3 or signals.shape[1] != len(cohort.leads):
        refuse(
            f"signals have shape {signals.shape} for {len(cohort.leads)} leads",
            "give signals as (records, leads, samples) with one lead name per column",
        )
    if len(signals) == 0:
        refuse("no records are left", "see the exclusions above, or choose other folds")
    if len(set(cohort.leads)) != len(cohort.leads):
        refuse(f"lead names repeat: {cohort.leads}", "name every lead once")
    if not (np.isfinite(cohort.rate) and cohort.rate > 0):
        refuse(f"the rate is {cohort.rate}", "give samples per second")
    for name in ("record_ids", "patient_ids", "age", "sex", "site", "device", "fold", "hashes"):
        if getattr(cohort, name).shape != (len(signals),):
            refuse(
                f"{name} has shape {getattr(cohort, name).shape} for {len(signals)} records",
                "give one value per record, in the records' order",
            )
    if len(cohort.diagnoses) != len(signals):
        refuse("diagnoses do not match the records", "give one mapping per record")
    _validate_kind(cohort, refuse)
    _validate_values(cohort, refuse)


def _validate_kind(cohort: Cohort, refuse: Any) -> None:
    """Cycles are as long as their hearts are slow, and say so; other rows last what `rate` says."""
    if cohort.kind not in KINDS:
        refuse(f"its kind is {cohort.kind!r}", f"give one of {', '.join(KINDS)}")
    if cohort.kind != "cycle":
        if cohort.seconds is not None:
            refuse(f"a {cohort.kind} has no duration of its own", "leave `seconds` away")
        return
    samples = cohort.signals.shape[2]
    if not 0 <= cohort.r_index < samples:
        refuse(f"r_index is {cohort.r_index} in cycles of {samples} samples", "give the R peak's")
    if cohort.seconds is None:
        refuse("cycles do not say how long they last", "give `seconds`, one value a row")
    elif cohort.seconds.shape != (len(cohort),):
        refuse(
            f"seconds has shape {cohort.seconds.shape} for {len(cohort)} cycles",
            "give one value a row, in the rows' order",
        )
    elif not (np.isfinite(cohort.seconds) & (cohort.seconds > 0)).all():
        refuse("some cycles last no positive number of seconds", "give each cycle's duration")


def _validate_values(cohort: Cohort, refuse: Any) -> None:
    finite = np.isfinite(cohort.signals).all(axis=(1, 2))
    if not finite.all():
        refuse(
            f"{int((~finite).sum())} records hold NaN or infinite samples, the first is "
            f"{cohort.record_ids[~finite][0]}",
            "drop or repair those records",
        )
    largest = float(np.abs(cohort.signals).max(initial=0.0))
    if largest > LARGEST_MILLIVOLTS:
        refuse(
            f"samples reach {largest:.0f}, which cannot be millivolts",
            "convert ADC units or microvolts to millivolts first",
        )
    known = cohort.age[~np.isnan(cohort.age)]
    if known.size and (np.any(known < 0) or np.any(known > OLDEST_AGE)):
        odd = known[(known < 0) | (known > OLDEST_AGE)]
        refuse(
            f"{odd.size} ages lie outside 0-{OLDEST_AGE:.0f} years, such as {odd[0]:g}",
            "age 300 is PTB-XL's code for 'over 89': give NaN for ages that are not known",
        )
    if any(not p for p in cohort.patient_ids):
        refuse(
            "some patient ids are empty", "give every record its patient; it is what is resampled"
        )
