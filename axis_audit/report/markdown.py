"""Markdown that foreign strings cannot leave: escaped for GitHub's dialect.

A checkpoint's path, a cohort's name or a model's exception may hold anything. Besides markup,
GitHub acts on text: it notifies @people, links #numbers and web addresses, and draws $formulas$.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST = 400
"""Characters of one string that are shown; an exception's text may be megabytes."""
_BREAK = "\u200b"  # zero width: what follows @ or # is no longer a name or number to GitHub
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_MARKUP = re.compile(r"[\\`*_\[\]|~$]")  # what acts within a line; we never start one with it
_ACTIVE = (
    (re.compile(r"@(?=\w)"), "@" + _BREAK),
    (re.compile(r"#(?=\w)"), "#" + _BREAK),
    (re.compile(r"\b(gh)-(?=\d)", re.IGNORECASE), r"\1-" + _BREAK),
    (re.compile(r"://"), ":" + _BREAK + "//"),
    (re.compile(r"\b(mailto|xmpp):", re.IGNORECASE), r"\1:" + _BREAK),
    (re.compile(r"\b(www)\.", re.IGNORECASE), r"\1" + _BREAK + "."),
    (re.compile(r":(?=[a-z+-][a-z0-9_+-]*:)"), ":" + _BREAK),
)


def flat(value: Any, longest: int = LONGEST) -> str:
    """A string on one line, without control characters, at most `longest` characters."""
    text = str(value)[: 4 * longest]
    kept = (" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    line = " ".join("".join(kept).split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def text(value: Any, longest: int = LONGEST) -> str:
    """A foreign string as plain words inside a paragraph or a table's cell."""
    line = flat(value, longest)
    for pattern, replacement in _ACTIVE:
        line = pattern.sub(replacement, line)
    line = _MARKUP.sub(lambda found: "\\" + found.group(), line)
    return re.sub(r'[&<>"]', lambda found: _ENTITIES[found.group()], line)


def code(value: Any, longest: int = LONGEST) -> str:
    """A foreign string in a code span: names, paths, ids. Fit for a table's cell."""
    line = flat(value, longest)
    if not line:
        return "–"
    if "|" in line:  # tables split at pipes in code spans too, and outside them \| would show
        return text(line, longest)
    fence = _fence(line, 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def block(value: str, language: str = "") -> str:
    """A fenced block that its content cannot close."""
    fence = _fence(value, 3)
    return f"{fence}{language}\n{value}\n{fence}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def folded(title: str, body: str) -> str:
    """Markdown that opens when clicked."""
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def _fence(content: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    return "`" * max(least, longest + 1)
