"""Findings as plain values, for JSON, xdist, JUnit and the HTML table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from axis_audit.finding import AuditReport, Finding, Interval, Region, Verdict


def plain(value: Any) -> Any:
    """Values that JSON and xdist can carry: no numpy scalars, no NaN (null), no infinity (null)."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if hasattr(value, "tolist") and not isinstance(value, int | float):
        return plain(value.tolist())
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value)


def finding_record(finding: Finding) -> dict[str, Any]:
    """A finding as a JSON object; infinite ends of regions and intervals become null."""
    return {
        "id": finding.id,
        "claim": finding.claim,
        "family": finding.family,
        "gate": finding.gate,
        "verdict": str(finding.verdict),
        "estimate": plain(finding.estimate),
        "interval": plain(finding.interval),
        "fail_interval": plain(finding.fail_interval),
        "acceptable": _region_record(finding.acceptable),
        "default_acceptable": _region_record(finding.default_acceptable),
        "loosened": finding.loosened,
        "unit": finding.acceptable.unit,
        "n": int(finding.n),
        "n_patients": int(finding.n_patients),
        "exact": finding.exact,
        "minimum_detectable": plain(finding.minimum_detectable),
        "patients_needed": plain(finding.patients_needed),
        "reason": finding.reason,
        "likely_cause": finding.likely_cause,
        "next_step": finding.next_step,
        "source": finding.source,
        "explanation": finding.explanation,
        "screen": finding.screen,
        "seconds": float(finding.seconds),
        "resumed": finding.resumed,
        "details": plain(finding.details),
        "figure": plain(finding.figure),
    }


def finding_from_record(record: Mapping[str, Any]) -> Finding:
    """The inverse of `finding_record`.

    Raises:
        KeyError, ValueError: a record that `finding_record` did not write.
    """
    return Finding(
        id=record["id"],
        claim=record["claim"],
        family=record["family"],
        gate=record["gate"],
        verdict=Verdict(record["verdict"]),
        reason=record["reason"],
        estimate=record["estimate"],
        interval=_interval(record["interval"]),
        fail_interval=_interval(record["fail_interval"]),
        acceptable=_region(record["acceptable"], record["unit"]),
        default_acceptable=_region(record["default_acceptable"], record["unit"]),
        n=record["n"],
        n_patients=record["n_patients"],
        exact=record["exact"],
        minimum_detectable=record["minimum_detectable"],
        patients_needed=record["patients_needed"],
        likely_cause=record["likely_cause"],
        next_step=record["next_step"],
        source=record["source"],
        explanation=record.get("explanation", ""),  # not in schema 1.0
        screen=record.get("screen", False),
        seconds=record["seconds"],
        resumed=record.get("resumed", False),
        details=record["details"],
        figure=record["figure"],
    )


def number(value: float | None) -> str:
    """A number for people: three significant digits."""
    if value is None:
        return "–"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def interval_text(interval: Interval | None, exact: bool = False) -> str:
    """An interval for people."""
    if exact or interval is None:
        return "exact" if exact else "–"
    return f"[{number(interval[0])}, {number(interval[1])}]"


def columns(record: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """Verdict, estimate, interval, acceptable region and n, for a table."""
    finding = finding_from_record(record)
    return (
        str(finding.verdict) + ("" if finding.gate else " (not a gate)"),
        number(finding.estimate),
        interval_text(finding.interval, finding.exact),
        str(finding.acceptable) + (" (loosened)" if finding.loosened else ""),
        str(finding.n_patients or finding.n),
    )


def junit_properties(finding: Finding) -> list[tuple[str, str]]:
    """Name-value pairs for JUnit's <properties>; strings, since numpy floats break xdist."""
    low, high = finding.interval or (math.nan, math.nan)
    return [
        ("axis_audit.verdict", str(finding.verdict)),
        ("axis_audit.gate", str(finding.gate).lower()),
        ("axis_audit.estimate", _repr(finding.estimate)),
        ("axis_audit.lower", _repr(low)),
        ("axis_audit.upper", _repr(high)),
        ("axis_audit.acceptable", str(finding.acceptable)),
        ("axis_audit.n_patients", str(finding.n_patients)),
    ]


def accepted(report: AuditReport, allow_inconclusive: bool) -> bool:
    """Whether the exit status may be 0: every gate in force PASS, or allowed to be inconclusive."""
    if report.verdict is Verdict.PASS:
        return True
    if not allow_inconclusive or report.missing or report.stopped:
        return False
    allowed = {Verdict.PASS, Verdict.INCONCLUSIVE}
    data_dependent = any(f.n_patients > 0 for f in report.gate_findings)
    return data_dependent and all(f.verdict in allowed for f in report.gate_findings)


def _repr(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else repr(float(value))


def _region_record(region: Region) -> list[float | None]:
    return [plain(region.low), plain(region.high)]


def _region(ends: list[float | None], unit: str) -> Region:
    low, high = ends
    return Region(-math.inf if low is None else low, math.inf if high is None else high, unit)


def _interval(ends: list[float | None] | None) -> Interval | None:
    if ends is None:
        return None
    low, high = ends
    return (-math.inf if low is None else low, math.inf if high is None else high)
