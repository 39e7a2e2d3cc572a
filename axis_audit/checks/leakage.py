"""The leakage gates: does age leak into the latent z, its posterior, or the canonical beat x50?"""

from __future__ import annotations

import dataclasses

import numpy as np

from axis_audit.capabilities import DecodesCanonical, Encodes, EncodesPosterior
from axis_audit.checks import leak_measurements as leaks
from axis_audit.checks import leak_questions as questions
from axis_audit.checks.leak_measurements import MARGIN
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Controls, Measurement, Region
from axis_audit.measures.collapse import explained_by_latents, participation_ratio
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap

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
    """Population R² of age on the whitened latents, one record a patient, exact interval.

    Beside it, deciding nothing, the p-value of a cross-validated probe among 1,000 permutations of
    the ages.
    """
    question = questions.latents_tell(evidence)
    measurement = leaks.linear(question, evidence, acceptable)
    return leaks.with_permutation_p(measurement, question, evidence)


@check(
    claim="Distance from the middle age cannot be read linearly from the morphology latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z tells the very young and the very old from the rest: a leak even in age",
    cure=_CURE,
    source="as leakage.linear, of |age - median age|",
)
def linear_deviation(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Population R² of |age - median| on the whitened latents, exact interval: a gate."""
    return leaks.linear(questions.latents_tell(evidence).about_deviation(), evidence, acceptable)


@check(
    claim="Age cannot be read by a small neural network from the morphology latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age nonlinearly: in magnitudes, signs or products of directions",
    cure=_CURE,
    source="test inversion on planted leaks (design: calibrate by planting)",
)
def mlp(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Leak on the R² scale at which leaks planted in these latents score like age does."""
    return leaks.mlp(questions.latents_tell(evidence), evidence, acceptable)


@check(
    claim="Age cannot be read from how sure the encoder is of its latent",
    acceptable=Below(MARGIN, "R²"),
    optional=True,
    cause="log σ² of the posterior carries age: z may be clean, what is sampled from it is not",
    cure="let the adversary see log σ² beside z, or fix σ² for everybody",
    source="as leakage.linear, of the log variances of the posterior",
)
def posterior_scale(model: EncodesPosterior, evidence: Evidence, acceptable: Region) -> Measurement:
    """Population R² of age on whitened log σ², exact interval; no leak if σ² is one for all.

    A gate of models that have a posterior; for others the claim is empty.
    """
    if leaks.one_posterior_scale(evidence):
        return leaks.nothing_to_read(evidence)
    return leaks.linear(questions.posterior_scale_tells(evidence), evidence, acceptable)


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
    question = questions.Question(norms[:, None], evidence.ages, of="|x50|")
    measurement = leaks.linear(question, evidence, acceptable)
    correlation = float(np.corrcoef(norms, evidence.ages)[0, 1])
    details = {**measurement.details, "published correlation": correlation}
    return dataclasses.replace(measurement, details=details)


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
    return leaks.linear(questions.canonical_beat_tells(evidence), evidence, acceptable)


@check(
    claim="Age cannot be read by a small neural network from the canonical beat",
    acceptable=Below(MARGIN, "R²"),
    cause="the canonical beat still looks its age to a nonlinear reader",
    cure="see leakage.mlp",
    source="as leakage.mlp, on 64 principal components, lead RMS and peaks of x50",
)
def canonical_mlp(model: DecodesCanonical, evidence: Evidence, acceptable: Region) -> Measurement:
    """As leakage.mlp, from features of the whole canonical beat."""
    return leaks.mlp(questions.canonical_beat_tells_others(evidence), evidence, acceptable)


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
