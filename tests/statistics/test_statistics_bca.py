"""The bias-corrected accelerated interval against the formula as published (Efron 1987)."""

import numpy as np
import pytest
from scipy import stats

from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.01)


class Watched:
    """A statistic that remembers the weights it was asked for and what it answered."""

    def __init__(self, statistic):
        self.statistic, self.weights, self.values = statistic, [], []

    def __call__(self, w):
        values = self.statistic(w)
        self.weights.append(w)
        self.values.append(values)
        return values

    def split(self, draws):
        """The estimate, the bootstrap draws, the jackknife values."""
        values = np.concatenate(self.values)
        return values[0], values[1 : draws + 1], values[draws + 1 :]


def published(value, drawn, left_out, tail):
    bias = stats.norm.ppf((np.mean(drawn < value) + np.mean(drawn <= value)) / 2)
    skew = np.sum((left_out.mean() - left_out) ** 3)
    scale = np.sum((left_out.mean() - left_out) ** 2) ** 1.5
    acceleration = skew / (6 * scale) if scale > 1e-30 else 0.0
    ends = bias + stats.norm.ppf([tail, 1 - tail])
    return np.quantile(drawn, stats.norm.cdf(bias + ends / (1 - acceleration * ends)))


def weighted_mean(x):
    return lambda w: w @ x / w.sum(axis=1)


def weighted_median(x):
    x = np.sort(x)
    return lambda w: x[np.argmax(np.cumsum(w, axis=1) >= w.sum(1, keepdims=True) / 2, axis=1)]


@pytest.mark.parametrize("n", [30, 450])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_skewed_mean_has_the_published_interval(n, sign):
    """With 450 people the jackknife leaves out 200 groups instead of single people."""
    watched = Watched(weighted_mean(sign * np.random.default_rng(n).exponential(size=n) ** 2))
    found = bootstrap(watched, n, LEVELS, draws=3000)
    value, drawn, left_out = watched.split(3000)
    assert found.value == value
    assert left_out.size == min(n, 200)
    assert found.interval == pytest.approx(published(value, drawn, left_out, 0.025))
    assert found.fail_interval == pytest.approx(published(value, drawn, left_out, 0.01))


def test_people_are_drawn_n_times_and_left_out_once_however_many_chunks_that_takes():
    n, draws = 21_000, 800
    sums, once = [], np.zeros(n)

    def mean_number(w):
        if w.max() > 1:
            sums.extend(w.sum(axis=1))
        elif w.min() == 0:
            once.__iadd__((w == 0).sum(axis=0))
        return w @ np.arange(n) / w.sum(axis=1)

    found = bootstrap(mean_number, n, Levels(0.025, 0.025), draws=draws)
    assert sums == [n] * draws
    assert (once == 1).all()
    error = np.sqrt((n**2 - 1) / 12 / n)
    assert np.diff(found.interval)[0] == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_a_statistic_that_no_single_patient_moves_has_no_skewness():
    x = np.r_[np.arange(-9, 0), np.zeros(5), np.arange(1, 10)]
    watched = Watched(weighted_median(x))
    found = bootstrap(watched, x.size, LEVELS, draws=2000)
    value, drawn, left_out = watched.split(2000)
    assert np.ptp(left_out) == 0
    assert found.interval == tuple(published(value, drawn, left_out, 0.025))
    assert drawn.min() < found.interval[0] < 0 < found.interval[1] < drawn.max()


def test_rounding_of_large_numbers_is_no_skewness():
    """A mean of equal values near 1e9 differs by its last digit, and only by that."""
    noise = np.random.default_rng(0)

    def rounded(w):
        spread = 1.0 if (w.sum(axis=1) == 40).all() else 1e-6 * noise.exponential()
        return 1e9 + spread * (w @ np.arange(40.0) / w.sum(axis=1) - 19.5)

    watched = Watched(rounded)
    found = bootstrap(watched, 40, LEVELS, draws=2000)
    value, drawn, _ = watched.split(2000)
    expected = published(value, drawn, np.zeros(40), 0.025)
    assert np.subtract(found.interval, expected) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_an_estimate_beyond_all_draws_gets_an_interval_that_reaches_from_it_to_the_last_draw(sign):
    """Every resample repeats somebody, so that concentration is always larger than observed."""
    rates = np.random.default_rng(1).uniform(1, 2, 30)
    watched = Watched(lambda w: sign * (w**2 @ rates) / 30)
    found = bootstrap(watched, 30, LEVELS, draws=2000)
    value, drawn, _ = watched.split(2000)
    assert found.interval == tuple(sorted([value, sign * np.max(sign * drawn)]))
    assert found.fail_interval == found.interval


def test_by_default_ten_thousand_draws_or_what_the_thinner_tail_needs():
    x = np.random.default_rng(2).standard_normal(20)
    for levels, draws in ((Levels(0.025, 0.01), 10_000), (Levels(0.025, 0.001), 20_000)):
        watched = Watched(weighted_mean(x))
        bootstrap(watched, 20, levels)
        assert sum(len(w) for w in watched.weights) == 1 + draws + 20


def test_twenty_draws_in_the_tail_are_enough_and_two_patients_can_be_resampled():
    exact = bootstrap(weighted_mean(np.arange(9.0)), 9, Levels(0.125, 0.125), draws=160)
    assert exact.interval[0] < 4 < exact.interval[1]
    with pytest.raises(ValueError, match=r"159 draws leave 19\.9 .* 0\.125"):
        bootstrap(weighted_mean(np.arange(9.0)), 9, Levels(0.125, 0.125), draws=159)
    two = bootstrap(weighted_mean(np.arange(2.0)), 2, Levels(0.125, 0.125), draws=160)
    assert two.interval == (0.0, 1.0)
    with pytest.raises(ValueError, match="1 patients cannot be resampled"):
        bootstrap(weighted_mean(np.arange(1.0)), 1, Levels(0.125, 0.125), draws=160)


def test_a_statistic_that_only_the_jackknife_cannot_compute_is_undefined():
    def fragile(w):
        values = w @ np.arange(10.0) / w.sum(axis=1)
        return np.where(w.sum(axis=1) == 10, values, np.nan)

    found = bootstrap(fragile, 10, Levels(0.125, 0.125), draws=160)
    assert found.value == 4.5
    assert np.isnan([*found.interval, *found.fail_interval]).all()


def test_an_estimate_that_is_nan_has_no_interval_even_where_every_resample_has_a_value():
    found = bootstrap(lambda w: np.where(w.std(axis=1) > 0, w[:, 0], np.nan), 9, LEVELS, draws=2000)
    assert np.isnan([found.value, *found.interval, *found.fail_interval]).all()


def test_the_seed_decides_and_is_zero_unless_stated():
    statistic = weighted_mean(np.random.default_rng(3).standard_normal(15))
    plain = bootstrap(statistic, 15, LEVELS, draws=2000)
    assert plain == bootstrap(statistic, 15, LEVELS, draws=2000, seed=0)
    assert plain != bootstrap(statistic, 15, LEVELS, draws=2000, seed=1)
