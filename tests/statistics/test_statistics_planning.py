"""Planning numbers and ends of ranges: people asked for must be enough, and the fewest."""

import math

import pytest
from scipy import integrate, stats

from axis_audit.statistics.r_squared import (
    detectable_r_squared,
    fail_probability,
    pass_probability,
    patients_needed,
    population_r_squared_interval,
    power_at_margin,
)


def chance_of_less(r2, n, d, rho):
    """P(R² <= r2) by Fisher's mixture, integrated with neither nodes nor approximations."""
    f, odds = r2 / d / ((1 - r2) / (n - d - 1)), rho / (1 - rho)
    w = stats.chi2(n - 1)
    inner = lambda x: w.pdf(x) * stats.ncf.cdf(f, d, n - d - 1, x * odds)  # noqa: E731
    return integrate.quad(inner, w.ppf(1e-9), w.isf(1e-9), epsabs=1e-8, limit=200)[0]


@pytest.mark.parametrize(
    ("r2", "n", "d"), [(0.2, 60, 4), (0.45, 40, 1), (0.15, 300, 20), (0.8, 30, 6)]
)
def test_both_ends_leave_the_tail_that_they_state(r2, n, d):
    low, high = population_r_squared_interval(r2, n, d, 0.025)
    assert chance_of_less(r2, n, d, low) == pytest.approx(0.975, abs=2e-3)
    assert chance_of_less(r2, n, d, high) == pytest.approx(0.025, abs=2e-3)
    found = pass_probability(n, d, high, low, 0.025)
    assert found == pytest.approx(chance_of_less(r2, n, d, low), abs=2e-3)
    assert fail_probability(n, d, low, high, 0.025) == pytest.approx(0.975, abs=2e-3)


def test_less_than_chance_gives_is_no_leak():
    """R² .01 of 20 dimensions and 100 people is lower than noise alone makes it."""
    assert population_r_squared_interval(0.01, 100, 20, 0.025) == (0.0, 0.0)
    assert population_r_squared_interval(0.0, 100, 20, 0.025) == (0.0, 0.0)
    low, high = population_r_squared_interval(0.2, 100, 20, 0.025)
    assert (low, high) == (0.0, pytest.approx(0.17, abs=0.03))


@pytest.mark.parametrize(
    ("d", "margin", "tail", "power"),
    [(1, 0.05, 0.025, 0.9), (2, 0.3, 0.1, 0.8), (4, 0.2, 0.01, 0.95), (1, 0.9, 0.4, 0.3)],
)
def test_people_asked_for_are_the_fewest_that_do(d, margin, tail, power):
    enough = next(
        n for n in range(d + 3, 500) if pass_probability(n, d, margin, 0.0, tail) >= power
    )
    found = patients_needed(d, margin, tail, power)
    assert isinstance(found, int)
    assert found == enough


def test_a_margin_nobody_can_pass_or_everybody_does_has_no_number_of_people():
    for margin in (0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match=f"margin .* got {margin}"):
            patients_needed(3, margin)


def test_two_people_more_than_dimensions_say_nothing_and_three_say_something():
    d = 6
    assert population_r_squared_interval(0.2, d + 2, d, 0.025) == (0.0, 1.0)
    assert population_r_squared_interval(0.2, d + 3, d, 0.025)[1] < 1.0
    assert pass_probability(d + 2, d, 0.5, 0.0) == 0.0
    assert pass_probability(d + 3, d, 0.5, 0.0) > 0.0
    assert fail_probability(d + 2, d, 0.05, 0.9, 0.025) == 0.0
    assert fail_probability(d + 3, d, 0.05, 0.9, 0.025) > 0.0
    assert detectable_r_squared(d + 2, d, 0.05, 0.01) == 1.0
    assert detectable_r_squared(d + 3, d, 0.05, 0.01) < 1.0


@pytest.mark.parametrize(("n", "d"), [(0, 1), (1, 0), (-3, 2)])
@pytest.mark.parametrize("ask", [pass_probability, fail_probability])
def test_no_people_or_no_dimensions_are_refused(ask, n, d):
    with pytest.raises(ValueError, match=f"n = {n}, d = {d}"):
        ask(n, d, 0.05, 0.1, 0.025)


@pytest.mark.parametrize("tail", [0.0, 0.5, 0.9])
def test_a_tail_that_is_no_tail_is_refused_everywhere(tail):
    for ask in (
        lambda: pass_probability(50, 2, 0.05, 0.1, tail),
        lambda: fail_probability(50, 2, 0.05, 0.1, tail),
        lambda: power_at_margin(50, 2, 0.05, tail),
        lambda: detectable_r_squared(50, 2, 0.05, tail),
        lambda: population_r_squared_interval(0.1, 50, 2, tail),
    ):
        with pytest.raises(ValueError, match=f"tail .* got {tail}"):
            ask()


def test_rounding_beyond_0_and_1_is_forgiven_and_more_is_not():
    assert population_r_squared_interval(-1e-10, 50, 2, 0.025)[0] == 0.0
    assert population_r_squared_interval(1 + 1e-10, 50, 2, 0.025)[1] == 1.0
    for r2 in (-1e-6, 1 + 1e-6):
        with pytest.raises(ValueError, match="r2 must lie in"):
            population_r_squared_interval(r2, 50, 2, 0.025)


def test_one_person_and_one_dimension_are_allowed_to_say_nothing():
    assert population_r_squared_interval(0.5, 1, 1, 0.025) == (0.0, 1.0)
    assert all(math.isnan(end) for end in population_r_squared_interval(math.nan, 9, 2, 0.025))


def test_a_nearly_perfect_fit_keeps_a_valid_lower_bound():
    """Beyond .9999 the series is slow: the bound of .9999 is below the true one, and high."""
    low, high = population_r_squared_interval(0.99999, 200, 5, 0.025)
    assert low == population_r_squared_interval(0.9999, 200, 5, 0.025)[0]
    assert 0.999 < low < 0.9999 < high == 1.0
    assert population_r_squared_interval(0.9999, 200, 5, 0.025)[1] < 1.0
