"""How often this instrument is wrong: what the installed version knows of its own errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

Rates = tuple[float, float, float]
"""A rate and its 95 % interval."""


@dataclass(frozen=True)
class Column:
    """One column of the table of error rates: how often a leak of this size gets this verdict."""

    true: float
    verdict: str
    heading: str
    wrong: bool


@lru_cache
def kill_summary() -> dict[str, Any]:
    """The kill matrix in brief: planted defects and clean twins, by check."""
    return _read("report/data/kill_summary.json")


@lru_cache
def calibrations() -> tuple[dict[str, Any], ...]:
    """Records of `axis-audit calibrate` that ship with the package."""
    folder = resources.files("axis_audit") / "calibration" / "records"
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".json"))
    return tuple(_read(f"calibration/records/{name}") for name in names)


@lru_cache
def delineator() -> dict[str, float]:
    """How well the delineator agrees with LUDB's cardiologists, in words and numbers.

    Lead II of people on whom nothing about it was chosen (tests/benchmarks/ludb_delineation.py).
    """
    record = _read("report/data/delineator.json")["odd_II"]
    found: dict[str, float] = {}
    for wave in ("P", "QRS", "T"):
        of = record[wave]
        found[f"the delineator finds cardiologists' {wave}"] = of["sensitivity"]["value"]
        found[f"of its {wave}, cardiologists have"] = of["precision"]["value"]
        if wave != "QRS":  # whose duration another measure tells
            error = of["duration"]["median_absolute_error"]["value"]
            found[f"its median error of {wave}'s duration in ms"] = error
    width = record["qrs_width"]["correlation with experts"]
    found["correlation of QRS durations with cardiologists'"] = width
    return found


@lru_cache
def regions() -> dict[str, float]:
    """How far the regions of records are from LUDB's cardiologists', in words and numbers.

    People on whom nothing about them was chosen (tests/benchmarks/ludb_regions.py).
    """
    record = _read("report/data/regions.json")["odd"]
    found: dict[str, float] = {}
    for wave in ("QRS", "ST-T"):
        found[f"of {wave} samples, cardiologists agree"] = record[wave]["of_ours_theirs"]
        found[f"of cardiologists' {wave} samples, found"] = record[wave]["of_theirs_ours"]
    for end in ("QRS onset", "QRS offset", "T end"):
        found[f"median error of the {end} in ms"] = record[end]["median_absolute_error"]
    return found


def columns(record: Mapping[str, Any]) -> list[Column]:
    """PASS of leaks up to the margin and FAIL of larger ones; PASS at the margin is wrong."""
    margin = float(record["settings"]["margin"])
    sizes = sorted({float(row["true"]) for row in record["rates"]})
    found = []
    for true in sizes:
        size = "no leak" if true == 0 else f"leak R² {true:g}"
        verdict = "PASS" if true <= margin else "FAIL"
        at = ", the margin" if true == margin else ""
        found.append(Column(true, verdict, f"{size}{at}: {verdict}", wrong=true == margin))
    return found


def rows(record: Mapping[str, Any]) -> dict[str, list[Rates | None]]:
    """Gate -> the rates of `columns`; of normal latents."""
    table: dict[str, list[Rates | None]] = {}
    by_place = {
        (row["gate"], float(row["true"])): row
        for row in record["rates"]
        if row["latents"] == "gaussian"
    }
    for gate in record["settings"]["gates"]:
        cells: list[Rates | None] = []
        for column in columns(record):
            cell = by_place.get((gate, column.true), {}).get(column.verdict, {})
            rate, interval = cell.get("rate"), cell.get("interval")
            cells.append((rate, *interval) if rate is not None and interval else None)
        table[f"leakage.{gate}"] = cells
    return table


def false_alarms(record: Mapping[str, Any]) -> list[tuple[float, Rates]]:
    """True R² -> how often at least one of the gates FAILs falsely; of normal latents."""
    return [
        (float(row["true"]), (row["rate"], *row["interval"]))
        for row in record["family-wise false FAIL"]
        if row["latents"] == "gaussian" and row["rate"] is not None
    ]


def _read(place: str) -> dict[str, Any]:
    text = (resources.files("axis_audit") / place).read_text(encoding="utf-8")
    return dict(json.loads(text))
