"""MMD between populations of people: unbiased, by person, and what its interval covers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.measures import mmd
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.levels import Levels

ONE = np.ones((1, 60))


def estimate_of(h):
    return float(mmd.off_diagonal_mean(h)(np.ones((1, len(h))))[0])


def by_loops(real, made, owners, bandwidth):
    """The estimator as Gretton et al. write it, people by people and row by row."""

    def kernel(a, b):
        return np.exp(-np.sum((a - b) ** 2) / (2 * bandwidth**2))

    people = np.unique(owners)
    total, pairs = 0.0, 0
    for i in people:
        for j in people:
            if i == j:
                continue
            mine, theirs = np.flatnonzero(owners == i), np.flatnonzero(owners == j)
            values = [
                kernel(real[a], real[b])
                + kernel(made[a], made[b])
                - kernel(real[a], made[b])
                - kernel(made[a], real[b])
                for a in mine
                for b in theirs
            ]
            total, pairs = total + np.mean(values), pairs + 1
    return total / pairs


@given(seed=st.integers(0, 1000), people=st.integers(2, 6), size=st.floats(0.3, 5))
@settings(max_examples=25, deadline=None)
def test_the_paired_estimate_is_the_one_of_the_paper(seed, people, size):
    rng = np.random.default_rng(seed)
    owners = np.concatenate([np.arange(people), rng.integers(people, size=4)])
    real = rng.standard_normal((len(owners), 3))
    made = real + 0.5 * rng.standard_normal(real.shape)
    found = estimate_of(mmd.paired(real, made, owners, size))
    assert found == pytest.approx(by_loops(real, made, owners, size), abs=1e-12)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_nothing_lost_is_exactly_zero_and_order_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    real = rng.standard_normal((12, 4))
    owners = np.arange(12) // 2
    assert np.abs(mmd.paired(real, real, owners, 1.0)).max() < 1e-12
    made = real * 0.5
    order = rng.permutation(12)
    found = estimate_of(mmd.paired(real[order], made[order], owners[order], 1.0))
    assert found == pytest.approx(estimate_of(mmd.paired(real, made, owners, 1.0)), abs=1e-12)


def test_somebody_with_many_rows_counts_once():
    rng = np.random.default_rng(0)
    real = rng.standard_normal((20, 3))
    made, owners = 0.4 * real, np.arange(20)
    again = np.r_[np.arange(20), np.zeros(50, int)]
    found = estimate_of(mmd.paired(real[again], made[again], owners[again], 1.0))
    assert found == pytest.approx(estimate_of(mmd.paired(real, made, owners, 1.0)), abs=1e-12)


def test_chunks_do_not_change_a_kernel(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((30, 5)), rng.standard_normal((40, 5))
    owners_a, owners_b = np.arange(30) // 3, np.arange(40) // 4
    whole = mmd.between_people(a, owners_a, b, owners_b, 2.0)
    monkeypatch.setattr(mmd, "_CHUNK", 90)
    assert np.allclose(whole, mmd.between_people(a, owners_a, b, owners_b, 2.0), atol=1e-14)
    assert whole[2, 3] == pytest.approx(mmd.gaussian(a[6:9], b[12:16], 2.0).mean())


def test_both_estimates_are_unbiased_for_normal_people():
    """MMD² of N(0, I) and N(m, I) under a Gaussian kernel is known in closed form."""
    rng = np.random.default_rng(0)
    x, sigma, shift = 4, 2.0, 0.8
    width = 1 + 2 / sigma**2
    truth = 2 * width ** (-x / 2) * (1 - np.exp(-(shift**2) / (2 * sigma**2 * width)))
    offset = np.array([shift, 0, 0, 0])
    paired, drawn = [], []
    for _ in range(300):
        real = rng.standard_normal((60, x))
        paired.append(estimate_of(mmd.paired(real, real + offset, np.arange(60), sigma)))
        draws = rng.standard_normal((200, x)) + offset
        drawn.append(mmd.against_draws(real, np.arange(60), draws, sigma)(ONE)[0])
    for values in (np.array(paired), np.array(drawn)):
        error = values.std() / np.sqrt(len(values))
        assert abs(values.mean() - truth) < 3 * error
        assert error < 0.1 * truth


def test_halves_of_one_population_differ_by_nothing_on_average():
    rng = np.random.default_rng(1)
    real = rng.standard_normal((201, 6))
    within = mmd.between_people(real, np.arange(201), real, np.arange(201), 2.0)
    halves = mmd.between_halves(within, 400, rng)
    assert abs(halves.mean()) < 3 * halves.std() / np.sqrt(400) + 0.001
    one, other = np.arange(100), np.arange(100, 200)
    expected = (
        (within[np.ix_(one, one)].sum() - 100) / 9900
        + (within[np.ix_(other, other)].sum() - 100) / 9900
        - 2 * within[np.ix_(one, other)].mean()
    )

    class Order:
        @staticmethod
        def permutation(n):
            return np.arange(n)

    assert mmd.between_halves(within, 1, Order())[0] == pytest.approx(expected)


@pytest.mark.parametrize("draws_of_model", [False, True])
def test_the_interval_seldom_lies_below_a_model_that_is_too_far_off(draws_of_model):
    """At the margin a PASS is wrong: at most 2.5 % of audits may give one, of 50 people too."""
    rng = np.random.default_rng(2)
    x, sigma = 4, 2.0
    shift, width = 0.8, 1 + 2 / sigma**2
    truth = 2 * width ** (-x / 2) * (1 - np.exp(-(shift**2) / (2 * sigma**2 * width)))
    levels, wrong, times = Levels(0.025, 0.025), 0, 200
    for _ in range(times):
        real, offset = rng.standard_normal((50, x)), np.array([shift, 0, 0, 0])
        if draws_of_model:
            draws = rng.standard_normal((300, x)) + offset
            statistic = mmd.against_draws(real, np.arange(50), draws, sigma)
        else:
            statistic = mmd.off_diagonal_mean(mmd.paired(real, real + offset, np.arange(50), sigma))
        wrong += bootstrap(statistic, 50, levels, draws=800).interval[1] < truth
    assert wrong <= 11  # 2.5 % of 200 is 5; 11 or more have a probability of 1 %
