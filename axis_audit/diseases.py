"""Disease families: which codes are of them, what was published of their classifiers, and where
a reader of ECGs looks for them. Fixed before any result was seen.

Codes of PTB-XL are its SCP-ECG statements by diagnostic superclass (scp_statements.csv, columns
diagnostic and diagnostic_class; Wagner et al. 2020), each with a likelihood from 0 to 100.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort
from axis_audit.diagnosis_codes import CPSC, SCP_STATEMENTS, SNOMED, SOURCES

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

Vocabulary = Literal["scp", "codes", ""]
"""Statements with likelihoods, codes without (SNOMED CT, CPSC), or nothing we can read."""

_CODES = {code.code: code for code in (*SNOMED, *CPSC)}
_SILENT = {source.name: source.silent for source in SOURCES}
_CPSC_WORDS = frozenset(code.code for code in CPSC)


def labels(cohort: Cohort, disease: Disease) -> NDArray[np.float64]:
    """1 where the disease is certain, 0 where its absence is said, NaN in between; shape (n,).

    Of statements with likelihoods (PTB-XL) 100 is certain and none is absence. Codes are sure,
    unsure or silent (`diagnosis_codes`); absence is said by a source that is known to annotate the
    disease, or of which some record here is sure to have it. What has no diagnosis, or one in an
    unknown vocabulary, says nothing.
    """
    return _read(cohort, disease)[0]


def unsure(cohort: Cohort, disease: Disease) -> NDArray[np.bool_]:
    """Rows of which the disease is said, but not surely, by a source that annotates it; (n,)."""
    return _read(cohort, disease)[1]


def _read(cohort: Cohort, disease: Disease) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    spoken = vocabularies(cohort)
    found = np.full(len(cohort), np.nan)
    for row, diagnoses in enumerate(cohort.diagnoses):
        if spoken[row] == "scp":
            given = [diagnoses[code] for code in disease.scp & diagnoses.keys()]
            found[row] = 0.0 if not given else 1.0 if max(given) >= SURE else np.nan
        elif spoken[row] == "codes":
            found[row] = _of_codes(diagnoses, disease.name)
    coded, silent = spoken == "codes", spoken == ""
    for site in np.unique(cohort.site[coded]):
        here = coded & (cohort.site == site)
        known = _SILENT.get(str(site))
        says = disease.name not in known if known is not None else bool((found[here] == 1).any())
        silent |= here & (not says)
    found[silent] = np.nan
    return found, np.isnan(found) & ~silent


def vocabularies(cohort: Cohort) -> NDArray[np.str_]:
    """In what words each row's diagnoses are given, see `Vocabulary`; shape (n,)."""
    pairs = zip(cohort.diagnoses, cohort.site.tolist(), strict=True)
    return np.array([_vocabulary(frozenset(given), site) for given, site in pairs], dtype="U8")


def _vocabulary(codes: frozenset[str], site: str) -> Vocabulary:
    if not codes:
        return ""
    if site in _SILENT or any(code.isdecimal() for code in codes):
        return "codes"
    if codes <= _CPSC_WORDS and not codes <= SCP_STATEMENTS:
        return "codes"
    return "scp" if codes & SCP_STATEMENTS else ""


def _of_codes(diagnoses: Mapping[str, float], name: str) -> float:
    """1 if a code is sure of the disease, NaN if one is unsure of it, 0 if none says anything."""
    known = [_CODES[code] for code in diagnoses if code in _CODES]
    if any(name in code.sure for code in known):
        return 1.0
    return math.nan if any(name in code.unsure for code in known) else 0.0
