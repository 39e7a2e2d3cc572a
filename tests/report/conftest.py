"""Records of real audits: the clean twin on two draws of people, without the slow checks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from axis_audit.auditing import prepare
from axis_audit.defects.twins import FITTING, PEOPLE, REFERENCE_SEED, draw
from axis_audit.finding import AuditReport
from axis_audit.report.json_report import report_record

SLOW = (
    *("deep_network", "mlp", "spline", "axis.direction", "axis.length", "every_lead"),
    *("invariance.direction", "transport", "missing_lead", "canonical_linear", "non_collapse"),
)


@pytest.fixture(scope="session")
def audit_twin(twin, manifest) -> Callable[..., AuditReport]:
    def run(people, fitting) -> AuditReport:
        prepared = prepare(twin, people, fit_cohort=fitting, manifest=manifest, reload=lambda: twin)
        checks = [c for c in prepared.checks if not any(word in c.id for word in SLOW)]
        prepared.gates = tuple(g for g in prepared.gates if g in {c.id for c in checks})
        prepared.about = {
            "checkpoint": {
                "path": "runs/twin.pth",
                "sha256": "ab" * 32,
                "kind": "twin",
                "manifest": {"data": "atlas"},
            }
        }
        findings = [prepared.run(check) for check in checks]
        return prepared.report(findings, 3.0, "2026-01-02T03:04:05+00:00")

    return run


@pytest.fixture(scope="session")
def report(audit_twin, people, fitting_people) -> AuditReport:
    return audit_twin(people, fitting_people)


@pytest.fixture(scope="session")
def other_people_record(audit_twin) -> dict[str, Any]:
    people = draw(PEOPLE, REFERENCE_SEED + 11, fold=9)
    return through_json(audit_twin(people, draw(FITTING, REFERENCE_SEED + 12, fold=8)))


@pytest.fixture(scope="session")
def twin_record(report: AuditReport) -> dict[str, Any]:
    return through_json(report)


@pytest.fixture
def record(twin_record: dict[str, Any]) -> dict[str, Any]:
    """A record to change; the twin's, PASS."""
    assert twin_record["verdict"] == "PASS"
    return copy.deepcopy(twin_record)


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[dict[str, Any], str], Path]:
    def write(content: dict[str, Any], name: str) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


def through_json(made: AuditReport) -> dict[str, Any]:
    return json.loads(json.dumps(report_record(made), allow_nan=False))
