"""What GitHub Actions reads: workflow commands on standard output, and the job's summary file.

Escaping of commands: github.com/actions/toolkit, packages/core/src/command.ts.
"""

from __future__ import annotations

from pathlib import Path

from axis_audit.finding import Finding, Verdict
from axis_audit.report.markdown import flat
from axis_audit.report.pull_request import short_summary, summary
from axis_audit.report.reading import Record
from axis_audit.report.text import one_line
from axis_audit.report.views import gates_not_pass, tally

SUMMARY_LIMIT = 1024 * 1024
"""Bytes that GitHub keeps of one step's summary; of a longer file it keeps nothing."""
_LONGEST = 1500


def workflow_commands(record: Record) -> list[str]:
    """Workflow commands: the verdict, gates that did not run, then one a gate that is not PASS.

    What fails the run is an error, an INCONCLUSIVE gate that is allowed a warning. GitHub shows
    ten of each a step, so the first names all of them.
    """
    allowed = bool(record["settings"].get("allow_inconclusive"))
    open_gates = gates_not_pass(record)
    names = [f"{f.id} {f.verdict}" for f in open_gates]
    names += [f"{gate} did not run" for gate in record["missing"]]
    on = " on synthetic patients" if record["scope"] == "synthetic" else ""
    message = f"{record['verdict']}{on} ({tally(record)}). {', '.join(names)}"
    fails = [f for f in open_gates if not (allowed and f.verdict is Verdict.INCONCLUSIVE)]
    level = "error" if fails or record["missing"] else "warning" if names else "notice"
    if record["verdict"] != Verdict.PASS and level == "notice":
        level = "error"  # nothing that looks at people ran
    lines = [command(level, f"axis-audit: {record['verdict']}", message)]
    if record["missing"]:
        text = f"gates in force that did not run: {', '.join(record['missing'])}"
        lines.append(command("error", "axis-audit: gates that did not run", text))
    lines += [_gate(finding, "error" if finding in fails else "warning") for finding in open_gates]
    return lines


def command(level: str, title: str, message: str) -> str:
    """One workflow command; what is foreign in it can neither end it nor start another."""
    data = _data(flat(message, _LONGEST))
    name = _data(flat(title)).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{data}"


def append_summary(record: Record, path: Path) -> str:
    """Append the Markdown summary to the file that $GITHUB_STEP_SUMMARY names.

    Returns:
        a warning in words, or "" when all went well. Never raises: a summary is no verdict.
    """
    try:
        present = path.stat().st_size if path.exists() else 0
        broken_line = present > 0 and path.read_bytes()[-1:] != b"\n"
        room = SUMMARY_LIMIT - present - 2
        for text in (summary(record), short_summary(record)):
            data = text.encode("utf-8")
            if len(data) <= room:
                with path.open("ab") as stream:
                    stream.write(b"\n" * broken_line + b"\n" + data)
                return ""
    except OSError as error:
        return f"the job's summary could not be written: {path}: {error.strerror or error}"
    return f"the job's summary has no room for the audit: {path} is near GitHub's limit of 1 MiB"


def _gate(finding: Finding, level: str) -> str:
    title = f"{finding.id}: {finding.verdict}"
    words = [one_line(finding)]
    if finding.estimate is not None:
        words.append(finding.reason)
    if finding.next_step:
        words.append(f"Next step: {finding.next_step}")
    return command(level, title, ". ".join(words))


def _data(text: str) -> str:
    # The runner also obeys the older ##[command] anywhere in a line.
    text = text.replace("##[", "## [")
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
