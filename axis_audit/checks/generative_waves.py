"""Do P, QRS and T survive a generative model?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Generates
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.delineation import WAVES
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Controls, Measurement
from axis_audit.generated import Generated, generated
from axis_audit.registry import check
from axis_audit.report.instrument import delineator
from axis_audit.statistics.clusters import clustered_proportion
from axis_audit.statistics.intervals import mean
from axis_audit.statistics.levels import Estimate, Levels

FAMILY = "generative"
_SOURCE = "neurokit2 (Makowski et al. 2021); means over people, Student's t"
TOLERATED = {"P": 10.0, "QRS": 10.0, "T": 20.0}
"""Milliseconds by which a wave may last longer or shorter."""
FEWEST = 20
"""People with a wave, below which nothing is said of it."""


@check(
    family=FAMILY,
    claim="A wave that was recorded is still there in the reconstruction",
    acceptable=Above(0.8, "of the waves"),
    cause="small waves, P above all, are smoothed away",
    cure="less weight on the KL term, more dimensions, a loss that weighs small waves",
    source=_SOURCE,
)
def waves_kept(model: Generates, evidence: Evidence) -> Measurement:
    """Share of P, QRS or T waves found in people's signals that are found in the reconstruction.

    Of the three the least kept. One delineator looks at both. It is not infallible (the details say
    how good it is beside cardiologists): of the P waves it finds one in eight is none, and a model
    need not keep those; hence the margin.
    """
    made = generated(evidence)
    real, redrawn = made.waves
    there = np.isfinite(real.amplitude)
    still = np.where(there, np.isfinite(redrawn.amplitude).astype(float), np.nan)
    return _worst(made, made.by_person(still), _share, sign=-1.0, unit="share kept")


@check(
    family=FAMILY,
    claim="Waves last as long in reconstructions as in the recordings",
    acceptable=Below(1.0, "of what is tolerated (P and QRS 10 ms, T 20 ms)"),
    cause="the decoder smears: QRS widens first",
    cure="more capacity at high frequencies; look at real beside reconstructed signals",
    source=_SOURCE,
)
def wave_durations(model: Generates, evidence: Evidence) -> Measurement:
    """Mean change of the duration of P, QRS or T from recording to reconstruction.

    The largest of the three, each over what is tolerated of it; mean over people of the mean over
    their signals, of waves found in both. P and T by the delineator, QRS by the spread of its
    slopes: the delineator's QRS hardly widens with the real one. 10 ms are a quarter of a
    millimetre on ECG paper (25 mm/s); T, which ends without a corner, is found with twice the error
    of P and QRS beside cardiologists.
    """
    made = generated(evidence)
    real, redrawn = made.waves
    change = (redrawn.offset - redrawn.onset) - (real.offset - real.onset)
    change[:, WAVES.index("QRS")] = made.qrs_durations(made.made) - made.qrs_durations(made.real)
    person = made.by_person(change / np.array([TOLERATED[wave] for wave in WAVES]))
    unit = "change of duration, of what is tolerated"
    return _worst(made, person, mean, size=True, unit=unit)


@check(
    family=FAMILY,
    claim="Waves are as tall in reconstructions as in the recordings",
    acceptable=Below(25.0, "µV"),
    cause="the decoder averages over small shifts of a peak: R shrinks first, then P",
    cure="more capacity or less weight on the KL term; align training signals",
    source=_SOURCE,
)
def wave_amplitudes(model: Generates, evidence: Evidence) -> Measurement:
    """Mean change of the height of P, QRS or T from recording to reconstruction; the largest.

    Mean over people of the mean over their signals, of waves found in both; positive is taller. 25
    µV are a quarter of a millimetre on ECG paper (10 mm/mV), 10 ms at 25 mm/s are so, too.
    """
    made = generated(evidence)
    real, redrawn = made.waves
    taller = np.sign(real.amplitude) * (redrawn.amplitude - real.amplitude)
    person = made.by_person(taller * made.microvolts[:, None])
    return _worst(made, person, mean, size=True, unit="change of height (µV)")


def _share(values: NDArray[np.float64], levels: Levels) -> Estimate:
    """Mean of shares in [0, 1], one a person, as if each were a yes or a no.

    Wider than Student's, and not a point where everybody's share is 1.
    """
    return clustered_proportion(values.tolist(), [1] * len(values), levels)


def _worst(
    made: Generated,
    person: NDArray[np.float64],
    estimated: Callable[[NDArray[np.float64], Levels], Estimate],
    *,
    sign: float = 1.0,
    size: bool = False,
    unit: str,
) -> Measurement:
    """The worst of three means over people (people, waves): the largest, or with sign -1 the least.

    The interval reaches from the largest lower end to the largest upper end of the three, which
    holds the largest mean; for a FAIL the three share its level.
    """
    evidence = made.evidence
    levels = replace(evidence.levels, fail_tail=evidence.levels.fail_tail / len(WAVES))
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
    worst = Estimate(
        max(e.value for e in turned),
        _largest([e.interval for e in turned]),
        _largest([e.fail_interval for e in turned]),
    )
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


def _largest(intervals: list[tuple[float, float]]) -> tuple[float, float]:
    ends = np.array(intervals)
    return float(ends[:, 0].max()), float(ends[:, 1].max())
