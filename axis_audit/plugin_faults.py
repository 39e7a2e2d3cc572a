"""What is known of an audit at any moment, kept on disk: it may end at the next one.

`audit.json` is there from the start of the audit and says that it is not finished until it is;
findings are appended to the journal as they are made (`journal`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from axis_audit.checkpoint import file_sha256
from axis_audit.errors import InputError
from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.journal import Journal
from axis_audit.report import json_report
from axis_audit.report.text import summary_lines

VERDICT_FILES = (
    "audit.json", "audit.html", "plain.html", "junit.xml", "audit.md", "model_card.md"
)  # fmt: skip
"""Files in the report folder that tell a verdict, and must not outlive it."""
RUNNING = "the audit is running, or was killed: nothing else could be written"
DESELECTED = "deselected"
_NOT_YET = "the audit ended before it"
_WHILE = "it was running when the audit ended"


def make_folder(folder: Path) -> None:
    """Make the report folder, before other plugins try to.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def remove_verdicts(folder: Path) -> None:
    """Take away what an earlier audit said in the report folder.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        for name in VERDICT_FILES:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def unwritable(folder: Path, error: OSError) -> InputError:
    """The error of a report folder that cannot be written."""
    return InputError(
        folder,
        f"reports cannot be written there ({error.strerror or error})",
        "give another folder with --report-dir, or make room in this one",
    )


class Progress:
    """Findings so far, why others are missing, and both on disk; of the controller alone.

    Attributes:
        findings: by id of the check, in the order in which they were made.
        not_run: check -> why it left no finding.
        stopped: why the audit ends early, "" as long as it does not.
        unwritten: what could not be written; any of it makes the run fail.
        resumed: findings of an earlier run that are used again.
        page: where an unfinished audit leaves a plain page, or None.
        ended: whether the report is made; what is heard afterwards is no part of it.
    """

    def __init__(self, folder: Path, audit: Any, page: Path | None) -> None:
        self.folder, self.audit, self.page = folder, audit, page
        self.findings: dict[str, Finding] = {}
        self.not_run: dict[str, str] = {}
        self.stopped = ""
        self.ended = False
        self.unwritten: list[str] = []
        self.resumed: dict[str, Finding] = {}
        self._running: set[str] = set()
        self._journal = Journal.of(folder, audit)
        self._clock = time.perf_counter()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")

    def begin(self, resume: bool) -> str:
        """Write the report that says nothing ran yet; take up an earlier run's findings.

        Returns:
            what was resumed, in words; "" without `resume`.

        Raises:
            InputError: the report folder cannot be written, or the journal not be read.
        """
        told = ""
        try:
            if resume:
                self.resumed = self._journal.resumable(c.id for c in self.audit.checks)
                told = (
                    f"resumed: {len(self.resumed)} of {len(self.audit.checks)} findings are of the "
                    "interrupted run, the rest run now"
                    if self.resumed
                    else f"nothing to resume ({self._journal.why_nothing()}): everything runs"
                )
            else:
                self._journal.begin()
            self._write(self.report(RUNNING))
        except OSError as error:
            raise unwritable(self.folder, error) from None
        return told

    def start(self, check: str) -> None:
        """A check begins: should it take the process along, the report on disk names it."""
        self._running.add(check)
        self._rewrite()

    def found(self, finding: Finding) -> None:
        """Keep a finding, here and on disk."""
        self._running.discard(finding.id)
        self.not_run.pop(finding.id, None)
        self.findings[finding.id] = finding
        if not finding.resumed:
            self._try(lambda: self._journal.add(finding), self._journal.finished.path)
        self._rewrite()

    def left_nothing(self, check: str, reason: str) -> None:
        """A check ended without a finding: skipped, or its marks kept it from running."""
        self._running.discard(check)
        if check not in self.findings:
            self.not_run[check] = reason

    def crashed(self, check: str, reason: str) -> Finding | None:
        """A check that ended without a finding by a failure of its process: an ERROR finding."""
        known = next((c for c in self.audit.checks if c.id == check), None)
        if known is None or check in self.findings:
            return None
        finding: Finding = self.audit.error(known, reason)
        self.found(finding)
        return finding

    def other_subject(self, finding: Finding) -> Finding:
        """The ERROR in place of a worker's finding about another checkpoint or cohort."""
        check = next(c for c in self.audit.checks if c.id == finding.id)
        error: Finding = self.audit.error(
            check,
            "a worker process read another checkpoint or cohort: a file was changed meanwhile",
        )
        return error

    def end(self, failed: str, complete: Callable[[AuditReport], AuditReport]) -> AuditReport:
        """The report of an audit that ends here, on disk unless that fails too.

        Args:
            failed: why pytest went on to no further test, "" if it did not stop.
            complete: adds to the report what can only be known at the end.
        """
        self.ended = True
        left = any(c.id not in self.findings and c.id not in self.not_run
                   for c in self.audit.checks)  # fmt: skip
        self.stopped = self.stopped or (failed if left else "") or self._changed()
        report = complete(self.report(self.stopped))
        self._try(lambda: self._write(report), self.folder / "audit.json")
        errors = any(f.verdict is Verdict.ERROR for f in report.findings)
        if not (self.stopped or errors or set(report.not_run.values()) - {DESELECTED}):
            self._journal.close()
        return report

    def report(self, stopped: str) -> AuditReport:
        """The findings so far as a report."""
        why = {}
        for check in self.audit.checks:
            if check.id in self._running:
                why[check.id] = _WHILE
            elif check.id not in self.findings:
                # xdist's controller does not hear what its workers deselect.
                usual = _NOT_YET if stopped else DESELECTED
                why[check.id] = self.not_run.get(check.id, usual)
        seconds = time.perf_counter() - self._clock
        findings = list(self.findings.values())
        made: AuditReport = self.audit.report(findings, seconds, self._started, stopped, why)
        return made

    def _changed(self) -> str:
        """Whether the checkpoint is still the file that was loaded."""
        about = self.audit.about.get("checkpoint", {})
        path = Path(about.get("path", ""))
        try:
            now = file_sha256(path)
        except OSError as error:
            return f"{path} can no longer be read ({error.strerror or error})"
        if now != about.get("sha256"):
            return f"{path} was changed while it was audited: its SHA-256 is {now} now"
        return ""

    def _rewrite(self) -> None:
        self._try(lambda: self._write(self.report(RUNNING)), self.folder / "audit.json")

    def _write(self, report: AuditReport) -> None:
        json_report.write(report, self.folder / "audit.json")
        if report.stopped and self.page is not None:
            self.page.write_text(unfinished_page(report), encoding="utf-8")

    def _try(self, action: Callable[[], None], path: Path) -> None:
        try:
            action()
        except OSError as error:
            told = f"{path} could not be written ({error.strerror or error})"
            if told not in self.unwritten:
                self.unwritten.append(told)


def unfinished_page(report: AuditReport) -> str:
    """A plain page for an audit that has not finished; the final one replaces it."""
    name = escape(str(report.checkpoint.get("path", "")))
    lines = "\n".join(f"<p>{escape(line)}</p>" for line in summary_lines(report))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>axis-audit of {name}: not finished</title></head>\n"
        f"<body><h1>axis-audit of {name}: not finished</h1>\n{lines}\n</body></html>\n"
    )
