"""Is the model robust to the lead mistakes people make, and not blind to leads?"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit import perturbations
from axis_audit.capabilities import PredictsAge
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.errors import MeasurementError
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Measurement
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.intervals import quantile

MOST_PEOPLE = 1000
"""Twelve leads are silenced in turn; a median does not need everybody for that."""
_PICTURED = 64
"""People in the picture of every exchange of two leads."""


@check(
    claim="Exchanged arm electrodes move predicted age little",
    acceptable=Below(3.0, "years"),
    cause="the age head leans on the limb leads' polarity, often lead I or aVR alone",
    cure="augment with LA-RA exchange; it is among the commonest electrode mistakes",
    source="Rudiger et al. 2007, Cardiol. J.; order-statistic interval of the median",
)
def swap_la_ra(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Median |change of predicted age| when left and right arm electrodes are exchanged."""
    leads = _need(evidence, ("I", "II", "III", "aVR", "aVL"))
    return _shift(evidence, perturbations.swap_arms(evidence.cohort.signals, leads))


@check(
    claim="Exchanged V1 and V2 electrodes move predicted age little",
    acceptable=Below(3.0, "years"),
    cause="the age head leans on one chest lead",
    cure="augment with neighbouring chest leads exchanged",
    source="order-statistic interval of the median (Conover 1999)",
)
def swap_v1_v2(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Median |change of predicted age| when V1 and V2 are exchanged."""
    leads = _need(evidence, ("V1", "V2"))
    return _shift(evidence, perturbations.swap_leads(evidence.cohort.signals, leads, "V1", "V2"))


@check(
    claim="The model knows its leads: an arbitrary order of leads makes it worse",
    acceptable=Above(0.5, "years of MAE"),
    cause="leads are averaged or sorted away: such a model is not robust to swaps, it is blind",
    cure="give the encoder the lead's identity",
    source="paired difference of MAE; patient bootstrap (Efron 1987)",
)
def blindness(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Rise of the MAE, in years, when every lead is moved to another lead's place."""
    moved = evidence.predict(perturbations.derange_leads(evidence.cohort.signals))
    rise = np.abs(moved.astype(np.float64) - evidence.ages) - np.abs(
        evidence.predictions - evidence.ages
    )

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights @ rise) / weights.sum(axis=1))

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    return measured(estimate, evidence, figure=figures.attempted(lambda: _every_exchange(evidence)))


@check(
    claim="A lead that fell off moves predicted age little",
    acceptable=Below(5.0, "years"),
    gate=False,
    cause="the age head leans on one lead, or divides by its size",
    cure="drop leads at random in training; bound a lead's scale from below",
    source="order-statistic interval of the median (Conover 1999); worst of all leads",
)
def missing_lead(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Median |change of predicted age| with one lead flat at zero, for the worst lead.

    The first 1,000 people; no gate, since few models are made for it. Five years are more than
    the three of an exchange, since information is lost and not misplaced, and still under two
    thirds of an honest model's error (eight years on PTB-XL).
    """
    few = slice(0, MOST_PEOPLE)
    signals, plain = evidence.cohort.signals[few], evidence.predictions[few]
    leads = evidence.cohort.leads
    levels = dataclasses.replace(
        evidence.levels, fail_tail=evidence.levels.fail_tail / len(leads)
    )  # the worst lead is chosen after looking: Bonferroni over leads
    estimates = []
    for place in range(len(leads)):
        silenced = evidence.predict(perturbations.silence_lead(signals, place))
        estimates.append(quantile(np.abs(silenced - plain), 0.5, levels, low=0.0))
    worst = int(np.argmax([e.value for e in estimates]))
    intervals = np.array([e.interval for e in estimates])
    wide = np.array([e.fail_interval for e in estimates])
    return Measurement(
        estimates[worst].value,
        (float(intervals[:, 0].max()), float(intervals[:, 1].max())),
        len(plain),
        len(plain),
        fail_interval=(float(wide[:, 0].max()), float(wide[:, 1].max())),
        figure=figures.limited(
            figures.bars(
                {lead: e.value for lead, e in zip(leads, estimates, strict=True)},
                intervals=[e.interval for e in estimates],
                x_label="median |change of predicted age| (years)",
                title="one lead flat at zero",
            ),
            "x",
        ),
        details={
            "worst lead": leads[worst],
            **{f"without {lead}": e.value for lead, e in zip(leads, estimates, strict=True)},
        },
    )


def _need(evidence: Evidence, names: Sequence[str]) -> tuple[str, ...]:
    leads = evidence.cohort.leads
    missing = [name for name in names if name not in leads]
    if missing:
        raise MeasurementError(f"the swap needs leads {missing}, which the model does not take")
    return leads


def _shift(evidence: Evidence, swapped: NDArray[np.float32]) -> Measurement:
    moved = evidence.predict(swapped).astype(np.float64)
    shift = np.abs(moved - evidence.predictions)
    estimate = quantile(shift, 0.5, evidence.levels, low=0.0)
    return measured(
        estimate,
        evidence,
        figure=figures.scatter(
            evidence.predictions,
            moved,
            x_label="predicted age (years)",
            y_label="with the leads exchanged (years)",
            diagonal=True,
        ),
        details={"95th percentile in years": float(np.quantile(shift, 0.95))},
    )


def _every_exchange(evidence: Evidence) -> dict[str, Any]:
    """Median |change of predicted age| of the first people when any two leads are exchanged."""
    leads, few = evidence.cohort.leads, slice(0, _PICTURED)
    signals, plain = evidence.cohort.signals[few], evidence.predictions[few]
    shifts = np.full((len(leads), len(leads)), np.nan)
    for i, j in itertools.combinations(range(len(leads)), 2):
        swapped = perturbations.swap_leads(signals, leads, leads[i], leads[j])
        shift = float(np.median(np.abs(evidence.predict(swapped) - plain)))
        shifts[i, j] = shifts[j, i] = shift
    return figures.matrix(
        leads,
        shifts,
        label="median |change of predicted age| (years)",
        title=f"any two leads exchanged, {len(plain)} people",
    )
