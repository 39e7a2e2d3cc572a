"""Do the leads of one recording meet in one space, without everybody meeting there?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.aligned import Aligned, aligned
from axis_audit.capabilities import AlignsLeads
from axis_audit.checks import figures
from axis_audit.checks.alignment_pictures import lead_matrix, retrieval_curves
from axis_audit.checks.measured import of_people
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Controls, Measurement, Region
from axis_audit.measures import shared_space
from axis_audit.measures.collapse import participation_ratio
from axis_audit.measures.mmd import off_diagonal_mean
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.levels import Estimate
from axis_audit.statistics.pairs import gap, pair_mean
from axis_audit.statistics.worst import largest, shared

_FEW = 64
"""People whose other leads are exchanged."""
_SOME = 500
"""People of whom retrieval is also measured otherwise, for comparison."""
_STANDS_STILL = 1e-3
"""Change of an output, in its SD, that is none where the lead itself is another person's."""


@check(
    claim="An embedding of one lead finds another lead of the same recording among everybody's",
    acceptable=Above(0.9, "of other recordings are farther"),
    cause="each lead has a space of its own, or all embeddings are alike",
    cure="more weight on alignment, harder negatives, one projection for all leads; see uniformity",
    source="area under the ROC curve of cosines (Hanley & McNeil 1982); patient bootstrap",
)
def retrieval(model: AlignsLeads, evidence: Evidence) -> Measurement:
    """Share of other recordings that are farther away than the right one, by the angle.

    Mean over all ordered pairs of different leads: the query is one lead, everybody's other lead
    the gallery. A tie counts half, so a constant embedding gets .5, like chance; how many people
    there are does not matter. In the details: how often the right one comes first (that depends on
    their number), what is left when the second lead is taken from elsewhere in the record, a third
    of it later (much less means that embeddings tell the moments of beats rather than their
    shapes), and what plain log spectra reach, which tell the rhythm: .96 in PTB-XL. Retrieval is
    needed for alignment and no proof of learning.
    """
    found = aligned(evidence)
    units = shared_space.directions(found.embeddings)
    farther, nearer = shared_space.farther_everywhere(units)
    behind = farther.astype(np.float64)
    estimate = bootstrap(off_diagonal_mean(behind), found.n, evidence.levels, seed=evidence.seed)
    by_pair = _off_diagonal(1.0 - nearer.mean(axis=2))
    first = _off_diagonal((nearer <= 0.0).mean(axis=2))
    return of_people(
        estimate,
        found.n,
        figure=figures.attempted(
            lambda: figures.together(
                lead_matrix(found, 100 - 100 * by_pair, "other recordings that are as near (%)"),
                retrieval_curves(found, nearer),
            )
        ),
        details={
            "first of all, mean over pairs of leads": float(np.nanmean(first)),
            "first of all, by chance": 1.0 / found.n,
            "worst pair of leads": float(np.nanmin(by_pair)),
            "best pair of leads": float(np.nanmax(by_pair)),
            **_for_comparison(found, units),
            "people": found.n,
        },
    )


def _off_diagonal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.array(values)
    np.fill_diagonal(found, np.nan)
    return found


def _for_comparison(found: Aligned, units: NDArray[np.float32]) -> dict[str, float]:
    """The same share of some people: of another place in the record, and of plain spectra."""
    some = slice(0, min(_SOME, found.n))
    signals = found.people.signals[some]
    later = np.roll(signals, signals.shape[2] // 3, axis=2)
    others = shared_space.directions(found.embedded(later))
    plain = shared_space.directions(shared_space.spectra(signals))
    return {
        "second lead from elsewhere in the record": shared_space.share_farther(
            units[:, some], others
        ),
        "of spectra that nobody trained": shared_space.share_farther(plain, plain),
    }


@check(
    claim="Embeddings of two leads are alike where they are of one recording, and only there",
    acceptable=Above(0.5, "of correlation"),
    cause="agreement by collapse: all embeddings share one large mean; or leads do not agree",
    cure="negatives in the loss, centred embeddings, more weight on alignment",
    source="correlation across leads, as published (arXiv 2405.19359), less that of two recordings",
)
def correlation(model: AlignsLeads, evidence: Evidence) -> Measurement:
    """Cosine of two leads' embeddings about the mean of all, less that of two recordings.

    Mean over pairs of leads. The mean is one for all leads and people, so that a lead with a place
    of its own is seen. Where embeddings vary by less than a ten-thousandth of their size they are
    constant, and the correlation is 0. The published figure, the correlation of embeddings as they
    are, is near 1 for a constant: it stands in the details beside what two recordings have.
    """
    found = aligned(evidence)
    centred = shared_space.centred_directions(found.embeddings)
    cosines, by_pair = shared_space.cosines_of_pairs(centred)
    as_they_are, _ = shared_space.cosines_of_pairs(shared_space.directions(found.embeddings))
    strangers = (as_they_are.sum() - np.trace(as_they_are)) / (found.n * (found.n - 1))
    return of_people(
        gap(cosines, evidence.levels),
        found.n,
        figure=figures.attempted(
            lambda: lead_matrix(found, 100 * by_pair, "correlation beyond two recordings' (%)")
        ),
        details={
            "as they are, one recording": float(np.trace(as_they_are) / found.n),
            "as they are, two recordings": float(strangers),
            "worst pair of leads": float(np.nanmin(by_pair)),
            "best pair of leads": float(np.nanmax(by_pair)),
        },
    )


@check(
    claim="Embeddings of different people are spread out: they have not collapsed",
    acceptable=Below(-1.5, "log"),
    cause="collapse onto a point, a line or a cone: leads agree because everybody does",
    cure="harder negatives or a uniformity term; take the common mean out of the embedding",
    source="uniformity: Wang & Isola 2020, arXiv 2005.10242 (t = 2); Hoeffding 1948",
)
def uniformity(model: AlignsLeads, evidence: Evidence) -> Measurement:
    """Log of the mean of exp(-2 |u - v|²) over pairs of people, of the lead where it is worst.

    u, v are embeddings at unit length. 0 where all are one; -.69 on two opposite points, -1.57 on a
    circle, -4 + 8/d on a sphere in many dimensions d. The margin asks for about a circle's.
    """
    found = aligned(evidence)
    units = shared_space.directions(found.embeddings)
    levels = shared(evidence.levels, len(units))
    each = [_logged(pair_mean(shared_space.crowding(rows), levels)) for rows in units]
    dimensions = found.embeddings.shape[2]
    sphere = shared_space.uniformity_of_sphere(dimensions)
    pooled = found.embeddings.mean(axis=0)
    return of_people(
        largest(each),
        found.n,
        figure=figures.limited(
            figures.bars(
                {lead: e.value for lead, e in zip(found.leads, each, strict=True)},
                intervals=[e.interval for e in each],
                x_label="uniformity (log); 0: all are one",
                marks={"evenly on a sphere": sphere},
            ),
            "x",
        ),
        details={
            "mean over leads": float(np.mean([e.value for e in each])),
            "dimensions": dimensions,
            "evenly on a sphere of so many": sphere,
            "participation ratio, each dimension at unit variance": participation_ratio(pooled),
        },
    )


def _logged(estimate: Estimate) -> Estimate:
    def ends(interval: tuple[float, float]) -> tuple[float, float]:
        low, high = np.log(np.clip(interval, 1e-12, 1.0))
        return float(low), float(high)

    value = float(np.log(np.clip(estimate.value, 1e-12, 1.0)))
    return Estimate(value, ends(estimate.interval), ends(estimate.fail_interval))


@check(
    claim="What is said of one lead does not depend on the others",
    acceptable=Below(1e-4, "SD of the output"),
    exact=True,
    cause="the other leads are looked at: in a scale of the whole record, a shared layer, a lookup",
    cure="give the network that one lead, normalised by itself",
    source="the other leads are taken from another person; exact",
)
def own_lead_only(model: AlignsLeads, evidence: Evidence, acceptable: Region) -> Measurement:
    """Largest change of `embed` or `reconstruct_leads` when all other leads are somebody else's.

    In the output's SD over people; of 64 people and every lead. A control beside it: with somebody
    else's own lead the output must change, or its independence of the others says nothing.
    """
    found = aligned(evidence)
    signals = found.people.signals[:_FEW]
    # Another person's, and larger: a scale of the whole record would move.
    others = np.roll(signals, 1, axis=0) * np.float32(1.5)
    asked = {"embeddings": found.embed, "drawn leads": found.draw}
    moved: dict[str, float] = {}
    deaf: list[str] = []
    for k, lead in enumerate(found.leads):
        foreign = others.copy()
        foreign[:, k] = signals[:, k]
        swapped = signals.copy()
        swapped[:, k] = np.roll(signals[:, k], 1, axis=0)
        for name, ask in asked.items():
            plain = ask(signals, lead)
            moved[f"{name} of {lead}"] = _in_deviations(plain, ask(foreign, lead))
            if _in_deviations(plain, ask(swapped, lead)) < _STANDS_STILL:
                deaf.append(f"{name} of {lead}")
    worst = float(np.max(list(moved.values())))
    complaint = ""
    if deaf and worst <= acceptable.high:
        complaint = f"{', '.join(deaf[:3])} do not depend on their own lead either: nothing is told"
    return Measurement(
        worst,
        (worst, worst),
        len(signals),
        len(signals),
        exact=True,
        controls=Controls(complaint=complaint),
        details=moved,
    )


def _in_deviations(values: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    ours, theirs = (np.asarray(v, np.float64).reshape(len(v), -1) for v in (values, others))
    spread, change = float(ours.std(axis=0).max()), float(np.abs(ours - theirs).max())
    return change / spread if spread > 0 else change
