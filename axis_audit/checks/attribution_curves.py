"""Does the logit follow the samples that a map ranks, and no others as well?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Explains
from axis_audit.checks import figures
from axis_audit.checks.attribution_worst import worst_of
from axis_audit.errors import NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.explained import FEW, FEWEST, Explained, explained
from axis_audit.explained_curves import SHARES, curve
from axis_audit.finding import Above, Measurement
from axis_audit.registry import check
from axis_audit.statistics.intervals import mean

FAMILY = "attribution"
Float64Array = NDArray[np.float64]
_MARGIN = Above(0.05, "of ill from well")
_AREA = (
    "RISE, Petsiuk et al. 2018; area over the perturbation curve, Samek et al. 2017, IEEE TNNLS "
    "28:2660; Student's t, worst disease"
)


@check(
    family=FAMILY,
    claim="Deleting what a map ranks highest lowers the logit more than the same elsewhere",
    acceptable=_MARGIN,
    cause="the map does not say what the model looks at",
    cure="another method; fewer smoothings; check that map and logit are of one disease",
    source=_AREA,
)
def deletion(model: Explains, evidence: Evidence) -> Measurement:
    """Area between two deletion curves, over the logits that separate ill from well.

    Half a per cent up to a fifth of a record's samples are replaced by the baseline's, those first
    that speak most for the disease. In the other curve as many go in the same pattern, the map
    shifted in time: single samples at random tear a record to noise, which moves logits by itself.
    Ties in random order. In the details what samples at random and the steepest samples do.
    """
    found = explained(evidence)
    return _between(
        found,
        {name: (name, "elsewhere", "map") for name in found.diseases},
        beside=("edges", "chance"),
    )


@check(
    family=FAMILY,
    gate=False,
    claim="Inserting what a map ranks highest raises the logit more than the same elsewhere",
    acceptable=_MARGIN,
    cause="the map shows what the model can do without",
    cure="look at the curve beside deletion's: a map may hold one of several sufficient reasons",
    source=_AREA,
)
def insertion(model: Explains, evidence: Evidence) -> Measurement:
    """As `deletion`, from the baseline on, into which the record's samples are put.

    Reported and no gate: a model that needs a beat's QRS to look at its ST segment is not moved by
    the segment alone, however truly its map says where the evidence is.
    """
    found = explained(evidence)
    each = {name: (name, "map", "elsewhere") for name in found.diseases}
    return _between(found, each, inserted=True)


@check(
    family=FAMILY,
    claim="The leads of a map matter: deleting in them lowers the logit more than in others",
    acceptable=_MARGIN,
    cause="leads in another order than the signal's, or one map copied into all leads",
    cure="compare the lead order of model, map and picture; attribute each lead by itself",
    source=_AREA,
)
def own_leads(model: Explains, evidence: Evidence) -> Measurement:
    """As `deletion`; in the other curve the map stays in its time and moves to other leads,
    by one lead, by half of them and by all but one.

    Raises:
        NotApplicable: a model of one lead.
    """
    found = explained(evidence)
    if len(model.input_spec.leads) < 2:  # type: ignore[attr-defined]
        raise NotApplicable("it looks at one lead")
    each = {name: (name, "other leads", "map") for name in found.diseases}
    return _between(found, each)


@check(
    family=FAMILY,
    claim="A map is of its own disease: deleting by another's lowers this one's logit less",
    acceptable=_MARGIN,
    cause="one map for every disease (R peaks, steep samples), or maps of diseases exchanged",
    cure="attribute each logit by itself; look at the maps of several diseases side by side",
    source=_AREA,
)
def own_disease(model: Explains, evidence: Evidence) -> Measurement:
    """As `deletion`; in the other curve the map of another disease of the same person ranks.

    Of people who have two diseases or more: a map of a disease that somebody has not is of another
    sign, or silent, whatever it shows. What only knows where hearts beat deletes as well for one
    disease as for another.

    Raises:
        NotApplicable: a model of one disease.
    """
    found = explained(evidence)
    if len(found.diseases) < 2:
        raise NotApplicable("it knows one disease")
    each = {name: (name, "other diseases", "own map") for name in found.diseases}
    return _between(found, each, both=True)


def _between(
    found: Explained,
    each: dict[str, tuple[str, str, str]],
    *,
    inserted: bool = False,
    both: bool = False,
    beside: tuple[str, ...] = (),
) -> Measurement:
    """Mean area of the first curve over the second.

    Args:
        each: what is estimated -> disease, by what the first and the second curve go.
        beside: further curves, whose areas over the map's are told.
    """

    def area(name: str, upper: str, lower: str) -> Float64Array:
        above, below = (curve(found, name, by, inserted=inserted) for by in (upper, lower))
        return np.asarray((above - below).mean(axis=1) / found.separation(name))

    def told() -> dict[str, Any]:
        areas: dict[str, Any] = {"people a disease, at most": FEW}
        for name in found.diseases:
            if found.cases[name].found >= FEWEST:
                areas |= {
                    f"{name}: {_WORDS[by]}, over the map's curve": float(
                        area(name, by, "map").mean()
                    )
                    for by in beside
                }
        return areas

    curves = sorted({by for _, *both in each.values() for by in both} | set(beside))
    return worst_of(
        found,
        {what: name for what, (name, *_) in each.items()},
        lambda what, levels: mean(area(*each[what]), levels),
        lowest=True,
        both=both,
        x_label="area between the curves, of what separates ill from well",
        told=told,
        more=lambda name: [_drawn(found, name, curves, inserted)],
    )


_WORDS = {
    "map": "by the map",
    "own map": "by the map",
    "elsewhere": "the map shifted in time",
    "other leads": "the map in other leads",
    "other diseases": "maps of other diseases",
    "edges": "the steepest samples",
    "chance": "samples at random",
}


def _drawn(found: Explained, name: str, curves: list[str], inserted: bool) -> dict[str, Any]:
    return figures.line(
        100 * np.array(SHARES),
        {_WORDS[by]: curve(found, name, by, inserted=inserted).mean(axis=0) for by in curves},
        x_label=f"samples {'inserted' if inserted else 'deleted'} (%)",
        y_label=f"logit of {name}",
        title=f"{name}, the worst; mean over people who have it",
    )
