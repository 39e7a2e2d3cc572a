"""Disease families: which codes are of them, what was published of their classifiers, and where
a reader of ECGs looks for them. Fixed before any result was seen.

Codes of PTB-XL are its SCP-ECG statements by diagnostic superclass (scp_statements.csv, columns
diagnostic and diagnostic_class; Wagner et al. 2020), each with a likelihood from 0 to 100.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort

SURE = 100.0
"""Likelihood of a statement that is a positive label; one that is there with less is no label."""


@dataclass(frozen=True)
class Disease:
    """A family of diagnoses.

    Attributes:
        name, title: in short and in words.
        scp: SCP-ECG statements of PTB-XL that belong to it.
        waves: where it shows, "QRS", "ST-T" or both.
        auc, pointing, share: as published for a lead-wise classifier on PTB-XL's test fold: area
            under the ROC curve, pointing game, and share of attribution within `waves`.
    """

    name: str
    title: str
    scp: frozenset[str]
    waves: tuple[str, ...]
    auc: float
    pointing: float
    share: float


DISEASES: tuple[Disease, ...] = (
    Disease(
        "MI", "myocardial infarction",
        frozenset((
            "AMI", "ALMI", "ASMI", "ILMI", "IMI", "INJAL", "INJAS", "INJIL", "INJIN", "INJLA",
            "IPLMI", "IPMI", "LMI", "PMI",
        )),
        ("QRS", "ST-T"), 0.970, 0.98, 0.75,
    ),
    Disease(
        "STTC", "ST or T wave change",
        frozenset((
            "ANEUR", "DIG", "EL", "ISCAL", "ISCAN", "ISCAS", "ISCIL", "ISCIN", "ISCLA", "ISC_",
            "LNGQT", "NDT", "NST_",
        )),
        ("ST-T",), 0.933, 0.11, 0.40,
    ),
    Disease(
        "CD", "conduction disturbance",
        frozenset((
            "1AVB", "2AVB", "3AVB", "CLBBB", "CRBBB", "ILBBB", "IRBBB", "IVCD", "LAFB", "LPFB",
            "WPW",
        )),
        ("QRS",), 0.918, 0.97, 0.54,
    ),
    Disease(
        "HYP", "hypertrophy",
        frozenset(("LAO/LAE", "LVH", "RAO/RAE", "RVH", "SEHYP")),
        ("QRS",), 0.885, 0.97, 0.72,
    ),
)  # fmt: skip

BY_NAME = {disease.name: disease for disease in DISEASES}


def labels(cohort: Cohort, disease: Disease) -> NDArray[np.float64]:
    """1 where the disease is certain, 0 where nothing says so, NaN in between; shape (n,)."""
    found = np.zeros(len(cohort))
    for row, diagnoses in enumerate(cohort.diagnoses):
        given = [diagnoses[code] for code in disease.scp & diagnoses.keys()]
        if given:
            found[row] = 1.0 if max(given) >= SURE else np.nan
    return found
