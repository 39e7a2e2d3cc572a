"""What can be drawn of twelve leads from one, and what is left of drawing a lead itself?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.aligned import HIDDEN, PATCH, Aligned, aligned
from axis_audit.capabilities import AlignsLeads
from axis_audit.checks import figures
from axis_audit.checks.alignment_pictures import lead_bars, lead_matrix, redrawn_people
from axis_audit.checks.measured import of_people
from axis_audit.errors import MeasurementError
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.levels import Estimate, Levels
from axis_audit.statistics.worst import largest, shared

FAMILY = "alignment"
Float64Array = NDArray[np.float64]


@check(
    family=FAMILY,
    claim="From every single lead the others are drawn better than a ridge regression draws them",
    acceptable=Below(1.0, "of the ridge's error"),
    cause="the decoders draw a mean beat, or what a linear filter of the lead could draw as well",
    cure="train cross-lead decoding; look at drawn beside recorded leads; compare lead by lead",
    source="ridge on a window of ±0.4 s, fitted on other people; patient bootstrap, worst lead",
)
def one_lead_for_twelve(model: AlignsLeads, evidence: Evidence) -> Measurement:
    """Squared error of the other leads drawn from one, over a ridge's; of the worst source lead.

    Every target lead counts alike: its error is a share of its own power. The source lead itself,
    which is given, does not count. The ridge sees the same lead alone, 0.4 s before and after each
    sample, and is fitted on the fitting people, or cross-fitted on those audited. In the details
    for every source lead the share of the power that the model, the ridge and the mean record leave
    over. Einthoven's law draws no lead from a single one; how far the drawn limb leads are from
    obeying it stands in the details, too.
    """
    found = aligned(evidence)
    ours, ridge = _others(found, found.drawn.errors), _others(found, found.ridge)
    if not np.all(ridge.sum(axis=0) > 0):
        raise MeasurementError("a ridge draws the other leads without any error")
    levels = shared(evidence.levels, len(found.leads))
    each = [_ratio(ours[:, a], ridge[:, a], levels, evidence.seed) for a in range(len(found.leads))]
    shares = _of_power(found, found.drawn.errors)
    shown = "I" if "I" in found.leads else found.leads[0]
    return of_people(
        largest(each),
        found.n,
        figure=figures.attempted(
            lambda: figures.together(
                redrawn_people(found, shown, ours[:, found.leads.index(shown)]),
                lead_bars(
                    {lead: e.value for lead, e in zip(found.leads, each, strict=True)},
                    [e.interval for e in each],
                    "error over the ridge's",
                ),
                lead_matrix(found, 100 * shares, "power left over, source lead by row (%)"),
            )
        ),
        details=_told(found, each, ours, ridge),
    )


def _others(found: Aligned, errors: Float64Array) -> Float64Array:
    """Mean share of the other leads' power left over, (n, source leads)."""
    shares = errors / found.power
    total = shares.sum(axis=2) - np.einsum("naa->na", shares)
    return np.asarray(total / (len(found.leads) - 1))


def _of_power(found: Aligned, errors: Float64Array) -> Float64Array:
    return np.asarray(errors.mean(axis=0) / found.power)


def _ratio(ours: Float64Array, theirs: Float64Array, levels: Levels, seed: int) -> Estimate:
    def statistic(weights: Float64Array) -> Float64Array:
        return np.asarray((weights @ ours) / np.maximum(weights @ theirs, 1e-300))

    return bootstrap(statistic, len(ours), levels, seed=seed)


def _told(
    found: Aligned, each: list[Estimate], ours: Float64Array, ridge: Float64Array
) -> dict[str, object]:
    mean = (found.mean_errors / found.power).mean(axis=1)
    told: dict[str, object] = {}
    for a, lead in enumerate(found.leads):
        low, high = each[a].interval
        told[f"from {lead}: over the ridge's"] = f"{each[a].value:.3f} [{low:.3f}, {high:.3f}]"
        told[f"from {lead}: power left by the model, by the ridge"] = (
            f"{ours[:, a].mean():.3f}, {ridge[:, a].mean():.3f}"
        )
    told["power left by the mean record"] = float(mean.mean())
    if np.isfinite(found.drawn.unlawful).any():
        told["drawn limb leads, off Einthoven's law by (median)"] = float(
            np.nanmedian(found.drawn.unlawful)
        )
    return told


@check(
    family=FAMILY,
    gate=False,
    claim="What is a lead's own is still in its embedding",
    acceptable=Below(0.5, "of the power left over"),
    cause="alignment keeps what leads share and drops what one lead alone shows",
    cure="less weight on alignment at the end, a part of the embedding that is not aligned",
    source="squared error of a lead drawn from itself, over its power; patient bootstrap",
)
def lead_specific(model: AlignsLeads, evidence: Evidence) -> Measurement:
    """Share of a lead's power that is not in its own drawing from itself, mean over leads.

    Reported and no gate: to share a space is to give something up, and no paper says how much of it
    may be.
    """
    found = aligned(evidence)
    own = np.einsum("naa->na", found.drawn.errors) / found.power
    person = own.mean(axis=1)

    def statistic(weights: Float64Array) -> Float64Array:
        return np.asarray(weights @ person / weights.sum(axis=1))

    estimate = bootstrap(statistic, found.n, evidence.levels, seed=evidence.seed)
    by_lead = own.mean(axis=0)
    return of_people(
        estimate,
        found.n,
        figure=figures.bars(
            {lead: float(v) for lead, v in zip(found.leads, by_lead, strict=True)},
            x_label="power of the lead left over",
            title="each lead drawn from itself",
        ),
        details={
            "worst lead": f"{found.leads[int(by_lead.argmax())]}: {by_lead.max():.3f}",
            "best lead": f"{found.leads[int(by_lead.argmin())]}: {by_lead.min():.3f}",
        },
    )


@check(
    family=FAMILY,
    claim="Reconstruction survived its curriculum: hidden patches are completed",
    acceptable=Below(0.8, "of the better simple guess's error"),
    cause="reconstruction had no weight at the end of training, and the decoders were forgotten",
    cure="a floor under the weight of reconstruction, or decoders trained on the frozen encoders",
    source="masked patches, as published (arXiv 2405.19359); patient bootstrap",
)
def reconstruction_left(model: AlignsLeads, evidence: Evidence) -> Measurement:
    """Squared error on hidden patches, over that of a straight line or the mean record.

    A quarter of each lead is hidden in patches of 0.2 s. The better of the two simple guesses
    counts. The model is given signals with the line drawn over what is hidden, so that it cannot
    look. Every lead counts alike.
    """
    found = aligned(evidence)
    hidden = found.completed
    power = hidden.power.mean(axis=0)
    if not np.all(power > 0):
        raise MeasurementError("a lead is silent in everybody's hidden patches")
    shares = {
        name: (errors / power).mean(axis=1)
        for name, errors in (("model", hidden.model), ("line", hidden.line), ("mean", hidden.mean))
    }

    def statistic(weights: Float64Array) -> Float64Array:
        best = np.minimum(weights @ shares["line"], weights @ shares["mean"])
        return np.asarray((weights @ shares["model"]) / np.maximum(best, 1e-300))

    estimate = bootstrap(statistic, found.n, evidence.levels, seed=evidence.seed)
    by_lead = hidden.model.mean(axis=0) / power
    return of_people(
        estimate,
        found.n,
        figure=figures.bars(
            {lead: float(v) for lead, v in zip(found.leads, by_lead, strict=True)},
            x_label="power of hidden patches left over",
            marks={
                "line": float(shares["line"].mean()),
                "mean record": float(shares["mean"].mean()),
            },
        ),
        details={
            "power left by the model": float(shares["model"].mean()),
            "power left by a straight line": float(shares["line"].mean()),
            "power left by the mean record": float(shares["mean"].mean()),
            "hidden, share": HIDDEN,
            "patches in s": PATCH,
        },
    )
