"""Records for training: several sources, twelve leads, people set apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.cohort import LEADS, Cohort
from axis_audit.errors import InputError
from model.alignment.filters import fit_filters
from model.training import generator, selection_rows

FEWEST_RECORDS = 16
LARGEST_SHARE = 0.5


@dataclass(frozen=True)
class TrainingData:
    """What a run sees: records to fit, one tensor a source, and records of people set apart.

    Attributes:
        parts: mV, each (n, 12, samples), leads in the order of `LEADS`, centred.
        held: mV, (m, 12, samples), one record a person who is set apart.
        cohorts: where all of them come from. selectors: ids of the people set apart.
    """

    parts: tuple[Tensor, ...]
    held: Tensor
    cohorts: tuple[Cohort, ...]
    selectors: NDArray[np.str_]
    _filters: dict[int, Tensor] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def windows(self, rows: Tensor, size: int, chance: torch.Generator) -> Tensor:
        """A random window of each record, all leads alike: (leads, rows, size) in mV."""
        out = torch.empty(len(LEADS), len(rows), size)
        firsts = np.cumsum([0, *map(len, self.parts)])
        moments = torch.rand(len(rows), generator=chance).tolist()
        for i, (row, moment) in enumerate(zip(rows.tolist(), moments, strict=True)):
            number = int(np.searchsorted(firsts, row, side="right")) - 1
            record = self.parts[number][row - int(firsts[number])]
            start = int(moment * (record.shape[1] - size + 1))
            out[:, i] = record[:, start : start + size]
        return out

    def filters(self, taps: int) -> Tensor:
        """The linear filters from lead to lead (`fit_filters`), solved once."""
        if taps not in self._filters:
            self._filters[taps] = fit_filters(list(self.parts), taps)
        return self._filters[taps]


def open_records(source: Path | str, folds: Sequence[int] | None, rate: float) -> Cohort:
    """A source's records, twelve leads in the order of `LEADS`, at `rate`.

    Records of the CinC Challenges are their first ten seconds; shorter ones are left out and
    counted in the cohort's exclusions. The Challenges do not say whose a record is: each counts as
    a person.

    Args:
        folds: used where the source has folds (PTB-XL).

    Raises:
        InputError: the source cannot be read, or lacks a lead.
    """
    from axis_audit.cohorts import open_cohort

    path = Path(source)
    has_folds = path.is_dir() and (path / "ptbxl_database.csv").is_file()
    chosen = tuple(folds) if folds and has_folds else None
    cohort = open_cohort(str(source), folds=chosen, kind="record", rate=rate)
    return with_all_leads(cohort)


def with_all_leads(cohort: Cohort) -> Cohort:
    """The cohort with its leads in the order of `LEADS`.

    Raises:
        InputError: leads are missing.
    """
    missing = [lead for lead in LEADS if lead not in cohort.leads]
    if missing:
        raise InputError(
            f"cohort {cohort.name!r}",
            f"it lacks the leads {', '.join(missing)}",
            "pretraining takes all twelve of every record; leave this source away, or derive the "
            "leads that can be derived",
        )
    if cohort.leads == LEADS:
        return cohort
    order = [cohort.leads.index(lead) for lead in LEADS]
    return replace(cohort, signals=np.ascontiguousarray(cohort.signals[:, order]), leads=LEADS)


def with_samples(cohort: Cohort, samples: int) -> Cohort:
    """The first `samples` samples of every record.

    Raises:
        InputError: records are shorter.
    """
    length = cohort.signals.shape[2]
    if length < samples:
        raise InputError(
            f"cohort {cohort.name!r}",
            f"its records last {length / cohort.rate:g} s",
            f"give records of at least {samples / cohort.rate:g} s",
        )
    return cohort if length == samples else replace(cohort, signals=cohort.signals[:, :, :samples])


def split(cohorts: Sequence[Cohort], share: float, window: int, samples: int) -> TrainingData:
    """Set people apart, in every source.

    Args:
        window: samples; shorter records cannot be used. samples: of the records that are watched.

    Raises:
        InputError: records are too short, or too few on either side.
    """
    parts, held, selectors = [], [], []
    for cohort in cohorts:
        length = cohort.signals.shape[2]
        if length < window:
            raise InputError(
                f"cohort {cohort.name!r}",
                f"its records last {length / cohort.rate:g} s",
                f"give records of at least {window / cohort.rate:g} s",
            )
        apart = selection_rows(cohort.patient_ids, share)
        signals = torch.from_numpy(cohort.signals)
        fit = signals[torch.from_numpy(~apart)]
        parts.append(fit - fit.mean(2, keepdim=True))
        selectors.append(cohort.patient_ids[apart])
        if apart.any() and length >= samples:
            held.append(cohort.subset(apart).one_per_patient().signals[:, :, :samples])
    fitted, watched = sum(map(len, parts)), sum(map(len, held))
    if min(fitted, watched) < FEWEST_RECORDS:
        raise InputError(
            ", ".join(c.name for c in cohorts),
            f"{fitted} records to fit and {watched} people to watch",
            f"give sources with at least {FEWEST_RECORDS} on each side",
        )
    return TrainingData(
        tuple(p for p in parts if len(p)),
        torch.from_numpy(np.concatenate(held)),
        tuple(cohorts),
        np.concatenate(selectors),
    )


def hidden_patches(
    leads: int, rows: int, tokens: int, shares: tuple[float, float], chance: torch.Generator
) -> Tensor:
    """Which patches are hidden: bool (leads, rows, tokens), a share between `shares` of each."""
    least, most = shares
    share = least + (most - least) * torch.rand(leads, rows, 1, generator=chance)
    order = torch.rand(leads, rows, tokens, generator=chance).argsort(2).argsort(2)
    return order < (share * tokens).round().clamp(1, tokens - 1)


def drawn_sources(visible: Tensor, leads: int, rows: int, chance: torch.Generator) -> Tensor:
    """For every lead to be drawn and row, the visible lead it is drawn from: (leads, rows)."""
    return visible[torch.randint(len(visible), (leads, rows), generator=chance)]


def held_generator(seed: int) -> torch.Generator:
    """Chance of what is watched: the same in every epoch."""
    return generator(seed, "watch")
