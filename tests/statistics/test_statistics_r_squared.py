"""A leak's exact interval: a wrong one passes leaking encoders or needs people nobody has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.statistics.r_squared import (
    detectable_r_squared,
    fail_probability,
    pass_probability,
    patients_needed,
    population_r_squared_interval,
    power_at_margin,
)


def simulated_r2(n, d, rho, draws, rng, *, latents="gaussian"):
    """In-sample R² of real least-squares fits, new people every time."""
    found = np.empty(draws)
    for i in range(draws):
        if latents == "gaussian":
            z = rng.standard_normal((n, d))
        else:
            z = rng.standard_t(5, (n, d)) / np.sqrt(5 / 3)
        y = np.sqrt(rho) * z[:, 0] + np.sqrt(1 - rho) * rng.standard_normal(n)
        q = np.linalg.qr(z - z.mean(0))[0]
        y = y - y.mean()
        found[i] = np.sum((q.T @ y) ** 2) / (y @ y)
    return found


def test_one_fold_and_256_dimensions_pass_a_clean_latent_and_not_a_leaking_one():
    # 2,150 people, margin .05, 2.5 % tail: exact values, confirmed by 400,000 draws of F.
    passes = [pass_probability(2150, 256, 0.05, r) for r in (0, 0.02, 0.05, 0.10)]
    np.testing.assert_allclose(passes, [0.977, 0.608, 0.025, 0.0], atol=0.001)
    # At a 5 % tail a clean latent passes 99 % and one leaking .02 passes 73 %.
    loose = [pass_probability(2150, 256, 0.05, r, 0.05) for r in (0, 0.02)]
    np.testing.assert_allclose(loose, [0.990, 0.725], atol=0.001)


@pytest.mark.parametrize("latents", ["gaussian", "heavy-tailed"])
@pytest.mark.parametrize("rho", [0.0, 0.05, 0.4])
def test_interval_covers_the_population_value_for_people_drawn_at_random(latents, rho):
    rng, tail, draws = np.random.default_rng(1), 0.05, 400
    ends = [
        population_r_squared_interval(r2, 200, 20, tail)
        for r2 in simulated_r2(200, 20, rho, draws, rng, latents=latents)
    ]
    too_low = np.mean([high < rho for _, high in ends])
    too_high = np.mean([low > rho for low, _ in ends])
    # 3.5 standard errors of 400 draws; heavy tails make the noise of a large R² larger.
    slack = 0.04 if (latents, rho) != ("heavy-tailed", 0.4) else 0.10
    assert too_low <= tail + slack
    assert too_high <= tail + slack


def test_linear_regression_on_trap_size_is_not_called_clean():
    """True R² .02 at d = 256, n = 2,200 averages 0 out of fold; the interval still holds it."""
    rng = np.random.default_rng(2)
    inside = [
        low <= 0.02 <= high
        for low, high in (
            population_r_squared_interval(r2, 2200, 256, 0.025)
            for r2 in simulated_r2(2200, 256, 0.02, 12, rng)
        )
    ]
    assert sum(inside) >= 10


@given(
    n=st.integers(5, 20_000),
    d=st.integers(1, 512),
    r2=st.floats(0, 1),
    tail=st.sampled_from([0.05, 0.025, 0.05 / 20, 1e-4]),
)
@settings(max_examples=150, deadline=None)
def test_interval_is_ordered_and_inside_0_1_whatever_the_sizes(n, d, r2, tail):
    low, high = population_r_squared_interval(r2, n, d, tail)
    assert 0 <= low <= high <= 1


@given(
    n=st.integers(100, 5000),
    d=st.integers(1, 60),
    r2=st.floats(0.001, 0.95),
    more=st.floats(0.001, 0.04),
)
@settings(max_examples=60, deadline=None)
def test_interval_moves_up_with_r2_and_widens_with_confidence(n, d, r2, more):
    low, high = population_r_squared_interval(r2, n, d, 0.025)
    low2, high2 = population_r_squared_interval(r2 + more, n, d, 0.025)
    assert low2 >= low - 1e-9
    assert high2 >= high - 1e-9
    wide_low, wide_high = population_r_squared_interval(r2, n, d, 0.0025)
    assert wide_low <= low + 1e-9
    assert wide_high >= high - 1e-9


def test_more_dimensions_than_people_say_nothing():
    assert population_r_squared_interval(0.99, 100, 98, 0.025) == (0.0, 1.0)
    assert pass_probability(100, 120, 0.05, 0.0) == 0


def test_nan_stays_nan():
    assert np.isnan(population_r_squared_interval(float("nan"), 100, 3, 0.025)).all()


def test_planning_numbers_agree_with_the_rule_they_plan_for():
    needed = patients_needed(256, 0.05)
    assert pass_probability(needed, 256, 0.05, 0.0) >= 0.9
    assert pass_probability(needed - 1, 256, 0.05, 0.0) < 0.9
    found = detectable_r_squared(1850, 256, 0.05, 0.005)
    assert fail_probability(1850, 256, 0.05, found, 0.005) == pytest.approx(0.9, abs=1e-6)
    assert power_at_margin(1850, 256, 0.05) > 0.9 > power_at_margin(300, 32, 0.05)
    assert fail_probability(1850, 256, 0.05, 0.05, 0.005) == pytest.approx(0.005, abs=1e-9)


@pytest.mark.parametrize(
    "bad", [(0.5, 0, 3, 0.025), (0.5, 9, 0, 0.025), (0.5, 9, 3, 0.7), (1.5, 9, 3, 0.1)]
)
def test_nonsense_is_refused(bad):
    with pytest.raises(ValueError, match=r"must lie|needs at least"):
        population_r_squared_interval(*bad)
