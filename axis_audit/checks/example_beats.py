"""A few people's beats for the report: as recorded, as D(z) draws them, and as they are redrawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.checks import figures
from axis_audit.evidence import Evidence

_PLACES = (0.1, 0.5, 0.9)
"""Quantiles of age at which people are shown."""
_NEIGHBOURS = 41
"""People about each of them, of whom the one with the most ordinary error is shown."""
_STRAIGHT = 1e-3
"""Largest relative error with which millivolts, scaled lead by lead, may give x."""


def example_beats(evidence: Evidence, errors: NDArray[np.float64]) -> dict[str, Any]:
    """Figure of x, D(z) and D(z) + g(age)·B of a young, a middle-aged and an old person (Deforms).

    Args:
        errors: squared error of each person's redrawn beat, shape (n,). Who is shown does not
            depend on how well it looks: of the people of that age, the one whose error is nearest
            to the median of all.

    In millivolts where the model only scales its leads, in the model's own units otherwise.
    """
    rows = _ordinary_people(evidence.ages, errors)
    x = evidence.prepared[rows].astype(np.float64)
    canonical = evidence.canonical[rows].astype(np.float64)
    ageing = evidence.axis_values[rows, None] * evidence.direction
    redrawn = canonical + ageing.reshape(x.shape)
    scale = _millivolts(evidence.cohort.signals[rows].astype(np.float64), x)
    unit = "model units" if scale is None else "mV"
    series = {"recorded": x, "canonical": canonical, "redrawn": redrawn}
    if scale is not None:
        series = {name: waves * scale for name, waves in series.items()}
    people = {}
    for i, row in enumerate(rows):
        sex = evidence.cohort.sex[row]
        name = f"{i + 1}: {evidence.ages[row]:.0f} years{f', {sex}' if sex else ''}"
        people[name] = {of: waves[i] for of, waves in series.items()}
    spec = evidence.model.input_spec
    return figures.beats(
        evidence.cohort.leads,
        people,
        rate=spec.rate,
        unit=unit,
        title="beats as recorded, canonical (D(z), at the neutral age) and redrawn "
        "(D(z) + g(age)·B); of each age, the person with the most ordinary error",
    )


def _ordinary_people(ages: NDArray[np.float64], errors: NDArray[np.float64]) -> list[int]:
    order = np.argsort(ages, kind="stable")
    usual, rows = float(np.median(errors)), []
    for place in _PLACES:
        middle = round(place * (len(order) - 1))
        half = min(_NEIGHBOURS, len(order) // 4) // 2
        near = order[max(0, middle - half) : middle + half + 1]
        rows.append(int(near[np.argmin(np.abs(errors[near] - usual))]))
    return rows


def _millivolts(signals: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Factor (n, leads, 1) that takes x back to signals (n, leads, samples), if there is one."""
    if signals.shape != x.shape:
        return None
    power = np.sum(x * x, axis=-1, keepdims=True)
    product = np.sum(x * signals, axis=-1, keepdims=True)
    factors = np.divide(product, power, out=np.ones_like(power), where=power > 0)
    off = np.abs(x * factors - signals).max()
    return factors if off <= _STRAIGHT * np.abs(signals).max() else None
