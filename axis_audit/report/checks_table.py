"""The table of checks: what each claims, where its margin lies, and whether it decides."""

from __future__ import annotations

from collections.abc import Iterable

from axis_audit.registry import Check
from axis_audit.report.markdown import text


def role(check: Check) -> str:
    """Whether a check decides: gate, screen or reported; and whether it takes `--thorough`."""
    found = "gate" if check.gate else "screen" if check.condemns else "reported"
    return found + (", thorough" if check.thorough else "")


def as_text(checks: Iterable[Check]) -> str:
    """One line a check, for the terminal."""
    return "\n".join(
        f"{check.id:<34} {role(check):<16} {check.acceptable!s:<42} {check.claim}"
        for check in checks
    )


def as_markdown(checks: Iterable[Check]) -> str:
    """A Markdown table, one row a check."""
    rows = [
        f"| `{check.id}` | {role(check)} | {text(check.acceptable)} | {text(check.claim)} |"
        for check in checks
    ]
    return "\n".join(
        ["| check | decides | acceptable | claim |", "| --- | --- | --- | --- |", *rows]
    )
