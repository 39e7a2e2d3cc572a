"""From a leak that a probe found to a measurement: one way for every probe, target and input."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from axis_audit.checks import figures
from axis_audit.checks.leak_questions import Array, Question
from axis_audit.evidence import Evidence
from axis_audit.finding import Controls, Measurement, Region

if TYPE_CHECKING:
    from axis_audit.probes.linear import LinearLeak
    from axis_audit.probes.planted import MlpLeak
    from axis_audit.probes.quadratic import QuadraticLeak
    from axis_audit.statistics.levels import Levels
    from axis_audit.statistics.planting import PlantedLeak

MARGIN = 0.05
"""Largest leak that may be called none: 5 % of the variance of age (design's table)."""


def linear(question: Question, evidence: Evidence, region: Region) -> Measurement:
    """Exact interval of the population R² by ordinary least squares on whitened features."""
    from axis_audit.probes.linear import linear_leak

    leak = linear_leak(
        question.features, question.target, region.high, evidence.levels, seed=evidence.seed
    )
    return measured_leak(
        leak,
        leak.n,
        patients_needed=leak.patients_needed,
        figure=figures.together(
            _reading(question, leak.predictions, "linear probe"),
            figures.attempted(lambda: _power_curve(leak, region.high, evidence.levels)),
        ),
        details={"directions": leak.rank, **_unknown(question)},
    )


def mlp(question: Question, evidence: Evidence, region: Region) -> Measurement:
    """Leak at which leaks planted in the same features score like the target by small networks."""
    from axis_audit.probes.planted import mlp_leak

    fit_features, fit_target = question.fit() or (None, None)
    leak = mlp_leak(
        question.features,
        question.target,
        margin=region.high,
        levels=evidence.levels,
        fit_latents=fit_features,
        fit_target=fit_target,
        seed=evidence.seed,
    )
    return measured_leak(
        leak,
        leak.n,
        figure=figures.together(
            _reading(question, leak.predictions, "MLP probe"),
            planted_figure(leak.ways[leak.way].curve, f"MLP probe on {question.of}, calibrated"),
        ),
        details={
            **_ways(leak.way, leak.ways, leak.n_fit, leak.power_at_margin),
            **{f"{way}: converged": share for way, share in leak.converged.items()},
            **_unknown(question),
        },
    )


def trees(question: Question, evidence: Evidence, region: Region) -> Measurement:
    """Leak at which steps and boxes planted in the same features score like the target by trees."""
    from axis_audit.probes.trees import tree_leak

    fit_features, fit_target = question.fit() or (None, None)
    leak = tree_leak(
        question.features,
        question.target,
        margin=region.high,
        levels=evidence.levels,
        fit_latents=fit_features,
        fit_target=fit_target,
        seed=evidence.seed,
    )
    return measured_leak(
        leak.leak,
        leak.n,
        figure=planted_figure(leak.leak.curve, f"trees on {question.of}: {question.asks}"),
        details=_ways(leak.way, leak.ways, leak.n_fit, leak.leak.power_at_margin),
    )


def quadratic(question: Question, evidence: Evidence, region: Region) -> Measurement:
    """Leak at which planted |u·z| and (u·z)(v·z) score like the target by extreme eigenvalues."""
    from axis_audit.probes.quadratic import quadratic_leak

    return _spectral(quadratic_leak, "quadratic screen", question, evidence, region)


def sign_products(question: Question, evidence: Evidence, region: Region) -> Measurement:
    """Leak at which planted sign(u·z)·sign(v·z) score like the target and its ends."""
    from axis_audit.probes.extremes import sign_product_leak

    return _spectral(sign_product_leak, "screen of sign products", question, evidence, region)


def _spectral(
    probe: Callable[..., QuadraticLeak],
    name: str,
    question: Question,
    evidence: Evidence,
    region: Region,
) -> Measurement:
    fit_features, fit_target = question.fit() or (None, None)
    found = probe(
        question.features,
        question.target,
        margin=region.high,
        levels=evidence.levels,
        fit_latents=fit_features,
        fit_target=fit_target,
        seed=evidence.seed,
    )
    return measured_leak(
        found.leak,
        found.n,
        complaint=found.complaint,
        figure=planted_figure(found.leak.curve, f"{name} of {question.of}: {question.asks}"),
        details={
            **_ways(found.way, found.ways, found.n_fit, found.leak.power_at_margin),
            "permutation p": found.p_value,
            "smallest eigenvalue": found.eigenvalues[0],
            "largest eigenvalue": found.eigenvalues[1],
            "directions": found.rank,
        },
    )


def with_permutation_p(
    measurement: Measurement, question: Question, evidence: Evidence
) -> Measurement:
    """The measurement and, in its details, the p-value of the cross-validated linear probe.

    A second opinion on the exact interval, which assumes normal residuals. Left out where a fold's
    people are too few to fit the probe.
    """
    from axis_audit.errors import MeasurementError
    from axis_audit.probes.permuted import linear_permutation_test

    try:
        found = linear_permutation_test(question.features, question.target, seed=evidence.seed)
    except MeasurementError:
        return measurement
    details = {**measurement.details, "cross-validated permutation p": found.p_value}
    return dataclasses.replace(measurement, details=details)


def measured_leak(
    leak: LinearLeak | MlpLeak | PlantedLeak,
    n: int,
    *,
    complaint: str = "",
    patients_needed: int | None = None,
    **rest: Any,
) -> Measurement:
    """The measurement of a leak in n people; `rest` are figure and details."""
    return Measurement(
        leak.estimate,
        leak.interval,
        n,
        n,
        fail_interval=leak.fail_interval,
        minimum_detectable=leak.minimum_detectable,
        patients_needed=patients_needed,
        controls=Controls(leak.power_at_margin, leak.null_at_zero, complaint or leak.complaint),
        **rest,
    )


def one_posterior_scale(evidence: Evidence) -> bool:
    """Whether log σ² is the same for everybody, up to what float32 resolves."""
    scale = evidence.posterior_scale.astype(np.float64)
    return bool(np.all(scale.std(axis=0) <= 2e-7 * np.abs(scale.mean(axis=0))))


def nothing_to_read(evidence: Evidence) -> Measurement:
    """No leak, exactly: what is the same for everybody tells nothing."""
    details = {"variation": "none: the same for everybody"}
    return Measurement.exactly(0.0, n=evidence.n, n_patients=evidence.n, details=details)


def unanswered(evidence: Evidence, complaint: str) -> Measurement:
    """A leak of any size is possible: INCONCLUSIVE, and why."""
    controls = Controls(complaint=complaint)
    return Measurement(0.0, (0.0, 1.0), evidence.n, evidence.n, controls=controls)


def planted_figure(curve: Mapping[str, object], title: str) -> dict[str, object]:
    """The probe's score against the size of planted leaks, and what it scored on the target."""
    if "levels" not in curve:  # the probe's scores were not numbers
        return {}
    columns = {name: np.asarray(curve[name], np.float64) for name in ("mean", "low", "high")}
    levels, observed = np.asarray(curve["levels"], np.float64), float(str(curve["observed"]))
    margin = float(str(curve["margin"]))
    # Up to where planted leaks score as this model does: beyond, the margin would be a sliver.
    reached = levels[columns["mean"] >= observed]
    near = levels <= max(4 * margin, reached[0] if reached.size else levels[-1])
    planted, scores = np.asarray(curve["planted"]), np.asarray(curve["scores"])
    few = planted <= levels[near][-1]
    bands = {
        "this model": np.full(near.sum(), observed),
        "planted leaks, mean": columns["mean"][near],
        "low": columns["low"][near],
        "high": columns["high"][near],
    }
    return figures.line(
        levels[near],
        bands,
        x_label="planted leak (R²)",
        y_label="score of the probe",
        marks={"margin": margin},
        points=(planted[few], scores[few]),
        title=title,
    )


def _reading(question: Question, predictions: Array, probe: str) -> dict[str, object]:
    return figures.scatter(
        question.target,
        predictions,
        x_label=question.asks,
        y_label=f"{question.asks.removesuffix(' (years)')} read by the probe",
        title=f"{probe} of {question.of}",
        diagonal=True,
    )


def _power_curve(leak: LinearLeak, margin: float, levels: Levels) -> dict[str, object]:
    """How often so many people would PASS and FAIL a leak of each true size: exact, no plants."""
    from axis_audit.statistics.r_squared import fail_probability, pass_probability

    n, rank = leak.n, leak.rank
    largest = min(0.95, max(4 * margin, 1.3 * leak.estimate))
    true = np.linspace(0, largest, 33)
    return figures.line(
        true,
        {
            "FAIL": [fail_probability(n, rank, margin, r, levels.fail_tail) for r in true],
            "PASS": [pass_probability(n, rank, margin, r, levels.pass_tail) for r in true],
        },
        x_label="true leak (R²)",
        y_label="probability of the verdict",
        marks={"margin": margin, "estimate": leak.estimate},
        title=f"what {n} people can tell",
    )


def _ways(way: str, ways: Mapping[str, PlantedLeak], n_fit: int, power: float) -> dict[str, object]:
    intervals = {
        f"{name}: R² interval": [round(x, 4) for x in found.interval]
        for name, found in ways.items()
    }
    return {
        "way that counts": way,
        "fitting people": n_fit,
        "power at the margin": power,
        **intervals,
    }


def _unknown(question: Question) -> dict[str, object]:
    return {"sex unknown": question.unknown} if "sex" in question.of else {}
