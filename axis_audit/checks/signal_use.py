"""Does the age head use the signal: calibrated, moved by it, better than an untrained encoder?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import PredictsAge
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Controls, Measurement, Within
from axis_audit.measures.calibration import calibration_slope as slope_of
from axis_audit.measures.random_encoder import FEATURES, cross_fitted_ages, random_features
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap

FEWEST_FOR_A_SLOPE = 100
"""The bootstrap interval of a slope covers 94 % with 100 people, 88 % with 24 (simulated)."""
PEOPLE_PER_FEATURE = 5
"""Fewer, and the random encoder's readout is itself a guess: beating it means nothing."""


@check(
    family="prediction",
    claim="A year of predicted age is a year of age: people predicted older by one are so",
    acceptable=Within(0.8, 1.2, "slope"),
    cause="the age head hedges towards the mean (slope > 1) or overstates differences (< 1)",
    cure="refit the head's last line on held-out people, or stop training earlier",
    source="age regressed on predicted age; the reverse slope is about R² even when calibrated",
)
def calibration_slope(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Least-squares slope of age on predicted age, by weighted moments of patient resamples."""
    ages, predicted = evidence.ages, evidence.predictions
    if np.ptp(predicted) == 0:
        return Measurement.exactly(0.0, n=evidence.n, n_patients=evidence.n)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return slope_of(weights, predicted, ages)

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    complaint = ""
    if evidence.n < FEWEST_FOR_A_SLOPE:
        complaint = f"{evidence.n} people are too few for a slope: {FEWEST_FOR_A_SLOPE} needed"
    return measured(
        estimate,
        evidence,
        controls=Controls(complaint=complaint),
        figure=figures.scatter(
            predicted, ages, x_label="predicted age (years)", y_label="age (years)", diagonal=True
        ),
        details={
            "mean error in years": float(np.mean(predicted - ages)),
            "SD of predicted age in years": float(predicted.std()),
        },
    )


@check(
    family="prediction",
    claim="Exchanging the signals between people exchanges their predicted ages",
    acceptable=Above(0.3, "of the ages' own differences"),
    cause="the age head ignores the signal: it is a constant, or reads covariates",
    cure="look at what the head is given; train it on signals alone",
    source="intervention on the signals, covariates held; patient bootstrap (Efron 1987)",
)
def signal_dependence(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Mean |change of predicted age| when each person gets another's signal, covariates kept.

    In units of the mean difference of age between the same two people. A model at the least
    acceptable accuracy (r of about .5) with calibrated predictions is at .5.
    """
    order = evidence.rng("exchange of signals").permutation(evidence.n)
    exchanged = evidence.predict(evidence.cohort.signals[order]).astype(np.float64)
    moved = np.abs(exchanged - evidence.predictions)
    apart = np.abs(evidence.ages[order] - evidence.ages)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights @ moved) / (weights @ apart))

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    return measured(estimate, evidence, details={"mean change in years": float(moved.mean())})


@check(
    family="prediction",
    claim="Training was worth it: predicted age beats a random encoder's",
    acceptable=Below(0.0, "years of MAE"),
    cause="the age head reads what any features show, such as size, and nothing it had to learn",
    cure="train longer; look for a mismatch of rate, leads or units; compare with the linear fit",
    source="random features (Rahimi & Recht 2007), ridge readout; paired patient bootstrap",
)
def beats_random_encoder(model: PredictsAge, evidence: Evidence) -> Measurement:
    """MAE minus that of 64 fixed random ReLU features of the raw signal, read out by a ridge.

    The readout is cross-fitted over the audited people: it is scored on people it never saw.
    """
    ages = evidence.ages
    features = random_features(evidence.cohort.signals, seed=evidence.seed)
    baseline = np.abs(cross_fitted_ages(features, ages, seed=evidence.seed) - ages)
    difference = np.abs(evidence.predictions - ages) - baseline

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights @ difference) / weights.sum(axis=1))

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    needed, complaint = PEOPLE_PER_FEATURE * FEATURES, ""
    if evidence.n < needed:
        complaint = f"{evidence.n} people are too few to read out a random encoder: {needed} needed"
    return measured(
        estimate,
        evidence,
        controls=Controls(complaint=complaint),
        details={"random encoder's MAE in years": float(baseline.mean())},
    )
