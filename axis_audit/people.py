"""Whom an audit is about: the cohort in the model's layout, unseen, one record a person."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from axis_audit.capabilities import InputSpec
from axis_audit.checkpoint import Manifest, seen_rows
from axis_audit.cohort import Cohort
from axis_audit.errors import CohortError
from axis_audit.evidence import Evidence

SMALLEST_COHORT = 20
"""Fewer people than this make no interval worth printing."""
MOST_ROWS = 4
"""Of a person with several: more tell little that is new about people."""


def conform(cohort: Cohort, spec: InputSpec) -> Cohort:
    """Put a cohort's leads into the model's order and check rate, length and R position.

    Raises:
        CohortError: what does not fit, and what the model takes.
    """
    subject = f"cohort {cohort.name!r}"
    by_name = {lead.upper(): i for i, lead in enumerate(cohort.leads)}
    missing = [lead for lead in spec.leads if lead.upper() not in by_name]
    if missing:
        raise CohortError(subject, f"the model needs leads {missing}", "add them to the cohort")
    ours = (cohort.kind, float(cohort.rate), cohort.signals.shape[2], cohort.r_index)
    theirs = (spec.kind, float(spec.rate), spec.samples, spec.r_index)
    if spec.kind == "record":
        ours, theirs = (*ours[:3], 0), (*theirs[:3], 0)
    if ours != theirs:
        words = "(kind, rate in Hz or samples a cycle, samples, R at sample)"
        raise CohortError(
            subject, f"it holds {ours} but the model takes {theirs} {words}", "prepare it so"
        )
    order = np.array([by_name[lead.upper()] for lead in spec.leads])
    if tuple(order) == tuple(range(len(cohort.leads))):
        return cohort
    signals = np.ascontiguousarray(cohort.signals[:, order])
    return dataclasses.replace(cohort, signals=signals, leads=spec.leads)


def audited_people(
    cohort: Cohort, manifest: Manifest | None, patients: str
) -> tuple[Cohort, int, int]:
    """People of known age, one record each; with "unseen", without those the checkpoint saw.

    Returns:
        the people, how many patients were left out as seen, how many seen ones remain.

    Raises:
        CohortError: nobody, or too few, remain.
    """
    known = cohort.with_known_age()
    removed = seen = 0
    if manifest is not None:
        rows = seen_rows(known.patient_ids, known.hashes, manifest)
        overlap = known.subset(rows).n_patients if rows.any() else 0
        if patients == "unseen" and overlap:
            if rows.all():
                raise CohortError(
                    f"cohort {cohort.name!r}",
                    f"all {overlap} patients were in the checkpoint's training or selection",
                    "audit other folds or people (or use --patients all, which FAILs integrity)",
                )
            known, removed = known.excluding(rows, "record of a patient seen in training"), overlap
        else:
            seen = overlap
    people = known.one_per_patient()
    if len(people) < SMALLEST_COHORT:
        raise CohortError(
            f"cohort {cohort.name!r}",
            f"only {len(people)} unseen patients with a known age are left",
            f"give at least {SMALLEST_COHORT}; thousands decide a leakage gate",
        )
    return people, removed, seen


def rows_of(cohort: Cohort, people: Cohort, manifest: Manifest | None, patients: str) -> Cohort:
    """All rows of the audited people, at most `MOST_ROWS` a person, in cohort order.

    Args:
        cohort: as `audited_people` was given it. people: what that returned.
    """
    wanted = np.isin(cohort.patient_ids, people.patient_ids)
    if manifest is not None and patients == "unseen":
        wanted &= ~seen_rows(cohort.patient_ids, cohort.hashes, manifest)
    rows = np.flatnonzero(wanted)
    order = np.argsort(cohort.patient_ids[rows], kind="stable")
    ids = cohort.patient_ids[rows][order]
    first = np.r_[True, ids[1:] != ids[:-1]]
    place = np.arange(len(ids)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    rows = np.sort(rows[order[place < MOST_ROWS]])
    # One row a person: the people themselves, not a copy of them.
    return people if len(rows) == len(people) else cohort.subset(rows)


def training_rows(cohort: Cohort, manifest: Manifest | None) -> Cohort | None:
    """Rows whose patient or waveform the checkpoint saw, or None: what its draws may be copies of.

    Never scored; age does not matter.
    """
    if manifest is None:
        return None
    seen = seen_rows(cohort.patient_ids, cohort.hashes, manifest)
    return cohort.subset(seen) if seen.any() else None


def fitting_people(cohort: Cohort, audited: Cohort) -> Cohort | None:
    """Everybody with a known age who is not audited: by patient id and by waveform.

    Raises:
        CohortError: everybody in it is also audited.
    """
    known = cohort.with_known_age()
    repeats = np.isin(known.patient_ids, audited.patient_ids) | np.isin(
        known.hashes, audited.hashes
    )
    if repeats.all():
        raise CohortError(
            f"fitting cohort {cohort.name!r}",
            "everybody in it is also audited",
            "fit on other folds than those audited",
        )
    return known.excluding(repeats, "also audited").one_per_patient()


def describe_cohort(evidence: Evidence) -> dict[str, Any]:
    """The cohort as the report prints it."""
    cohort = evidence.cohort
    fit = evidence.fit_cohort
    return {
        "name": cohort.name,
        "fingerprint": cohort.fingerprint,
        "records": len(cohort),
        "patients": cohort.n_patients,
        "exclusions": dict(cohort.exclusions),
        "seen_patients_removed": evidence.removed_patients,
        "seen_patients_kept": evidence.seen_patients,
        "fitting_people": 0 if fit is None else len(fit),
        "fitting_fingerprint": None if fit is None else fit.fingerprint,
    }
