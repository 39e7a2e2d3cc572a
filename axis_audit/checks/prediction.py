"""Does the model read age from the signal, and from nothing else?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import PredictsAge
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Exactly, Measurement
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap


@check(
    claim="Predicted age beats guessing the median, patient by patient",
    acceptable=Below(0.85, "of the median predictor's MAE"),
    cause="the age head learned little that holds for unseen people",
    cure="train longer, or look for a mismatch of rate, leads or units between cohorts",
    source="mean absolute error, one record a patient; patient bootstrap (Efron 1987)",
)
def mae(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Mean absolute error of predicted age over that of the audited people's median age."""
    error = np.abs(evidence.predictions - evidence.ages)
    baseline = np.abs(np.median(evidence.ages) - evidence.ages)

    def ratio(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights @ error) / (weights @ baseline))

    def years(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights @ error) / weights.sum(axis=1))

    estimate = bootstrap(ratio, evidence.n, evidence.levels, seed=evidence.seed)
    absolute = bootstrap(years, evidence.n, evidence.levels, seed=evidence.seed)
    return measured(
        estimate,
        evidence,
        figure=figures.scatter(
            evidence.ages,
            evidence.predictions,
            x_label="age (years)",
            y_label="predicted age (years)",
            diagonal=True,
        ),
        details={
            "MAE in years": absolute.value,
            "MAE in years, 95 % interval": list(absolute.interval),
            "median predictor's MAE in years": float(baseline.mean()),
        },
    )


@check(
    claim="Predicted age does not depend on the age it is asked to predict",
    acceptable=Exactly(0.0, "changed predictions"),
    exact=True,
    cause="label circularity: the age head sees the true age, for instance by projecting g(a)·B",
    cure="predict from <x - x50, B>, never from Δ = g(a)·B of the true age",
    source="intervention on the covariates; bitwise comparison",
)
def age_input_independence(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Predictions that change when ages and other covariates are permuted, constant or NaN."""
    rng = evidence.rng("covariates")
    signals, plain = evidence.cohort.signals, evidence.raw_predictions
    changed: dict[str, int] = {}
    for name, covariates in _interventions(evidence, rng).items():
        changed[name] = int(
            np.count_nonzero(~_same(plain, evidence.predict(signals, **covariates)))
        )
    return Measurement.exactly(
        max(changed.values()),
        n=evidence.n,
        n_patients=evidence.n,
        figure=figures.bars(
            changed, x_label="predictions that changed", title="what the head was told instead"
        ),
        details=changed,
    )


def _interventions(
    evidence: Evidence, rng: np.random.Generator
) -> dict[str, dict[str, NDArray[np.generic]]]:
    cohort, n = evidence.cohort, evidence.n
    order = rng.permutation(n)
    age = cohort.age
    return {
        "ages permuted": {"age": age[order]},
        "ages constant": {"age": np.full(n, np.float32(50.0))},
        "ages NaN": {"age": np.full(n, np.float32(np.nan))},
        "sex, site and device permuted": {
            name: getattr(cohort, name)[order] for name in ("sex", "site", "device")
        },
        "sex, site and device blank": {name: np.full(n, "") for name in ("sex", "site", "device")},
    }


def _same(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.bool_]:
    # A prediction that is NaN either way is a change: silence is no proof of independence.
    return np.asarray(a == b)
