"""What an audit in pytest writes besides audit.json, and the baseline it is held against."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.report import records, session_page
from axis_audit.report.text import finding_text
from axis_audit.settings import Settings


class Outputs:
    """The outputs of one audit. Nothing here can better a verdict; what fails here is a warning."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.baseline: Mapping[str, Any] | None = None
        self.page: session_page.SessionPage | None = None
        self.warnings: list[str] = []

    def open(self) -> None:
        """Read the baseline, before earlier reports are removed and anything runs.

        Raises:
            InputError: a baseline that cannot be used.
        """
        path = self.settings.baseline
        if path is not None:
            from axis_audit.comparison.baseline import refuse_own_report

            refuse_own_report(Path(path), self.folder / "audit.json")  # or we would remove it
            from axis_audit.report.reading import read

            self.baseline = read(Path(path))

    def check_scope(self, scope: str) -> None:
        """Refuse a baseline of other people (synthetic, recorded) before checks take minutes.

        Raises:
            InputError: the scopes differ.
        """
        if self.baseline is not None:
            from axis_audit.comparison.compare import comparable_scope

            comparable_scope(self.baseline, scope, str(self.settings.baseline))

    def complete(self, report: AuditReport) -> AuditReport:
        """The report with the baseline's gate, where there is a baseline."""
        if self.baseline is None:
            return report
        from axis_audit.comparison.baseline import with_baseline

        return with_baseline(report, self.baseline, str(self.settings.baseline))

    def write(self, report: AuditReport, config: pytest.Config) -> None:
        """Write audit.html, audit.md and model_card.md, append to GitHub's summary of the job.

        The baseline's gate is reported to pytest as an item is: it stands in JUnit and HTML, too.
        """
        if self.baseline is not None:
            for phase in _as_pytest_reports(report.findings[-1]):
                config.hook.pytest_runtest_logreport(report=phase)
        self.page = session_page.write(report, self.folder, config.option)
        from axis_audit.report.json_report import report_record
        from axis_audit.report.model_card import model_card
        from axis_audit.report.pull_request import summary

        record = report_record(report)
        for name, render in (("audit.md", summary), ("model_card.md", model_card)):
            try:
                (self.folder / name).write_text(render(record), encoding="utf-8")
            except Exception as error:  # audit.json and the exit status stand without it
                self.warnings.append(f"{name} could not be written: {error}")
        place = os.environ.get("GITHUB_STEP_SUMMARY")
        if place:
            from axis_audit.report.github import append_summary

            self.warnings += filter(None, [append_summary(record, Path(place))])

    def closing_lines(self, report: AuditReport) -> list[str]:
        """What the terminal says last: the comparison, warnings, and GitHub's annotations."""
        lines = [] if self.page is None else [self.page.line]
        if report.baseline is not None:
            from axis_audit.comparison.pages import as_text

            lines += ["", f"against the baseline {self.settings.baseline}:"]
            lines += as_text(report.baseline).splitlines()
        lines += [f"warning: {warning}" for warning in self.warnings]
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from axis_audit.report.github import workflow_commands
            from axis_audit.report.json_report import report_record

            lines += workflow_commands(report_record(report))
        return lines


def _as_pytest_reports(gate: Finding) -> list[pytest.TestReport]:
    """The phases of an item that has run: it can only run where all findings are, at the end."""
    failed = gate.verdict is not Verdict.PASS
    common: dict[str, Any] = {
        "nodeid": f"axis_audit::{gate.id}",
        "location": ("axis_audit", 0, f"{gate.id}: {gate.claim}"),
        "keywords": {gate.id: 1, gate.family: 1},
    }
    call = pytest.TestReport(
        **common,
        outcome="failed" if failed else "passed",
        longrepr=finding_text(gate) if failed else None,
        when="call",
        user_properties=records.junit_properties(gate),
        axis_audit_finding=records.finding_record(gate),
    )
    setup, teardown = (
        pytest.TestReport(**common, outcome="passed", longrepr=None, when=when)
        for when in ("setup", "teardown")
    )
    return [setup, call, teardown]
