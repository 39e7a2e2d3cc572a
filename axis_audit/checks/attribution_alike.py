"""What maps should resemble, and what they should not: other weights, methods, diseases, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Explains
from axis_audit.checks.attribution_worst import worst_of
from axis_audit.errors import MeasurementError, NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.explained import DECIBELS, FEW, FEWEST, Explained, explained
from axis_audit.finding import Above, Below, Measurement, Region
from axis_audit.measures import attribution
from axis_audit.registry import check
from axis_audit.statistics.intervals import mean
from axis_audit.statistics.levels import Estimate

FAMILY = "attribution"
Float64Array = NDArray[np.float64]
WINDOW = 0.2
"""Seconds over which maps of two methods are summed: some attribute to samples, some to patches."""
_ONE_METHOD = 1 - 1e-6


@check(
    family=FAMILY,
    claim="Maps change with the weights of the model",
    acceptable=Below(0.5, "rank correlation"),
    cause="the explanation shows the signal's edges or peaks and never asks the weights",
    cure="gradients of the logit itself; no guided backpropagation, no smoothing by the input",
    source="Adebayo et al. 2018, NeurIPS 31; partial Spearman correlation, Student's t",
)
def randomisation(model: Explains, evidence: Evidence) -> Measurement:
    """Rank correlation of |maps| with those of the same architecture with weights drawn anew.

    Of the tenth of samples that either ranks highest, given |x - baseline|: input times gradient
    shows the input's envelope whatever the weights, so that plain rank correlations would forgive
    an edge detector or condemn everybody. A map that is wholly told by the signal counts as 1. At
    .5 a quarter of what the ranks say is not the weights'. The worst disease. The other model is
    made by the model itself: that it has another logit is checked, that its maps are made in the
    same way is not.
    """
    found = explained(evidence)

    alike: dict[str, Float64Array] = {}
    for name in _plenty(found):
        few = found.cases[name].few
        given = few - found.baselines(few)
        ours, theirs = found.maps(name)[:FEW], found.of_randomised(name)
        alike[name] = attribution.rank_correlations(ours, theirs, given)

    quiet = {name: int(np.isnan(alike[name]).sum()) for name in alike}

    def signed(name: str) -> float:
        ours, theirs = found.maps(name)[:FEW], found.of_randomised(name)
        return float(attribution.cosines(ours, theirs).mean())

    return worst_of(
        found,
        {
            name: name
            for name in found.diseases
            if name not in quiet or len(alike[name]) - quiet[name] >= FEWEST
        },
        lambda name, levels: mean(alike[name][~np.isnan(alike[name])], levels),
        lowest=False,
        x_label="rank correlation with maps of other weights",
        told=lambda: {f"{name}: cosine of signed maps": signed(name) for name in alike},
        few=[
            f"maps of {name} are silent in {count} of {len(alike[name])} people, weights drawn anew"
            for name, count in quiet.items()
            if len(alike[name]) - count < FEWEST
        ],
        marks={"edge detector": 1.0},
    )


@check(
    family=FAMILY,
    claim="Two methods agree on one disease more than one method on two diseases",
    acceptable=Above(0.05, "cosine"),
    cause="a method is broken, or maps are the same whatever is asked",
    cure="compare the methods' maps; more samples or steps; check that each is of its own logit",
    source="Krishna et al. 2024, TMLR (disagreement); cosines, Student's t, worst pair",
)
def methods_agree(model: Explains, evidence: Evidence, acceptable: Region) -> Measurement:
    """Cosine of two methods' maps of a disease, less that of the claimed method's of two diseases.

    Signed maps, summed over windows of 0.2 s of a lead, since some methods hide patches. Of 15
    people who have two diseases or more; mean over the others, worst of all diseases and methods.
    Methods that give one and the same map are one method under two names, and say nothing.

    Raises:
        MeasurementError: the model has a single method.
        NotApplicable: it knows a single disease.
    """
    found = explained(evidence)
    if len(found.methods) < 2:
        raise MeasurementError(f"{found.methods[0]} is the only method: nothing agrees with it")
    if len(found.diseases) < 2:
        raise NotApplicable("it knows one disease")
    width = max(1, round(WINDOW * evidence.cohort.rate))
    pairs = {f"{n}, {m}": (n, m) for n in found.diseases for m in found.methods[1:]}

    def between(name: str, method: str) -> Float64Array:
        theirs = attribution.coarse(found.other_method(name, method), width)
        ours = attribution.coarse(_of_both(found, name)[: len(theirs)], width)
        others = _of_others(found, name, width)[: len(theirs)]
        return attribution.cosines(ours, theirs) - others

    def one_method(worst: Estimate) -> str:
        if acceptable.excludes(*worst.fail_interval):
            return ""
        same = sorted(
            {
                method
                for name in _plenty(found, both=True)
                for method in found.methods[1:]
                if np.all(
                    attribution.cosines(
                        _of_both(found, name)[:FEWEST], found.other_method(name, method)
                    )
                    > _ONE_METHOD
                )
            }
        )
        return f"{', '.join(same)} gives the maps of {found.methods[0]}" if same else ""

    return worst_of(
        found,
        {pair: name for pair, (name, _) in pairs.items()},
        lambda pair, levels: mean(between(*pairs[pair]), levels),
        lowest=True,
        x_label=f"cosine with {found.methods[0]} of it, less that of other diseases",
        told=lambda: {
            f"{name}: cosine with other diseases": float(_of_others(found, name, width).mean())
            for name in _plenty(found, both=True)
        },
        both=True,
        complaint=one_method,
    )


def _of_both(found: Explained, name: str) -> NDArray[np.float32]:
    """Claimed maps of people who have another disease, too."""
    return np.asarray(found.maps(name)[found.cases[name].both])


def _of_others(found: Explained, name: str, width: int) -> Float64Array:
    """Cosine of these people's maps with those of their other diseases, mean over them, (n,)."""
    others, places = found.other_diseases(name)
    ours = _of_both(found, name)[places]
    alike = attribution.cosines(attribution.coarse(ours, width), attribution.coarse(others, width))
    return np.array([alike[places == row].mean() for row in np.unique(places)])


@check(
    family=FAMILY,
    claim="Maps stand still under small noise",
    acceptable=Above(0.7, "cosine"),
    cause="gradients that shatter, or a method that draws at random",
    cure="more steps or draws; smoother activations; fix the seed of what is drawn",
    source="Alvarez-Melis & Jaakkola 2018 (robustness of explanations); Student's t, worst disease",
)
def stability(model: Explains, evidence: Evidence) -> Measurement:
    """Cosine of maps with those of the same records under white noise at 20 dB.

    At .7 half of a map's power is the same.
    """
    found = explained(evidence)

    def still(name: str) -> Float64Array:
        return attribution.cosines(found.maps(name)[:FEW], found.noisy(name))

    return worst_of(
        found,
        dict(zip(found.diseases, found.diseases, strict=True)),
        lambda name, levels: mean(still(name), levels),
        lowest=True,
        x_label=f"cosine under noise at {DECIBELS:g} dB",
    )


def _plenty(found: Explained, *, both: bool = False) -> list[str]:
    """Diseases of enough people."""
    return [
        name
        for name, case in found.cases.items()
        if (len(case.both) if both else case.found) >= FEWEST
    ]
