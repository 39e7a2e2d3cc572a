"""Every planted defect, of a model, a cohort or a manifest, fails the check it names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from axis_audit import checkpoint
from axis_audit.cohort import Cohort
from axis_audit.defects.catalogue import Defect, catalogue, find
from axis_audit.defects.twin import Twin
from axis_audit.defects.twins import Subject
from axis_audit.errors import CohortError
from axis_audit.finding import Finding, Verdict
from axis_audit.registry import all_checks


@pytest.fixture(scope="module")
def subject(
    twin: Twin, people: Cohort, fitting_people: Cohort, manifest: checkpoint.Manifest
) -> Subject:
    return Subject(twin, people, fitting_people, manifest, seed=0)


def run(subject: Subject, check_id: str) -> Finding:
    audit = subject.audit(thorough=True)
    (check,) = [c for c in audit.checks if c.id == check_id]
    return audit.run(check)


@pytest.mark.parametrize("defect", catalogue(), ids=lambda d: d.name)
def test_a_planted_defect_fails_its_check(defect: Defect, subject: Subject) -> None:
    finding = run(defect.plant(subject), defect.fails)
    assert finding.verdict is Verdict.FAIL, f"{finding.verdict}: {finding.reason}"


def test_every_check_has_a_defect_that_it_alone_must_catch() -> None:
    caught = {defect.fails for defect in catalogue()}
    assert {check.id for check in all_checks()} <= caught


def test_a_defect_leaves_the_clean_subject_as_it_was(subject: Subject) -> None:
    before = (subject.people.fingerprint, subject.fitting.fingerprint, subject.twin.head.tolist())
    for defect in catalogue():
        if defect.breaks != "model":
            defect.plant(subject)
    fresh = [dataclasses.replace(c) for c in (subject.people, subject.fitting)]
    after = (fresh[0].fingerprint, fresh[1].fingerprint, subject.twin.head.tolist())
    assert before == after


@pytest.mark.parametrize("name", ["sex_coded_latent", "site_coded_latent"])
def test_a_latent_that_codes_a_group_tells_nothing_where_the_group_does_not(
    subject: Subject, name: str
) -> None:
    """The same model on people whose group is no function of their age passes: it is a leak of
    this cohort, which the audit of this cohort must say."""
    broken = find(name, Path()).plant(subject)
    clean = dataclasses.replace(broken, people=subject.people, fitting=subject.fitting)
    assert run(clean, "leakage.linear").verdict is Verdict.PASS


def test_age_told_by_sex_alone_is_no_leak_given_sex(subject: Subject) -> None:
    broken = find("sex_coded_latent", Path()).plant(subject)
    assert run(broken, "leakage.linear_given_sex").verdict is not Verdict.FAIL


@pytest.mark.parametrize("name", ["best_on_test", "trained_on_test", "beat_level_split"])
def test_people_who_were_seen_are_never_audited_unless_it_is_asked_for(
    subject: Subject, name: str
) -> None:
    broken = dataclasses.replace(find(name, Path()).plant(subject), patients="unseen")
    with pytest.raises(CohortError, match="all 1200 patients were in the checkpoint's training"):
        broken.audit()


def test_ages_of_300_are_refused_before_any_verdict(people: Cohort) -> None:
    age = people.age.copy()
    age[5] = 300
    with pytest.raises(CohortError, match="age 300 is PTB-XL's code"):
        dataclasses.replace(people, age=age)


def test_those_who_selected_are_left_out_and_then_the_choice_is_clean(subject: Subject) -> None:
    few = dataclasses.replace(
        subject.manifest, selection=checkpoint.hash_ids(subject.people.patient_ids[:100])
    )
    audit = dataclasses.replace(subject, manifest=few).audit()
    assert (audit.evidence.n, audit.evidence.removed_patients) == (1100, 100)
    (check,) = [c for c in audit.checks if c.id == "integrity.selection"]
    assert audit.run(check).verdict is Verdict.PASS


def test_without_a_record_nobody_can_say_what_selected(subject: Subject) -> None:
    silent = dataclasses.replace(subject.manifest, data={})
    unsaid = run(dataclasses.replace(subject, manifest=silent), "integrity.selection")
    assert unsaid.verdict is Verdict.INCONCLUSIVE
    assert "selected_by" in unsaid.reason
    seen = dataclasses.replace(
        subject.manifest,
        patients=np.union1d(
            subject.manifest.patients, checkpoint.hash_ids(subject.people.patient_ids[:3])
        ),
    )
    unclear = dataclasses.replace(subject, manifest=seen, patients="all")
    assert run(unclear, "integrity.selection").verdict is Verdict.INCONCLUSIVE
    assert run(unclear, "integrity.split").verdict is Verdict.FAIL
