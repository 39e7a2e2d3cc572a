"""What a verdict says of itself: a reader acts on the reason, so each cause needs its own."""

import re

import pytest

from axis_audit.decision import decide
from axis_audit.finding import Below, Controls, Measurement, Verdict

NAN = float("nan")
MARGIN = Below(0.05)


def measured(low: float, high: float, **kwargs) -> Measurement:
    return Measurement((low + high) / 2, (low, high), 100, 100, **kwargs)


CASES = {
    "not a number": (measured(NAN, 0.01), Verdict.ERROR),
    "reversed": (measured(0.04, 0.01), Verdict.ERROR),
    "permuted": (
        measured(0.0, 0.01, controls=Controls(null_at_zero=False)),
        Verdict.INCONCLUSIVE,
    ),
    "only 50% of the time (90% needed)": (
        measured(0.0, 0.01, controls=Controls(power_at_margin=0.5)),
        Verdict.INCONCLUSIVE,
    ),
    "partly inside and partly outside": (measured(0.0, 0.2), Verdict.INCONCLUSIVE),
    "outside, but not beyond the error rate a FAIL must keep": (
        measured(0.1, 0.2, fail_interval=(0.0, 0.3)),
        Verdict.INCONCLUSIVE,
    ),
    "outside the acceptable region": (measured(0.1, 0.2), Verdict.FAIL),
    "inside the acceptable region": (measured(0.0, 0.01), Verdict.PASS),
    "exact": (Measurement.exactly(0.0, n=1), Verdict.PASS),
}


@pytest.mark.parametrize("essential", CASES)
def test_a_reason_names_its_cause_and_reads_as_the_end_of_a_sentence(essential: str) -> None:
    measurement, expected = CASES[essential]
    verdict, reason = decide(measurement, MARGIN)
    assert verdict is expected
    assert essential in reason
    assert re.fullmatch(r"[a-z].*[a-z0-9)]", reason)
    assert set(re.findall(r"[A-Z]+", reason)) <= {"FAIL"}


def test_a_straddling_interval_promises_no_number_of_patients_that_nobody_computed() -> None:
    reason = decide(measured(0.0, 0.2), MARGIN)[1]
    assert reason.endswith(str(MARGIN))
    assert "patients" not in reason


def test_a_reversed_fail_interval_alone_is_an_error() -> None:
    reversed_tail = measured(0.0, 0.01, fail_interval=(0.3, 0.1))
    assert decide(reversed_tail, MARGIN)[0] is Verdict.ERROR


def test_ninety_percent_power_is_enough_and_a_complaint_comes_in_its_own_words() -> None:
    just = measured(0.0, 0.01, controls=Controls(power_at_margin=0.9))
    assert decide(just, MARGIN)[0] is Verdict.PASS
    broken = measured(0.0, 0.01, controls=Controls(complaint="tails do not fit"))
    assert decide(broken, MARGIN) == (Verdict.INCONCLUSIVE, "tails do not fit")
