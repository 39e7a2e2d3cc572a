"""Every check passes the clean twin, and calls too few people INCONCLUSIVE."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from axis_audit import checkpoint
from axis_audit.auditing import Audit, prepare
from axis_audit.cohort import Cohort
from axis_audit.defects.alignment_twins import alignment_reference
from axis_audit.defects.catalogue import copy_as
from axis_audit.defects.generative_twins import generative_reference
from axis_audit.defects.posterior import PosteriorTwin
from axis_audit.defects.twin import Twin
from axis_audit.finding import Finding, Verdict
from axis_audit.registry import Check, all_checks

IDS = [check.id for check in all_checks() if not check.thorough]
SLOWEST = "leakage.trees"
THOROUGH = [
    pytest.param(check.id, marks=[pytest.mark.slow] if check.id == SLOWEST else [])
    for check in all_checks()
    if check.thorough
]
# Maps are expensive: those of attribution are in test_checks_attribution.py and
# test_checks_diagnosis.py.
PASSING = [check_id for check_id in IDS if not check_id.startswith("attribution.")]
STATISTICAL = [
    check.id for check in all_checks() if not check.exact and check.family != "attribution"
]
DECIDED_BY_ANY_NUMBER = {"leads.swap_la_ra", "leads.swap_v1_v2"}
"""The twin undoes swaps exactly: the shift is 0 for everybody, and a few dozen people suffice."""

TOO_FEW_TO_GENERATE_FOR = {
    "generative.sample_mmd",
    "generative.everybody",
}
"""The others compare a person's signal with its own reconstruction, or look at draws alone."""


TOO_FEW_TO_READ_FROM = {"alignment.age_told", "alignment.sex_told"}
"""The others of alignment compare people with themselves or in pairs."""


class Audits(dict[str, Audit]):
    """The audits of the clean twin ("") and of clean twins that a family has of its own."""

    def of(self, check_id: str) -> Audit:
        return self.get(check_id.partition(".")[0], self[""])


def run(audit: Audit, check_id: str) -> Finding:
    (check,) = [c for c in audit.checks if c.id == check_id]
    return audit.run(check)


@pytest.fixture(scope="module")
def clean(
    twin: Twin, people: Cohort, fitting_people: Cohort, manifest: checkpoint.Manifest
) -> Audits:
    able = copy_as(PosteriorTwin, twin)
    audit = prepare(
        able,
        people,
        fit_cohort=fitting_people,
        manifest=manifest,
        reload=lambda: able,
        thorough=True,
    )
    return Audits(
        {
            "": audit,
            "generative": generative_reference().audit(),
            "alignment": alignment_reference().audit(),
        }
    )


@pytest.fixture(scope="module")
def few(twin: Twin, people: Cohort) -> Audits:
    able = copy_as(PosteriorTwin, twin)
    audit = prepare(able, people.subset(np.arange(24)), reload=lambda: able, thorough=True)
    found = Audits({"": audit})
    for family, clean in (
        ("generative", generative_reference()),
        ("alignment", alignment_reference()),
    ):
        two_dozen = np.unique(clean.people.patient_ids)[:24]
        people_of = clean.people.subset(np.isin(clean.people.patient_ids, two_dozen))
        found[family] = dataclasses.replace(clean, people=people_of).audit()
    return found


@pytest.mark.parametrize("check_id", [*PASSING, *THOROUGH])
def test_the_clean_twin_passes(clean: Audits, check_id: str) -> None:
    finding = run(clean.of(check_id), check_id)
    assert finding.verdict is Verdict.PASS, finding.reason


@pytest.mark.parametrize("check_id", STATISTICAL)
def test_two_dozen_people_are_too_few(few: Audits, check_id: str) -> None:
    verdict = run(few.of(check_id), check_id).verdict
    if check_id in DECIDED_BY_ANY_NUMBER:
        assert verdict is Verdict.PASS
    else:
        assert verdict in (Verdict.INCONCLUSIVE, Verdict.PASS)
        if check_id.startswith("leakage.") and check_id != "leakage.non_collapse":
            assert verdict is Verdict.INCONCLUSIVE
        if check_id in TOO_FEW_TO_GENERATE_FOR | TOO_FEW_TO_READ_FROM:
            assert verdict is Verdict.INCONCLUSIVE


def test_a_leakage_pass_states_the_smallest_leak_it_would_have_caught(clean: Audits) -> None:
    finding = run(clean[""], "leakage.linear")
    assert finding.minimum_detectable is not None
    assert 0.05 < finding.minimum_detectable < 0.3


def test_findings_do_not_depend_on_which_other_checks_ran(
    twin: Twin, people: Cohort, manifest: checkpoint.Manifest
) -> None:
    def fresh() -> Audit:
        return prepare(twin, people, manifest=manifest, reload=lambda: twin)

    chosen = ["prediction.mae", "invariance.transport_drift", "leakage.linear"]
    together = fresh()
    forwards = {c: run(together, c) for c in chosen}
    backwards = {c: run(fresh(), c) for c in reversed(chosen)}
    for check_id in chosen:
        assert forwards[check_id].interval == backwards[check_id].interval


def test_every_check_teaches() -> None:
    check: Check
    for check in all_checks():
        assert check.claim
        assert check.cause, check.id
        assert check.cure, check.id
        assert check.source, check.id
        assert check.explanation, check.id


def test_without_a_manifest_the_split_is_inconclusive(twin: Twin, people: Cohort) -> None:
    finding = run(prepare(twin, people), "integrity.split")
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_model_in_memory_cannot_prove_its_reload(twin: Twin, people: Cohort) -> None:
    assert run(prepare(twin, people), "integrity.reload").verdict is Verdict.INCONCLUSIVE


def test_the_python_face_gives_the_plugins_findings(
    twin: Twin, people: Cohort, manifest: checkpoint.Manifest
) -> None:
    import axis_audit

    seen: list[Finding] = []
    report = axis_audit.audit(
        twin, people, manifest=manifest, gate=["axis.smoothness"], progress=seen.append
    )
    assert [f.id for f in report.findings] == IDS
    assert len(seen) == len(IDS)
    assert report.gates == ("axis.smoothness",)
    assert report.verdict is Verdict.INCONCLUSIVE  # one gate, and it looked at nobody
