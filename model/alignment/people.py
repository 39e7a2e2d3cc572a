"""Whom a trained system is judged on: people it has not seen, or those set apart in training."""

from __future__ import annotations

import numpy as np

from axis_audit.checkpoint import Checkpoint, hashed, seen_rows
from axis_audit.cohort import Cohort
from axis_audit.errors import CohortError

FEWEST = 20


def unseen(cohort: Cohort, checkpoint: Checkpoint) -> Cohort:
    """One record of every person that the checkpoint has not seen.

    Raises:
        CohortError: fewer than 20 such people.
    """
    seen = seen_rows(cohort.patient_ids, cohort.hashes, checkpoint.manifest)
    return _enough(cohort, ~seen, "the checkpoint was trained or watched on")


def set_apart(cohort: Cohort, checkpoint: Checkpoint) -> Cohort:
    """One record of every person who was set apart in training: choices are judged on them.

    Raises:
        CohortError: fewer than 20 such people.
    """
    apart = np.isin(hashed(cohort.patient_ids), checkpoint.manifest.selection)
    return _enough(cohort, apart, "the checkpoint did not set apart")


def fitting(cohort: Cohort, judged: Cohort) -> Cohort:
    """All records of people who are not judged: baselines and classifiers are fitted on them.

    Raises:
        CohortError: fewer than 20 records.
    """
    others = ~np.isin(cohort.patient_ids, judged.patient_ids)
    others &= ~np.isin(cohort.hashes, judged.hashes)
    return _enough(cohort, others, "the judged people own", one=False)


def _enough(cohort: Cohort, rows: np.ndarray, why_not: str, one: bool = True) -> Cohort:
    if rows.sum() < FEWEST:
        raise CohortError(
            f"cohort {cohort.name!r}",
            f"{why_not} {int((~rows).sum())} of {len(cohort)} records; {int(rows.sum())} are left",
            "choose other folds, or a cohort with more people",
        )
    chosen = cohort.subset(rows)
    return chosen.one_per_patient() if one else chosen
