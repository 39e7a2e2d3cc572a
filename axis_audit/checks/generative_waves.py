"""Do P, QRS and T survive a generative model?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Generates
from axis_audit.checks.wave_means import share_kept, worst_wave
from axis_audit.delineation import WAVES
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Measurement
from axis_audit.generated import Generated, generated
from axis_audit.registry import check
from axis_audit.statistics.intervals import mean

FAMILY = "generative"
_SOURCE = "neurokit2 (Makowski et al. 2021); means over people, Student's t"
TOLERATED = {"P": 10.0, "QRS": 10.0, "T": 20.0}
"""Milliseconds by which a wave may last longer or shorter."""
TOLERATED_HEIGHT, TOLERATED_SHARE = 25.0, 0.05
"""Microvolts, and of the height of QRS."""


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
    return worst_wave(made, made.by_person(still), share_kept, sign=-1.0, unit="share kept")


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
    return worst_wave(made, person, mean, size=True, unit=unit)


@check(
    family=FAMILY,
    claim="Waves are as tall in reconstructions as in the recordings",
    acceptable=Below(1.0, "of what is tolerated (25 µV, or 5 % of QRS)"),
    cause="the decoder averages over small shifts of a peak: R shrinks first, then P",
    cure="more capacity or less weight on the KL term; align training signals",
    source=_SOURCE,
)
def wave_amplitudes(model: Generates, evidence: Evidence) -> Measurement:
    """Mean change of the height of P, QRS or T from recording to reconstruction.

    The largest of the three, each over what is tolerated of it: 25 µV, a quarter of a millimetre on
    ECG paper (10 mm/mV), and of QRS 5 % of its mean height if that is more. Mean over people of the
    mean over their signals, of waves found in both; positive is taller.
    """
    made = generated(evidence)
    person, tolerated = height_changes(made)
    unit = "change of height, of what is tolerated"
    return worst_wave(made, person / tolerated, mean, size=True, unit=unit)


@check(
    family=FAMILY,
    claim="Nobody's waves grow at the expense of another's",
    acceptable=Below(2.0, "times what is tolerated of the mean"),
    cause="a latent that scales a wave: up in some people, down in others, right on average",
    cure="look at people one by one; more capacity or less weight on the KL term",
    source=_SOURCE,
)
def wave_amplitudes_each(model: Generates, evidence: Evidence) -> Measurement:
    """As `wave_amplitudes`, of the size of each person's mean change: nothing cancels."""
    made = generated(evidence)
    person, tolerated = height_changes(made)
    unit = "size of a person's change of height, of what is tolerated"
    return worst_wave(made, np.abs(person) / tolerated, mean, size=True, unit=unit)


def height_changes(made: Generated) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Change of height of each person's waves in µV, (people, 3), and what is tolerated, (3,)."""
    real, redrawn = made.waves
    taller = np.sign(real.amplitude) * (redrawn.amplitude - real.amplitude)
    height = made.by_person(np.abs(real.amplitude) * made.microvolts[:, None])
    usual = np.nanmean(height[:, WAVES.index("QRS")]) if np.isfinite(height[:, 1]).any() else 0.0
    tolerated = np.full(len(WAVES), TOLERATED_HEIGHT)
    tolerated[WAVES.index("QRS")] = max(TOLERATED_HEIGHT, TOLERATED_SHARE * float(usual))
    return made.by_person(taller * made.microvolts[:, None]), tolerated
