"""One pytest item per check, and how it fails."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from axis_audit.finding import Finding, Verdict
from axis_audit.gates import checks_to_run
from axis_audit.plugin_extensions import expect_no_more_checks
from axis_audit.registry import Check
from axis_audit.report import records
from axis_audit.report.text import finding_text


class AuditFailure(Exception):  # noqa: N818 - it is a verdict, not a malfunction
    """A gate that is not PASS. Raised rather than asserted, so that `python -O` changes nothing."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.id}: {finding.verdict}")
        self.finding = finding


class AuditCollector(pytest.Collector):
    """Parent of the audit's items; its node id is `axis_audit`."""

    def __init__(self, *, plugin: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plugin = plugin

    def collect(self) -> Iterable[pytest.Item]:
        """Every check in force, whatever the model can do: what it cannot is a finding too."""
        expect_no_more_checks(self.plugin.checks)
        for check in checks_to_run(self.plugin.checks, self.plugin.settings.thorough):
            yield AuditItem.from_parent(self, name=check.id, check=check, plugin=self.plugin)


class AuditItem(pytest.Item):
    """One check of one model, node id `axis_audit::family.check`."""

    finding_record: dict[str, Any] | None = None
    subject: str | None = None

    def __init__(self, *, check: Check, plugin: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check, self.plugin = check, plugin
        self.add_marker(check.family)

    def runtest(self) -> None:
        """Run the check, or take its finding from an interrupted run; a gate not PASS fails."""
        finding = self.plugin.resumed.get(self.check.id)
        if finding is None:
            finding = self.plugin.audit.run(self.check)
            self.subject = self.plugin.subject
        self.finding_record = records.finding_record(finding)
        self.user_properties.extend(records.junit_properties(finding))
        if finding.verdict is Verdict.NOT_APPLICABLE:
            pytest.skip(finding.reason)
        allowed = self.plugin.settings.allow_inconclusive
        if not finding.gate or finding.verdict is Verdict.PASS:
            return
        if finding.verdict is Verdict.INCONCLUSIVE and allowed:
            return
        raise AuditFailure(finding)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Explain a failed gate in words; a traceback only for our own malfunction."""
        if isinstance(excinfo.value, AuditFailure):
            return finding_text(excinfo.value.finding)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Head line of the failure section."""
        return Path("axis_audit"), 0, f"{self.check.id}: {self.check.claim}"
