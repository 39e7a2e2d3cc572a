"""The worst of P, QRS and T: what checks of waves have in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.delineation import WAVES
from axis_audit.finding import Controls, Measurement
from axis_audit.generated import Generated
from axis_audit.report.instrument import delineator
from axis_audit.statistics.clusters import clustered_proportion
from axis_audit.statistics.levels import Estimate, Levels
from axis_audit.statistics.worst import largest, shared

FEWEST = 20
"""People with a wave, below which nothing is said of it."""


def share_kept(values: NDArray[np.float64], levels: Levels) -> Estimate:
    """Mean of shares in [0, 1], one a person, as if each were a yes or a no.

    Wider than Student's, and not a point where everybody's share is 1.
    """
    return clustered_proportion(values.tolist(), [1] * len(values), levels)


def worst_wave(
    made: Generated,
    person: NDArray[np.float64],
    estimated: Callable[[NDArray[np.float64], Levels], Estimate],
    *,
    sign: float = 1.0,
    size: bool = False,
    unit: str,
) -> Measurement:
    """The worst of three means over people (people, waves): the largest, or with sign -1 the least.

    Args:
        person: one mean a person and wave, NaN where they have none. estimated: from those to an
            estimate. size: of the mean's size, whatever its sign. unit: for the figure.

    The interval reaches from the largest lower end to the largest upper end of the three, which
    holds the largest mean; for a FAIL the three share its level.
    """
    evidence = made.evidence
    levels = shared(evidence.levels, len(WAVES))
    found: dict[str, Estimate] = {}
    counts: dict[str, int] = {}
    for k, wave in enumerate(WAVES):
        known = person[np.isfinite(person[:, k]), k]
        counts[wave] = len(known)
        if len(known) >= FEWEST:
            found[wave] = estimated(known, levels)
    if len(found) < len(WAVES):
        few = ", ".join(f"{w} in {counts[w]} people" for w in WAVES if w not in found)
        complaint = f"too few waves were found to judge: {few}"
        nothing = Estimate(0.0, (-np.inf, np.inf), (-np.inf, np.inf))
        return measured(nothing, evidence, controls=Controls(complaint=complaint))
    turned = [_turned(e, sign, size) for e in found.values()]
    worst = largest(turned)
    return measured(
        worst if sign > 0 else _turned(worst, sign, False),
        evidence,
        figure=figures.bars(
            {wave: e.value for wave, e in found.items()},
            intervals=[e.interval for e in found.values()],
            x_label=unit,
        ),
        details={
            **{f"{wave}: {unit}": e.value for wave, e in found.items()},
            **{f"{wave}: people": n for wave, n in counts.items()},
            **delineator(),
        },
    )


def _turned(estimate: Estimate, sign: float, size: bool) -> Estimate:
    def turn(ends: tuple[float, float]) -> tuple[float, float]:
        low, high = sorted((sign * ends[0], sign * ends[1]))
        if not size:
            return low, high
        nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        return nearest, max(abs(low), abs(high))

    value = sign * estimate.value
    return Estimate(
        abs(value) if size else value, turn(estimate.interval), turn(estimate.fail_interval)
    )
