"""A screen's FAIL decides and its PASS certifies nothing: else a leak it found would exit 0."""

from __future__ import annotations

from pathlib import Path

import pytest

from axis_audit.auditing import Audit, prepare
from axis_audit.defects import twins
from axis_audit.defects.catalogue import find
from axis_audit.finding import Finding, Verdict
from axis_audit.gates import screens_in_force
from axis_audit.registry import all_checks, statistical_gates

QUADRATIC = "leakage.quadratic"


def quadratic(audit: Audit) -> Finding:
    return audit.run(next(c for c in audit.checks if c.id == QUADRATIC))


@pytest.fixture(scope="module")
def clean() -> twins.Subject:
    return twins.reference()


def test_what_a_screen_finds_decides_and_that_it_finds_nothing_does_not(
    clean: twins.Subject,
) -> None:
    broken = find("rotated_product_leak", Path("test")).plant(clean)
    found, nothing = quadratic(broken.audit()), quadratic(clean.audit())
    assert (found.verdict, found.gate) == (Verdict.FAIL, True)
    assert (nothing.verdict, nothing.gate) == (Verdict.PASS, False)
    report = broken.audit().report([found], 0.0, "")
    assert report.verdict is Verdict.FAIL
    assert QUADRATIC not in report.gates  # nobody can be certified by it


@pytest.mark.parametrize(
    ("asked", "decides"), [("leakage", True), ("axis", False), ("leakage.linear", False)]
)
def test_it_decides_where_its_family_does(clean: twins.Subject, asked: str, decides: bool) -> None:
    audit = prepare(clean.twin, clean.people, manifest=clean.manifest, gate=[asked])
    assert (QUADRATIC in audit.screens) is decides
    assert (QUADRATIC in screens_in_force(all_checks(), clean.twin, [asked])) is decides


def test_screens_take_their_share_of_the_error_rate() -> None:
    deciding = [c for c in all_checks() if (c.gate or c.condemns) and not c.exact]
    assert any(c.condemns for c in deciding)
    assert not any(c.gate and c.condemns for c in deciding)
    assert statistical_gates({c.family for c in deciding}) == len(deciding)
