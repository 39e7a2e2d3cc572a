"""The verdict rule: what would let a wrong PASS through."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis_audit.decision import decide, fail_tail
from axis_audit.finding import (
    Above,
    AuditReport,
    Below,
    Controls,
    Exactly,
    Finding,
    Measurement,
    Region,
    Verdict,
    Within,
)

numbers = st.floats(-1e6, 1e6)


def measured(low: float, high: float, **kwargs) -> Measurement:
    return Measurement((low + high) / 2, (low, high), 100, 100, **kwargs)


@given(numbers, numbers, numbers, numbers)
def test_pass_only_inside_and_fail_only_outside(a: float, b: float, c: float, d: float) -> None:
    low, high = sorted((a, b))
    region = Within(*sorted((c, d)))
    verdict, _ = decide(measured(low, high), region)
    assert (verdict is Verdict.PASS) == (region.low <= low and high <= region.high)
    assert (verdict is Verdict.FAIL) == (high < region.low or low > region.high)


@given(numbers, st.floats(0, 10), st.floats(0, 10), numbers)
def test_a_wider_fail_interval_never_turns_into_pass(
    centre: float, half: float, extra: float, margin: float
) -> None:
    wide = (centre - half - extra, centre + half + extra)
    narrow, _ = decide(measured(centre - half, centre + half), Below(margin))
    careful, _ = decide(measured(centre - half, centre + half, fail_interval=wide), Below(margin))
    assert (narrow is Verdict.PASS) == (careful is Verdict.PASS)
    assert careful is not Verdict.FAIL or narrow is Verdict.FAIL


@pytest.mark.parametrize("where", ["estimate", "low", "high", "fail"])
def test_nan_is_an_error_and_never_a_verdict(where: str) -> None:
    nan = math.nan
    measurement = {
        "estimate": Measurement(nan, (0.0, 0.01), 9, 9),
        "low": Measurement(0.0, (nan, 0.01), 9, 9),
        "high": Measurement(0.0, (0.0, nan), 9, 9),
        "fail": Measurement(0.0, (0.0, 0.01), 9, 9, fail_interval=(0.0, nan)),
    }[where]
    assert decide(measurement, Below(0.05))[0] is Verdict.ERROR


def test_a_reversed_interval_is_an_error() -> None:
    assert decide(measured(0.04, 0.01), Below(0.05))[0] is Verdict.ERROR


def test_controls_take_a_pass_away() -> None:
    blind = measured(0.0, 0.01, controls=Controls(power_at_margin=0.5))
    assert decide(blind, Below(0.05))[0] is Verdict.INCONCLUSIVE
    off = measured(0.0, 0.01, controls=Controls(power_at_margin=1.0, null_at_zero=False))
    assert decide(off, Below(0.05))[0] is Verdict.INCONCLUSIVE


def test_a_miscalibrated_statistic_cannot_fail_either() -> None:
    off = measured(0.5, 0.6, controls=Controls(null_at_zero=False))
    assert decide(off, Below(0.05))[0] is Verdict.INCONCLUSIVE


def test_low_power_does_not_hide_a_fail() -> None:
    blind = measured(0.5, 0.6, controls=Controls(power_at_margin=0.1))
    assert decide(blind, Below(0.05))[0] is Verdict.FAIL


def test_inconclusive_says_how_many_patients_would_decide() -> None:
    reason = decide(measured(0.0, 0.2, patients_needed=1850), Below(0.05))[1]
    assert "1850 patients" in reason


def test_exact_checks_have_no_tolerance() -> None:
    assert decide(Measurement.exactly(0.0, n=1), Exactly(0.0))[0] is Verdict.PASS
    assert decide(Measurement.exactly(1e-12, n=1), Exactly(0.0))[0] is Verdict.FAIL


def test_bonferroni_on_the_fail_side_alone() -> None:
    assert fail_tail(20) == pytest.approx(0.0025)
    assert fail_tail(0) == 0.05


def test_a_region_must_not_be_empty() -> None:
    with pytest.raises(ValueError, match="low <= high"):
        Region(1.0, 0.0)


def finding(verdict: Verdict, *, gate: bool = True, patients: int = 9, check: str = "a.b"):
    return Finding(check, "claim", "axis", gate, verdict, "", n_patients=patients)


def report(*findings: Finding, missing: tuple[str, ...] = ()) -> AuditReport:
    return AuditReport({}, {}, "recorded", ("a.b",), findings, missing)


@pytest.mark.parametrize(
    ("verdicts", "overall"),
    [
        ([Verdict.PASS, Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
        ([Verdict.FAIL, Verdict.INCONCLUSIVE], Verdict.FAIL),
        ([Verdict.PASS, Verdict.ERROR], Verdict.FAIL),
        ([], Verdict.INCONCLUSIVE),
    ],
)
def test_overall_verdict_is_the_worst_gate(verdicts: list[Verdict], overall: Verdict) -> None:
    assert report(*(finding(v) for v in verdicts)).verdict is overall


def test_what_is_not_a_gate_does_not_decide() -> None:
    assert report(finding(Verdict.PASS), finding(Verdict.FAIL, gate=False)).verdict is Verdict.PASS


def test_a_missing_gate_is_not_a_pass() -> None:
    assert report(finding(Verdict.PASS), missing=("a.c",)).verdict is Verdict.INCONCLUSIVE


def test_exact_checks_on_no_people_are_not_an_audit() -> None:
    assert report(finding(Verdict.PASS, patients=0)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("region", "default", "loosened"),
    [
        (Below(0.1), Below(0.05), True),
        (Above(0.9), Above(0.5), False),
        (Above(0.1), Above(0.5), True),
    ],
)
def test_a_looser_margin_is_seen(region: Region, default: Region, loosened: bool) -> None:
    judged = Finding(
        "a.b", "", "axis", True, Verdict.PASS, "", acceptable=region, default_acceptable=default
    )
    assert judged.loosened is loosened
