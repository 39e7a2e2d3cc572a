"""The only place where a number becomes a verdict."""

from __future__ import annotations

import math

from axis_audit.finding import Measurement, Region, Verdict

POWER_NEEDED = 0.90
PASS_TAIL = 0.025
FAIL_ALPHA = 0.05


def fail_tail(statistical_gates: int) -> float:
    """Level of each FAIL tail: .05 / m, m the statistical checks that may FAIL a model of its kind.

    Fixed before anything is measured, so that a verdict never depends on which other checks ran
    (Bonferroni). PASS needs no correction: the audit passes only if every gate does
    (intersection-union test, Berger 1982).
    """
    return FAIL_ALPHA / max(1, statistical_gates)


def decide(measurement: Measurement, acceptable: Region) -> tuple[Verdict, str]:
    """Judge a measurement against its acceptable region; the second value is the reason in words.

    Interval inside: PASS. Entirely outside: FAIL. Straddling: INCONCLUSIVE. Controls can take a
    verdict away, never give one.
    """
    low, high = measurement.interval
    fail_low, fail_high = measurement.fail_interval or measurement.interval
    numbers = (measurement.estimate, low, high, fail_low, fail_high)
    if any(math.isnan(x) for x in numbers):
        return Verdict.ERROR, "the measurement is not a number"
    if low > high or fail_low > fail_high:
        return Verdict.ERROR, "the interval is reversed"
    controls = measurement.controls
    if controls.complaint:
        return Verdict.INCONCLUSIVE, controls.complaint
    if not controls.null_at_zero:
        return (
            Verdict.INCONCLUSIVE,
            "ages permuted between patients did not land at zero: the statistic is not calibrated",
        )
    if acceptable.excludes(fail_low, fail_high):
        return Verdict.FAIL, f"the whole interval lies outside the acceptable region {acceptable}"
    if not acceptable.contains(low, high):
        return Verdict.INCONCLUSIVE, _straddling(measurement, acceptable)
    power = controls.power_at_margin
    if power is not None and power < POWER_NEEDED:
        return (
            Verdict.INCONCLUSIVE,
            f"effects planted at the margin were found only {power:.0%} of the time "
            f"({POWER_NEEDED:.0%} needed)",
        )
    if measurement.exact:
        return Verdict.PASS, "exact"
    return Verdict.PASS, f"the whole interval lies inside the acceptable region {acceptable}"


def _straddling(measurement: Measurement, acceptable: Region) -> str:
    low, high = measurement.interval
    words = "outside, but not beyond the error rate a FAIL must keep"
    if not acceptable.excludes(low, high):
        words = "partly inside and partly outside the acceptable region"
    needed = ""
    if measurement.patients_needed:
        needed = f"; about {measurement.patients_needed} patients would decide"
    return f"the interval lies {words} {acceptable}{needed}"
