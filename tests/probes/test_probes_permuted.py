"""The permutation test of the linear probe: scikit-learn's numbers without its thousand refits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score, permutation_test_score

from axis_audit.errors import MeasurementError
from axis_audit.probes.permuted import (
    cross_validated_r_squared,
    linear_permutation_test,
    normal_scores,
)
from axis_audit.statistics.permutation import permuted_rows


def people(n=150, d=6, leak=0.0, seed=0):
    rng = np.random.default_rng(seed)
    z, noise = rng.standard_normal((n, d)), rng.uniform(-1, 1, n) * np.sqrt(3)
    age = np.sqrt(leak) * z[:, 0] + np.sqrt(1 - leak) * noise
    return z @ rng.standard_normal((d, d)), 55 + 16 * age


@given(
    n=st.integers(30, 120),
    d=st.integers(1, 10),
    folds=st.integers(2, 6),
    seed=st.integers(0, 10_000),
    scale=st.floats(-4, 4),
)
@settings(max_examples=25, deadline=None)
def test_every_permutation_scores_as_a_refit_would(n, d, folds, seed, scale):
    z, age = people(n, d, 0.2, seed)
    z *= 10**scale
    found = linear_permutation_test(z, age, folds=folds, permutations=3, seed=seed)
    split = PredefinedSplit(found.fold)
    orders = [np.arange(n), *permuted_rows(n, 3, seed)]
    expected = [
        cross_val_score(LinearRegression(), z, age[rows], cv=split, scoring="r2").mean()
        for rows in orders
    ]
    np.testing.assert_allclose([found.score, *found.permuted], expected, rtol=1e-8, atol=1e-8)


def test_the_whole_test_is_that_of_scikit_learn_with_its_own_shuffles():
    z, age = people(120, 5, 0.05, seed=3)
    fold = np.arange(120) % 5
    score, permuted, p = permutation_test_score(
        LinearRegression(), z, age, cv=PredefinedSplit(fold), n_permutations=60, random_state=7
    )
    shuffles = np.random.RandomState(7)
    rows = np.stack([np.arange(120), *(shuffles.permutation(120) for _ in range(60))])
    ours = cross_validated_r_squared(z, age, fold, rows)
    np.testing.assert_allclose(ours, [score, *permuted], rtol=1e-8, atol=1e-8)
    assert (np.count_nonzero(ours[1:] >= ours[0]) + 1) / 61 == p


def test_a_leak_is_found_and_chance_is_not():
    z, age = people(400, 16, 0.2)
    assert linear_permutation_test(z, age, permutations=199).p_value == 1 / 200
    p = [
        linear_permutation_test(*people(200, 8, seed=s), permutations=99, seed=s).p_value
        for s in range(60)
    ]
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.1) < 0.25


def test_records_of_a_patient_stay_together_and_trade_ages_as_one():
    """Shuffled within patients a blatant leak gets p = 1; split over folds noise becomes one."""
    rng = np.random.default_rng(2)
    patient = np.repeat(np.arange(90), rng.integers(1, 4, 90))
    age, identity = rng.uniform(20, 90, 90)[patient], rng.standard_normal((90, 12))[patient]
    ids = np.array([f"p{k}" for k in patient])
    found = linear_permutation_test(identity, age, patient_ids=ids, permutations=99)
    assert all(len(np.unique(found.fold[patient == k])) == 1 for k in range(90))
    assert found.p_value > 0.05
    identity[:, 0] += (age - 55) / 20
    assert (
        linear_permutation_test(identity, age, patient_ids=ids, permutations=99).p_value == 1 / 100
    )


def test_tied_scores_count_against_the_leak():
    """Two values and few patients: permutations that change nothing are no evidence."""
    z = np.repeat([[0.0], [1.0]], 4, axis=0) + np.arange(8)[:, None] * 1e-3
    y = np.repeat([0.0, 1.0], 4)
    found = linear_permutation_test(z, y, folds=2, permutations=500)
    ties = np.count_nonzero(found.permuted >= found.score)
    assert ties > 0
    assert found.p_value == (ties + 1) / 501


def test_a_fold_of_one_value_scores_zero_as_in_scikit_learn():
    z, _ = people(20, 2)
    y = np.r_[np.zeros(10), np.arange(10.0)]
    fold = np.repeat([0, 1], 10)
    score = cross_validated_r_squared(z, y, fold, np.arange(20)[None])
    expected = cross_val_score(LinearRegression(), z, y, cv=PredefinedSplit(fold)).mean()
    np.testing.assert_allclose(score, expected, atol=1e-8)


def test_same_seed_same_answer_and_bad_input_is_named():
    z, age = people()
    first, again = (linear_permutation_test(z, age, permutations=20, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.permuted, again.permuted)
    assert not np.array_equal(
        first.permuted, linear_permutation_test(z, age, permutations=20, seed=5).permuted
    )
    with pytest.raises(MeasurementError, match="constant"):
        linear_permutation_test(z, np.full(150, 3.0))
    with pytest.raises(MeasurementError, match="shape"):
        linear_permutation_test(z, age[1:])
    with pytest.raises(MeasurementError, match="patient ids"):
        linear_permutation_test(z, age, patient_ids=np.array(["a"]))
    with pytest.raises(MeasurementError, match="rows to fit"):
        linear_permutation_test(np.random.default_rng(0).standard_normal((20, 30)), age[:20])
    with pytest.raises(ValueError, match="folds"):
        linear_permutation_test(z, age, folds=151)


@given(seed=st.integers(0, 1000), n=st.integers(5, 60))
@settings(max_examples=20, deadline=None)
def test_normal_scores_know_ranks_alone_and_share_ties(seed, n):
    age = np.random.default_rng(seed).uniform(20, 90, n).round()
    scores = normal_scores(age)
    np.testing.assert_allclose(normal_scores(np.exp(age / 10)), scores)
    np.testing.assert_allclose(normal_scores(-age), -scores, atol=1e-12)
    assert scores.mean() == pytest.approx(0, abs=1e-12)
    i, j = np.argmin(age), np.argmax(age)
    assert scores[i] <= scores[j]
    assert len(np.unique(scores)) == len(np.unique(age))
