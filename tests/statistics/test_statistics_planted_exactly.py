"""Plants whose scores are known exactly: every number of the inversion can be worked out by hand.

The scores of a leak r are sqrt(r) plus deviates at the quantiles of a normal distribution, so that
the mean of each level is sqrt(r) and nothing is left to chance.
"""

import math

import numpy as np
import pytest
from scipy import special, stats

from axis_audit.statistics.levels import Levels
from axis_audit.statistics.planting import PlantedCurve, invert

MARGIN = 0.04
LEVELS = Levels(0.025, 0.004)
LEAKS = (0.0, MARGIN, 0.25, 0.64)
STEP = math.sqrt(LEAKS[-1]) / 2000
"""Of the grid of leaks, along sqrt(r)."""


def deviates(k):
    return special.ndtri((np.arange(k) + 0.5) / k)


def curve(observed, *, noise=0.03, counts=(20, 20, 20, 20)):
    planted = np.repeat(LEAKS, counts)
    scores = np.sqrt(planted) + noise * np.concatenate([deviates(k) for k in counts])
    return PlantedCurve(planted, scores, observed)


def spread(k, noise=0.03):
    """Standard deviation of one draw more, beside the mean of k."""
    return noise * deviates(k).std(ddof=1) * math.sqrt(1 + 1 / k)


@pytest.mark.parametrize(("observed", "noise"), [(0.1, 0.03), (0.3, 0.03), (0.5, 0.08)])
def test_estimate_and_both_intervals_are_students(observed, noise):
    found = invert(curve(observed, noise=noise), MARGIN, LEVELS)
    assert math.sqrt(found.estimate) == pytest.approx(observed, abs=1.1 * STEP)
    for ends, tail in ((found.interval, 0.025), (found.fail_interval, 0.004)):
        half = special.stdtrit(19, 1 - tail) * spread(20, noise)
        assert np.sqrt(ends) == pytest.approx((observed - half, observed + half), abs=1.1 * STEP)


def test_between_levels_of_unlike_numbers_and_noise_the_tails_run_along_the_root():
    planted = np.repeat(LEAKS, (40, 40, 10, 6))
    noise = np.repeat((0.02, 0.06, 0.08, 0.01), (40, 40, 10, 6))
    scores = np.sqrt(planted) + noise * np.concatenate([deviates(k) for k in (40, 40, 10, 6)])
    found = invert(PlantedCurve(planted, scores, 0.38), MARGIN, LEVELS)
    assert found.complaint == ""  # each level is normal by its own deviation
    sizes = [
        n * deviates(k).std(ddof=1) for n, k in ((0.02, 40), (0.06, 40), (0.08, 10), (0.01, 6))
    ]
    for end, share in zip(found.interval, (0.975, 0.025), strict=True):
        root = math.sqrt(end)
        k = np.interp(root, np.sqrt(LEAKS), (40, 40, 10, 6))
        deviation = np.interp(root, np.sqrt(LEAKS), sizes) * math.sqrt(1 + 1 / k)
        assert stats.t.cdf((0.38 - root) / deviation, k - 1) == pytest.approx(share, abs=0.003)


@pytest.mark.parametrize("noise", [0.03, 0.1, 0.13])
def test_power_is_the_share_of_plants_at_the_margin_beyond_the_null(noise):
    found = invert(curve(0.0, noise=noise), MARGIN, LEVELS)
    limit = special.stdtrit(19, 0.975) * spread(20, noise)
    expected = np.mean(0.2 + noise * deviates(20) > limit)
    assert found.power_at_margin == expected
    assert (expected == 1) == (noise == 0.03)


def test_the_smallest_leak_that_would_fail_is_ten_percent_above_the_limit_of_the_margin():
    found = invert(curve(0.0), MARGIN, LEVELS)
    limit = 0.2 + special.stdtrit(19, 0.996) * spread(20)
    expected = limit + special.ndtri(0.9) * spread(20)
    assert math.sqrt(found.minimum_detectable) == pytest.approx(expected, abs=1.1 * STEP)


def test_beyond_the_plants_and_below_all_of_them():
    high = invert(curve(5.0), MARGIN, LEVELS)
    assert high.estimate == pytest.approx(0.64)
    assert high.interval == high.fail_interval == (high.estimate, 1.0)
    low = invert(curve(-5.0), MARGIN, LEVELS)
    assert (low.estimate, low.interval, low.fail_interval) == (0.0, (0.0, 0.0), (0.0, 0.0))
    near = invert(curve(0.8), MARGIN, LEVELS)
    assert near.interval[1] == 1.0
    assert near.interval[0] == pytest.approx(
        (0.8 - special.stdtrit(19, 0.975) * spread(20)) ** 2, abs=2 * STEP
    )


def test_a_lower_end_at_the_margin_is_the_margin():
    half = special.stdtrit(19, 0.975) * spread(20)
    assert invert(curve(0.2 + half * (1 - 1e-6)), MARGIN, LEVELS).interval[0] == MARGIN
    assert invert(curve(0.2 + half * (1 + 1e-6)), MARGIN, LEVELS).interval[0] > MARGIN
    assert invert(curve(0.2 - half * (1 - 1e-6)), MARGIN, LEVELS).interval[1] == MARGIN
    assert invert(curve(0.2 - half * (1 + 1e-6)), MARGIN, LEVELS).interval[1] < MARGIN


def test_the_figure_shows_what_was_judged():
    c = curve(0.3)
    series = invert(c, MARGIN, LEVELS).curve
    half = special.stdtrit(19, 0.975) * spread(20)
    roots = np.sqrt(LEAKS)
    assert series["levels"] == list(LEAKS)
    assert series["mean"] == pytest.approx(roots)
    assert series["low"] == pytest.approx(roots - half)
    assert series["high"] == pytest.approx(roots + half)
    assert series["planted"] == c.planted.tolist()
    assert series["scores"] == c.scores.tolist()
    assert (series["observed"], series["margin"]) == (0.3, MARGIN)


def test_levels_in_the_wrong_order_are_pooled_by_their_numbers():
    planted = np.repeat([0.0, MARGIN, 0.25, 0.64], [20, 20, 5, 15])
    means = np.repeat([0.0, 0.2, 0.7, 0.5], [20, 20, 5, 15])
    scores = means + 0.03 * np.concatenate([deviates(k) for k in (20, 20, 5, 15)])
    series = invert(PlantedCurve(planted, scores, 0.3), MARGIN, LEVELS).curve
    assert series["mean"] == pytest.approx([0.0, 0.2, 0.55, 0.55])


@pytest.mark.parametrize(("p", "at_zero"), [(0.00102, True), (0.00098, False)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_null_off_zero_is_reported_at_one_in_a_thousand(p, at_zero, sign):
    c = curve(0.3)
    error = 0.03 * deviates(20).std(ddof=1) / math.sqrt(20)
    scores = c.scores + sign * special.stdtrit(19, 1 - p / 2) * error * (c.planted == 0)
    found = invert(PlantedCurve(c.planted, scores, 0.3), MARGIN, LEVELS)
    assert found.null_at_zero is at_zero


@pytest.mark.parametrize(("null", "at_zero"), [(0.0, True), (0.125, False), (-0.125, False)])
def test_a_null_without_any_spread_is_at_zero_or_is_not(null, at_zero):
    c = curve(0.3)
    scores = np.where(c.planted == 0, null, c.scores)
    found = invert(PlantedCurve(c.planted, scores, 0.3), MARGIN, LEVELS)
    assert found.null_at_zero is at_zero
    assert found.complaint == ""


@pytest.mark.parametrize(("size", "tested"), [(15, True), (14, False)])
def test_fifteen_plants_a_level_test_the_fit_of_the_tails_and_fourteen_do_not(size, tested):
    counts = (size, size, 10, 10)
    assert (invert(curve(0.3, counts=counts), MARGIN, LEVELS).complaint == "") is tested
    c = curve(0.3, counts=counts)
    wild = np.where(np.arange(c.scores.size) == size - 1, 1.0, c.scores)
    complaint = invert(PlantedCurve(c.planted, wild, 0.3), MARGIN, LEVELS).complaint
    assert complaint.startswith("planted scores are not normal" if tested else "too few plants")


@pytest.mark.parametrize(("skew", "complains"), [(0.36, False), (1.0, True)])
def test_a_misfit_is_a_complaint_at_one_in_a_thousand(skew, complains):
    c = curve(0.3)
    noise = np.tile((np.exp(skew * deviates(20)) - 1) / skew, 4)
    p = stats.shapiro(noise).pvalue
    assert bool(p <= 0.001) == complains
    assert complains or p < 0.002
    found = invert(PlantedCurve(c.planted, np.sqrt(c.planted) + 0.03 * noise, 0.3), MARGIN, LEVELS)
    assert ("p = " in found.complaint) is complains


def test_scores_that_are_no_numbers_leave_nothing_to_pass_on():
    c = curve(0.3)
    spoiled = c.scores.copy()
    spoiled[0] = np.nan
    for broken in (PlantedCurve(c.planted, spoiled, 0.3), curve(math.nan)):
        found = invert(broken, MARGIN, LEVELS)
        assert np.isnan([found.estimate, *found.interval, *found.fail_interval]).all()
        assert (found.power_at_margin, found.null_at_zero) == (0.0, False)
        assert found.complaint.startswith("the probe's scores are not numbers")
        assert found.minimum_detectable is None
        assert found.curve["margin"] == MARGIN
        assert found.curve["observed"] == pytest.approx(broken.observed, nan_ok=True)


def test_plants_and_scores_must_match_and_each_level_needs_five():
    c = curve(0.3)
    for planted, scores in ((c.planted, c.scores[1:]), (c.planted[None], c.scores[None])):
        with pytest.raises(ValueError, match="need one shape"):
            invert(PlantedCurve(planted, scores, 0.3), MARGIN, LEVELS)
    assert invert(curve(0.3, counts=(20, 20, 5, 5)), MARGIN, LEVELS).interval[0] > 0
    with pytest.raises(ValueError, match=r"4 plants of R² 0\.25"):
        invert(curve(0.3, counts=(20, 20, 4, 5)), MARGIN, LEVELS)
    with pytest.raises(ValueError, match=r"no plants of R² 0:"):
        invert(PlantedCurve(c.planted + 0.01, c.scores, 0.3), MARGIN, LEVELS)
