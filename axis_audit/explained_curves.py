"""Logits while samples are deleted from records, or inserted into silence, in some order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.explained import FEW, Explained
from axis_audit.measures import attribution

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]
SHARES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Of a record's samples, exchanged one after another."""
_SHIFTS, _LEAD_MOVES = 2, 3
"""Places in time, and orders of leads, that a map is moved to."""


def curve(found: Explained, name: str, by: str, *, inserted: bool = False) -> Float64Array:
    """Logits of a few people while samples go, or come, in some order, (n, `SHARES`).

    Args:
        name: of the disease they have, whose logits and whose claimed maps these are.
        by: "map"; "elsewhere", the map shifted in time; "other leads", its leads moved;
            "edges", the steepest samples; "chance". Or, of the people who have `both`, "own
            map" or "other diseases", the mean over maps of each.
        inserted: from the baseline on samples come; otherwise they go from the record.
    """
    case = found.cases[name]
    return case.once(("curve", by, inserted), lambda: _curve(found, name, by, inserted))


def _curve(found: Explained, name: str, by: str, inserted: bool) -> Float64Array:
    case = found.cases[name]
    rng = found.evidence.rng(f"{by} of {name}")
    maps, whose = _orders(found, name, by, rng)
    record = case.people.signals[whose]
    silence = found.baselines(record)
    start, end = (silence, record) if inserted else (record, silence)
    places = attribution.ranked(maps, rng)
    steps = []
    for share in SHARES:
        some = places[:, : max(1, round(share * places.shape[1]))]
        given = attribution.exchanged(start, end, some)
        steps.append(found.classified(given)[:, found.column(name)])
    curves = np.stack(steps, axis=1)
    return np.stack([curves[whose == row].mean(axis=0) for row in np.unique(whose)])


def _orders(
    found: Explained, name: str, by: str, rng: np.random.Generator
) -> tuple[Any, NDArray[np.int64]]:
    """Maps by which samples are ranked, and whose: rows of the case's people."""
    case, maps = found.cases[name], found.maps(name)
    if by == "own map":
        return maps[case.both], case.both
    if by == "other diseases":
        others, places = found.other_diseases(name)
        return others, case.both[places]
    few = maps[:FEW]
    rows = np.arange(len(few))
    if by == "elsewhere":
        return _moved(few, rng.integers(1, few.shape[2], (_SHIFTS, len(few))), axis=1), np.tile(
            rows, _SHIFTS
        )
    if by == "other leads":
        leads = few.shape[1]
        moved = np.linspace(1, leads - 1, min(_LEAD_MOVES, leads - 1)).round().astype(int)
        shifts = np.repeat(moved[:, None], len(few), axis=1)
        return _moved(few, shifts, axis=0), np.tile(rows, len(moved))
    if by == "edges":
        return attribution.edges(case.few), rows
    return {"map": few, "chance": np.zeros_like(few)}[by], rows


def _moved(maps: FloatArray, shifts: NDArray[Any], axis: int) -> FloatArray:
    """Maps (n, leads, samples), moved by each row of shifts (k, n), (k * n, leads, samples)."""
    return np.stack(
        [np.roll(m, s, axis=axis) for row in shifts for m, s in zip(maps, row, strict=True)]
    )
