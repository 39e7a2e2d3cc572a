"""What the controller hears of the audit's items and of the end of the run."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from axis_audit.containment import terminations_as_interrupts
from axis_audit.plugin_audit import AuditPlugin
from axis_audit.plugin_faults import DESELECTED
from axis_audit.report import records
from axis_audit.report.text import finding_text


class Watch:
    """Hands on to the audit's progress what happens in the session."""

    def __init__(self, plugin: AuditPlugin) -> None:
        self.plugin = plugin
        self._signals = ExitStack()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """From here on SIGTERM and SIGHUP end the run with a report, as Ctrl-C does."""
        if not self.plugin.is_worker:
            self._signals.enter_context(terminations_as_interrupts())

    def pytest_unconfigure(self) -> None:
        """Leave the signals as they were."""
        self._signals.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell xdist's workers what need not run again."""
        node.workerinput["axis_audit_resumed"] = {
            name: records.finding_record(finding) for name, finding in self.plugin.resumed.items()
        }

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Remember what -k, -m and --deselect leave out."""
        for item in items:
            if self.plugin.progress is not None and _check_of(item.nodeid):
                self.plugin.progress.left_nothing(_check_of(item.nodeid), DESELECTED)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Name the running check on disk: it may take the process along."""
        if self.plugin.progress is not None and _check_of(nodeid):
            self.plugin.progress.start(_check_of(nodeid))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Notice a check whose finding somebody took away."""
        progress, check = self.plugin.progress, _check_of(nodeid)
        if progress is not None and check and check not in progress.not_run:
            progress.left_nothing(check, "it ended without a finding")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect findings; a check that failed without one gets an ERROR."""
        progress, check = self.plugin.progress, _check_of(report.nodeid)
        if progress is None or not check or progress.ended:
            return
        record = getattr(report, "axis_audit_finding", None)
        if record is not None:
            finding = records.finding_from_record(record)
            if getattr(report, "axis_audit_subject", None) not in (None, self.plugin.subject):
                finding = progress.other_subject(finding)
                report.outcome, report.longrepr = "failed", finding_text(finding)
            progress.found(finding)
        elif report.skipped:
            progress.left_nothing(check, _reason_of(report))
            return
        elif report.failed and report.when != "teardown":
            crashed = progress.crashed(check, _reason_of(report))
            if crashed is None:
                return
            finding = crashed
        else:
            return
        report.__dict__["axis_audit_finding"] = records.finding_record(finding)
        self.plugin.show(report, finding)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember what stopped the run: Ctrl-C, a signal, pytest.exit, a broken test file."""
        told = f": {excinfo.value}" if str(excinfo.value) else ""
        self._stopped(f"interrupted ({excinfo.typename}{told})")

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember a malfunction of pytest, a plugin or a conftest."""
        self._stopped(f"internal error ({excinfo.exconly()[:300]})")

    def _stopped(self, why: str) -> None:
        if self.plugin.progress is not None:
            self.plugin.progress.stopped = why


def _check_of(nodeid: str) -> str:
    """The check's id in an item's node id, "" if the item is none of ours."""
    collector, _, check = nodeid.partition("::")
    return check if collector == "axis_audit" else ""


def _reason_of(report: pytest.TestReport) -> str:
    """Why an item left no finding, from pytest's report on it."""
    if hasattr(report, "wasxfail"):
        return f"marked xfail {report.wasxfail}".strip()
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return (lines[-1] if lines else report.outcome)[:300]
