"""Screens of the axis by regression on g: B in each lead, and x50 at the neutral age."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Deforms, PreparesAlongAxis
from axis_audit.checks import figures
from axis_audit.checks.axis import OLDEST, YOUNGEST
from axis_audit.checks.measured import measured
from axis_audit.errors import MeasurementError
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Interval, Measurement, Within
from axis_audit.registry import check
from axis_audit.statistics.levels import Estimate

_FAINT = 0.01
"""A lead with less than this share of B's squared length is left out: it has no direction."""


@check(
    family="axis",
    gate=False,
    claim="In every lead B points the way that beats go with age",
    acceptable=Above(0.25, "<B_plain, B>/<B, B> of the lead"),
    cause="B has the wrong sign in a lead too small to turn the cosine over all leads",
    cure="look at B beside its re-estimate, lead by lead; check signs and the order of leads",
    source="regression of <x, B>/<B, B> on g(age), lead by lead; White 1980, Econometrica 48:817",
)
def every_lead(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """Smallest slope, over leads, of the beats' place along B in that lead on g(age): 1 if B fits.

    Leads with under a hundredth of B's squared length are left out. Bonferroni over leads.
    """
    g = evidence.axis_values
    beats = evidence.prepared.astype(np.float64)
    direction = evidence.direction.reshape(beats.shape[1:])
    lengths = np.sum(direction**2, axis=1)
    if not lengths.any() or np.ptp(g) == 0:
        raise MeasurementError("B or g is constant: no lead has a direction")
    told = np.flatnonzero(lengths >= _FAINT * lengths.sum())
    places = np.einsum("nlt,lt->nl", beats[:, told], direction[told]) / lengths[told]
    slopes, errors = _slopes(g, places)
    tails = (evidence.levels.pass_tail, evidence.levels.fail_tail / len(told))
    narrow, wide = (_smallest(slopes, errors, evidence.n, tail) for tail in tails)
    names = [evidence.cohort.leads[i] for i in told]
    half = _student(evidence.levels.pass_tail, evidence.n) * errors
    return Measurement(
        float(slopes.min()),
        narrow,
        evidence.n,
        evidence.n,
        fail_interval=wide,
        figure=figures.bars(
            dict(zip(names, slopes.tolist(), strict=True)),
            intervals=list(zip(slopes - half, slopes + half, strict=True)),
            x_label="how far beats of the lead follow B (1: as B says)",
            marks={"B fits": 1.0},
        ),
        details={f"slope in {k}": float(v) for k, v in zip(names, slopes, strict=True)},
    )


@check(
    family="axis",
    gate=False,
    claim="The canonical beat is the beat at the neutral age",
    acceptable=Within(-0.1, 0.1, "of g's range"),
    cause="D(z) draws people at another age than a0; x50 is then nobody's beat at a0",
    cure="reconstruct x as D(z) + g(age)·B with g(a0) = 0 from the start of training",
    source="intercept of <x - x50, B>/<B, B> on g(age); White 1980, Econometrica 48:817",
)
def neutral_beat(model: Deforms, evidence: Evidence) -> Measurement:
    """Where people of the neutral age lie along B from their own x50, over g(95) - g(18).

    g(a0) = 0 promises nothing of D: one that draws everybody at 65 passes every test of g.
    """
    g, length = evidence.axis_values, float(np.linalg.norm(evidence.direction))
    span = float(np.ptp(np.asarray(model.axis_value(np.array([YOUNGEST, OLDEST])), np.float64)))
    if np.ptp(g) == 0 or span == 0:
        raise MeasurementError("g is constant: the neutral age has no place on it")
    places = evidence.projections[:, None] / length
    # The intercept is the slope's line at g = 0; its weights on people sum to one.
    slope, _ = _slopes(g, places)
    centre = float(places.mean() - slope[0] * g.mean()) / span
    error = _intercept_error(g, places[:, 0]) / span
    narrow, wide = (
        (centre - half, centre + half)
        for half in (
            _student(tail, evidence.n) * error
            for tail in (evidence.levels.pass_tail, evidence.levels.fail_tail)
        )
    )
    return measured(Estimate(centre, narrow, wide), evidence)


def _intercept_error(g: NDArray[np.float64], places: NDArray[np.float64]) -> float:
    x = g - g.mean()
    total = float(x @ x)
    rest = places - places.mean() - x * (x @ places / total)
    leverage = 1 / len(x) + x**2 / total
    weights = 1 / len(x) - g.mean() * x / total
    return float(np.sqrt(np.sum((weights * rest / (1 - np.minimum(leverage, 0.99))) ** 2)))


def _student(tail: float, n: int) -> float:
    from scipy import stats

    return float(stats.t.isf(tail, n - 2))


def _slopes(
    g: NDArray[np.float64], places: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares slopes of places (n, k) on g (n,), and their robust standard errors."""
    x = g - g.mean()
    total = float(x @ x)
    slopes = x @ places / total
    rest = places - places.mean(axis=0) - np.outer(x, slopes)
    leverage = 1 / len(x) + x**2 / total
    # HC3: residuals of people with much leverage are blown up, which keeps small samples honest.
    scaled = (x / (1 - np.minimum(leverage, 0.99)))[:, None] * rest
    return slopes, np.sqrt(np.sum(scaled**2, axis=0)) / total


def _smallest(
    slopes: NDArray[np.float64], errors: NDArray[np.float64], n: int, tail: float
) -> Interval:
    half = _student(tail, n) * errors
    return (float((slopes - half).min()), float((slopes + half).min()))
