"""What the conditional variant is told of a cycle: lead, sex, age and diagnosis class.

All of it may be unknown; an audit gives signals alone, so it is answered with the lead alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.cohort import LEADS, Cohort
from model.vae.config import CLASSES, SEXES

PEOPLE = len(SEXES) + 2 + len(CLASSES) + 1
"""Numbers about a person: sex, age and whether it is known, classes and whether any is known."""
CONDITIONS = len(LEADS) + PEOPLE
MIDDLE_AGE, AGE_SCALE = 55.0, 20.0
SURE = 50.0
"""Likelihood from which a diagnosis counts; PTB-XL's 0 means "not given"."""
CODES: Mapping[str, tuple[str, ...]] = {
    "NORM": ("NORM",),
    "MI": ("IMI", "ASMI", "ILMI", "AMI", "ALMI", "INJAS", "LMI", "INJAL", "IPLMI", "IPMI", "INJIN",
           "INJLA", "PMI", "INJIL"),
    "STTC": ("NDT", "NST_", "DIG", "LNGQT", "ISC_", "ISCAL", "ISCIN", "ISCIL", "ISCAS", "ISCLA",
             "ANEUR", "EL", "ISCAN"),
    "CD": ("LAFB", "IRBBB", "1AVB", "IVCD", "CRBBB", "CLBBB", "LPFB", "WPW", "ILBBB", "3AVB",
           "2AVB"),
    "HYP": ("LVH", "LAO/LAE", "RVH", "RAO/RAE", "SEHYP"),
}  # fmt: skip
"""SCP statements of each class, as PTB-XL's scp_statements.csv has them."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "MI": ("infarct", "stemi", "scar"),
    "STTC": ("repolari", "ischemia"),
    "CD": ("block", "hemiblock", "conduction"),
    "HYP": ("hypertrophy", "overload"),
}
"""What a diagnosis in words (LUDB's) says of its class."""
_CLASS_OF = {code: name for name, codes in CODES.items() for code in codes}


def classes(diagnoses: Mapping[str, float]) -> list[str]:
    """Diagnosis classes of a record: by SCP code, else by word; without any, none is known."""
    found = set()
    for code, likelihood in diagnoses.items():
        if code in _CLASS_OF:
            if likelihood >= SURE or likelihood == 0:
                found.add(_CLASS_OF[code])
            continue
        found |= {n for n, words in WORDS.items() if any(w in code.casefold() for w in words)}
    return sorted(found)


def of_people(cohort: Cohort) -> Tensor:
    """What is known of each row's person, shape (n, PEOPLE)."""
    rows = [
        person(sex, age, classes(codes))
        for sex, age, codes in zip(
            cohort.sex.tolist(), cohort.age.tolist(), cohort.diagnoses, strict=True
        )
    ]
    return torch.from_numpy(np.stack(rows))


def person(sex: str, age: float, found: list[str]) -> NDArray[np.float32]:
    """Numbers about one person; "" , NaN and no class are unknown."""
    known = not np.isnan(age)
    return np.array(
        [sex == name for name in SEXES]
        + [(age - MIDDLE_AGE) / AGE_SCALE if known else 0.0, known]
        + [name in found for name in CLASSES]
        + [bool(found)],
        dtype=np.float32,
    )


def of_leads(leads: Tensor) -> Tensor:
    """One-hot leads (n, 12) of their numbers in `LEADS`."""
    return torch.nn.functional.one_hot(leads, len(LEADS)).float()


def lead_alone(lead: str, n: int) -> Tensor:
    """Conditions (n, CONDITIONS) of which nothing but the lead is known."""
    row = torch.zeros(n, CONDITIONS)
    row[:, LEADS.index(lead)] = 1.0
    return row


def blanked(people: Tensor, share: float, chance: torch.Generator) -> Tensor:
    """`people` (n, PEOPLE) with sex, age and classes each unknown to a `share` of rows.

    To half of those not told the sex nothing is known: that is what an audit asks for.
    """
    widths = torch.tensor([len(SEXES), 2, len(CLASSES) + 1])
    drawn = torch.rand(len(people), len(widths), generator=chance)
    kept = (drawn >= share) & (drawn[:, :1] >= share / 2)
    return people * kept.float().repeat_interleave(widths, dim=1)
