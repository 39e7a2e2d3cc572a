"""The rule of `axis-audit compare` on numbers: what counts as a change, and how often by chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from axis_audit.comparison.rule import (
    Move,
    Reading,
    common_region,
    compare_estimates,
    lost_half_its_distance,
    shortfall,
)
from axis_audit.finding import Above, Below, Exactly, Region, Within
from axis_audit.statistics.r_squared import population_r_squared_interval

OPPOSITE = {Move.WORSE: Move.BETTER, Move.BETTER: Move.WORSE}
REGIONS = [Below(0.05), Above(0.4), Within(0.8, 1.2), Exactly(0.0), Below(0.0), Region()]
numbers = st.floats(-5, 5)
arms = st.floats(0, 3) | st.just(math.inf)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    middle = draw(numbers)
    return Reading(middle, (middle - draw(arms), middle + draw(arms)))


@given(readings(), readings(), st.sampled_from(REGIONS))
def test_what_is_worse_one_way_is_better_the_other(
    one: Reading, other: Reading, region: Region
) -> None:
    there, back = compare_estimates(one, other, region), compare_estimates(other, one, region)
    assert back.move is OPPOSITE.get(there.move, there.move)
    assert back.noise == there.noise
    assert back.by == pytest.approx(-there.by, nan_ok=True)


@given(readings(), st.sampled_from(REGIONS))
def test_a_number_is_no_change_of_itself(one: Reading, region: Region) -> None:
    assert compare_estimates(one, one, region).move in (Move.SAME, Move.UNKNOWN)


@given(readings(), readings(), st.sampled_from(REGIONS))
def test_worse_means_farther_from_the_inside(one: Reading, other: Reading, region: Region) -> None:
    found = compare_estimates(one, other, region)
    if found.move is Move.WORSE:
        assert shortfall(other.estimate, region) > shortfall(one.estimate, region)


@given(numbers, arms, arms, st.floats(0, 1), st.sampled_from(REGIONS[:3]))
def test_a_number_within_the_others_interval_is_never_a_change(
    middle: float, below: float, above: float, share: float, region: Region
) -> None:
    old = Reading(middle, (middle - below, middle + above))
    low, high = (x if math.isfinite(x) else middle for x in old.interval)
    inside = low + share * (high - low)
    new = Reading(inside, (inside - below, inside + above))
    assert compare_estimates(old, new, region).move in (Move.SAME, Move.NOISE)


@pytest.mark.parametrize(
    ("old", "new", "region", "move"),
    [
        (0.00, 0.20, Below(0.05), Move.WORSE),
        (0.20, 0.00, Below(0.05), Move.BETTER),
        (0.90, 0.60, Above(0.4), Move.WORSE),
        (1.00, 1.15, Within(0.8, 1.2), Move.WORSE),
        (1.15, 1.00, Within(0.8, 1.2), Move.BETTER),
        (0.90, 1.10, Within(0.8, 1.2), Move.SAME),  # the other side, as far from the end
        (0.30, 0.10, Below(0.05), Move.BETTER),
        (0.10, 0.12, Below(0.05), Move.NOISE),
        (0.10, 0.90, Region(), Move.UNKNOWN),
    ],
)
def test_known_moves(old: float, new: float, region: Region, move: Move) -> None:
    sides = [Reading(x, (x - 0.03, x + 0.03)) for x in (old, new)]
    assert compare_estimates(*sides, region).move is move


def test_noise_is_that_of_independent_estimates() -> None:
    old, new = Reading(0.10, (0.06, 0.13)), Reading(0.16, (0.12, 0.21))
    found = compare_estimates(old, new, Below(0.05))
    assert found.noise == pytest.approx(math.hypot(0.03, 0.04))  # the arms that face each other
    assert found.move is Move.WORSE


def test_an_estimate_outside_its_own_interval_is_not_called_precise() -> None:
    odd = Reading(0.10, (0.01, 0.09))
    assert compare_estimates(Reading(0.05, (0.05, 0.05)), odd, Below(0.05)).move is Move.NOISE


@pytest.mark.parametrize(
    ("old", "new", "region", "changed"),
    [
        (3e-8, 8e-8, Below(0.01), False),  # einthoven_canonical: rounding of single precision
        (1.0, 1.0 + 1e-7, Exactly(1.0), False),
        (0.0, 1e-3, Exactly(0.0), True),
        (0.0, 1.0, Exactly(0.0), True),
    ],
)
def test_exact_numbers_compare_exactly_up_to_rounding(
    old: float, new: float, region: Region, changed: bool
) -> None:
    sides = [Reading(x, (x, x)) for x in (old, new)]
    assert (compare_estimates(*sides, region).move is Move.WORSE) is changed


def test_an_exact_number_may_use_half_of_its_distance() -> None:
    region = Below(0.01)
    readings_ = {x: Reading(x, (x, x)) for x in (0.002, 0.005, 0.007, 0.011, 0.02)}
    assert not lost_half_its_distance(readings_[0.002], readings_[0.005], region)
    assert lost_half_its_distance(readings_[0.002], readings_[0.007], region)
    assert lost_half_its_distance(readings_[0.002], readings_[0.011], region)
    assert lost_half_its_distance(readings_[0.011], readings_[0.02], region)


def test_regions_that_exclude_each_other_have_nothing_in_common() -> None:
    assert common_region(Below(0.05), Above(0.4)) is None
    assert common_region(Below(0.05), Below(0.10)) == Below(0.05)


CHECKS = 30
ALPHA = 0.05
AUDITS = 1000


def _false_alarms(old: list[Reading], new: list[Reading], region: Region) -> np.ndarray:
    pairs = zip(old, new, strict=True)
    return np.array([compare_estimates(a, b, region).move is Move.WORSE for a, b in pairs])


@pytest.mark.parametrize("together", [0.0, 0.9])
def test_two_audits_of_one_model_are_called_worse_at_most_at_the_stated_rate(
    together: float,
) -> None:
    """Normal estimates of 30 checks; `together`: how much two audits of the same people share."""
    rng = np.random.default_rng(0)
    reach = stats.norm.isf(ALPHA / CHECKS)
    errors = np.sqrt(1 - together) * rng.standard_normal((2, AUDITS, CHECKS))
    errors = errors + np.sqrt(together) * rng.standard_normal((1, AUDITS, CHECKS))
    sides = [[Reading(x, (x - reach, x + reach)) for x in e.ravel()] for e in errors]
    alarms = _false_alarms(*sides, Below(10.0)).reshape(AUDITS, CHECKS)
    audits_alarmed = int(alarms.any(axis=1).sum())
    assert audits_alarmed <= stats.binom.isf(1e-3, AUDITS, ALPHA)
    assert (audits_alarmed == 0) == (together > 0)  # conservative on the same people, not idle


@pytest.mark.parametrize("true", [0.0, 0.02, 0.05])
def test_the_rate_holds_for_leaks_near_zero_where_intervals_are_lopsided(true: float) -> None:
    """R² of 16 Gaussian latents, the exact intervals of `leakage.linear`, 1,200 people."""
    rng, n, d = np.random.default_rng(1), 1200, 16
    tail = ALPHA / CHECKS
    grid = np.linspace(0, 0.2, 401)
    ends = np.array([population_r_squared_interval(r, n, d, tail) for r in grid])

    def draw(count: int) -> list[Reading]:
        spread = n * true / (1 - true)
        f = stats.ncf.rvs(d, n - d - 1, spread, size=count, random_state=rng) if true else (
            stats.f.rvs(d, n - d - 1, size=count, random_state=rng)
        )  # fmt: skip
        r2 = d * f / (d * f + n - d - 1)
        adjusted = np.maximum(0, 1 - (1 - r2) * (n - 1) / (n - d - 1))
        low, high = (np.interp(r2, grid, ends[:, side]) for side in (0, 1))
        return [Reading(*row) for row in zip(adjusted, zip(low, high, strict=True), strict=True)]

    count = 4_000
    alarms = int(_false_alarms(draw(count), draw(count), Below(0.05)).sum())
    assert alarms <= stats.binom.isf(1e-3, count, tail)
    leaks = [Reading(0.12, (0.07, 0.18))] * count
    assert _false_alarms(draw(count), leaks, Below(0.05)).mean() > 0.9 * (true < 0.05)
