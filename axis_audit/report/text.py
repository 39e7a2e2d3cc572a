"""Findings in words, for the terminal."""

from __future__ import annotations

from collections import Counter

from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.report.records import interval_text, number


def finding_text(finding: Finding) -> str:
    """A finding in full: the claim, the number, why, and, unless it is PASS, what to do."""
    unit = f" {finding.acceptable.unit}" if finding.acceptable.unit else ""
    rows = [
        ("claim", finding.claim),
        ("verdict", f"{finding.verdict}: {finding.reason}"),
        ("estimate", f"{number(finding.estimate)}{unit}"),
        ("interval", _both_intervals(finding)),
        ("acceptable", str(finding.acceptable) + (" (looser than default)" * finding.loosened)),
        ("n", f"{finding.n} rows from {finding.n_patients} patients"),
        ("would have caught", _caught(finding)),
        ("likely cause", finding.likely_cause),
        ("next step", finding.next_step),
    ]
    if finding.verdict is Verdict.PASS:
        rows = rows[:-2]
    if finding.verdict is Verdict.ERROR:
        rows = [row for row in rows if row[0] in ("claim", "verdict", "acceptable", "next step")]
    rows += [(name, detail_text(value)) for name, value in finding.details.items()]
    width = max(len(name) for name, _ in rows[:8])
    body = "\n".join(f"  {name:<{width}}  {text}" for name, text in rows if text)
    return f"{finding.id}\n{body}"


def summary_lines(report: AuditReport) -> list[str]:
    """The overall verdict and what it rests on, a few lines."""
    scope = " on synthetic patients" if report.scope == "synthetic" else ""
    gates = report.gate_findings
    counts = Counter(f.verdict for f in gates)
    tally = ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) or "no gate ran"
    lines = [
        f"verdict: {report.verdict}{scope} ({tally} of {len(report.gates)} gates)",
        f"claims covered: {', '.join(dict.fromkeys(g.partition('.')[0] for g in report.gates))}",
        f"audited: {report.cohort.get('patients')} patients of {report.cohort.get('name')}, "
        f"{report.cohort.get('records')} records; {report.seconds:.0f} s",
    ]
    lines += [f"{f.verdict}: {one_line(f)}" for f in gates if f.verdict is not Verdict.PASS]
    others = [
        f for f in report.findings if not f.gate and f.verdict in (Verdict.FAIL, Verdict.ERROR)
    ]
    lines += [f"not a gate, {f.verdict}: {one_line(f)}" for f in others]
    if not report.gates:
        lines.append(
            "no gate is in force: the model's claims are empty; let the adapter claim families of "
            "checks, or name some with --gate"
        )
    if report.stopped:
        lines.insert(0, f"NOT FINISHED: {report.stopped}")
    lines += _not_run(report)
    resumed = sum(f.resumed for f in report.findings)
    if resumed:
        lines.append(f"{resumed} of {len(report.findings)} findings are of an interrupted run")
    loosened = [f.id for f in report.findings if f.loosened]
    if loosened:
        lines.append(f"margins looser than default: {', '.join(loosened)}")
    return lines


def _not_run(report: AuditReport) -> list[str]:
    """Gates that did not run, by name; then why, with the names of all but deselected others."""
    lines = []
    if report.missing:
        lines.append(f"gates that did not run: {', '.join(report.missing)}")
    by_reason: dict[str, list[str]] = {}
    for check, reason in report.not_run.items():
        by_reason.setdefault(reason, []).append(check)
    for reason, checks in by_reason.items():
        told = f"{len(checks)} checks" if reason == "deselected" else ", ".join(checks)
        lines.append(f"not run, {reason}: {told}")
    return lines


def one_line(finding: Finding) -> str:
    """id, estimate, interval and region in one line."""
    if finding.estimate is None:
        return f"{finding.id}: {finding.reason}"
    interval = "" if finding.exact else f" {interval_text(finding.interval)}"
    return f"{finding.id} = {number(finding.estimate)}{interval}, acceptable {finding.acceptable}"


def _both_intervals(finding: Finding) -> str:
    text = interval_text(finding.interval, finding.exact)
    if not finding.exact and finding.fail_interval:
        text += f" (95 %); {interval_text(finding.fail_interval)} at the corrected level of FAIL"
    return text


def _caught(finding: Finding) -> str:
    if finding.minimum_detectable is None:
        return ""
    return f"{number(finding.minimum_detectable)} {finding.acceptable.unit} with 90 % power"


def detail_text(value: object) -> str:
    """A further number, or list of them, for people."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(detail_text(v) for v in value)
    return str(value)
