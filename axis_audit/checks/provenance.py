"""What is known of the checkpoint's choice and of the people's ages."""

from __future__ import annotations

import numpy as np

from axis_audit.capabilities import ModelUnderAudit
from axis_audit.checkpoint import hashed
from axis_audit.cohort import CENSORED_AGE, Cohort
from axis_audit.evidence import Evidence
from axis_audit.finding import Controls, Exactly, Measurement
from axis_audit.registry import check

OLDEST = 120.0
"""Years; nobody who was recorded by an electrocardiograph was older than 122."""


@check(
    family="integrity",
    claim="What selected the checkpoint is on record, and was nobody who is audited",
    acceptable=Exactly(0.0, "audited people who selected"),
    exact=True,
    cause="the epoch that scored best on the audited people was kept: the scores are its choice",
    cure="select on people held out of training; record them and `selected_by` in the manifest",
    source="64-bit hashes of patient ids; Cawley & Talbot 2010, JMLR 11:2079",
)
def selection(model: ModelUnderAudit, evidence: Evidence) -> Measurement:
    """Audited people on whom the checkpoint was selected, by the checkpoint's manifest.

    `Manifest.data["selected_by"]` says in words what chose the checkpoint, `Manifest.selection`
    who. Without the first, or where audited people are in a manifest that does not tell those who
    selected from those who were trained on, nobody can say.
    """
    manifest = evidence.manifest
    words, chose, listed = "", 0, 0
    if manifest is not None:
        words = str(manifest.data.get("selected_by", "")).strip()
        listed = int(manifest.selection.size)
        chose = int(np.isin(hashed(evidence.cohort.patient_ids), manifest.selection).sum())
    complaint = ""
    if not chose and not words:
        complaint = "the checkpoint's manifest does not say what selected it (`selected_by`)"
    elif not listed and evidence.seen_patients:
        complaint = "audited people are in the manifest, which does not say who of them selected"
    return Measurement(
        float(chose),
        (float(chose), float(chose)),
        evidence.n,
        evidence.n,
        exact=True,
        controls=Controls(complaint=complaint),
        details={"selected by": words or "not recorded", "people who selected": listed},
    )


@check(
    family="integrity",
    claim="Every age is an age: none is unknown, a code, or beyond a human life",
    acceptable=Exactly(0.0, "ages"),
    exact=True,
    cause="a code for 'over 89' (PTB-XL: 300), 'unknown' or months was read as years",
    cure="give NaN where the age is not known; such people are left out and counted",
    source="Wagner et al. 2020, Scientific Data 7:154 (300 stands for 'over 89')",
)
def ages(model: ModelUnderAudit, evidence: Evidence) -> Measurement:
    """People, audited or fitted on, whose age is NaN, coded 300, below 0 or above 120.

    A `Cohort` refuses such ages when it is made, and every reader blanks 300; this looks at the
    numbers that the statistics were given, in case something wrote to them later.
    """
    counts: dict[str, int] = {}
    groups = {"audited": evidence.cohort, "fitting": evidence.fit_cohort}
    for name, cohort in groups.items():
        if cohort is not None:
            for fault, rows in _impossible(cohort).items():
                counts[f"{name}: {fault}"] = int(rows.sum())
    known = evidence.ages
    return Measurement.exactly(
        sum(counts.values()),
        n=evidence.n,
        n_patients=evidence.n,
        details={**counts, "youngest": float(known.min()), "oldest": float(known.max())},
    )


def _impossible(cohort: Cohort) -> dict[str, np.ndarray]:
    known, censored = ~np.isnan(cohort.age), cohort.age == CENSORED_AGE
    return {
        "unknown": ~known,
        "coded 300": censored,
        "outside 0-120": known & ~censored & ((cohort.age < 0) | (cohort.age > OLDEST)),
    }
