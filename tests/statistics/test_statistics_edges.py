"""Small samples, ends of ranges and inputs nobody meant: where an interval would lie unnoticed."""

import math

import numpy as np
import pytest
from scipy import special, stats

from axis_audit.statistics.clusters import clustered_proportion
from axis_audit.statistics.intervals import mean, proportion, quantile, spearman
from axis_audit.statistics.levels import Estimate, Levels
from axis_audit.statistics.permutation import p_value, permuted_rows

LEVELS = Levels(0.025, 0.005)


def nothing(estimate):
    return np.isnan([estimate.value, *estimate.interval, *estimate.fail_interval]).all()


@pytest.mark.parametrize("tail", [0.0, 0.5, 0.7, -0.1])
@pytest.mark.parametrize("name", ["pass_tail", "fail_tail"])
def test_a_tail_outside_0_to_half_is_refused_by_name(name, tail):
    with pytest.raises(ValueError, match=rf"^{name} .* got {tail}"):
        Levels(**{name: tail})


def test_what_the_data_do_not_define_is_nan_throughout():
    assert nothing(Estimate.undefined())


@pytest.mark.parametrize("broken", [[1.0, None, 2.0, 4.0, 3.0], [1.0, np.nan, 2.0, 4.0, 3.0]])
def test_a_missing_value_is_never_skipped(broken):
    """A column with None in it is what pandas hands over."""
    whole = [0.0, 1.0, 2.0, 3.0, 4.0]
    assert nothing(spearman(broken, whole, LEVELS))
    assert nothing(spearman(whole, broken, LEVELS))
    assert nothing(mean(broken, LEVELS))
    assert nothing(quantile(broken, 0.5, LEVELS))
    assert math.isnan(p_value(0.5, broken))
    assert math.isnan(p_value(math.nan, whole))


def test_an_infinite_value_has_no_rank():
    assert nothing(spearman([1, 2, np.inf, 4, 3], range(5), LEVELS))
    assert nothing(spearman(range(5), [1, 2, -np.inf, 4, 3], LEVELS))


def test_rank_correlation_of_rows_that_do_not_match_is_refused():
    for x, y in ((np.arange(5), np.arange(6)), (np.eye(4), np.eye(4))):
        with pytest.raises(ValueError, match="x and y need one shape"):
            spearman(x, y, LEVELS)


def test_four_people_have_a_rank_correlation_and_three_have_none():
    assert spearman([1, 2, 3, 4], [1, 2, 4, 3], LEVELS).value == pytest.approx(0.8)
    assert nothing(spearman([1, 2, 3], [1, 2, 3], LEVELS))


def test_a_variable_of_range_one_is_not_constant():
    rng = np.random.default_rng(0)
    sex, age = rng.integers(0, 2, 60), rng.uniform(0, 1, 60)
    age = (age - age.min()) / np.ptp(age)
    for x, y in ((sex, age), (age, sex)):
        expected = stats.spearmanr(x, y).statistic
        assert spearman(x, y, LEVELS).value == pytest.approx(expected)
        assert spearman(x.tolist(), y.tolist(), LEVELS).value == pytest.approx(expected)


def test_a_perfect_order_counts_as_half_a_step_of_the_grid_less():
    """Five people: steps of 12 / (n³ - n) = .1, so that Fisher's z is taken at .95."""
    z, error = math.atanh(0.95), math.sqrt(1.5 / 2)
    for tail, ends in (
        (0.025, spearman(range(5), range(5), LEVELS).interval),
        (0.005, spearman(range(5), range(5), LEVELS).fail_interval),
    ):
        low = math.tanh(z - special.ndtri(1 - tail) * error)
        assert ends == (pytest.approx(low), 1.0)
    falling = spearman(range(5), range(4, -1, -1), LEVELS)
    assert falling.value == pytest.approx(-1)
    rising = spearman(range(5), range(5), LEVELS)
    assert falling.interval == (-1.0, pytest.approx(-rising.interval[0]))


def test_median_of_twenty_lies_between_the_tabled_order_statistics():
    """Conover's table: 6th and 15th at 95 %, 4th and 17th at 99 %."""
    e = quantile(np.random.default_rng(0).permutation(np.arange(1, 21)), 0.5, LEVELS)
    assert e == Estimate(10.5, (6.0, 15.0), (4.0, 17.0))


def test_the_extremes_are_bounds_from_six_people_on():
    assert quantile([3, 1, 2, 6, 5, 4], 0.5, LEVELS).interval == (1.0, 6.0)
    assert quantile(range(5), 0.5, LEVELS).interval == (-math.inf, math.inf)
    # P(all five on one side) is 1/32: a tail of just that size is kept.
    assert quantile(range(5), 0.5, Levels(1 / 32, 1 / 33)) == Estimate(
        2.0, (0.0, 4.0), (-math.inf, math.inf)
    )


def test_upper_quantile_is_not_the_lower_one():
    e = quantile(np.arange(1, 101), 0.9, LEVELS)
    assert e.value == pytest.approx(90.1)
    # Binomial(100, .9): P(<= 83) = .021, P(<= 84) = .040; P(>= 96) = .024, P(>= 95) = .058.
    assert e.interval == (84.0, 96.0)


def test_a_quantile_needs_a_share_and_people():
    for q in (0.0, 1.0, 1.5, -0.1):
        with pytest.raises(ValueError, match=f"got {q}"):
            quantile(range(9), q, LEVELS)
    assert nothing(quantile([], 0.5, LEVELS))
    assert quantile([7.0], 0.5, LEVELS).value == 7.0


def test_proportion_carries_both_intervals_and_its_value():
    e = proportion(3, 12, LEVELS)
    assert e.value == 0.25
    wide = stats.binomtest(3, 12).proportion_ci(0.99, "exact")
    assert e.fail_interval == pytest.approx((wide.low, wide.high))
    assert proportion(0, 5, LEVELS).interval[0] == 0.0
    assert proportion(5, 5, LEVELS).interval[1] == 1.0
    for successes, n in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match=f"{successes} successes of {n}"):
            proportion(successes, n, LEVELS)


def test_mean_of_two_people_is_one_and_carries_both_intervals():
    e = mean([1, 3], LEVELS)
    assert e.value == 2.0
    assert e.interval == pytest.approx(stats.t.interval(0.95, 1, 2.0, 1.0))
    assert e.fail_interval == pytest.approx(stats.t.interval(0.99, 1, 2.0, 1.0))


def test_rows_that_are_patients_are_permuted_whole_and_by_the_seed():
    rows = permuted_rows(30, 4)
    assert rows.dtype == np.int64
    assert rows.shape == (4, 30)
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(30), (4, 1)))
    assert len(np.unique(rows, axis=0)) == 4
    np.testing.assert_array_equal(rows, permuted_rows(30, 4, seed=0))
    assert (rows != permuted_rows(30, 4, seed=1)).any()


def test_beats_keep_their_number_when_patients_trade_places():
    """A target that varies within a patient, a beat's RR interval, moves as a whole."""
    number = np.tile(np.arange(5), 200)
    ids = np.repeat(np.arange(200), 5).astype(str)
    # The first beats of all, then the second ones: sorting by patient must not reorder them.
    order = np.argsort(number, kind="stable")
    number, ids = number[order], ids[order]
    rows = permuted_rows(ids, 3)
    np.testing.assert_array_equal(number[rows], np.tile(number, (3, 1)))
    assert (ids[rows] != ids).mean() > 0.9


def test_two_patients_of_one_size_can_trade_and_lonely_sizes_stay():
    rows = permuted_rows(np.array(["a", "a", "b", "b", "c"]), 40)
    assert {tuple(r) for r in rows.tolist()} == {(0, 1, 2, 3, 4), (2, 3, 0, 1, 4)}
    with pytest.raises(ValueError, match=r"^no two patients"):
        permuted_rows(np.array(["a", "b", "b", "c", "c", "c"]), 5)


def test_unequal_clusters_count_for_what_their_likeness_leaves():
    """2 of 2, 0 of 2, 2 of 4: mean squares .5 and .2, n₀ = 2.5, so that icc = .3 / .8."""
    effective = 8 / (1 + (24 / 8 - 1) * 0.375)
    half = effective / 2
    low, high = stats.beta(half, half + 1).ppf(0.025), stats.beta(half + 1, half).ppf(0.975)
    for hits, sizes in (([2, 0, 2], [2, 2, 4]), ([2, 0, 0, 2], [2, 2, 0, 4])):
        found = clustered_proportion(hits, sizes, LEVELS)
        assert found.value == 0.5
        assert found.interval == pytest.approx((low, high))
        assert found.fail_interval[0] < low < high < found.fail_interval[1]
    assert clustered_proportion([3], [8], LEVELS) == proportion(3, 8, LEVELS)
    pair = clustered_proportion([2, 0], [2, 2], LEVELS)
    assert pair.interval == pytest.approx(proportion(1, 2, LEVELS).interval)
