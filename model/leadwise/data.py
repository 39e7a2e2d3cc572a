"""Records with labels for training: prepared signals, pure labels, device, sex, statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.cohort import Cohort
from axis_audit.diseases import BY_NAME, labels
from axis_audit.errors import InputError

FEWEST_OF_A_STATEMENT = 40
FEWEST_OF_A_DEVICE = 100
FEWEST_LABELS = 8
NO_DEVICE = -100
"""What torch's cross-entropy passes over."""


@dataclass(frozen=True)
class Vocabulary:
    """What auxiliary heads tell apart: statements and devices that are common in the cohort."""

    statements: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()

    @classmethod
    def of(cls, cohort: Cohort) -> Vocabulary:
        """The common statements and devices of a cohort."""
        counted = Counter(code for row in cohort.diagnoses for code in row)
        devices = Counter(cohort.device[cohort.device != ""].tolist())
        return cls(
            tuple(sorted(c for c, n in counted.items() if n >= FEWEST_OF_A_STATEMENT)),
            tuple(sorted(d for d, n in devices.items() if n >= FEWEST_OF_A_DEVICE)),
        )


@dataclass(frozen=True)
class Labelled:
    """Records with what is known of them.

    Attributes:
        signals: mV, (n, 12, samples).
        diseases: (n, k), 1, 0 or NaN. statements: (n, s), 1 or 0. device: (n,), `NO_DEVICE` where
            unknown. sex: (n,), 1 female, 0 male, NaN unknown.
        names: of the diseases. patients: ids, (n,).
    """

    signals: Tensor
    diseases: Tensor
    statements: Tensor
    device: Tensor
    sex: Tensor
    names: tuple[str, ...]
    patients: NDArray[np.str_] = field(repr=False)

    def __len__(self) -> int:
        return len(self.signals)

    def crops(self, rows: Tensor, size: int, chance: torch.Generator) -> Tensor:
        """A random stretch of each record, all leads alike: (rows, 12, size) in mV."""
        length = self.signals.shape[2]
        if size >= length:
            return self.signals[rows]
        starts = torch.randint(length - size + 1, (len(rows),), generator=chance).tolist()
        pairs = zip(rows.tolist(), starts, strict=True)
        return torch.stack([self.signals[row, :, start : start + size] for row, start in pairs])


def labelled(cohort: Cohort, diseases: Sequence[str], vocabulary: Vocabulary) -> Labelled:
    """A cohort's records with their labels.

    Raises:
        InputError: a disease is unknown, or has hardly any label on either side.
    """
    unknown = [name for name in diseases if name not in BY_NAME]
    if unknown:
        raise InputError(
            f"disease {unknown[0]!r}", "there is no such family", f"name some of {tuple(BY_NAME)}"
        )
    found = np.stack([labels(cohort, BY_NAME[name]) for name in diseases], axis=1)
    for name, column in zip(diseases, found.T, strict=True):
        positive, negative = int((column == 1).sum()), int((column == 0).sum())
        if min(positive, negative) < FEWEST_LABELS:
            raise InputError(
                f"cohort {cohort.name!r}",
                f"{positive} records with {name}, {negative} without",
                f"at least {FEWEST_LABELS} of each are needed: choose other folds",
            )
    codes = {code: k for k, code in enumerate(vocabulary.statements)}
    statements = np.zeros((len(cohort), len(codes)), np.float32)
    for row, given in enumerate(cohort.diagnoses):
        statements[row, [codes[code] for code in given if code in codes]] = 1.0
    devices = {name: k for k, name in enumerate(vocabulary.devices)}
    sex = {"female": 1.0, "male": 0.0}
    return Labelled(
        torch.from_numpy(cohort.signals),
        torch.from_numpy(found.astype(np.float32)),
        torch.from_numpy(statements),
        torch.tensor([devices.get(name, NO_DEVICE) for name in cohort.device.tolist()]),
        torch.tensor([sex.get(s, float("nan")) for s in cohort.sex.tolist()]),
        tuple(diseases),
        cohort.patient_ids,
    )
