"""Cycles for training: people are split, never cycles, and those to be audited stay outside.

A source is a cohort of cycles with twelve leads. Of a source without folds a share of the people,
chosen by a hash of their ids before anything else, is set apart for the audit: never trained on,
never watched, not in the manifest. A source with folds has its folds for that. Of the other
people a share is watched. So a person's side depends on the id alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.cohort import LEADS, Cohort
from axis_audit.errors import InputError
from model.training import selection_rows
from model.vae import conditions
from model.vae.network import prepare

FEWEST_PEOPLE = 4
PER_RECORD, PER_OTHER_RECORD = 8, 2
"""Cycles of a record at most, of the first source and of others."""


@dataclass(frozen=True)
class Source:
    """Where cycles come from.

    Attributes:
        path: a folder or file, or whatever `open_cohort` knows.
        folds: which folds, or None: all, and a share of the people is set apart.
        per_record: cycles of a record at most.
    """

    path: str
    folds: tuple[int, ...] | None = None
    per_record: int = 8

    @classmethod
    def parse_all(cls, texts: Sequence[str], per_record: int, of_others: int) -> list[Source]:
        """Read several; the first, to be audited, may give more cycles of a record."""
        return [cls.parse(t, of_others if i else per_record) for i, t in enumerate(texts)]

    @classmethod
    def parse(cls, text: str, per_record: int = 8) -> Source:
        """Read PATH or PATH@FOLDS, as in ~/ptb-xl@1-8.

        Raises:
            InputError: no path, or folds that are none.
        """
        from axis_audit.cohorts import parse_folds

        path, at, folds = text.rpartition("@")
        if not at:
            path, folds = text, ""
        if not path:
            raise InputError(
                f"--cohort {text}", "it is no PATH or PATH@FOLDS", "write e.g. ~/ptb-xl@1-8"
            )
        return cls(path, parse_folds(folds) if at else None, per_record)

    def described(self, cohort: Cohort) -> str:
        """The source in words, without the path: a manifest need not tell where it lay."""
        return f"{cohort.name}, up to {self.per_record} cycles a record"

    def open(self) -> Cohort:
        """The cohort of kind "cycle", twelve leads.

        Raises:
            InputError: the source cannot be read, or lacks a lead.
        """
        from axis_audit.cohorts import open_cohort

        cohort = open_cohort(self.path, folds=self.folds, kind="cycle", per_record=self.per_record)
        if cohort.leads != LEADS:
            raise InputError(
                self.path, f"its leads are {', '.join(cohort.leads)}", "training needs all twelve"
            )
        return cohort


@dataclass(frozen=True)
class Cycles:
    """Cycles of one source's people on one side of the split.

    Attributes:
        signals: mV, shape (n, 12, samples). people: what is known of the person
            (`conditions.of_people`), shape (n, PEOPLE).
        shares: 1 / (cycles of the same person), shape (n,): people weigh alike.
    """

    signals: Tensor
    people: Tensor
    shares: Tensor

    def __len__(self) -> int:
        return len(self.signals)

    def draw(self, count: int, chance: torch.Generator, resembling: Tensor | None = None) -> Tensor:
        """Rows (count,), with replacement: a person at random, then one of their cycles.

        `resembling` are further weights, shape (n,).
        """
        if not count:
            return torch.zeros(0, dtype=torch.long)
        weights = self.shares if resembling is None else self.shares * resembling
        return torch.multinomial(weights, count, replacement=True, generator=chance)

    def lead(self, rows: Tensor, leads: Tensor) -> Tensor:
        """Prepared cycles (n, samples), of every row its lead by number in `LEADS`."""
        return prepare(self.signals[rows, leads])

    @classmethod
    def of(cls, cohort: Cohort) -> Cycles:
        """The rows of a cohort."""
        _, person, cycles = np.unique(cohort.patient_ids, return_inverse=True, return_counts=True)
        return cls(
            torch.from_numpy(cohort.signals),
            conditions.of_people(cohort),
            torch.from_numpy((1.0 / cycles[person]).astype(np.float32)),
        )


@dataclass(frozen=True)
class TrainingData:
    """What a run sees; the first source is the one that will be audited.

    Attributes:
        fit: one a source. watched: of the first source alone.
        cohorts: everybody seen, one a source: fitted and watched, nobody of the audit.
        watchers: ids of the watched people. set_apart: how many people the audit keeps.
    """

    fit: tuple[Cycles, ...]
    watched: Cycles
    cohorts: tuple[Cohort, ...]
    watchers: NDArray[np.str_]
    set_apart: int


def audit_rows(cohort: Cohort, share: float) -> NDArray[np.bool_]:
    """Rows of the people set apart for the audit, shape (n,)."""
    return selection_rows(cohort.patient_ids, share, purpose="audit")


def split(
    sources: Sequence[tuple[Source, Cohort]], audit_share: float, watched_share: float
) -> TrainingData:
    """Set people apart for the audit, watch some of the first source's others, fit the rest.

    Raises:
        InputError: a person is in two sources, or too few people on a side.
    """
    cohorts, set_apart = [], 0
    for source, cohort in sources:
        apart = np.zeros(len(cohort), dtype=bool)
        if source.folds is None:
            apart = audit_rows(cohort, audit_share)
        if apart.all():
            raise _too_few(cohort, 0)
        set_apart += len(np.unique(cohort.patient_ids[apart]))
        cohorts.append(cohort.subset(~apart) if apart.any() else cohort)
    _refuse_shared(cohorts)
    home = cohorts[0]
    held = selection_rows(home.patient_ids, watched_share)
    for side in (home.patient_ids[held], home.patient_ids[~held]):
        if len(np.unique(side)) < FEWEST_PEOPLE:
            raise _too_few(home, len(np.unique(side)))
    fit = (Cycles.of(home.subset(~held)), *(Cycles.of(c) for c in cohorts[1:]))
    watched = home.subset(held)
    return TrainingData(
        fit, Cycles.of(watched), tuple(cohorts), np.unique(watched.patient_ids), set_apart
    )


def _too_few(cohort: Cohort, people: int) -> InputError:
    return InputError(
        f"cohort {cohort.name!r}",
        f"{people} people are left on a side of the split",
        f"give one of which at least {FEWEST_PEOPLE} people are fitted and as many watched, "
        "or change --audit-share or --watched-share",
    )


def _refuse_shared(cohorts: Sequence[Cohort]) -> None:
    """One person in two sources could be trained on in one and audited in the other."""
    people = [np.unique(c.patient_ids) for c in cohorts]
    ids, counts = np.unique(np.concatenate(people), return_counts=True)
    if (counts > 1).any():
        raise InputError(
            "--cohort",
            f"{int((counts > 1).sum())} people are in two sources, such as {ids[counts > 1][0]}",
            "name every source once",
        )
