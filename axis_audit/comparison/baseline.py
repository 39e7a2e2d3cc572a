"""`--baseline`: an older report that an audit must not fall behind, as one more gate.

It only ever adds a gate. An audit whose own gates are not all PASS stays what it is, however much
better than its baseline; one whose gates are all PASS FAILs where it fell behind.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from axis_audit.comparison.compare import BASELINE_GATE, Comparison, compare
from axis_audit.errors import InputError
from axis_audit.finding import AuditReport, Exactly, Finding, Verdict
from axis_audit.report.json_report import report_record
from axis_audit.report.reading import Record

_REGION = Exactly(0.0, "regressions")
_BASE = Finding(
    id=BASELINE_GATE,
    claim="the model has lost nothing that the baseline report found",
    family="baseline",
    gate=True,
    verdict=Verdict.ERROR,
    reason="",
    acceptable=_REGION,
    default_acceptable=_REGION,
    exact=True,
    likely_cause="a change of the model, of its training or of the audit's settings",
    next_step="see the comparison in audit.md or `axis-audit compare`; if the change is meant, "
    "commit this audit's audit.json as the new baseline",
    source="Zou & Donner 2008, Stat. Med. 27:1693",
)


def refuse_own_report(path: Path, own_report: Path) -> None:
    """Refuse the file that the audit is going to write as its own baseline.

    Raises:
        InputError: `path` is `own_report`, by whatever name.
    """
    same = os.path.realpath(path) == os.path.realpath(own_report)
    if same or (path.exists() and own_report.exists() and path.samefile(own_report)):
        raise InputError(
            path,
            "the audit writes its own report there, and would forget what it must not lose",
            "copy the file to another place and name that, e.g. baseline.json",
        )


def with_baseline(report: AuditReport, baseline: Record, path: str) -> AuditReport:
    """The report with the gate `baseline.regression`, and the comparison it rests on.

    A comparison that breaks is an ERROR of that gate, which FAILs the audit.
    """
    try:
        found = compare(baseline, report_record(report), old_path=path, new_path="this audit")
        gate, record = _gate(found), found.record
    except Exception as error:  # whatever happens, the gate must stand in the report
        reason = f"the comparison broke: {type(error).__name__}: {error}"
        gate, record = dataclasses.replace(_BASE, reason=reason), None
    return dataclasses.replace(
        report,
        gates=(*report.gates, BASELINE_GATE),
        findings=(*report.findings, gate),
        baseline=record,
    )


def _gate(found: Comparison) -> Finding:
    lines = found.regressions
    return dataclasses.replace(
        _BASE,
        verdict=Verdict.FAIL if lines else Verdict.PASS,
        reason="; ".join(lines) or f"no regression in {len(found.changes)} checks",
        estimate=float(len(lines)),
        interval=(float(len(lines)),) * 2,
        fail_interval=(float(len(lines)),) * 2,
        n=len(found.changes),
    )
