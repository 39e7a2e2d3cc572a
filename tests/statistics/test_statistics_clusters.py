"""Rates of replicates that share something: no narrower than the replicates deserve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis_audit.statistics.clusters import clustered_proportion
from axis_audit.statistics.intervals import proportion
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.001)


@given(st.lists(st.integers(0, 1), min_size=2, max_size=60))
def test_clusters_of_one_are_plain_trials(trials: list[int]) -> None:
    found = clustered_proportion(trials, [1] * len(trials), LEVELS)
    plain = proportion(sum(trials), len(trials), LEVELS)
    assert found.value == plain.value
    assert found.interval == pytest.approx(plain.interval, abs=1e-12)
    assert found.fail_interval == pytest.approx(plain.fail_interval, abs=1e-12)


def test_clusters_that_agree_within_count_once_each() -> None:
    found = clustered_proportion([10, 0] * 10, [10] * 20, LEVELS)
    assert found.value == 0.5
    assert found.interval == pytest.approx(proportion(10, 20, LEVELS).interval, abs=1e-9)


def test_clusters_that_disagree_within_are_no_better_than_independent() -> None:
    found = clustered_proportion([5] * 20, [10] * 20, LEVELS)
    assert found.interval == pytest.approx(proportion(100, 200, LEVELS).interval)


def test_the_interval_covers_a_rate_that_differs_between_clusters() -> None:
    rng = np.random.default_rng(0)
    rates = rng.beta(0.2, 0.8, (400, 50))  # mean .2, intraclass correlation .5
    hits = rng.binomial(10, rates)
    covered = []
    for row in hits:
        low, high = clustered_proportion(row.tolist(), [10] * 50, LEVELS).interval
        covered.append(low <= 0.2 <= high)
    assert np.mean(covered) > 0.92


def test_nothing_tried_is_undefined_and_nonsense_is_refused() -> None:
    assert math.isnan(clustered_proportion([], [], LEVELS).value)
    assert math.isnan(clustered_proportion([0, 0], [0, 0], LEVELS).value)
    assert clustered_proportion([0, 0], [5, 5], LEVELS).interval[0] == 0.0
    assert clustered_proportion([5, 5], [5, 5], LEVELS).interval[1] == 1.0
    for bad in ([[6], [5]], [[-1], [5]], [[1, 2], [5]]):
        with pytest.raises(ValueError, match="no proportions"):
            clustered_proportion(*bad, LEVELS)
