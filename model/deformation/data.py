"""Beats for training: every record by its median beat or by one of its single beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.cohort import Cohort
from axis_audit.errors import InputError
from model.training import selection_rows

FEWEST_RECORDS = 16
NORMAL = "NORM"
"""PTB-XL's statement of a normal recording."""


@dataclass(frozen=True)
class Beats:
    """Records of one side of the selection split, one row a record.

    Attributes:
        medians: mV, shape (n, leads, samples). ages: years, shape (n,).
        shares: weight for the axis, shape (n,): 1 / (records of the same patient), so that people,
            not records, weigh alike; 0 for recordings set apart.
        groups: of people alike, shape (n,): recordings set apart are 0, others go by sex and by
            whether the recording is normal.
        singles: mV, shape (m, leads, samples), grouped by record: those of record i begin at
            first[i] and are count[i] (perhaps none).
    """

    medians: Tensor
    ages: Tensor
    shares: Tensor
    groups: Tensor
    singles: Tensor
    first: Tensor
    count: Tensor

    def __len__(self) -> int:
        return len(self.medians)

    def draw(self, rows: Tensor, share: float, chance: torch.Generator) -> Tensor:
        """Beats of `rows`: with probability `share` a random single one, else the median."""
        n = len(rows)
        single = torch.rand(n, generator=chance) < share
        which = (torch.rand(n, generator=chance) * self.count[rows]).long()
        single &= self.count[rows] > 0
        beats = self.medians[rows]
        beats[single] = self.singles[(self.first[rows] + which)[single]]
        return beats

    @classmethod
    def of(cls, medians: Cohort, singles: Cohort | None, apart: Sequence[str] = ()) -> Beats:
        """Join median beats with the single beats of the same records.

        Args:
            apart: devices whose recordings have no share in the axis, unless there are no others.
        """
        signals = torch.from_numpy(medians.signals)
        ages = torch.from_numpy(medians.age)
        _, person, records = np.unique(medians.patient_ids, return_inverse=True, return_counts=True)
        kept = ~np.isin(medians.device, list(apart))
        if not kept.any():
            kept[:] = True
        shares = torch.from_numpy((kept / records[person]).astype(np.float32))
        groups = torch.from_numpy(_groups(medians, kept))
        if singles is None:
            nothing = torch.zeros(len(signals), dtype=torch.long)
            return cls(signals, ages, shares, groups, signals[:0], nothing, nothing)
        order = np.argsort(singles.record_ids, kind="stable")
        ids = singles.record_ids[order]
        first = np.searchsorted(ids, medians.record_ids, side="left")
        count = np.searchsorted(ids, medians.record_ids, side="right") - first
        return cls(
            signals,
            ages,
            shares,
            groups,
            torch.from_numpy(singles.signals[order]),
            torch.from_numpy(first),
            torch.from_numpy(count),
        )


def normal_people(cohort: Cohort) -> NDArray[np.bool_]:
    """Whose recording is said to be normal, shape (n,)."""
    return np.array([NORMAL in codes for codes in cohort.diagnoses], dtype=bool)


def _groups(cohort: Cohort, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    sex = np.where(cohort.sex == "female", 1, np.where(cohort.sex == "male", 2, 0))
    return np.where(kept, 1 + 2 * sex + normal_people(cohort), 0).astype(np.int64)


@dataclass(frozen=True)
class TrainingData:
    """What a run sees: the fitting side and the selection side, and where they come from.

    `fitters` are the ids of the patients on the fitting side, one a record; `selectors` those of
    the selection side.
    """

    fit: Beats
    selection: Beats
    cohorts: tuple[Cohort, ...]
    fitters: NDArray[np.str_]
    selectors: NDArray[np.str_]


def split(
    medians: Cohort, singles: Cohort | None, share: float, apart: Sequence[str] = ()
) -> TrainingData:
    """Hold out a share of patients for selection; records of unknown age are left out.

    `apart` names devices whose recordings do not count for the axis (`Beats.of`).

    Raises:
        InputError: too few records on either side.
    """
    medians = medians.with_known_age()
    held = selection_rows(medians.patient_ids, share)
    if min(held.sum(), (~held).sum()) < FEWEST_RECORDS:
        raise InputError(
            f"cohort {medians.name!r}",
            f"{int((~held).sum())} records to fit and {int(held.sum())} to select",
            f"give a cohort with at least {FEWEST_RECORDS} records of known age on each side",
        )
    fit = medians.subset(~held)
    own = None if singles is None else _of_records(singles, fit.record_ids)
    cohorts = (medians,) if own is None else (medians, own)
    selection = medians.subset(held)
    return TrainingData(
        Beats.of(fit, own, apart),
        Beats.of(selection, None),
        cohorts,
        fit.patient_ids,
        selection.patient_ids,
    )


def _of_records(cohort: Cohort, record_ids: NDArray[np.str_]) -> Cohort | None:
    rows = np.isin(cohort.record_ids, record_ids)
    return cohort.subset(rows) if rows.any() else None


def open_beats(source: Path, folds: Sequence[int], singles: bool) -> tuple[Cohort, Cohort | None]:
    """Median beats of a cohort, and its single beats if asked for.

    Raises:
        InputError: the cohort cannot be read.
    """
    from axis_audit.cohorts import open_cohort

    medians = open_cohort(str(source), folds=tuple(folds), kind="beat", beats="median")
    if not singles:
        return medians, None
    return medians, open_cohort(str(source), folds=tuple(folds), kind="beat", beats="single")
