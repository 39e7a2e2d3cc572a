"""What several outputs say of a record: its tally, its gates, its cautions. Plain words, unescaped.

Whoever shows them escapes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from axis_audit.finding import Finding, Verdict
from axis_audit.report.reading import Record, report_of
from axis_audit.report.records import interval_text, number


def findings_of(record: Record) -> tuple[Finding, ...]:
    """The record's findings."""
    return report_of(record).findings


def gates_not_pass(record: Record) -> list[Finding]:
    """Findings that decide and are not PASS: FAIL and ERROR before INCONCLUSIVE."""
    open_ = [f for f in findings_of(record) if f.gate and f.verdict is not Verdict.PASS]
    return sorted(open_, key=lambda f: f.verdict is Verdict.INCONCLUSIVE)


def tally(record: Record) -> str:
    """How many gates have which verdict, those that did not run included."""
    counts = Counter(str(f.verdict) for f in findings_of(record) if f.gate)
    words = [f"{n} {verdict}" for verdict, n in counts.items()]
    if record["missing"]:
        words.append(f"{len(record['missing'])} did not run")
    return ", ".join(words) or "no gate ran"


def estimate_text(finding: Finding) -> str:
    """The estimate; its unit stands with the acceptable region."""
    return number(finding.estimate)


def interval_of(finding: Finding) -> str:
    """The interval that decides PASS, 2.5 % a side."""
    return interval_text(finding.interval, finding.exact)


def cautions(record: Record) -> list[str]:
    """What takes weight from the verdict and must be read with it."""
    settings: Mapping[str, Any] = record["settings"]
    cohort: Mapping[str, Any] = record["cohort"]
    lines = []
    if record.get("stopped"):
        lines.append(f"not finished: {record['stopped']}")
    if record["scope"] == "synthetic":
        lines.append("on synthetic patients: this says nothing about people")
    if settings.get("gate"):
        narrowed = ", ".join(str(gate) for gate in settings["gate"])
        lines.append(f"gates narrowed to {narrowed}")
    if settings.get("allow_inconclusive"):
        lines.append("--allow-inconclusive: INCONCLUSIVE gates did not fail the run")
    loosened = [f.id for f in findings_of(record) if f.loosened]
    if loosened:
        lines.append(f"margins looser than default: {', '.join(loosened)}")
    if cohort.get("seen_patients_kept"):
        lines.append(f"{cohort['seen_patients_kept']} audited patients were seen in training")
    if record["checkpoint"].get("manifest", "") is None:
        lines.append("the checkpoint does not say who was in its training")
    return lines


def audited_on(record: Record) -> str:
    """Whom the audit is about, in a few words; the cohort's name is left to the caller."""
    cohort = record["cohort"]
    words = [f"{cohort.get('patients')} patients, {cohort.get('records')} records"]
    words.append(f"{cohort.get('fitting_people', 0)} more people to fit probes on")
    removed = cohort.get("seen_patients_removed", 0)
    words.append(f"{removed} left out as seen in training")
    return "; ".join(words)
