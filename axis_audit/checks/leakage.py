"""Does age leak into the morphology latent z, or into the canonical beat x50?"""

from __future__ import annotations

import numpy as np

from axis_audit.capabilities import DecodesCanonical, Encodes
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Controls, Measurement, Region
from axis_audit.measures.canonical import canonical_features
from axis_audit.measures.collapse import explained_by_latents, participation_ratio
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap

MARGIN = 0.05
"""Largest leak that may be called none: 5 % of the variance of age (design's table)."""
_CURE = (
    "penalise what this probe reads: adversaries on whitened latents, a covariance constraint, "
    "closed-form erasure as the last layer"
)


@check(
    claim="Age cannot be read linearly from the morphology latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age, perhaps in directions of tiny variance that a ridge does not see",
    cure=_CURE,
    source="noncentral F of ordinary least squares on whitened z (Lee 1971, JRSS B 33:117)",
)
def linear(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Population R² of age on the whitened latents, one record a patient, exact interval."""
    return _linear(evidence, evidence.latents, acceptable, "z")


@check(
    claim="Distance from the middle age cannot be read linearly from the morphology latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z tells the very young and the very old from the rest: a leak even in age",
    cure=_CURE,
    source="as leakage.linear, of |age - median age|",
)
def linear_deviation(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Population R² of |age - median| on the whitened latents, exact interval: a gate."""
    target = np.abs(evidence.ages - np.median(evidence.ages))
    return _linear(
        evidence,
        evidence.latents,
        acceptable,
        "z",
        target=target,
        label="years from the median age",
    )


@check(
    claim="Age cannot be read by a small neural network from the morphology latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age nonlinearly: in magnitudes, signs or products of directions",
    cure=_CURE,
    source="test inversion on planted leaks (design: calibrate by planting)",
)
def mlp(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Leak on the R² scale at which leaks planted in these latents score like age does."""
    return _mlp(evidence, evidence.latents, evidence.fit_latents, acceptable, "z")


@check(
    claim="The canonical beat's size does not tell age: corr(|x50|, age) is about zero",
    acceptable=Below(MARGIN, "R²"),
    cause="D(z) makes larger or smaller beats for older people",
    cure="penalise the correlation of |x50| with age; it is the weakest of the leakage checks",
    source="published canonical-leakage correlation, squared; noncentral F with one regressor",
)
def canonical_norm(model: DecodesCanonical, evidence: Evidence, acceptable: Region) -> Measurement:
    """Squared correlation of the canonical beat's norm with age, exact interval."""
    norms = np.linalg.norm(evidence.canonical.reshape(evidence.n, -1), axis=1)
    measurement = _linear(evidence, norms[:, None], acceptable, "|x50|")
    correlation = float(np.corrcoef(norms, evidence.ages)[0, 1])
    return _with_details(measurement, {"published correlation": correlation})


@check(
    claim="Age cannot be read linearly from the canonical beat",
    acceptable=Below(MARGIN, "R²"),
    cause="the decoder draws old beats for old people: x50 is not at the neutral age",
    cure="see leakage.linear: what z does not hold, D(z) cannot draw",
    source="as leakage.linear, on 64 principal components, lead RMS and peaks of x50",
)
def canonical_linear(
    model: DecodesCanonical, evidence: Evidence, acceptable: Region
) -> Measurement:
    """Population R² of age on features of the whole canonical beat, exact interval."""
    return _linear(evidence, canonical_features(evidence.canonical), acceptable, "x50")


@check(
    claim="Age cannot be read by a small neural network from the canonical beat",
    acceptable=Below(MARGIN, "R²"),
    cause="the canonical beat still looks its age to a nonlinear reader",
    cure="see leakage.mlp",
    source="as leakage.mlp, on 64 principal components, lead RMS and peaks of x50",
)
def canonical_mlp(model: DecodesCanonical, evidence: Evidence, acceptable: Region) -> Measurement:
    """As leakage.mlp, from features of the whole canonical beat."""
    ours = evidence.canonical
    fit = evidence.fit_canonical
    reference = ours if fit is None else fit
    features = canonical_features(ours, reference=reference)
    fit_features = None if fit is None else canonical_features(fit, reference=reference)
    return _mlp(evidence, features, fit_features, acceptable, "x50")


@check(
    claim="The latent describes the beat: it has not collapsed",
    acceptable=Above(0.3, "R²"),
    cause="z is constant or noise; then no probe finds age in it, and that means nothing",
    cure="weigh reconstruction up; look at the reconstructions",
    source="variance-weighted R² of the beats' 16 leading components from z, cross-validated",
)
def non_collapse(model: Encodes, evidence: Evidence) -> Measurement:
    """Share of the beats' leading components that z explains in people not fitted on."""
    beats = evidence.cohort.signals
    scale = np.sqrt(np.mean(np.square(beats), axis=(1, 2), keepdims=True))
    explained = explained_by_latents(beats / np.maximum(scale, 1e-6), evidence.latents)
    estimate = bootstrap(explained.weighted, evidence.n, evidence.levels, seed=evidence.seed)
    dimensions, needed = evidence.latents.shape[1], 2 * evidence.latents.shape[1] + 50
    complaint = ""
    if evidence.n < needed:
        complaint = f"{evidence.n} people cannot fit {dimensions} dimensions: about {needed} can"
    return measured(
        estimate,
        evidence,
        controls=Controls(complaint=complaint),
        details={
            "participation ratio": participation_ratio(evidence.latents),
            "latent dimensions": dimensions,
        },
    )


def _linear(
    evidence: Evidence,
    features: np.ndarray,
    region: Region,
    name: str,
    *,
    target: np.ndarray | None = None,
    label: str = "age (years)",
) -> Measurement:
    from axis_audit.probes.linear import linear_leak

    truth = evidence.ages if target is None else target
    leak = linear_leak(features, truth, region.high, evidence.levels, seed=evidence.seed)
    return Measurement(
        leak.estimate,
        leak.interval,
        leak.n,
        leak.n,
        fail_interval=leak.fail_interval,
        minimum_detectable=leak.minimum_detectable,
        patients_needed=leak.patients_needed,
        controls=Controls(leak.power_at_margin, leak.null_at_zero, leak.complaint),
        figure=_probe_figure(truth, leak.predictions, f"linear probe of {name}", label),
        details={"directions": leak.rank},
    )


def _mlp(
    evidence: Evidence,
    features: np.ndarray,
    fit_features: np.ndarray | None,
    region: Region,
    name: str,
) -> Measurement:
    from axis_audit.probes.planted import mlp_leak

    leak = mlp_leak(
        features,
        evidence.ages,
        margin=region.high,
        levels=evidence.levels,
        fit_latents=fit_features,
        fit_target=evidence.fit_ages,
        seed=evidence.seed,
    )
    ways = {
        f"{way}: R² interval": [round(x, 4) for x in found.interval]
        for way, found in leak.ways.items()
    }
    return Measurement(
        leak.estimate,
        leak.interval,
        leak.n,
        leak.n,
        fail_interval=leak.fail_interval,
        minimum_detectable=leak.minimum_detectable,
        controls=Controls(leak.power_at_margin, leak.null_at_zero, leak.complaint),
        figure=_probe_figure(evidence.ages, leak.predictions, f"MLP probe of {name}"),
        details={
            "way that counts": leak.way,
            "fitting people": leak.n_fit,
            "power at the margin": leak.power_at_margin,
            **ways,
            **{f"{way}: converged": share for way, share in leak.converged.items()},
        },
    )


def _probe_figure(
    truth: np.ndarray, predictions: np.ndarray, title: str, label: str = "age (years)"
) -> dict[str, object]:
    return figures.scatter(
        truth,
        predictions,
        x_label=label,
        y_label=f"{label.removesuffix(' (years)')} read by the probe",
        title=title,
        diagonal=True,
    )


def _with_details(measurement: Measurement, details: dict[str, object]) -> Measurement:
    import dataclasses

    return dataclasses.replace(measurement, details={**measurement.details, **details})
