"""model_card.md: a section for a model's card. What was shown, on whom, and what was not."""

from __future__ import annotations

from axis_audit.finding import Finding, Verdict
from axis_audit.registry import FAMILIES
from axis_audit.report.command_line import command_line, margins_table
from axis_audit.report.markdown import block, code, table, text
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


def model_card(record: Record) -> str:
    """The section in Markdown."""
    on = " on synthetic patients" if record["scope"] == "synthetic" else ""
    parts = [
        f"## Audit\n\nVerdict of axis-audit {_version(record)}{on}: **{record['verdict']}** "
        f"({tally(record)} of {len(record['gates'])} gates), {text(record['started'])}.",
        "### What was audited, on whom\n\n" + _subject(record),
        "### Claims\n\n" + _claims(record),
        "### What it does not say\n\n" + _silence(record),
        "### How to reproduce\n\n" + _reproduce(record),
    ]
    return "\n\n".join(parts) + "\n"


def _version(record: Record) -> str:
    return text(record["versions"].get("axis-audit", "(version unknown)"))


def _subject(record: Record) -> str:
    checkpoint, cohort = record["checkpoint"], record["cohort"]
    path, kind = checkpoint.get("path"), record["model"].get("kind", "")
    lines = [
        f"Model: {code(path) if path else 'in memory'}, kind {code(kind)}"
        + (f", SHA-256 {code(checkpoint['sha256'])}" if checkpoint.get("sha256") else ""),
        f"People: {code(cohort.get('name', ''))}, {text(audited_on(record))}; "
        f"SHA-256 of signals, ids and ages {code(cohort.get('fingerprint', ''))}",
        "The patient is the unit of every statistic.",
    ]
    excluded = [f"{text(why)}: {int(n)}" for why, n in cohort.get("exclusions", {}).items()]
    if excluded:
        lines.append(f"Left out or altered: {'; '.join(excluded)}")
    return "\n".join(f"- {line}" for line in lines)


def _claims(record: Record) -> str:
    gates = [f for f in findings_of(record) if f.gate]
    rows = [_row(finding) for finding in gates]
    rows += [[code(g), "did not run", "–", "–", "–", "did not run"] for g in record["missing"]]
    titles = ("check", "claim", "estimate", "95 % interval", "margin", "verdict")
    if not rows:
        return "No gate ran."
    return (
        "PASS: the whole interval lies inside the margin. FAIL: it lies outside, at a level "
        "corrected for the number of checks. INCONCLUSIVE: neither.\n\n" + table(titles, rows)
    )


def _row(finding: Finding) -> list[str]:
    margin = str(finding.acceptable) + (" (looser than default)" if finding.loosened else "")
    verdict = str(finding.verdict)
    return [
        code(finding.id),
        text(finding.claim),
        text(estimate_text(finding)),
        text(interval_of(finding)),
        text(margin),
        verdict if finding.verdict is Verdict.PASS else f"**{verdict}**",
    ]


def _silence(record: Record) -> str:
    claims = set(record["model"].get("claims", []))
    unclaimed = [family for family in FAMILIES if family not in claims]
    inapplicable = [f.id for f in findings_of(record) if f.verdict is Verdict.NOT_APPLICABLE]
    undecided = [f.id for f in gates_not_pass(record)] + list(record["missing"])
    lines = [text(line, 2000) for line in cautions(record)]
    if undecided:
        lines.append(f"It does not certify: {', '.join(code(i) for i in undecided)}.")
    if inapplicable:
        lines.append(f"Could not be put to this model: {', '.join(code(i) for i in inapplicable)}.")
    if unclaimed:
        lines.append(f"Families of checks that the model does not claim: {', '.join(unclaimed)}.")
    lines += [
        "A verdict holds for the audited population; other countries, devices and diagnoses "
        "were not looked at unless they are in it.",
        "A leakage PASS bounds what the named probes read; a reader of another make may read more.",
        "It is no statement about clinical use, safety or fairness.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _reproduce(record: Record) -> str:
    versions = ", ".join(f"{text(k)} {text(v)}" for k, v in record["versions"].items())
    line, margins = command_line(record), margins_table(record)
    parts = [block(line, "sh")] if line else [
        "Audited from Python, with `axis_audit.audit(model, cohort)`."
    ]  # fmt: skip
    if margins:
        parts.append("with, in `pyproject.toml`,\n\n" + block(margins, "toml"))
    return "\n\n".join([*parts, f"Versions: {versions}."])
