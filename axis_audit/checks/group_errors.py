"""Screens of the age head's mean error: over everybody, by sex, and by how old people look."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import PredictsAge
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Controls, Interval, Measurement, Within
from axis_audit.registry import check
from axis_audit.statistics.levels import Estimate, Levels

FEWEST = 10
"""People in a group, below which its mean error is not told."""
_FIFTHS = (0.2, 0.4, 0.6, 0.8)


@check(
    family="prediction",
    gate=False,
    claim="Predicted ages are right on average: nobody gains years by being in this cohort",
    acceptable=Within(-3.0, 3.0, "years"),
    cause="the head's offset was fitted on other people, another recorder, or without its mean",
    cure="refit the head's last line on held-out people of the audited kind",
    source="mean of predicted age - age, one record a patient; Student's t",
)
def mean_error(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Mean of predicted age - age. A slope and an MAE can both be good where it is years off."""
    return measured(mean_of(evidence.predictions - evidence.ages, evidence.levels), evidence)


@check(
    family="prediction",
    gate=False,
    claim="Predicted ages are right on average in both sexes and at every predicted age",
    acceptable=Below(5.0, "years"),
    cause="the head saturates or was trained on one sex or one range of ages",
    cure="look at the groups; balance the training people, and do not clip predictions",
    source="mean of predicted age - age by group, Student's t; Bonferroni over the groups",
)
def error_by_group(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Largest |mean of predicted age - age| over sexes and fifths of predicted age.

    By predicted, not by true age: a calibrated head is right on average among people it calls 80,
    and must be years too low among people who are 80 (regression to the mean).
    """
    error, groups = evidence.predictions - evidence.ages, _groups(evidence)
    told = {name: error[rows] for name, rows in groups.items() if rows.sum() >= FEWEST}
    if len(told) < len(_FIFTHS) + 1:
        complaint = f"{evidence.n} people are too few for groups of {FEWEST}"
        estimate = mean_of(error, evidence.levels)
        return measured(_size(estimate), evidence, controls=Controls(complaint=complaint))
    # The worst group is chosen after looking: a FAIL shares its level among them.
    levels = dataclasses.replace(evidence.levels, fail_tail=evidence.levels.fail_tail / len(told))
    means = {name: mean_of(values, levels) for name, values in told.items()}
    sizes = [_size(mean) for mean in means.values()]
    return measured(
        Estimate(
            max(s.value for s in sizes),
            _largest([s.interval for s in sizes]),
            _largest([s.fail_interval for s in sizes]),
        ),
        evidence,
        figure=figures.bars(
            {name: mean.value for name, mean in means.items()},
            intervals=[mean.interval for mean in means.values()],
            x_label="mean of predicted age − age (years)",
            marks={"no error": 0.0},
        ),
        details={
            **{f"{name}: mean error in years": mean.value for name, mean in means.items()},
            **{f"{name}: people": len(values) for name, values in told.items()},
        },
    )


def mean_of(values: NDArray[np.float64], levels: Levels) -> Estimate:
    """The mean of values (n,), one a patient, with Student's intervals; undefined below two."""
    from scipy import stats

    n = len(values)
    if n < 2 or not np.isfinite(values).all():
        return Estimate.undefined()
    centre, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(n)

    def interval(tail: float) -> Interval:
        half = float(stats.t.isf(tail, n - 1)) * float(error)
        return (centre - half, centre + half)

    return Estimate(centre, interval(levels.pass_tail), interval(levels.fail_tail))


def _groups(evidence: Evidence) -> dict[str, NDArray[np.bool_]]:
    predicted = evidence.predictions
    edges = [-np.inf, *np.quantile(predicted, _FIFTHS), np.inf]
    groups = {name: evidence.cohort.sex == name for name in ("female", "male")}
    for i, (low, high) in enumerate(itertools.pairwise(edges)):
        # Where many share one prediction an edge repeats, and the group above it takes them all.
        groups[f"predicted age, fifth {i + 1}"] = (predicted >= low) & (predicted < high)
    return {name: rows for name, rows in groups.items() if rows.any()}


def _size(estimate: Estimate) -> Estimate:
    def size(interval: Interval) -> Interval:
        low, high = interval
        ends = sorted((abs(low), abs(high)))
        return (0.0 if low <= 0 <= high else ends[0], ends[1])

    return Estimate(abs(estimate.value), size(estimate.interval), size(estimate.fail_interval))


def _largest(intervals: list[Interval]) -> Interval:
    ends = np.array(intervals)
    return (float(ends[:, 0].max()), float(ends[:, 1].max()))
