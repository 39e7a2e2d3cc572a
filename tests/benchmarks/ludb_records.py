"""What both benchmarks on LUDB share: its records with the experts' marks, proportions, tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from axis_audit.cohorts import ludb
from axis_audit.cohorts.beats import UnusableStripError
from axis_audit.cohorts.ludb_marks import LeadMarks, qrs_bounds, read_marks
from axis_audit.statistics.clusters import clustered_proportion
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.025)
_GROUPS = {
    "atrial fibrillation or flutter": lambda code: code.startswith(("atrial fib", "atrial flu")),
    "extrasystoles": lambda code: "extrasystole" in code,
    "paced": lambda code: code.endswith("pacing") or code.startswith("pacemaker"),
}


@dataclass(frozen=True)
class Record:
    """One person: `strip` (12, samples) in mV, marks a lead, bounds of every marked beat."""

    number: int
    strip: np.ndarray
    rate: float
    marks: dict[str, LeadMarks]
    qrs: np.ndarray
    groups: tuple[str, ...]


def records(root: Path) -> Iterator[Record]:
    """Every record whose files can be read."""
    table = ludb.read_table(root)
    for number, name, codes in zip(table["ID"], table["filename"], table["diagnoses"], strict=True):
        try:
            strip, rate, *_ = ludb.read_strip(root, name)
            marks = read_marks(root, name, strip.shape[1])
        except UnusableStripError as reason:
            print(f"record {number} left out: {reason}")
            continue
        groups = tuple(g for g, member in _GROUPS.items() if any(map(member, codes)))
        yield Record(number, strip, rate, marks, qrs_bounds(marks), ("all", *groups))


def proportion(hits: Sequence[int], sizes: Sequence[int]) -> dict[str, Any]:
    """A proportion with its 95 % interval; records, not beats, are what was drawn."""
    n = np.asarray(sizes)
    same = sum(hits) in (0, sum(sizes))
    if same:  # nothing varies, so nothing says how alike a record's beats are: count records alone
        hits, sizes = [int(h > 0) for h in hits], [int(s > 0) for s in sizes]
    found = clustered_proportion(hits, sizes, LEVELS)
    return {
        "value": found.value, "low": found.interval[0], "high": found.interval[1],
        "n": int(n.sum()), "records": int((n > 0).sum()),
    }  # fmt: skip


def shown(p: dict[str, Any]) -> str:
    """A proportion in per cent with its interval."""
    return f"{p['value']:.1%} [{p['low']:.1%}, {p['high']:.1%}]"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
