"""Checkpoints that were trained or selected on the people they are audited on, and say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from axis_audit.checkpoint import hash_ids
from axis_audit.defects.catalogue import subject_defect

if TYPE_CHECKING:
    from axis_audit.defects.twins import Subject


@subject_defect(fails="integrity.selection", breaks="manifest")
def best_on_test(subject: Subject) -> Subject:
    """Of many epochs the one that did best on the audited people was kept."""
    manifest = replace(
        subject.manifest,
        selection=hash_ids(subject.people.patient_ids),
        data={**subject.manifest.data, "selected_by": "mean absolute error on the test fold"},
    )
    return replace(subject, manifest=manifest, patients="all")


@subject_defect(fails="integrity.split", breaks="manifest")
def trained_on_test(subject: Subject) -> Subject:
    """The last model was refitted on all folds, the audited one included."""
    everybody = np.union1d(subject.manifest.patients, hash_ids(subject.people.patient_ids))
    return replace(subject, manifest=replace(subject.manifest, patients=everybody), patients="all")
