"""One recording under two names is found, whatever was done to it; strangers are not accused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from axis_audit import perturbations
from axis_audit.auditing import prepare
from axis_audit.cohort import Cohort
from axis_audit.defects.twin import Twin
from axis_audit.finding import Finding, Verdict

ID = "integrity.near_duplicates"


def run(twin: Twin, people: Cohort, fitting: Cohort | None = None) -> Finding:
    audit = prepare(twin, people, fit_cohort=fitting)
    (check,) = [c for c in audit.checks if c.id == ID]
    return audit.run(check)


def copied(cohort: Cohort, source: np.ndarray, row: int) -> Cohort:
    signals = cohort.signals.copy()
    signals[row] = source
    return dataclasses.replace(cohort, signals=signals)


@pytest.mark.parametrize("disguise", ["same", "gain", "noise"])
def test_a_disguised_copy_among_the_audited_is_named(
    twin: Twin, people: Cohort, disguise: str
) -> None:
    rng = np.random.default_rng(0)
    alter = {"same": lambda s, r: s, "gain": perturbations.gain, "noise": perturbations.noise}
    copy = alter[disguise](people.signals[3:4], rng)[0]
    finding = run(twin, copied(people, copy, 700))
    assert (finding.verdict, finding.estimate) == (Verdict.FAIL, 1.0)
    (pair,) = finding.details["pairs"]
    assert people.record_ids[3] in pair
    assert people.record_ids[700] in pair


def test_a_copy_among_the_fitting_people_is_found(
    twin: Twin, people: Cohort, fitting_people: Cohort
) -> None:
    finding = run(twin, people, copied(fitting_people, people.signals[5], 2500))
    assert (finding.verdict, finding.estimate) == (Verdict.FAIL, 1.0)
    assert fitting_people.record_ids[2500] in finding.details["pairs"][0]


def test_a_flat_record_is_nobodys_copy(twin: Twin, people: Cohort) -> None:
    flat = np.zeros_like(people.signals[0])
    assert run(twin, copied(copied(people, flat, 1), flat, 2)).estimate == 0.0
