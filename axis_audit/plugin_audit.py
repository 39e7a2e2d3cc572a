"""What happens in pytest once `--checkpoint` is given."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest

from axis_audit.errors import InputError
from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.plugin_extensions import checks_of_this_run, header_lines, merged
from axis_audit.plugin_items import AuditCollector
from axis_audit.plugin_outputs import Outputs
from axis_audit.registry import Check
from axis_audit.report import records
from axis_audit.report.text import finding_text, summary_lines
from axis_audit.settings import Settings, merge, read_table


class AuditPlugin:
    """One audit inside one pytest session (controller or xdist worker)."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config, self.settings = config, settings
        self.findings: dict[str, Finding] = {}
        self.report: AuditReport | None = None
        self.outputs = Outputs(settings, self.folder)
        self.checks: tuple[Check, ...] = ()
        self.only_audit = config.args_source is not pytest.Config.ArgsSource.ARGS
        self._audit: Any = None
        self._clock = time.perf_counter()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")

    @classmethod
    def from_options(cls, config: pytest.Config, given: dict[str, Any]) -> AuditPlugin:
        """Settings from options and pyproject; reports go to their default places."""
        if "audit_seed" in given:
            given["seed"] = given.pop("audit_seed")
        try:
            settings = merge(given, read_table(config.invocation_params.dir))
        except InputError as error:
            raise pytest.UsageError(str(error)) from None
        # Two busy threads that spin for each other on a shared machine cost twentyfold (measured:
        # 79 s against 5 s for one probe); it must be said before torch loads its thread pool.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        plugin = cls(config, settings)
        if plugin.only_audit:
            config.args = []
        if not plugin.is_worker:
            plugin._send_reports_home()
        return plugin

    @property
    def is_worker(self) -> bool:
        """Whether this is an xdist worker."""
        return hasattr(self.config, "workerinput")

    @property
    def folder(self) -> Path:
        """Where this audit's reports go."""
        return self.settings.report_dir / self.settings.name

    @property
    def audit(self) -> Any:
        """The prepared audit; loads model and cohort the first time."""
        if self._audit is None:
            from axis_audit.opening import open_audit

            if self.is_worker:
                _share_cores(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
            hook = self.config.hook
            self._audit = open_audit(
                self.settings,
                merged(hook.pytest_axis_audit_adapters()),
                merged(hook.pytest_axis_audit_cohorts()),
            )
        return self._audit

    def _send_reports_home(self) -> None:
        option = self.config.option
        if getattr(option, "collectonly", False):
            return
        if getattr(option, "htmlpath", "absent") is None:
            option.htmlpath = str(self.folder / "plain.html")
            option.self_contained_html = True
        if getattr(option, "xmlpath", "absent") is None:
            option.xmlpath = str(self.folder / "junit.xml")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Open the input before anything runs: what cannot be audited is exit status 4."""
        try:
            self.checks = checks_of_this_run(self.config)
        except InputError as error:
            raise pytest.UsageError(f"axis-audit: {error}") from None
        if self.is_worker or self.config.option.collectonly:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.outputs.open()  # the baseline is read, and no stale verdict stays
            _ = self.audit
            self.outputs.check_scope(self.audit.evidence.cohort.scope)
        except InputError as error:
            raise pytest.UsageError(f"axis-audit: {error}") from None
        except OSError as error:
            raise pytest.UsageError(f"axis-audit: {self.folder}: {error}") from None

    def pytest_report_header(self) -> list[str]:
        """Say what is audited on whom."""
        settings = self.settings
        lines = [f"axis-audit: {settings.checkpoint} on cohort {settings.cohort}"]
        if self._audit is not None:
            from axis_audit.people import describe_cohort

            cohort = describe_cohort(self._audit.evidence)
            lines.append(
                f"axis-audit: {cohort['patients']} patients, {cohort['fitting_people']} more to "
                f"fit probes on, {cohort['seen_patients_removed']} left out as seen in training; "
                f"scope {self._audit.evidence.cohort.scope}"
            )
        if settings.gate:
            lines.append(f"axis-audit: gates narrowed to {', '.join(settings.gate)}")
        lines += header_lines(self.checks)
        if settings.thorough:
            lines.append("axis-audit: --thorough: the checks that take minutes run, too")
        if settings.allow_inconclusive:
            lines.append(
                "axis-audit: --allow-inconclusive: INCONCLUSIVE gates do not fail this run"
            )
        return lines

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Hang the audit under the session, beside the paths if there are any."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            # The name is what -k sees: were it axis_audit, `-k axis` would choose everything.
            node = AuditCollector.from_parent(
                collector, name="audit", nodeid="axis_audit", plugin=self
            )
            report.result.append(node)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect findings on the controller, and give the HTML page their figures."""
        record = getattr(report, "axis_audit_finding", None)
        if record is None or self.is_worker:
            return
        finding = records.finding_from_record(record)
        self.findings[finding.id] = finding
        if getattr(self.config.option, "htmlpath", None):
            from axis_audit.report.figures import png

            picture = png(finding)
            if picture:
                from pytest_html import extras

                shown = [*getattr(report, "extras", []), extras.png(picture, finding.id)]
                report.__dict__["extras"] = shown

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, str | tuple[str, Mapping[str, bool]]] | None:
        """Print verdicts rather than passed and failed."""
        record = getattr(report, "axis_audit_finding", None)
        if record is None or report.when != "call" or hasattr(report, "wasxfail"):
            return None
        verdict = record["verdict"]
        if report.passed and verdict != Verdict.PASS:
            word = "allowed" if record["gate"] else "not a gate"
            return "noted", "n", (f"{verdict} ({word})", {"yellow": True})
        if report.skipped:
            return "skipped", "s", "NOT APPLICABLE"
        return report.outcome, "." if report.passed else "F", verdict

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write audit.json, and let the exit status follow the gates."""
        if self.is_worker or self.config.option.collectonly or self._audit is None:
            return
        from axis_audit.report.json_report import write

        seconds = time.perf_counter() - self._clock
        self.report = self.audit.report(list(self.findings.values()), seconds, self._started)
        self.report = self.outputs.complete(self.report)
        try:
            write(self.report, self.folder / "audit.json")
        except OSError as error:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            self.config.stash[_WRITE_ERROR] = str(error)
        self.outputs.write(self.report, self.config)
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            accepted = records.accepted(self.report, self.settings.allow_inconclusive)
            if not accepted:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the overall verdict and what is missing."""
        if self.report is None:
            return
        terminalreporter.section("axis-audit")
        for line in summary_lines(self.report):
            terminalreporter.line(line)
        error = self.config.stash.get(_WRITE_ERROR, None)
        if error:
            terminalreporter.line(f"audit.json could not be written: {error}", red=True)
        else:
            terminalreporter.line(f"report: {self.folder / 'audit.json'}")
        for line in self.outputs.closing_lines(self.report):
            terminalreporter.line(line)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Name the page after the checkpoint and the gates in force."""
        # pytest-html's template escapes the title; it does not escape summaries and cells.
        gates = f", gates: {', '.join(self.settings.gate)}" if self.settings.gate else ""
        report.title = f"axis-audit of {self.settings.checkpoint}{gates}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Open the page with the verdict."""
        if self.report is not None:
            prefix.extend(f"<p>{escape(line)}</p>" for line in summary_lines(self.report))
            if self.outputs.page is not None:
                prefix.append(self.outputs.page.link)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        """Explain a PASS as fully as a FAIL: the claim, the number, the region."""
        record = getattr(report, "axis_audit_finding", None)
        if record is not None and report.passed:
            data[:] = [escape(finding_text(records.finding_from_record(record)))]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Add the verdict's columns."""
        for place, title in enumerate(("Verdict", "Estimate", "Interval", "Acceptable", "n")):
            cells.insert(2 + place, f"<th>{title}</th>")

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """Fill the verdict's columns."""
        record = getattr(report, "axis_audit_finding", None)
        texts = records.columns(record) if record else ("",) * 5
        for place, text in enumerate(texts):
            cells.insert(2 + place, f"<td>{escape(text)}</td>")


def _share_cores(workers: int) -> None:
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))


_WRITE_ERROR = pytest.StashKey[str]()
