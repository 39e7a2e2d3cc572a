"""A comparison for people: a table in the terminal, or Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from axis_audit.finding import Interval, Verdict
from axis_audit.report.markdown import code, flat, folded, table, text
from axis_audit.report.records import interval_text, number

TITLES = {
    "worse": "worse",
    "gone": "gone",
    "new": "new",
    "better": "better",
    "different": "otherwise different",
}
"""Kinds of change that are listed, in the order of their weight; "same" is counted alone."""


def as_text(comparison: Mapping[str, Any]) -> str:
    """The comparison's record as lines for a terminal."""
    lines = [_side_line(name, comparison[name.lower()]) for name in ("OLD", "NEW")]
    lines += [_people(comparison), *(f"note: {flat(note)}" for note in comparison["notes"])]
    for title, changes in _groups(comparison["changes"]):
        lines += ["", title, *_aligned(changes)]
    return "\n".join([*lines, "", *closing_lines(comparison)])


def as_markdown(comparison: Mapping[str, Any]) -> str:
    """The comparison's record as Markdown for a pull request; foreign strings are escaped."""
    parts = ["\n".join(_bullets([text(line, 4000) for line in closing_lines(comparison)]))]
    rows = [_about_row(name, comparison[name.lower()]) for name in ("OLD", "NEW")]
    parts.append(table(["", "verdict", "checkpoint", "people", "of", "started"], rows))
    for title, changes in _groups(comparison["changes"]):
        cells = [[code(c["id"]), *_both(c, text), _reasons(c, text)] for c in changes]
        shown = table(["check", "OLD", "NEW", "what changed"], cells)
        open_ = title.startswith("regress")
        parts.append(f"**{title}**\n\n{shown}" if open_ else folded(title, shown))
    notes = [text(note) for note in [_people(comparison), *comparison["notes"]]]
    parts.append(folded("before you believe a difference", "\n".join(_bullets(notes))))
    return "\n\n".join(parts)


def closing_lines(comparison: Mapping[str, Any]) -> list[str]:
    """The outcome, and what NEW says of itself: no regression is not a PASS."""
    new, counts = comparison["new"], comparison["counts"]
    number_of = len(comparison["regressions"])
    same = counts.get("same", 0)
    counted = [f"{counts[kind]} {kind}" for kind in TITLES if counts.get(kind)]
    tally = ", ".join([*counted, f"{same} as before"])
    outcome = f"{number_of} regression{'s' * (number_of != 1)}" if number_of else "no regression"
    lines = [f"{outcome} ({tally})"]
    lines += [flat(line) for line in comparison["regressions"] if line.startswith("overall")]
    if new["verdict"] != Verdict.PASS:
        open_gates = [*new["not_pass"], *(f"{g} (did not run)" for g in new["missing"])]
        what = f": {', '.join(open_gates)}" if open_gates else ""
        lines.append(f"NEW is {new['verdict']} whatever OLD was{what}")
    return lines


def _groups(changes: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    kept = [c for c in changes if c["change"] in TITLES or c["regression"]]
    groups = [("regressions", [c for c in kept if c["regression"]])]
    for kind, title in TITLES.items():
        rest = [c for c in kept if c["change"] == kind and not c["regression"]]
        groups.append((f"{title}, no regression" if kind == "worse" else title, rest))
    return [(title, found) for title, found in groups if found]


def _aligned(changes: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = [(flat(c["id"]), *_both(c, flat), _reasons(c, flat)) for c in changes]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        + f"  {row[3]}"
        for row in rows
    ]  # fmt: skip


def _both(change: Mapping[str, Any], escape: Any) -> tuple[str, str]:
    return escape(_side(change["old"])), escape(_side(change["new"]))


def _reasons(change: Mapping[str, Any], escape: Any) -> str:
    return str(escape("; ".join(change["reasons"])))


def _side(side: Mapping[str, Any] | None) -> str:
    if side is None:
        return "–"
    words = [side["verdict"] + ("" if side["gate"] else " (not a gate)")]
    if side["estimate"] is not None:
        words.append(number(side["estimate"]))
        if not side["exact"]:
            words.append(interval_text(_interval(side["interval"])))
    return " ".join(words)


def _interval(ends: Any) -> Interval | None:
    if ends is None:
        return None
    low, high = ends
    return (float("-inf") if low is None else low, float("inf") if high is None else high)


def _side_line(name: str, about: Mapping[str, Any]) -> str:
    what = f"{about['checkpoint'] or 'a model in memory'} on {about['patients']} patients"
    where = f"{about['cohort']}; {about['started']}; axis-audit {about['version']}"
    return flat(f"{name} {about['path']}: {about['verdict']}, {what} of {where}")


def _about_row(name: str, about: Mapping[str, Any]) -> list[str]:
    path = code(about["checkpoint"]) if about["checkpoint"] else "a model in memory"
    people = [str(about["patients"]), code(about["cohort"]), text(about["started"])]
    return [name, str(about["verdict"]), path, *people]


def _people(comparison: Mapping[str, Any]) -> str:
    if comparison["same_people"]:
        return (
            "the same people: differences have less noise than counted here, and intervals do not "
            "say what another training run would move"
        )
    return (
        "other people: treated as independent samples of one population; if they are not, the "
        "difference may be theirs and not the model's"
    )


def _bullets(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]
