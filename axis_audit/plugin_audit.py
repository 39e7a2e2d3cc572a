"""What happens in pytest once `--checkpoint` is given."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import pytest

from axis_audit.containment import require_alarm
from axis_audit.errors import InputError
from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.plugin_extensions import checks_of_this_run, header_lines, merged
from axis_audit.plugin_faults import Progress, make_folder, remove_verdicts
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
        self.report: AuditReport | None = None
        self.outputs = Outputs(settings, self.folder)
        self.checks: tuple[Check, ...] = ()
        self.progress: Progress | None = None
        self.only_audit = config.args_source is not pytest.Config.ArgsSource.ARGS
        self._audit: Any = None
        self._told, self._opening = "", False

    @classmethod
    def from_options(cls, config: pytest.Config, given: dict[str, Any]) -> AuditPlugin:
        """Settings from options and pyproject; reports go to their default places."""
        if "audit_seed" in given:
            given["seed"] = given.pop("audit_seed")
        try:
            settings = merge(given, read_table(config.invocation_params.dir))
            if settings.check_timeout is not None:
                require_alarm()
        except InputError as error:
            raise pytest.UsageError(str(error)) from None
        # Two busy threads that spin for each other on a shared machine cost twentyfold (measured:
        # 79 s against 5 s for one probe); it must be said before torch loads its thread pool.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        plugin = cls(config, settings)
        if plugin.only_audit:
            config.args = []
        if not plugin.is_worker:
            try:
                plugin._send_reports_home()
            except InputError as error:
                raise pytest.UsageError(f"axis-audit: {error}") from None
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

    @property
    def subject(self) -> str:
        """What is audited, in a few characters: a worker's must be the controller's."""
        from axis_audit.journal import audit_subject

        return repr(sorted(audit_subject(self.audit).items()))

    @property
    def resumed(self) -> dict[str, Finding]:
        """Findings of an interrupted run that need not be made again."""
        if self.progress is not None:
            return self.progress.resumed
        sent = getattr(self.config, "workerinput", {}).get("axis_audit_resumed", {})
        return {name: records.finding_from_record(record) for name, record in sent.items()}

    def _send_reports_home(self) -> None:
        option = self.config.option
        if getattr(option, "collectonly", False):
            return
        make_folder(self.folder)
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
        self._opening = True
        try:
            make_folder(self.folder)
            self.outputs.open()  # the baseline is read
            remove_verdicts(self.folder)
            progress = Progress(self.folder, self.audit, self.folder / "audit.html")
            self.outputs.check_scope(self.audit.evidence.cohort.scope)
            self._told = progress.begin(self.settings.resume)
            self.progress, self._opening = progress, False
        except InputError as error:
            raise pytest.UsageError(f"axis-audit: {error}") from None

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
        if self._told:
            lines.append(f"axis-audit: {self._told}")
        if settings.check_timeout is not None:
            lines.append(f"axis-audit: a check is stopped after {settings.check_timeout:g} s")
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

    def show(self, report: pytest.TestReport, finding: Finding) -> None:
        """Give the HTML page the finding's figure."""
        if getattr(self.config.option, "htmlpath", None):
            from axis_audit.report.figures import png

            try:
                picture = png(finding)
            except Exception:  # of a check that is not ours: its verdict stands without
                picture = None
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
        verdict = record["verdict"] + (" (resumed)" if record.get("resumed") else "")
        if report.passed and record["verdict"] != Verdict.PASS:
            word = "allowed" if record["gate"] else "not a gate"
            return "noted", "n", (f"{verdict} ({word})", {"yellow": True})
        if report.skipped:
            return "skipped", "s", "NOT APPLICABLE"
        return report.outcome, "." if report.passed else "F", verdict

    # Inside the terminal's wrapper, so that the summary is printed whatever fails within.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Write audit.json, and let the exit status follow the gates."""
        if self.progress is None:
            return (yield)
        self.report = self.progress.end(
            str(session.shouldstop or session.shouldfail or ""), self.outputs.complete
        )
        self.outputs.write(self.report, self.config)
        if self.outputs.page is not None and self.outputs.page.no_room:
            self.progress.unwritten.append(self.outputs.page.line)
        try:
            yield
        except OSError as error:  # of the writers of HTML and JUnit: a full disk, say
            self.progress.unwritten.append(str(error))
        good = records.accepted(self.report, self.settings.allow_inconclusive)
        if self.progress.unwritten or not good:
            fine = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
            if session.exitstatus in fine:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return None

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the overall verdict and what is missing."""
        if self._opening:
            terminalreporter.line(
                "axis-audit: nothing was audited, and there is no report", red=True
            )
        if self.report is None or self.progress is None:
            return
        terminalreporter.section("axis-audit")
        for line in summary_lines(self.report):
            terminalreporter.line(line)
        for told in self.progress.unwritten:
            terminalreporter.line(f"NOT WRITTEN: {told}", red=True)
        if self.report.stopped:
            terminalreporter.line("the same command with --resume goes on from here")
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
