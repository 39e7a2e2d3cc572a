"""Every planted defect fails the check it names."""

from __future__ import annotations

import pytest

from axis_audit import checkpoint
from axis_audit.auditing import prepare
from axis_audit.cohort import Cohort
from axis_audit.defects.catalogue import Defect, catalogue
from axis_audit.defects.twin import Twin
from axis_audit.finding import Verdict
from axis_audit.registry import all_checks

NEEDS_NO_DEFECT_MODEL = {"integrity.split", "integrity.near_duplicates"}
"""Broken by the cohort, not by the model: see test_plugin_run and test_checks_copies."""


@pytest.mark.parametrize("defect", catalogue(), ids=lambda d: d.name)
def test_a_planted_defect_fails_its_check(
    defect: Defect,
    twin: Twin,
    people: Cohort,
    fitting_people: Cohort,
    manifest: checkpoint.Manifest,
) -> None:
    broken = defect.plant(twin)
    audit = prepare(
        broken, people, fit_cohort=fitting_people, manifest=manifest, reload=lambda: broken
    )
    (check,) = [c for c in audit.checks if c.id == defect.fails]
    finding = audit.run(check)
    assert finding.verdict is Verdict.FAIL, f"{finding.verdict}: {finding.reason}"


def test_every_check_has_a_defect_that_it_alone_must_catch() -> None:
    caught = {defect.fails for defect in catalogue()} | NEEDS_NO_DEFECT_MODEL
    assert {check.id for check in all_checks()} <= caught
