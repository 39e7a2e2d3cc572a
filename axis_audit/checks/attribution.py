"""Do maps of attribution add up, and do they point where the disease shows, beyond chance?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Explains
from axis_audit.checks import figures
from axis_audit.checks.attribution_pictures import examples
from axis_audit.checks.attribution_worst import worst_of
from axis_audit.diseases import labels
from axis_audit.errors import MeasurementError, NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.explained import FEWEST, MOST_MAPS, Explained, explained
from axis_audit.finding import Above, Below, Measurement
from axis_audit.measures import attribution
from axis_audit.registry import check
from axis_audit.statistics.intervals import mean, proportion, quantile
from axis_audit.statistics.levels import Estimate, Levels

Float64Array = NDArray[np.float64]
NOT_CLAIMED = frozenset({"STTC"})
"""Diseases whose maps are not claimed to point: published pointing .11 and share .40, which is what
chance scores of ST segments and T waves at usual rates."""


@check(
    claim="A map adds up to what it explains: the logit less the baseline's",
    acceptable=Below(0.05, "of the difference"),
    cause="too few steps of integration, maps rescaled or smoothed, a baseline that is a patient's",
    cure="more steps; leave maps as the method gives them; one baseline that says nothing",
    source="completeness, Sundararajan et al. 2017, ICML 70:3319; order statistics, worst disease",
)
def completeness(model: Explains, evidence: Evidence) -> Measurement:
    """Median distance of a map's sum from logit(x) - logit(baseline), over that difference.

    Or over the median difference where a person's is smaller. The baseline's logit is one number,
    the median over ill and well: a baseline that is the patient's own record would make nothing
    out of everything. Necessary and no proof: any map can be rescaled to the right sum.
    """
    found = explained(evidence)
    off = {name: _incompleteness(found, name) for name in _plenty(found)}

    def told() -> dict[str, Any]:
        return {f"{name}: nine in ten are within": float(np.quantile(v, 0.9)) for name, v in
                off.items()}  # fmt: skip

    def one(name: str, levels: Levels) -> Estimate:
        return quantile(off[name], 0.5, levels, low=0.0)

    return worst_of(
        found,
        dict(zip(found.diseases, found.diseases, strict=True)),
        one,
        lowest=False,
        x_label="median distance of a map's sum from the logit's difference, relative",
        told=told,
    )


def _plenty(found: Explained) -> list[str]:
    return [name for name in found.diseases if found.cases[name].found >= FEWEST]


def _incompleteness(found: Explained, name: str) -> Float64Array:
    case = found.cases[name]
    everybody = found.evidence.cohort
    well = np.flatnonzero(labels(everybody, case.disease) == 0)
    well = found.evidence.rng(f"people without {name}").permutation(well)[:MOST_MAPS]
    signals = np.concatenate([case.people.signals, everybody.signals[well]])
    silent = found.classified(found.baselines(signals))[:, found.column(name)]
    difference = case.logits - np.median(silent)
    if not np.median(np.abs(difference)) > 0:
        raise MeasurementError(f"most records have the logit of {name} that the baseline has")
    sums = found.maps(name).sum(axis=(1, 2), dtype=np.float64)
    return attribution.incompleteness(sums, difference)


@check(
    claim="The largest attribution stands in the waves where the disease shows, beyond chance",
    acceptable=Above(0.1, "hits above chance"),
    cause="the model decides by something else, or its maps do not say what it decides by",
    cure="look at the maps of those it misses; compare with deletion; look for shortcuts",
    source="pointing game, Zhang et al. 2018, IJCV 126:1084; exact interval, worst disease",
)
def pointing(model: Explains, evidence: Evidence) -> Measurement:
    """Share of the ill whose largest |map| of all leads lies in the disease's waves, less chance.

    Chance is the mean over all circular shifts of the region in time, which keep its size and the
    rhythm of the beats: the share of the record that is masked. No tolerance: a region of a beat
    every second would double with the 15 pixels that Zhang et al. allow in photographs. A constant
    map points nowhere. A tenth above chance is asked for, what people's heart rates change chance
    by. STTC is reported beside and does not decide: nothing better than chance was published of it.
    Maps that follow the steepest samples score as well, without any model: see `own_disease`.
    """
    found = explained(evidence)
    return _located(found, _hits, "hits above chance", "pointing")


@check(
    claim="Attribution lies in the waves where the disease shows, beyond chance",
    acceptable=Above(0.05, "of the map above chance"),
    cause="the model decides by something else, or its maps are spread over everything",
    cure="look at the maps; compare the clean record with one denoised; look for shortcuts",
    source="relevance mass, Arras et al. 2022, Inf. Fusion 81:14; Student's t, worst disease",
)
def in_region(model: Explains, evidence: Evidence) -> Measurement:
    """Mean share of |map| within the disease's waves, less the share of the record that they are.

    That is what any map scores on average over all shifts of the region in time. A silent map has
    no share. A twentieth is asked for; what was published of MI, the least above chance of those
    that decide, is several times that. STTC is reported beside and does not decide.
    """
    found = explained(evidence)
    return _located(found, _shares, "share of |map| above chance", "share")


def _hits(maps: Any, masks: NDArray[np.bool_], levels: Levels) -> Estimate:
    hit = attribution.pointing(maps, masks)
    estimate = proportion(int(hit.sum()), len(hit), levels)
    chance = float(attribution.by_chance(masks).mean())
    return Estimate(
        estimate.value - chance,
        (estimate.interval[0] - chance, estimate.interval[1] - chance),
        (estimate.fail_interval[0] - chance, estimate.fail_interval[1] - chance),
    )


def _shares(maps: Any, masks: NDArray[np.bool_], levels: Levels) -> Estimate:
    return mean(attribution.region_share(maps, masks) - attribution.by_chance(masks), levels)


def _located(found: Explained, measure: Any, x_label: str, published: str) -> Measurement:
    decide = [name for name in found.diseases if name not in NOT_CLAIMED]
    if not decide:
        raise NotApplicable(f"of {', '.join(found.diseases)} no place is claimed")

    def one(name: str, levels: Levels) -> Estimate:
        case = found.cases[name]
        seen = case.masks.any(axis=1)
        estimate: Estimate = measure(found.maps(name)[seen], case.masks[seen], levels)
        return estimate

    beats = {name: int(found.cases[name].masks.any(axis=1).sum()) for name in _plenty(found)}
    few = [
        f"{beats[name]} of the records with {name} have beats; {FEWEST} are needed"
        for name in decide
        if beats.get(name, FEWEST) < FEWEST
    ]
    plenty = [name for name, count in beats.items() if count >= FEWEST]
    return worst_of(
        found,
        {name: name for name in decide if name in plenty or name not in beats},
        one,
        lowest=True,
        x_label=x_label,
        told=lambda: _scores(found, plenty, published),
        more=lambda _: [
            _beside_chance(found, plenty, published),
            *(examples(found, plenty) if published == "share" else []),
        ],
        few=few,
    )


def _score(found: Explained, name: str, published: str) -> Mapping[str, float]:
    case = found.cases[name]
    seen = case.masks.any(axis=1)
    masks = case.masks[seen]
    score = attribution.pointing if published == "pointing" else attribution.region_share
    return {
        name: float(np.mean(score(found.maps(name)[seen], masks))),
        f"{name} by chance": float(attribution.by_chance(masks).mean()),
        f"{name} by the steepest samples": float(
            np.mean(score(attribution.edges(case.people.signals[seen]), masks))
        ),
        f"{name} published": float(getattr(case.disease, published)),
    }


def _scores(found: Explained, names: list[str], published: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in names:
        told |= {f"{published}, {what}": v for what, v in _score(found, name, published).items()}
        case = found.cases[name]
        told[f"{name}: maps, of people who have it"] = f"{len(case.people)} of {case.found}"
    told["reported, not decided on"] = ", ".join(sorted(NOT_CLAIMED & set(names))) or "none"
    return told


def _beside_chance(found: Explained, names: list[str], published: str) -> dict[str, Any]:
    values: dict[str, float] = {}
    for name in names:
        values |= _score(found, name, published)
    return figures.bars(values, x_label=published, title="beside chance and what was published")
