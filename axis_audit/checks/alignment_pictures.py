"""Pictures of leads that share a space; they decide nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.aligned import Aligned
from axis_audit.checks import figures

Float64Array = NDArray[np.float64]
_PLACES = (0.1, 0.5, 0.9)
"""Quantiles of the people's errors at which people are shown: well, ordinarily, badly redrawn."""
_POINTS = 101
_FIRST = 0.1
"""Share of everybody's recordings that retrieval curves go through."""


def lead_matrix(found: Aligned, values: Float64Array, label: str) -> dict[str, Any]:
    """One number for each pair of leads; the query or source lead is the row."""
    return figures.matrix(found.leads, values, label=label, title="every pair of leads")


def retrieval_curves(found: Aligned, nearer: Float64Array) -> dict[str, Any]:
    """How many queries find the right recording among so many of everybody.

    Args:
        nearer: share of other recordings that are not farther, (leads, leads, n).
    """
    shares = np.linspace(0.0, _FIRST, _POINTS)
    leads = range(len(found.leads))
    pairs = [(a, b) for a in leads for b in leads if a != b]
    order = sorted(pairs, key=lambda ab: float(nearer[ab].mean()))
    name = found.leads
    (best, worst) = (order[0], order[-1])
    everybody = np.concatenate([nearer[ab] for ab in pairs])
    return figures.line(
        shares,
        {
            "all pairs of leads": _below(everybody, shares),
            f"{name[best[0]]} finds {name[best[1]]} (best)": _below(nearer[best], shares),
            f"{name[worst[0]]} finds {name[worst[1]]} (worst)": _below(nearer[worst], shares),
            "chance": shares,
        },
        x_label="share of recordings looked at, nearest first",
        y_label="share of queries answered",
        title="one lead finds another of the same recording",
    )


def _below(values: Float64Array, limits: Float64Array) -> Float64Array:
    return np.searchsorted(np.sort(values), limits + 1e-12, side="right") / len(values)


def lead_bars(
    values: Mapping[str, float], intervals: list[tuple[float, float]], label: str
) -> dict[str, Any]:
    """One bar a source lead, beside the margin."""
    bars = figures.bars(
        {f"from {lead}": value for lead, value in values.items()},
        intervals=intervals,
        x_label=label,
        title=f"{label}, from each lead alone",
    )
    return figures.limited(bars, "x")


def redrawn_people(found: Aligned, lead: str, errors: Float64Array) -> dict[str, Any]:
    """Twelve leads of three people on ECG paper, as recorded and as drawn from one lead alone.

    Args:
        lead: the source. errors: each person's, (n,): shown are those at a tenth, the middle and
            nine tenths; nobody is shown for looking well.

    In millivolts: drawn records are brought to the recorded one's size by the ratio of `prepare`.
    """
    order = np.argsort(errors)
    rows = np.array([order[round(place * (found.n - 1))] for place in _PLACES])
    signals = found.people.signals[rows].astype(np.float64)
    signals -= signals.mean(axis=2, keepdims=True)
    drawn = found.draw(found.people.signals[rows], lead).astype(np.float64)
    size = np.sqrt(np.mean(found.prepared[rows].astype(np.float64) ** 2, axis=(1, 2)))
    recorded = np.sqrt(np.mean(signals**2, axis=(1, 2)))
    drawn *= (recorded / np.maximum(size, 1e-12))[:, None, None]
    people = {}
    for i, (row, word) in enumerate(zip(rows, ("a tenth", "half", "nine tenths"), strict=True)):
        age, sex = found.people.age[row], found.people.sex[row]
        about = ", ".join(text for text in (f"{age:.0f} years", str(sex)) if text)
        people[f"{i + 1}: {about} ({word} are redrawn better)"] = {
            "recorded": signals[i],
            f"drawn from {lead} alone": drawn[i],
        }
    return figures.beats(
        found.leads,
        people,
        rate=found.people.rate,
        unit="mV",
        title=f"twelve leads as recorded and as drawn from {lead} alone",
    )
