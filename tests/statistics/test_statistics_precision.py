"""Scores in single precision, as networks give them, are judged in double."""

import numpy as np

from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.planting import PlantedCurve, invert

LEVELS = Levels(0.05, 0.02)


def test_planted_scores_in_single_precision_give_the_interval_of_the_same_numbers():
    planted = np.repeat([0.0, 1 / 16, 1 / 4, 9 / 16], 16)
    noise = 0.03 * np.random.default_rng(0).standard_normal(64)
    scores = (np.sqrt(planted) + noise).astype(np.float32)
    found = invert(PlantedCurve(planted.astype(np.float32), scores, 0.3), 1 / 16, LEVELS)
    assert found == invert(PlantedCurve(planted, scores.astype(np.float64), 0.3), 1 / 16, LEVELS)


def test_a_statistic_in_single_precision_has_the_interval_of_the_same_numbers():
    x = np.random.default_rng(1).standard_normal(20)

    def single(w):
        return (w @ x / w.sum(axis=1)).astype(np.float32)

    found = bootstrap(single, 20, LEVELS, draws=1000)
    assert found == bootstrap(lambda w: single(w).astype(np.float64), 20, LEVELS, draws=1000)
