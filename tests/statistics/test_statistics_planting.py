"""Inverting planted scores: the interval must say what the rule at the margin says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from axis_audit.statistics.levels import Levels
from axis_audit.statistics.planting import PlantedCurve, invert

MARGIN = 0.05
LEVELS = Levels(0.025, 0.05 / 15)


def planted(seed=0, k=35, few=6, gain=1.0, noise=0.025):
    rng = np.random.default_rng(seed)
    r = np.concatenate(
        [np.zeros(k), np.full(k, MARGIN), np.repeat([0.0125, 0.1, 0.2, 0.4, 0.9], few)]
    )
    return r, np.arctanh(0.9 * gain * np.sqrt(r)) + noise * rng.standard_normal(len(r))


def leak(observed, margin=MARGIN, **kwargs):
    r, scores = planted(**kwargs)
    return invert(PlantedCurve(r, scores, observed), margin, LEVELS)


@given(observed=st.floats(-0.3, 3), seed=st.integers(0, 50))
@settings(max_examples=150, deadline=None)
def test_interval_and_rule_at_the_margin_agree(observed, seed):
    r, scores = planted(seed)
    result = invert(PlantedCurve(r, scores, observed), MARGIN, LEVELS)
    at = scores[r == MARGIN]
    t = (observed - at.mean()) / (at.std(ddof=1) * np.sqrt(1 + 1 / at.size))
    lower_tail = special.stdtr(at.size - 1, t)
    assert (result.interval[1] <= MARGIN) == (lower_tail <= LEVELS.pass_tail)
    assert (result.fail_interval[0] > MARGIN) == (1 - lower_tail <= LEVELS.fail_tail)
    for low, high in (result.interval, result.fail_interval):
        assert 0 <= low <= high <= 1
    assert result.fail_interval[0] <= result.interval[0]
    assert result.interval[1] <= result.fail_interval[1]
    assert 0 <= result.estimate <= 0.9


def test_a_score_is_brought_back_to_the_leak_that_made_it():
    for r in (0.03, 0.1, 0.3):
        result = leak(float(np.arctanh(0.9 * np.sqrt(r))))
        assert result.estimate == pytest.approx(r, rel=0.25)
        assert result.interval[0] < r < result.interval[1]


def test_verdicts_come_at_their_rates():
    rng, passed, failed = np.random.default_rng(0), 0, 0
    for seed in range(300):
        observed = float(np.arctanh(0.9 * np.sqrt(MARGIN)) + 0.025 * rng.standard_normal())
        result = leak(observed, seed=seed)
        passed += result.interval[1] <= MARGIN
        failed += result.fail_interval[0] > MARGIN
    assert passed / 300 < 0.025 + 0.03
    assert failed / 300 < LEVELS.fail_tail + 0.012


def test_a_blind_probe_has_no_power_and_detects_nothing():
    result = leak(0.0, gain=0.05)
    assert result.power_at_margin < 0.5
    assert result.interval[1] > MARGIN
    assert result.minimum_detectable is None


def test_a_sharp_probe_states_what_it_would_have_found():
    result = leak(0.0)
    assert result.power_at_margin >= 0.9
    assert result.interval[1] < MARGIN
    assert MARGIN < result.minimum_detectable < 0.2
    assert result.complaint == ""
    assert result.null_at_zero


def test_a_shifted_null_and_a_tail_that_does_not_fit_are_reported():
    r, scores = planted()
    shifted = invert(PlantedCurve(r, scores + 0.05, 0.0), MARGIN, LEVELS)
    assert not shifted.null_at_zero
    spoiled = scores.copy()
    spoiled[:2] += 0.4
    assert "not normal" in invert(PlantedCurve(r, spoiled, 0.0), MARGIN, LEVELS).complaint


def test_nan_scores_make_no_interval():
    r, scores = planted()
    scores[3] = np.nan
    result = invert(PlantedCurve(r, scores, 0.1), MARGIN, LEVELS)
    assert np.isnan(result.estimate)
    assert np.isnan(result.interval).all()


def test_plants_at_the_margin_are_required():
    r, scores = planted()
    with pytest.raises(ValueError, match=r"no plants of R² 0\.07"):
        invert(PlantedCurve(r, scores, 0.1), 0.07, LEVELS)
    with pytest.raises(ValueError, match="at least 5"):
        invert(PlantedCurve(np.append(r, 0.6), np.append(scores, 1.0), 0.1), MARGIN, LEVELS)
