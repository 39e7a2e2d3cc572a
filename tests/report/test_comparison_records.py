"""`axis-audit compare` on real records: what it must call a regression, and what it must not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from axis_audit.comparison.compare import compare
from axis_audit.comparison.pages import as_markdown, as_text
from axis_audit.errors import InputError
from axis_audit.report.reading import read
from tests.report.changed_records import finding, judged, settled, without

GATE, EXACT, STATISTICAL = "leakage.linear", "axis.smoothness", "prediction.mae"
SCREEN = "leakage.quadratic"


def change(old: dict[str, Any], new: dict[str, Any], check_id: str) -> dict[str, Any]:
    (found,) = [c for c in compare(old, new).record["changes"] if c["id"] == check_id]
    return found


def test_a_report_is_no_change_of_itself(record) -> None:
    found = compare(record, record).record
    assert not found["regressed"]
    assert set(found["counts"]) == {"same"}
    assert found["same_people"]


def test_one_model_on_other_people_is_no_regression(record, other_people_record) -> None:
    """The clean twin audited on two draws: estimates differ, no gate is called worse."""
    for old, new in ((record, other_people_record), (other_people_record, record)):
        found = compare(old, new)
        assert not found.record["same_people"]
        assert found.regressions == []
        assert {c.estimate_move for c in found.changes} >= {"within noise"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("PASS", "INCONCLUSIVE"),
        ("PASS", "FAIL"),
        ("PASS", "ERROR"),
        ("INCONCLUSIVE", "FAIL"),
        ("INCONCLUSIVE", "ERROR"),
        ("FAIL", "ERROR"),
    ],
)
def test_a_gates_verdict_that_got_worse_is_a_regression_and_its_mending_is_none(
    record, before: str, after: str
) -> None:
    old, new = judged(record, GATE, before), judged(record, GATE, after)
    found = change(old, new, GATE)
    assert (found["change"], found["regression"]) == ("worse", True)
    assert f"{before} → {after}" in found["reasons"]
    back = compare(new, old)
    assert back.regressions == []
    assert change(new, old, GATE)["change"] == "better"


@pytest.mark.parametrize("verdict", ["PASS", "INCONCLUSIVE", "FAIL"])
@pytest.mark.parametrize("missing", [True, False])
def test_a_gate_that_vanished_is_a_regression(record, verdict: str, missing: bool) -> None:
    """Also one that FAILed: leaving out what fails must not make an audit look better."""
    old = judged(record, GATE, verdict)
    found = change(old, without(record, GATE, missing=missing), GATE)
    assert (found["change"], found["regression"]) == ("gone", True)


def test_a_gate_in_force_that_never_ran_and_is_no_gate_any_more_is_a_regression(record) -> None:
    old, new = (without(record, GATE, missing=m) for m in (True, False))
    assert compare(old, new).regressions
    assert not compare(old, old).regressions


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
def test_a_gate_narrowed_away_is_a_regression(record, verdict: str) -> None:
    """--gate: the finding is still there, and decides nothing."""
    new = copy.deepcopy(record)
    finding(new, GATE).update(gate=False, verdict=verdict)
    new["gates"].remove(GATE)
    found = change(judged(record, GATE, verdict), settled(new), GATE)
    assert found["regression"]
    assert "decides nothing" in found["reasons"][0]


def test_a_gate_that_is_not_applicable_any_more_is_a_regression(record) -> None:
    new = copy.deepcopy(record)
    finding(new, GATE).update(
        gate=False, verdict="NOT_APPLICABLE", estimate=None, interval=None, fail_interval=None
    )
    assert change(record, settled(new), GATE)["regression"]
    assert not change(settled(new), record, GATE)["regression"]


def test_a_new_gate_counts_where_it_is_not_pass(record) -> None:
    old = without(record, GATE, missing=False)
    assert not compare(old, record).regressions
    assert compare(old, judged(record, GATE, "FAIL")).regressions
    assert compare(old, judged(record, GATE, "INCONCLUSIVE")).regressions


def test_a_screen_that_fails_decides_and_may_be_mended_but_not_left_out(record) -> None:
    failing = copy.deepcopy(record)
    finding(failing, SCREEN).update(gate=True, verdict="FAIL")
    settled(failing)
    assert change(record, failing, SCREEN)["regression"]
    assert change(failing, record, SCREEN)["change"] == "better"
    left_out = copy.deepcopy(record)
    left_out["findings"] = [f for f in left_out["findings"] if f["id"] != SCREEN]
    assert change(failing, left_out, SCREEN)["regression"]
    assert not change(record, left_out, SCREEN)["regression"]
    silenced = copy.deepcopy(record)
    finding(silenced, SCREEN).update(gate=False, verdict="FAIL")
    assert change(failing, silenced, SCREEN)["regression"]


@pytest.mark.parametrize(
    ("acceptable", "regression"), [([None, 0.9], True), ([0.0, 0.85], False), ([None, 0.5], False)]
)
def test_a_looser_margin_is_a_regression_and_a_tighter_one_is_told(
    record, acceptable: list, regression: bool
) -> None:
    new = copy.deepcopy(record)
    finding(new, STATISTICAL)["acceptable"] = acceptable
    found = change(record, new, STATISTICAL)
    assert found["regression"] is regression
    assert found["reasons"]


def test_a_looser_margin_does_not_mend_a_fail(record) -> None:
    old = judged(record, STATISTICAL, "FAIL")
    new = copy.deepcopy(record)
    finding(new, STATISTICAL)["acceptable"] = [None, 3.0]
    found = change(old, new, STATISTICAL)
    assert (found["change"], found["regression"]) == ("worse", True)


def test_an_estimate_that_moved_beyond_noise_is_a_regression_though_it_still_passes(record) -> None:
    new = copy.deepcopy(record)
    shifted = finding(new, STATISTICAL)
    for key in ("interval", "fail_interval"):
        shifted[key] = [end + 0.2 for end in shifted[key]]
    shifted["estimate"] += 0.2
    found = change(record, new, STATISTICAL)
    assert found["regression"]
    assert (found["verdict_change"], found["estimate_change"]) == ("same", "worse")
    assert change(new, record, STATISTICAL)["change"] == "better"


@pytest.mark.parametrize(("value", "regression"), [(0.004, False), (0.009, True)])
def test_an_exact_value_is_listed_and_counts_when_it_nears_its_margin(
    record, value: float, regression: bool
) -> None:
    old, new = copy.deepcopy(record), copy.deepcopy(record)
    for content, number in ((old, 0.001), (new, value)):
        found = finding(content, EXACT)
        found.update(estimate=number, interval=[number] * 2, fail_interval=[number] * 2)
    listed = change(old, new, EXACT)
    assert (listed["change"], listed["regression"]) == ("worse", regression)


def test_a_number_that_is_no_longer_there_is_a_regression(record) -> None:
    old = judged(record, GATE, "FAIL")
    new = judged(record, GATE, "FAIL", estimate=None, interval=None, fail_interval=None)
    assert change(old, new, GATE)["regression"]
    assert not change(new, new, GATE)["regression"]


def test_unbounded_intervals_are_no_change(record) -> None:
    new = copy.deepcopy(record)
    finding(new, STATISTICAL).update(estimate=0.8, fail_interval=[None, None])
    assert change(record, new, STATISTICAL)["estimate_change"] == "within noise"


def test_a_check_that_decides_nothing_is_listed_and_does_not_count(record) -> None:
    new = copy.deepcopy(record)
    finding(new, "prediction.error_by_group")["verdict"] = "FAIL"
    found = compare(record, new)
    assert not found.regressions
    assert "worse, no regression" in as_text(found.record)


def test_another_definition_is_told_and_another_unit_is_not_compared(record) -> None:
    new = copy.deepcopy(record)
    finding(new, STATISTICAL).update(unit="years", claim="something else", estimate=700.0)
    found = change(record, new, STATISTICAL)
    assert found["estimate_change"] == "not compared"
    assert any("claim" in reason for reason in found["reasons"])
    assert any("unit" in reason for reason in found["reasons"])


def test_an_audit_of_nobody_is_a_regression_though_no_gate_changed(record) -> None:
    new = copy.deepcopy(record)
    for found in new["findings"]:
        found["n_patients"] = 0
    new["verdict"] = "INCONCLUSIVE"
    assert compare(record, new).regressions == ["overall verdict: PASS → INCONCLUSIVE"]


def test_no_regression_is_never_shown_as_a_pass(record) -> None:
    failing = judged(record, GATE, "FAIL")
    for show in (as_text, as_markdown):
        page = show(compare(failing, failing).record)
        assert "no regression" in page
        assert "NEW is FAIL" in page
        assert "leakage" in page


def test_synthetic_people_are_not_held_against_recorded_ones(record) -> None:
    new = {**record, "scope": "recorded"}
    with pytest.raises(InputError, match=r"synthetic.*recorded"):
        compare(record, new)


def test_reports_without_a_common_check_are_not_compared(record) -> None:
    with pytest.raises(InputError, match="no check in common"):
        compare(record, {**record, "findings": [], "missing": record["gates"]})


def test_what_else_differs_is_told(record) -> None:
    new = copy.deepcopy(record)
    new["versions"]["torch"] = "9.9"
    new["model"]["claims"] = ["axis"]
    new["settings"] = {"allow_inconclusive": True}
    notes = " / ".join(compare(record, new).record["notes"])
    for word in ("torch", "9.9", "claims", "allow_inconclusive"):
        assert word in notes


def test_changed_records_of_these_tests_are_reports(record, saved) -> None:
    """The helpers keep records consistent, so that the tests above speak of possible files."""
    for new in (
        judged(record, GATE, "FAIL"),
        without(record, GATE, missing=True),
        without(record, GATE, missing=False),
    ):
        read(saved(new, "x.json"))
