"""Does a classifier know the disease, or the group: the device, the sex, the age? And its odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from axis_audit.capabilities import Classifies
from axis_audit.checks import figures
from axis_audit.checks.diagnosed import FEWEST, Diagnosed, every_disease
from axis_audit.checks.measured import of_people
from axis_audit.errors import NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement, Within
from axis_audit.measures.logits import calibration_error, recalibrated
from axis_audit.registry import check
from axis_audit.statistics.auc import drop_within, within_groups
from axis_audit.statistics.levels import Estimate, Levels
from axis_audit.statistics.worst import largest, shared

FAMILY = "attribution"
LENT = 0.03
"""Of the area under the ROC curve."""
_UNIT = "of the area under the ROC curve"
_SOURCE = "area over all pairs less that over pairs of one group; influence of every person"


@check(
    family=FAMILY,
    claim="The disease is told among people of one device as well as among all",
    acceptable=Below(LENT, _UNIT),
    cause="the ill were recorded with other devices, and the classifier knows devices",
    cure="balance devices; train with a device head whose gradient is reversed; unify filters",
    source=_SOURCE,
)
def device_read(model: Classifies, evidence: Evidence) -> Measurement:
    """Area over all pairs of ill and well, less the area over pairs of one device; worst disease.

    What a device lends to the score tells pairs of two devices apart and no pair of one. A
    classifier that knows nothing but the device is left with .5.

    Raises:
        NotApplicable: fewer than two devices are known, or no disease has 20 ill and 20 well of
            devices that saw both.
    """
    return _lent(model, evidence, evidence.cohort.device, "device")


@check(
    family=FAMILY,
    gate=False,
    claim="The disease is told among people of one sex as well as among all",
    acceptable=Below(LENT, _UNIT),
    cause="sex shows in an ECG, and where it goes with the disease a classifier may lean on it",
    cure="nothing, if sex is a fair part of the question; otherwise train within sexes",
    source=_SOURCE,
)
def sex_read(model: Classifies, evidence: Evidence) -> Measurement:
    """As `device_read`, of women and men; reported, no gate: sex is a cause of some diseases."""
    return _lent(model, evidence, evidence.cohort.sex, "sex")


@check(
    family=FAMILY,
    gate=False,
    claim="The disease is told among people of one decade as well as among all",
    acceptable=Below(LENT, _UNIT),
    cause="age shows in an ECG, and most diseases go with it",
    cure="nothing, if age is a fair part of the question; otherwise match ages",
    source=_SOURCE,
)
def age_read(model: Classifies, evidence: Evidence) -> Measurement:
    """As `device_read`, of people born in one decade of age; reported, no gate: age is a cause."""
    decades = np.array([f"{int(age) // 10 * 10}s" for age in evidence.ages])
    return _lent(model, evidence, decades, "decade of age")


@check(
    family=FAMILY,
    gate=False,
    claim="Logits are log odds, but for a factor of two",
    acceptable=Within(0.5, 2.0, "slope of the log odds"),
    cause="a focal loss or a long training, which make logits too small or too large",
    cure="fit one temperature and one offset a disease on people set apart",
    source="logistic recalibration, Cox 1958; Wald interval; expected calibration error",
)
def calibration(model: Classifies, evidence: Evidence) -> Measurement:
    """Slope of the log odds of a disease on its logit, of the disease farthest from 1.

    Reported, no gate: leaving out the unsure shifts the odds themselves (the intercept) by as
    much as there are of them, here as in training, and ranks do not care. Intercepts and expected
    calibration errors, with the unsure left out, stand in the details.

    Raises:
        NotApplicable: of every disease the ill and the well are told apart without a mistake.
    """
    every = every_disease(model, evidence)
    levels, slopes, told = shared(evidence.levels, len(every)), dict[str, Estimate](), {}
    for one in every:
        name, line = one.disease.name, recalibrated(one.scores, one.positive)
        told[f"{name}: expected calibration error"] = calibration_error(one.scores, one.positive)
        if line.settled:
            slopes[name] = _normal(line.slope, line.error, levels)
            told[f"{name}: intercept"] = line.intercept
    if not slopes:
        raise NotApplicable("ill and well are told apart without a mistake: no slope is too steep")
    worst = max(slopes, key=lambda name: _off(slopes[name].value))
    counted = {one.disease.name: len(one.rows) for one in every}
    return of_people(
        slopes[worst],
        counted[worst],
        figure=_bars(slopes, "slope of the log odds on the logit"),
        details={"farthest from 1": worst, **told},
    )


def _off(slope: float) -> float:
    return abs(float(np.log(slope))) if slope > 0 else np.inf


def _normal(value: float, error: float, levels: Levels) -> Estimate:
    tails = (levels.pass_tail, levels.fail_tail)
    halves = [float(special.ndtri(1 - tail)) * error for tail in tails]
    low, high = ((value - half, value + half) for half in halves)
    return Estimate(value, low, high)


def _lent(
    model: Classifies, evidence: Evidence, groups: NDArray[np.str_], word: str
) -> Measurement:
    if len(set(groups.tolist()) - {""}) < 2:
        raise NotApplicable(f"{evidence.cohort.name} does not tell people's {word}s apart")
    every = [(one, groups[one.rows] != "") for one in every_disease(model, evidence)]
    usable = {one: known for one, known in every if _enough(one, groups[one.rows])}
    if not usable:
        raise NotApplicable(
            f"of no disease are there {FEWEST} ill and {FEWEST} well within one {word} and another"
        )
    levels, drops, told = shared(evidence.levels, len(usable)), dict[str, Estimate](), {}
    for one, known in usable.items():
        scores, positive, own = one.scores[known], one.positive[known], groups[one.rows][known]
        name = one.disease.name
        drops[name] = drop_within(scores, positive, own, levels)
        told[f"{name}: area within one {word}"] = within_groups(scores, positive, own)[0]
    worst = max(drops, key=lambda name: drops[name].value)
    n = max(int(known.sum()) for known in usable.values())
    return of_people(
        largest(list(drops.values())),
        n,
        figure=_bars(drops, f"area that the {word} lends"),
        details={"most is lent to": worst, **told},
    )


def _enough(one: Diagnosed, groups: NDArray[np.str_]) -> bool:
    """Whether enough ill and well are of groups that saw both."""
    both = [
        (int(one.positive[groups == g].sum()), int((~one.positive[groups == g]).sum()))
        for g in set(groups.tolist()) - {""}
    ]
    ill, well = (sum(pair[side] for pair in both if min(pair)) for side in (0, 1))
    return min(ill, well) >= FEWEST


def _bars(values: dict[str, Estimate], label: str) -> dict[str, object]:
    return figures.bars(
        {name: e.value for name, e in values.items()},
        x_label=label,
        intervals=[e.interval for e in values.values()],
    )
