"""The area under the ROC curve: its value, how often its interval misses, and what groups lend."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from axis_audit.statistics.auc import auc, drop_within, within_groups
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.003)


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def test_the_area_is_scikit_learns_with_ties(rng):
    positive = rng.random(300) < 0.3
    scores = np.round(rng.normal(size=300) + positive, 1)
    found = auc(scores, positive, LEVELS)
    assert found.value == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert found.fail_interval[0] < found.interval[0] < found.value
    assert found.value < found.interval[1] < found.fail_interval[1]


@pytest.mark.parametrize(("ill", "well"), [(30, 110), (100, 400)])
def test_the_interval_misses_as_often_as_it_says(ill, well):
    rng, truth, missed = np.random.default_rng(5), 0.9, np.zeros(2)
    apart = norm.ppf(truth) * np.sqrt(2)
    for _ in range(800):
        scores = np.r_[rng.normal(size=ill) + apart, rng.normal(size=well)]
        low, high = auc(scores, np.arange(ill + well) < ill, LEVELS).interval
        missed += [low > truth, high < truth]
    assert (missed / 800 < 0.045).all(), missed / 800


def test_twenty_people_told_without_a_mistake_do_not_show_that_nineteen_in_twenty_are():
    """If one in eight cannot be told at all (area .94), twenty in a row are no rare luck."""
    found = auc(np.arange(220.0), np.arange(220) >= 200, LEVELS)
    assert found.value == 1.0
    assert found.interval[1] == 1.0
    assert found.interval[0] == pytest.approx(1 - (1 - 0.025 ** (1 / 20)) / 2)
    assert found.interval[0] < 0.94
    assert found.fail_interval[0] < found.interval[0]


def test_what_has_no_area_has_no_number():
    for positive in (np.zeros(5, bool), np.ones(5, bool), np.arange(5) < 1):
        assert np.isnan(auc(np.arange(5.0), positive, LEVELS).value)
    assert np.isnan(auc(np.array([1, 2, np.nan, 4]), np.arange(4) < 2, LEVELS).value)


def test_all_scores_alike_are_chance_and_backwards_is_zero():
    positive = np.arange(100) < 40
    assert auc(np.zeros(100), positive, LEVELS).value == 0.5
    backwards = auc(np.arange(100.0), positive, LEVELS)
    assert (backwards.value, backwards.interval) == (0.0, (0.0, 0.0))


def test_a_score_of_the_group_alone_is_lent_all_it_has(rng):
    groups = rng.integers(0, 3, 900)
    positive = rng.random(900) < np.array([0.1, 0.3, 0.6])[groups]
    scores = groups + 1e-3 * rng.normal(size=900)
    assert within_groups(scores, positive, groups)[0] == pytest.approx(0.5, abs=0.05)
    found = drop_within(scores, positive, groups, LEVELS)
    assert found.interval[0] > 0.1
    honest = drop_within(rng.normal(size=900) + 3 * positive, positive, groups, LEVELS)
    assert honest.interval[1] < 0.02
    assert honest.interval[0] < 0.0 < honest.interval[1]


def test_pairs_of_one_group_are_those_counted_one_by_one(rng):
    groups, positive = rng.integers(0, 4, 60), rng.random(60) < 0.4
    scores = np.round(rng.normal(size=60), 1)
    wins = pairs = 0.0
    for i in np.flatnonzero(positive):
        for j in np.flatnonzero(~positive):
            if groups[i] == groups[j]:
                pairs += 1
                wins += float(scores[i] > scores[j]) + 0.5 * float(scores[i] == scores[j])
    assert within_groups(scores, positive, groups) == (pytest.approx(wins / pairs), int(pairs))


def test_without_a_pair_of_one_group_nothing_is_said():
    positive = np.arange(10) < 5
    found = drop_within(np.arange(10.0), positive, positive.astype(int), LEVELS)
    assert np.isnan(found.value)
    assert np.isnan(within_groups(np.arange(10.0), positive, positive)[0])


@pytest.mark.slow
def test_what_is_lent_is_covered():
    rng = np.random.default_rng(8)

    def drawn(n):
        groups = rng.integers(0, 4, n)
        positive = rng.random(n) < np.array([0.1, 0.2, 0.3, 0.4])[groups]
        return rng.normal(size=n) + 1.5 * positive + 0.5 * groups, positive, groups

    truth, missed = drop_within(*drawn(400_000), LEVELS).value, np.zeros(2)
    for _ in range(1500):
        low, high = drop_within(*drawn(800), LEVELS).interval
        missed += [low > truth, high < truth]
    assert (missed / 1500 < 0.04).all()
