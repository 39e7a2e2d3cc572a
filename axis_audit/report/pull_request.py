"""audit.md: the audit on one page of a pull request."""

from __future__ import annotations

from collections.abc import Iterable

from axis_audit.comparison.pages import as_markdown
from axis_audit.finding import Finding, Verdict
from axis_audit.report.markdown import code, folded, table, text
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

_BAD = (Verdict.FAIL, Verdict.ERROR)
_TITLES = ("check", "verdict", "estimate", "interval", "acceptable", "n")


def summary(record: Record) -> str:
    """The whole summary in Markdown: verdict, what is not PASS, then everything else, folded."""
    parts = [head(record), *_open_gates(record)]
    decided = {f.id for f in gates_not_pass(record)}
    rest = [f for f in findings_of(record) if f.id not in decided]
    passed = [f for f in rest if f.gate]
    reported = [f for f in rest if not f.gate]
    if record.get("baseline"):
        parts.append("### Against the baseline\n\n" + as_markdown(record["baseline"]))
    if passed:
        parts.append(folded(f"{len(passed)} gates PASS", _findings_table(passed)))
    if reported:
        bad = sum(f.verdict in _BAD for f in reported)
        title = f"{len(reported)} checks that decide nothing here" + f", {bad} FAIL" * (bad > 0)
        parts.append(folded(title, _findings_table(reported)))
    return "\n\n".join(parts) + "\n"


def head(record: Record) -> str:
    """Verdict, what was audited on whom, and what takes weight from it."""
    on = " on synthetic patients" if record["scope"] == "synthetic" else ""
    path = record["checkpoint"].get("path")
    model = code(path) if path else "a model in memory"
    sha = str(record["checkpoint"].get("sha256", ""))[:12]
    facts = [
        f"model: {model}, kind {code(record['model'].get('kind', ''))}"
        + (f", SHA-256 {code(sha)}" if sha else ""),
        f"people: {code(record['cohort'].get('name', ''))}; {text(audited_on(record))}",
        f"claims: {', '.join(text(claim) for claim in record['model'].get('claims', []))}",
        f"gates: {tally(record)}",
        *(f"**note**: {text(line, 2000)}" for line in cautions(record)),
    ]
    bullets = "\n".join(f"- {fact}" for fact in facts)
    return f"## axis-audit: {record['verdict']}{on}\n\n{bullets}"


def short_summary(record: Record) -> str:
    """Verdict and the ids of gates that are not PASS, where there is no room for more."""
    ids = [f"{code(f.id)} {f.verdict}" for f in gates_not_pass(record)]
    ids += [f"{code(gate)} did not run" for gate in record["missing"]]
    listed = ", ".join(ids) or "every gate is PASS"
    return f"## axis-audit: {record['verdict']}\n\n{listed}. The full table is in audit.md.\n"


def _open_gates(record: Record) -> list[str]:
    findings = gates_not_pass(record)
    rows = [[*_cells(f), text(f.reason)] for f in findings]
    rows += [
        [code(gate), "**did not run**", "–", "–", "–", "–", "deselected, skipped or crashed"]
        for gate in record["missing"]
    ]
    if not rows:
        if record["verdict"] == Verdict.PASS:
            return ["Every gate in force is PASS."]
        return ["No gate that looks at people ran: this is not an audit."]
    return ["### Not PASS\n\n" + table([*_TITLES, "why"], rows), *_advice(findings)]


def _open(finding: Finding) -> bool:
    return finding.gate and finding.verdict is not Verdict.PASS


def _advice(findings: Iterable[Finding]) -> list[str]:
    lines = [
        f"- {code(f.id)}: {text(f.claim)}. Likely cause: {text(f.likely_cause)}. "
        f"Next step: {text(f.next_step)}."
        for f in findings
        if f.likely_cause or f.next_step
    ]
    return [folded("likely causes and next steps", "\n".join(lines))] if lines else []


def _findings_table(findings: Iterable[Finding]) -> str:
    return table(_TITLES, [_cells(finding) for finding in findings])


def _cells(finding: Finding) -> list[str]:
    word = str(finding.verdict).replace("_", " ")
    loosened = " (looser than default)" if finding.loosened else ""
    return [
        code(finding.id),
        f"**{word}**" if finding.verdict in _BAD or _open(finding) else word,
        text(estimate_text(finding)),
        text(interval_of(finding)),
        text(str(finding.acceptable) + loosened),
        str(finding.n_patients or finding.n),
    ]
