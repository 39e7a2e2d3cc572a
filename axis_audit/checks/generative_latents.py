"""Are the latents of a generative model used, and does the way between two of them go evenly?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Generates, GeneratesFromPosterior
from axis_audit.checks import figures
from axis_audit.checks.generated_pictures import traversals
from axis_audit.checks.measured import measured
from axis_audit.errors import MeasurementError
from axis_audit.evidence import Evidence, batched, finite
from axis_audit.finding import Above, Below, Measurement
from axis_audit.generated import Generated, generated
from axis_audit.measures.paths import steps
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.intervals import mean

FAMILY = "generative"
ACTIVE = 0.01
"""Variance of a posterior mean over people, of a prior of variance 1, above which it is in use."""
POINTS = 11
"""Of a path from one person's latent to another's."""
_MOST_PAIRS = 400
LARGEST_LOG_VARIANCE = 50.0


@check(
    family=FAMILY,
    claim="The latent dimensions are in use",
    acceptable=Above(0.5, "of the dimensions"),
    cause="posterior collapse: the decoder does without, and the KL term empties the dimensions",
    cure="less weight on the KL term, or raise it slowly; fewer dimensions",
    source="active units: Burda et al. 2016, arXiv 1509.00519, variance of the mean above .01",
)
def active_units(model: Generates, evidence: Evidence) -> Measurement:
    """Share of dimensions whose posterior mean varies over people by more than .01 (the prior: 1).

    One latent a person (the mean of their rows); intervals by patient bootstrap.
    """
    made = generated(evidence)
    latents = made.by_person(made.latents)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((_variances(latents, weights) > ACTIVE).mean(axis=1))

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    variances = _variances(latents, np.ones((1, len(latents))))[0]
    order = np.argsort(-variances)
    return measured(
        estimate,
        evidence,
        figure=figures.attempted(lambda: traversals(made)),
        details={
            "dimensions": len(variances),
            "active": int((variances > ACTIVE).sum()),
            "variance of each, largest first": [float(f"{v:.3g}") for v in variances[order]],
        },
    )


def _variances(latents: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = latents - latents.mean(axis=0)
    total = weights.sum(axis=1, keepdims=True)
    first, second = weights @ centred / total, weights @ centred**2 / total
    return np.asarray((second - first**2) * total / np.maximum(total - 1, 1))


@check(
    family=FAMILY,
    optional=True,
    claim="The posterior has not collapsed onto the prior",
    acceptable=Above(2.0, "nats"),
    cause="posterior collapse: whatever the signal, the encoder gives N(0, I)",
    cure="less weight on the KL term, or raise it slowly; a weaker decoder",
    source="Kingma & Welling 2014, arXiv 1312.6114, appendix B; Student's t over people",
)
def posterior_collapse(model: GeneratesFromPosterior, evidence: Evidence) -> Measurement:
    """What a signal's posterior tells of it, in nats: how far it is from everybody's together.

    Mean divergence KL(N(μ, σ²) | N(0, I)) less that of a normal distribution with the mean and
    variance of all posteriors together: a bound on the information that latents hold about
    signals, dimension by dimension, which posteriors that are alike for
    everybody do not raise, however far from the prior. 2 nats tell seven signals apart.
    """
    made = generated(evidence)
    log_variance = finite(batched(model.encode_scale, made.rows.signals), "log variances")
    if log_variance.shape != made.latents.shape:
        raise MeasurementError(
            f"encode_scale gave {log_variance.shape} for latents {made.latents.shape}"
        )
    if float(np.abs(log_variance).max(initial=0.0)) > LARGEST_LOG_VARIANCE:
        raise MeasurementError(
            f"log variances reach {np.abs(log_variance).max():.3g}: give natural logarithms of σ²"
        )
    variance = np.exp(log_variance.astype(np.float64))
    each = 0.5 * (made.latents**2 + variance - log_variance - 1.0)
    person = made.by_person(each)
    centre = made.by_person(made.latents).mean(axis=0)
    together = made.by_person((made.latents - centre) ** 2 + variance).mean(axis=0)
    shared = 0.5 * (centre**2 + together - np.log(together) - 1.0)
    told = person.mean(axis=0) - shared
    order = np.argsort(-told)
    return measured(
        mean((person - shared).sum(axis=1), evidence.levels),
        evidence,
        figure=figures.bars(
            {f"z{k + 1}": float(told[k]) for k in order},
            x_label="nats",
            title="what each latent dimension tells",
        ),
        details={
            "dimensions of .1 nat or more": int((told > 0.1).sum()),
            "divergence from the prior in nats": float(person.sum(axis=1).mean()),
            "variance of all posteriors together (prior: 1), least": float(together.min()),
            "variance of all posteriors together (prior: 1), most": float(together.max()),
        },
    )


@check(
    family=FAMILY,
    claim="The way between two people's latents goes evenly",
    acceptable=Below(2.5, "of the linear blend's step"),
    cause="the decoder jumps: it remembers single signals, or its latents are rounded",
    cure="more weight on the KL term, a smoother decoder, more people",
    source="longest of ten steps between decoded latents, over that of a linear blend; bootstrap",
)
def interpolation(model: Generates, evidence: Evidence) -> Measurement:
    """Longest step on the straight way between two people's latents, decoded at eleven points.

    Over the step of the linear blend of the same two reconstructions, which goes evenly and nowhere
    else; no way between the two can do with a shorter longest step. One pair a person, each person
    with the next in a shuffled circle; sums over pairs, so that pairs of look-alikes do not count
    for much. At the margin a tenth of the way makes a quarter of the change. In the details: how
    near the middle of the way is to the nearest real signal, beside the middle of the blend.
    """
    made = generated(evidence)
    paths, pairs = _paths(made)
    found = steps(paths)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        w = weights[:, pairs]
        return np.asarray((w @ found.largest) / np.maximum(w @ found.blend, 1e-300))

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    middle, blend = paths[:, POINTS // 2], (paths[:, 0] + paths[:, -1]) / 2
    return measured(
        estimate,
        evidence,
        figure=figures.attempted(lambda: _way(made, paths)),
        details={
            "length of the way, of the straight one": float(
                found.length.sum() / found.distance.sum()
            ),
            "distance of its middle to a real signal, of the blend's": float(
                _nearest(middle, made.real).mean() / _nearest(blend, made.real).mean()
            ),
            "pairs": len(paths),
        },
    )


def _paths(made: Generated) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Decoded ways (pairs, `POINTS`, x), and the people at which they begin."""
    latents = made.by_person(made.latents)
    order = made.evidence.rng("pairs for interpolation").permutation(len(latents))
    begin, end = order[:_MOST_PAIRS], np.roll(order, -1)[:_MOST_PAIRS]
    share = np.linspace(0.0, 1.0, POINTS)[None, :, None]
    ways = (1 - share) * latents[begin][:, None] + share * latents[end][:, None]
    decoded = made.decoded(ways.reshape(-1, latents.shape[1]))
    paths = decoded.reshape(len(begin), POINTS, -1)
    if not steps(paths).distance.any():
        raise MeasurementError("all reconstructions are alike: there is no way between two")
    return paths, begin


def _nearest(rows: NDArray[np.float64], real: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(rows, real).min(axis=1))


def _way(made: Generated, paths: NDArray[np.float64]) -> dict[str, object]:
    lead = made.one_lead(paths[0])
    return figures.line(
        np.arange(lead.shape[1]),
        {
            "one person": lead[0],
            "half way": lead[POINTS // 2],
            "another": lead[-1],
            "blend of the two": (lead[0] + lead[-1]) / 2,
        },
        x_label="sample",
        y_label="RMS",
        title="half way between two people, in latents and as a blend of signals",
    )
