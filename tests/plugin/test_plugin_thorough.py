"""--thorough: what takes minutes runs when asked for, reports, and is never a missing gate."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest

from axis_audit.registry import all_checks
from tests.plugin.audits import FAST, audit_json

THOROUGH = [check.id for check in all_checks() if check.thorough]


def test_thorough_checks_are_collected_with_the_option_only(run) -> None:
    plain = run("--collect-only", "-q").stdout.str()
    thorough = run("--collect-only", "-q", "--thorough").stdout.str()
    assert THOROUGH
    for check_id in THOROUGH:
        assert f"axis_audit::{check_id}\n" not in plain
        assert f"axis_audit::{check_id}\n" in thorough


def test_the_option_changes_no_gate(run, pytester: pytest.Pytester) -> None:
    chosen = ("-k", "monotonicity or smoothness or split or posterior")
    assert run("--gate", FAST, *chosen).ret == 0
    plain = audit_json(pytester)
    result = run("--gate", FAST, *chosen, "--thorough")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["axis-audit: --thorough: *"])
    audit = audit_json(pytester)
    assert (audit["gates"], audit["missing"]) == (plain["gates"], [])
    assert audit["settings"]["thorough"] is True
    found = {f["id"]: f for f in audit["findings"]}
    assert found["leakage.posterior_scale_mlp"]["verdict"] == "NOT_APPLICABLE"
    assert "leakage.posterior_scale_mlp" not in {f["id"] for f in plain["findings"]}
    schema = resources.files("axis_audit.report") / "audit.schema.json"
    jsonschema.validate(audit, json.loads(schema.read_text()))


def test_the_option_can_stand_in_pyproject(run, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml("[tool.axis_audit]\nthorough = true\n")
    assert "axis_audit::leakage.trees" in run("--collect-only", "-q").stdout.str()


def test_a_thorough_gate_needs_the_option(run) -> None:
    result = run("--gate", "leakage.trees", "-k", "trees")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*leakage.trees*do not run*", "*Cure: add --thorough*"])


def test_a_model_without_a_posterior_may_claim_leakage(run, pytester: pytest.Pytester) -> None:
    result = run("--gate", "leakage", "-k", "posterior_scale")
    audit = audit_json(pytester)
    (found,) = audit["findings"]
    assert (found["id"], found["verdict"]) == ("leakage.posterior_scale", "NOT_APPLICABLE")
    assert (found["gate"], "leakage.posterior_scale" in audit["missing"]) == (False, False)
    assert result.ret == 1  # the other gates of the family did not run
