"""Leakage screens by a larger network: what the small ones of the gates are too small to read.

A FAIL needs no calibration: so much was read in people whom nobody fitted to. A PASS says that this
network reads less than the margin, and is no certificate.
"""

from __future__ import annotations

from axis_audit.capabilities import DecodesCanonical, Encodes
from axis_audit.checks import figures
from axis_audit.checks import leak_questions as questions
from axis_audit.checks.leak_measurements import MARGIN
from axis_audit.checks.leak_questions import Question
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Controls, Measurement, Region
from axis_audit.registry import check

_SOURCE = (
    "squared correlation on unseen people, Fisher's z with a delta-method standard error (Ferguson "
    "1996, A Course in Large Sample Theory, section 8); a lower bound of any leak"
)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    claim="A larger neural network reads less age from the morphology latent than the margin",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age in a way too intricate for the small networks of leakage.mlp, as it does "
    "after a transport or an adversary that cleaned what it could see",
    cure="an adversary as large as this network, trained to the end on z as it is released",
    source=_SOURCE,
)
def deep_network(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Squared correlation of age with what two hidden layers (256, 128) read of it from z.

    Fitted on the fitting people, one tenth of whom choose the epoch, and scored once on the
    audited; without fitting people, cross-validated over the audited. The leak is at least what is
    read here: a FAIL needs no calibration. A PASS says that this network reads less than the
    margin, of a leak that may be larger; it takes 2,000 people to learn from, and a leak of R² .20
    planted by a random network of 64 units must be found in them to exceed the margin.
    """
    return _read(questions.latents_tell(evidence), evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    thorough=True,
    claim="A larger neural network reads less age from the canonical beat than the margin",
    acceptable=Below(MARGIN, "R²"),
    cause="the canonical beat looks its age to a reader that looks at several waves at once",
    cure="see leakage.deep_network: what z does not hold, D(z) cannot draw",
    source=_SOURCE + "; on 64 principal components, lead RMS and peaks of x50",
)
def canonical_deep_network(
    model: DecodesCanonical, evidence: Evidence, acceptable: Region
) -> Measurement:
    """As leakage.deep_network, from features of the whole canonical beat."""
    return _read(questions.canonical_beat_tells_others(evidence), evidence, acceptable)


def _read(question: Question, evidence: Evidence, region: Region) -> Measurement:
    from axis_audit.probes.deep import CONTROL, deep_leak

    fit_features, fit_target = question.fit() or (None, None)
    leak = deep_leak(
        question.features,
        question.target,
        margin=region.high,
        levels=evidence.levels,
        fit_latents=fit_features,
        fit_target=fit_target,
        seed=evidence.seed,
    )
    chosen, trained = leak.epochs
    details: dict[str, object] = {
        "way that counts": leak.way,
        "fitting people": leak.n_fit,
        "a PASS means": "this network reads less than the margin; no certificate",
        "epoch chosen": f"{chosen:g} of {trained}",
    }
    if leak.control is not None:
        details[f"read of a planted leak of R² {CONTROL:.2f}"] = leak.control[0]
    return Measurement(
        leak.estimate,
        leak.interval,
        leak.n,
        leak.n,
        fail_interval=leak.fail_interval,
        minimum_detectable=leak.minimum_detectable,
        controls=Controls(complaint=leak.complaint),
        figure=figures.scatter(
            question.target,
            leak.predictions,
            x_label=question.asks,
            y_label="age read by the network",
            title=f"larger network on {question.of}",
            diagonal=True,
        ),
        details=details,
    )
