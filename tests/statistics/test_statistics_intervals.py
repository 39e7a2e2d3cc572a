"""Closed-form intervals: the wrong n or a forgotten tie would overstate what a cohort shows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from axis_audit.statistics.intervals import mean, proportion, quantile, spearman
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.permutation import p_value, permuted_rows

LEVELS = Levels(0.025, 0.005)


def test_spearman_agrees_with_scipy_and_with_bonett_and_wright():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(500)
    y = x + rng.standard_normal(500)
    e = spearman(x, y, LEVELS)
    r = stats.spearmanr(x, y).statistic
    assert e.value == pytest.approx(r)
    half = 1.959964 * math.sqrt((1 + r * r / 2) / 497)
    np.testing.assert_allclose(
        e.interval, np.tanh(np.arctanh(r) + np.array([-half, half])), rtol=1e-6
    )
    assert e.fail_interval[0] < e.interval[0] < r < e.interval[1] < e.fail_interval[1]


@pytest.mark.parametrize("y", [np.ones(20), np.r_[np.nan, np.arange(19)]])
def test_constant_or_nan_has_no_rank_correlation(y):
    e = spearman(np.arange(20), y, LEVELS)
    assert np.isnan([e.value, *e.interval, *e.fail_interval]).all()


def test_a_perfect_order_of_five_people_is_no_proof():
    e = spearman(np.arange(5), np.arange(5), LEVELS)
    assert e.value == pytest.approx(1)
    assert e.interval[0] < 0.9
    assert e.interval[1] == 1


def test_spearman_interval_covers():
    rng, missed = np.random.default_rng(1), 0
    truth = 6 / math.pi * math.asin(0.25)  # of a Gaussian pair with correlation .5
    for _ in range(400):
        x = rng.standard_normal(80)
        y = 0.5 * x + math.sqrt(0.75) * rng.standard_normal(80)
        low, high = spearman(x, y, Levels(0.05, 0.05)).interval
        missed += not low <= truth <= high
    assert missed / 400 < 0.10 + 0.05


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_quantile_interval_covers_without_a_distribution(q):
    rng, misses = np.random.default_rng(2), np.zeros(2)
    truth = -math.log(1 - q)
    for _ in range(300):
        low, high = quantile(rng.exponential(size=150), q, Levels(0.05, 0.05)).interval
        misses += [low > truth, high < truth]
    assert (misses / 300 < 0.05 + 0.04).all()


def test_quantile_of_few_people_is_unbounded():
    e = quantile(np.arange(20.0), 0.95, LEVELS, low=0.0)
    assert e.interval[1] == math.inf
    assert quantile(np.arange(3.0), 0.5, LEVELS, low=0.0).interval == (0.0, math.inf)


@given(n=st.integers(1, 300), share=st.floats(0, 1))
def test_proportion_is_clopper_pearson(n, share):
    k = round(share * n)
    e = proportion(k, n, LEVELS)
    reference = stats.binomtest(k, n).proportion_ci(0.95, "exact")
    np.testing.assert_allclose(e.interval, (reference.low, reference.high), atol=1e-9)
    assert np.isnan(proportion(0, 0, LEVELS).value)


def test_mean_is_students():
    x = np.random.default_rng(3).standard_normal(30)
    low, high = stats.t.interval(0.95, 29, x.mean(), x.std(ddof=1) / math.sqrt(30))
    np.testing.assert_allclose(mean(x, LEVELS).interval, (low, high))
    assert np.isnan(mean([1.0], LEVELS).value)


def test_a_tail_of_half_or_more_is_refused():
    with pytest.raises(ValueError, match="fail_tail"):
        Levels(0.025, 0.5)


def test_p_value_counts_ties_and_the_observed_one():
    assert p_value(1.0, [0.0, 1.0, 0.5]) == 0.5
    assert p_value(2.0, np.zeros(999)) == 0.001
    assert p_value(0.0, np.zeros(99)) == 1.0
    assert math.isnan(p_value(1.0, [np.nan, 0.0]))


def test_permutation_moves_patients_and_not_rows_within_a_patient():
    """scikit-learn's `groups` shuffles inside a patient only: p = 1.00 on a blatant leak."""
    ids = np.repeat([f"p{i}" for i in range(40)], 3)
    rng = np.random.default_rng(4)
    order = rng.permutation(120)
    ids, age = ids[order], np.repeat(rng.uniform(20, 90, 40), 3)[order]
    z = age + rng.standard_normal(120)
    rows = permuted_rows(ids, 199, seed=0)
    assert np.array_equal(np.sort(rows, axis=1), np.tile(np.arange(120), (199, 1)))
    for shuffled in age[rows[:5]]:
        for patient in np.unique(ids):
            assert np.ptp(shuffled[ids == patient]) == 0
    permuted = [abs(np.corrcoef(z, a)[0, 1]) for a in age[rows]]
    assert p_value(abs(np.corrcoef(z, age)[0, 1]), permuted) == 1 / 200


def test_patients_who_cannot_trade_places_are_refused():
    with pytest.raises(ValueError, match="one row a patient"):
        permuted_rows(np.array(["a", "b", "b"]), 5)


def test_a_proportion_of_one_person_is_defined_and_of_nobody_is_not():
    one = proportion(1, 1, LEVELS)
    assert one.value == 1.0
    assert one.interval == pytest.approx((0.025, 1.0))
    assert math.isnan(proportion(0, 0, LEVELS).value)
