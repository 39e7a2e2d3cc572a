"""The laws of limb leads are asked only of models that can keep them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from axis_audit import checkpoint
from axis_audit.auditing import Audit, prepare
from axis_audit.cohort import Cohort
from axis_audit.defects.twin import FloatArray, Twin
from axis_audit.finding import Verdict
from axis_audit.report.records import accepted

IDS = ("leads.einthoven_canonical", "leads.einthoven_direction")


class PerLeadScales(Twin):
    def prepare(self, signals: FloatArray) -> FloatArray:
        beats = super().prepare(signals)
        return np.asarray(beats / np.abs(beats).max(axis=2, keepdims=True), np.float32)


class Boastful(PerLeadScales):
    keeps_record_scale = True


def audit_of(
    kind: type[Twin], twin: Twin, people: Cohort, manifest: checkpoint.Manifest, *gates: str
) -> Audit:
    fields = {f.name: getattr(twin, f.name) for f in dataclasses.fields(twin)}
    return prepare(kind(**fields), people, manifest=manifest, gate=gates)


def findings(audit: Audit, *ids: str) -> list:
    return [audit.run(check) for check in audit.checks if check.id in ids]


@pytest.mark.parametrize("check_id", IDS)
def test_a_model_with_a_scale_for_each_lead_is_not_asked(
    twin: Twin, people: Cohort, manifest: checkpoint.Manifest, check_id: str
) -> None:
    (finding,) = findings(audit_of(PerLeadScales, twin, people, manifest), check_id)
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert not finding.gate
    assert "one scale a record" in finding.reason


@pytest.mark.parametrize("check_id", IDS)
def test_but_one_that_declares_one_scale_a_record_fails(
    twin: Twin, people: Cohort, manifest: checkpoint.Manifest, check_id: str
) -> None:
    (finding,) = findings(audit_of(Boastful, twin, people, manifest), check_id)
    assert finding.verdict is Verdict.FAIL
    assert finding.gate


def test_not_applicable_is_neither_a_missing_gate_nor_a_pass(
    twin: Twin, people: Cohort, manifest: checkpoint.Manifest
) -> None:
    audit = audit_of(PerLeadScales, twin, people, manifest, "leads", "integrity.split")
    report = audit.report(findings(audit, *IDS, "integrity.split"), 0.0, "")
    assert not set(IDS) & set(report.missing)
    assert [f.id for f in report.gate_findings] == ["integrity.split"]
    assert report.verdict is Verdict.INCONCLUSIVE  # the other gates of leads did not run


def test_what_does_not_apply_fails_when_it_is_asked_for_by_name(
    twin: Twin, people: Cohort, manifest: checkpoint.Manifest
) -> None:
    audit = audit_of(PerLeadScales, twin, people, manifest, *IDS)
    report = audit.report(findings(audit, *IDS), 0.0, "")
    assert report.verdict is Verdict.FAIL
    assert not accepted(report, allow_inconclusive=True)
