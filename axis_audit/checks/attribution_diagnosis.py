"""Is the classifier right, before anybody asks why: at home, and at other hospitals untrained."""

from __future__ import annotations

from typing import Any

import numpy as np

from axis_audit.capabilities import Classifies
from axis_audit.checks import figures
from axis_audit.checks.diagnosed import (
    Diagnosed,
    at_home,
    diagnosed,
    every_disease,
    logits,
)
from axis_audit.checks.measured import of_people
from axis_audit.diseases import BY_NAME, SURE, labels, unsure, vocabularies
from axis_audit.errors import NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Controls, Exactly, Measurement
from axis_audit.registry import check
from axis_audit.statistics.auc import auc

FAMILY = "attribution"
BELOW_PUBLISHED = 0.03
"""How far below the published area the lower bound may lie."""
ELSEWHERE = 0.80
"""Nobody has published areas of this classifier at other hospitals: a floor of usefulness."""
_UNIT = "area under the ROC curve"
_SOURCE = "DeLong 1988 on the logit's line, few losers by Clopper-Pearson; one record a patient"
_CAUSE = "too little training, labels that are not certain, or a disease seen in the wrong place"
_CURE = "look at the people scored worst; train longer; compare with the published recipe"
_CAUSE_ELSEWHERE = "what was learned belongs to one hospital: its devices, filters, habits of words"
_CURE_ELSEWHERE = "look at filters, amplitudes and codes there; train on more than one source"


def _published(name: str) -> float:
    return round(BY_NAME[name].auc - BELOW_PUBLISHED, 3)


@check(
    family=FAMILY, acceptable=Above(_published("MI"), _UNIT), cause=_CAUSE, cure=_CURE,
    claim="Infarction is told from its absence as well as published, less .03", source=_SOURCE,
)  # fmt: skip
def auc_mi(model: Classifies, evidence: Evidence) -> Measurement:
    """Area under the ROC curve, the certain (likelihood 100) against those without a statement."""
    return _at_home(model, evidence, "MI")


@check(
    family=FAMILY, acceptable=Above(_published("STTC"), _UNIT), cause=_CAUSE, cure=_CURE,
    claim="ST and T wave changes are told from their absence as well as published, less .03",
    source=_SOURCE,
)  # fmt: skip
def auc_sttc(model: Classifies, evidence: Evidence) -> Measurement:
    """Area under the ROC curve, the certain (likelihood 100) against those without a statement."""
    return _at_home(model, evidence, "STTC")


@check(
    family=FAMILY, acceptable=Above(_published("CD"), _UNIT), cause=_CAUSE, cure=_CURE,
    claim="Conduction disturbances are told from their absence as well as published, less .03",
    source=_SOURCE,
)  # fmt: skip
def auc_cd(model: Classifies, evidence: Evidence) -> Measurement:
    """Area under the ROC curve, the certain (likelihood 100) against those without a statement."""
    return _at_home(model, evidence, "CD")


@check(
    family=FAMILY, acceptable=Above(_published("HYP"), _UNIT), cause=_CAUSE, cure=_CURE,
    claim="Hypertrophy is told from its absence as well as published, less .03", source=_SOURCE,
)  # fmt: skip
def auc_hyp(model: Classifies, evidence: Evidence) -> Measurement:
    """Area under the ROC curve, the certain (likelihood 100) against those without a statement."""
    return _at_home(model, evidence, "HYP")


@check(
    family=FAMILY, acceptable=Above(ELSEWHERE, _UNIT), cause=_CAUSE_ELSEWHERE,
    cure=_CURE_ELSEWHERE, claim="Infarction is known at other hospitals", source=_SOURCE,
)  # fmt: skip
def transfer_mi(model: Classifies, evidence: Evidence) -> Measurement:
    """Area under the ROC curve where diagnoses are codes; sure codes against none (zero-shot)."""
    return _elsewhere(model, evidence, "MI")


@check(
    family=FAMILY, acceptable=Above(ELSEWHERE, _UNIT), cause=_CAUSE_ELSEWHERE,
    cure=_CURE_ELSEWHERE, claim="ST and T wave changes are known at other hospitals",
    source=_SOURCE,
)  # fmt: skip
def transfer_sttc(model: Classifies, evidence: Evidence) -> Measurement:
    """Area under the ROC curve where diagnoses are codes; sure codes against none (zero-shot)."""
    return _elsewhere(model, evidence, "STTC")


@check(
    family=FAMILY, acceptable=Above(ELSEWHERE, _UNIT), cause=_CAUSE_ELSEWHERE,
    cure=_CURE_ELSEWHERE, claim="Conduction disturbances are known at other hospitals",
    source=_SOURCE,
)  # fmt: skip
def transfer_cd(model: Classifies, evidence: Evidence) -> Measurement:
    """Area under the ROC curve where diagnoses are codes; sure codes against none (zero-shot)."""
    return _elsewhere(model, evidence, "CD")


@check(
    family=FAMILY, acceptable=Above(ELSEWHERE, _UNIT), cause=_CAUSE_ELSEWHERE,
    cure=_CURE_ELSEWHERE, claim="Hypertrophy is known at other hospitals", source=_SOURCE,
)  # fmt: skip
def transfer_hyp(model: Classifies, evidence: Evidence) -> Measurement:
    """Area under the ROC curve where diagnoses are codes; sure codes against none (zero-shot)."""
    return _elsewhere(model, evidence, "HYP")


@check(
    family=FAMILY,
    claim="Who has a disease is said so that certain is told from likely",
    acceptable=Exactly(0.0, "people"),
    exact=True,
    cause="likelihoods given as per mille, as shares, or not as numbers",
    cure="give likelihoods from 0 to 100, 100 for what is certain",
    source="pure labels: certain ones against none, the others left out",
)
def label_policy(model: Classifies, evidence: Evidence) -> Measurement:
    """People a likelihood of whom is none: not from 0 to 100, or no number.

    In the details how many of each disease were counted, left out as unsure and never annotated;
    and the area if the unsure were positives. A cohort that decides no disease cannot PASS here:
    maps of a classifier that nobody has tested certify nothing.
    """
    cohort, details = evidence.cohort, dict[str, Any]()
    wrong = sum(not all(0 <= v <= SURE for v in given.values()) for given in cohort.diagnoses)
    for name in (name for name in model.diseases if name in BY_NAME):
        known, doubt = labels(cohort, BY_NAME[name]), unsure(cohort, BY_NAME[name])
        ill, well, left_out = (int(np.sum(m)) for m in (known == 1.0, known == 0.0, doubt))
        details[f"{name}: people with, without, unsure, not annotated"] = (
            f"{ill}, {well}, {left_out}, {len(cohort) - ill - well - left_out}"
        )
        if left_out and well:
            either = (known == 0.0) | (known == 1.0) | doubt
            scores = logits(model, evidence)[either, list(model.diseases).index(name)]
            area = auc(scores, known[either] != 0.0, evidence.levels).value
            details[f"{name}: area with the unsure as positives"] = area
    complaint = ""
    try:
        every_disease(model, evidence)
    except NotApplicable as reason:
        complaint = f"{reason}: nobody can say whether the classifier is right"
    return Measurement(
        float(wrong), (float(wrong), float(wrong)), evidence.n, evidence.n, exact=True,
        controls=Controls(complaint="" if wrong else complaint), details=details,
    )  # fmt: skip


def _at_home(model: Classifies, evidence: Evidence, name: str) -> Measurement:
    found = diagnosed(model, evidence, name)
    if not at_home(evidence):
        raise NotApplicable(
            f"{evidence.cohort.name} gives codes without likelihoods, as other hospitals do: see "
            f"attribution.transfer_{name.casefold()}"
        )
    return _area(found, evidence, {"published": found.disease.auc})


def _elsewhere(model: Classifies, evidence: Evidence, name: str) -> Measurement:
    found = diagnosed(model, evidence, name)
    if at_home(evidence):
        raise NotApplicable(
            f"{evidence.cohort.name} gives statements with likelihoods, as at home: see "
            f"attribution.auc_{name.casefold()}"
        )
    spoken = vocabularies(evidence.cohort)[found.rows]
    sources = evidence.cohort.site[found.rows[spoken == "codes"]].tolist()
    named = ", ".join(sorted({s or "not named" for s in sources}))
    return _area(found, evidence, {"sources": named})


def _area(found: Diagnosed, evidence: Evidence, told: dict[str, Any]) -> Measurement:
    """The area with its interval, or all of [0, 1] where there are too few people."""
    details = {"people with it": found.ill, "people without": found.well, **told}
    estimate = auc(found.scores, found.positive, evidence.levels)
    if found.complaint:
        value = estimate.value if min(found.ill, found.well) >= 2 else 0.5
        return Measurement(
            value, (0.0, 1.0), len(found.rows), len(found.rows), fail_interval=(0.0, 1.0),
            controls=Controls(complaint=found.complaint), details=details,
        )  # fmt: skip
    return of_people(
        estimate, len(found.rows), figure=figures.attempted(lambda: _curve(found)), details=details
    )


def _curve(found: Diagnosed) -> dict[str, Any]:
    ill, well = (np.sort(found.scores[mask]) for mask in (found.positive, ~found.positive))
    false = np.linspace(0.0, 1.0, 101)
    at = np.quantile(well, 1.0 - false, method="higher")
    right = 1.0 - np.searchsorted(ill, at, "left") / len(ill)
    return figures.line(
        false, {found.disease.title: right, "chance": false}, x_label="1 - specificity",
        y_label="sensitivity", title=f"{found.ill} with {found.disease.name}, {found.well} without",
    )  # fmt: skip
