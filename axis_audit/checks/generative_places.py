"""Are waves where they were, is the ST segment, and do a model's own draws have waves at all?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Generates
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.checks.wave_means import share_kept, worst_wave
from axis_audit.delineation import WAVES, delineate
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement
from axis_audit.generated import Generated, generated
from axis_audit.registry import check
from axis_audit.statistics.intervals import mean, quantile
from axis_audit.statistics.levels import Estimate, Levels
from axis_audit.statistics.worst import largest

FAMILY = "generative"
Array = NDArray[np.float64]
TOLERATED = (10.0, 20.0)
"""Milliseconds by which P may begin, and T end, earlier or later: as their durations."""
ST_AFTER, LEVEL_BEFORE = 0.09, 0.06
"""Seconds after and before R where the ST segment and the level before QRS are looked at."""
NEAR = 0.005
"""Seconds either side over which a level is the mean."""


@check(
    family=FAMILY,
    claim="P begins and T ends in reconstructions where they did in the recordings",
    acceptable=Below(1.0, "of what is tolerated (P 10 ms, T 20 ms)"),
    cause="the decoder puts waves at their usual place: PR and QT are lost",
    cure="less weight on the KL term, more dimensions; look at people with a long PR or QT",
    source="neurokit2 (Makowski et al. 2021); median over people, Conover 1999",
)
def wave_places(model: Generates, evidence: Evidence) -> Measurement:
    """Median change of P onset and T offset, counted from R, from recording to reconstruction.

    The larger, each over what is tolerated of it; the median over people of the mean over their
    signals, since a delineator that takes another wave for T errs by hundreds of milliseconds. A
    decoder may keep every duration and height and still draw everybody's PR or QT shorter.
    """
    made = generated(evidence)
    real, redrawn = made.waves
    change = np.full(real.onset.shape, np.nan)
    change[:, WAVES.index("P")] = (redrawn.onset - real.onset)[:, WAVES.index("P")] / TOLERATED[0]
    change[:, WAVES.index("T")] = (redrawn.offset - real.offset)[:, WAVES.index("T")] / TOLERATED[1]
    change[:, WAVES.index("QRS")] = 0.0
    person = made.by_person(change)
    unit = "P onset and T offset, of what is tolerated"
    return worst_wave(made, person, _median, size=True, unit=unit)


def _median(values: Array, levels: Levels) -> Estimate:
    return quantile(values, 0.5, levels)


@check(
    family=FAMILY,
    claim="The ST segment stays where it was",
    acceptable=Below(25.0, "µV"),
    cause="elevations and depressions are rare, and the decoder draws the usual ST instead",
    cure="more dimensions, less weight on the KL term; train on people with ischaemia",
    source="level 90 ms after R less level 60 ms before it; mean size over people, Student's t",
)
def st_level(model: Generates, evidence: Evidence) -> Measurement:
    """Mean over people of the size of their mean change of ST level, in µV.

    Of the size: what rises in one person must not make up for what falls in another. 25 µV are a
    quarter of a millimetre on ECG paper.
    """
    made = generated(evidence)
    change = (_st(made, made.made) - _st(made, made.real)) * made.microvolts
    person = made.by_person(change)
    person = person[np.isfinite(person)]
    return measured(
        mean(np.abs(person), evidence.levels),
        evidence,
        figure=figures.line(
            np.arange(len(person)),
            {"change of ST (µV)": np.sort(person)},
            x_label="people, in order of the change",
            y_label="change of ST level (µV)",
        ),
        details={
            "mean change in µV": float(person.mean()) if person.size else float("nan"),
            "largest of any person in µV": float(np.abs(person).max(initial=0.0)),
        },
    )


def _st(made: Generated, flat: Array) -> Array:
    """ST level of the looked-at lead of each row, in units of the real rows; NaN if out of it."""
    waves = made.one_lead(flat)
    samples, r = waves.shape[1], made.rows.r_index
    step = made.seconds / samples

    def level(offset: float) -> Array:
        at = np.rint(r + offset / step).astype(int)
        half = np.maximum(np.rint(NEAR / step).astype(int), 0)
        out = np.full(len(waves), np.nan)
        for i, (place, near) in enumerate(zip(at, half, strict=True)):
            if near <= place < samples - near:
                out[i] = waves[i, place - near : place + near + 1].mean()
        return out

    return level(ST_AFTER) - level(-LEVEL_BEFORE)


@check(
    family=FAMILY,
    claim="Signals drawn from the model have the waves that people's have",
    acceptable=Below(0.2, "of the signals"),
    cause="draws are averages of people, or noise: an MMD of whole signals hardly sees a missing P",
    cure="more weight on the KL term, a learned prior, more people",
    source="neurokit2 (Makowski et al. 2021); shares of people and draws, Clopper & Pearson",
)
def draws_have_waves(model: Generates, evidence: Evidence) -> Measurement:
    """How many fewer draws than people's signals have a P, a QRS or a T; of the three the largest.

    Draws last as long as the median person's signal.
    """
    made = generated(evidence)
    real, _ = made.waves
    lasting = np.full(len(made.draws), float(np.median(made.seconds)))
    drawn = delineate(made.one_lead(made.draws), lasting, made.rows.r_index)
    people = made.by_person(np.isfinite(real.amplitude).astype(float))
    there = np.isfinite(drawn.amplitude).astype(float)
    found = {
        wave: _difference(
            share_kept(people[:, k], evidence.levels), share_kept(there[:, k], evidence.levels)
        )
        for k, wave in enumerate(WAVES)
    }
    return measured(
        largest(list(found.values())),
        evidence,
        figure=figures.bars(
            {
                f"{wave}, {whose}": float(shares[:, k].mean())
                for k, wave in enumerate(WAVES)
                for whose, shares in (("people", people), ("draws", there))
            },
            x_label="share with the wave",
        ),
        details={f"{wave}: fewer draws than people have it": e.value for wave, e in found.items()},
    )


def _difference(one: Estimate, other: Estimate) -> Estimate:
    """One share less another, independent: from the least of it to the most."""

    def ends(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
        value = one.value - other.value
        low = value - np.hypot(one.value - a[0], b[1] - other.value)
        high = value + np.hypot(a[1] - one.value, other.value - b[0])
        return float(low), float(high)

    return Estimate(
        one.value - other.value,
        ends(one.interval, other.interval),
        ends(one.fail_interval, other.fail_interval),
    )
