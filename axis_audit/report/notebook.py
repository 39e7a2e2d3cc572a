"""An audit in a notebook: a compact table that takes its colours from the page."""

from __future__ import annotations

from html import escape

from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.report.json_report import report_record
from axis_audit.report.reading import Record
from axis_audit.report.views import (
    audited_on,
    cautions,
    estimate_text,
    findings_of,
    gates_not_pass,
    interval_of,
    tally,
)

__all__ = ["AuditReport", "html_of"]

_MARKS = {
    Verdict.PASS: "#2e8540",
    Verdict.INCONCLUSIVE: "#b8860b",
    Verdict.FAIL: "#d1495b",
    Verdict.ERROR: "#d1495b",
    Verdict.NOT_APPLICABLE: "#888888",
}
"""Colours of a mark beside the word: legible on white and on black; the word alone suffices."""
_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top;background:transparent"
_TITLES = ("check", "verdict", "estimate", "interval", "acceptable")


def html_of(record: Record) -> str:
    """A record as an HTML fragment without scripts, styles or classes; every string escaped."""
    kind, cohort = record["model"].get("kind", ""), record["cohort"]
    on = " on synthetic patients" if record["scope"] == "synthetic" else ""
    lines = [
        f"<b>{_mark(Verdict(record['verdict']))}{escape(on)}</b> ({escape(tally(record))})",
        escape(f"{kind} on {cohort.get('name')}: {audited_on(record)}"),
        *(escape(line) for line in cautions(record)),
    ]
    if record["missing"]:
        lines.append("gates that did not run: " + escape(", ".join(record["missing"])))
    open_gates = gates_not_pass(record)
    decided = {f.id for f in open_gates}
    rest = [f for f in findings_of(record) if f.id not in decided]
    parts = ["<br>".join(lines)]
    if open_gates:
        parts.append(_table(open_gates, reasons=True))
    if rest:
        shown = _table(rest, reasons=False)
        parts.append(f"<details><summary>{len(rest)} other checks</summary>{shown}</details>")
    return f'<div style="color:inherit;font-size:90%">{"".join(parts)}</div>'


def _table(findings: list[Finding], *, reasons: bool) -> str:
    titles = (*_TITLES, "why") if reasons else _TITLES
    head = "".join(f'<th style="{_CELL}">{title}</th>' for title in titles)
    rows = []
    for finding in findings:
        note = "" if finding.gate else " (not a gate)"
        cells = [
            escape(finding.id),
            _mark(finding.verdict) + note,
            escape(estimate_text(finding)),
            escape(interval_of(finding)),
            escape(str(finding.acceptable) + " (looser than default)" * finding.loosened),
        ]
        cells += [escape(finding.reason)] if reasons else []
        body = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
        rows.append(f'<tr title="{escape(finding.claim)}">{body}</tr>')
    return (
        '<table style="color:inherit;border-collapse:collapse;margin:4px 0">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _mark(verdict: Verdict) -> str:
    word = str(verdict).replace("_", " ")
    return f'<span style="color:{_MARKS[verdict]}">&#9632;</span>&nbsp;{word}'


def _view(report: AuditReport) -> str:
    return html_of(report_record(report))


AuditReport.html_view = _view
