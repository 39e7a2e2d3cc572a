"""A map of each disease on ECG paper, for those who would rather look."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from axis_audit.checks.attributed_record import LAYOUT, STRIP_SECONDS, attributed
from axis_audit.explained import Explained
from axis_audit.regions import masks

WAVES = ("QRS", "ST-T")


def examples(found: Explained, names: list[str]) -> list[dict[str, Any]]:
    """One record a disease: of somebody who has it, with the middle one of the logits.

    No ids: a report tells nobody who its people are. Nothing where records are no strips of ten
    seconds with the twelve leads of the paper.
    """
    cohort = found.evidence.cohort
    lasting = cohort.signals.shape[2] / cohort.rate
    if lasting < STRIP_SECONDS or not {lead for row in LAYOUT for lead in row} <= set(cohort.leads):
        return []
    return [_example(found, name) for name in names]


def _example(found: Explained, name: str) -> dict[str, Any]:
    case = found.cases[name]
    row = int(np.argsort(case.logits, kind="stable")[len(case.logits) // 2])
    person = case.people.subset(np.array([row]))
    return attributed(
        person.signals[0],
        found.maps(name)[row],
        {wave: masks(person, (wave,))[0] for wave in WAVES},
        person.rate,
        person.leads,
        f"{name}, {case.disease.title}: one of the {len(case.people)} with it",
        float(expit(case.logits[row])),
        found.methods[0].replace("_", " "),
    )
