"""The patient bootstrap: narrow, silent or NaN-blind intervals turn chance into verdicts."""

import numpy as np
import pytest

from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.levels import Levels


def mean_of(x):
    return lambda w: w @ x / w.sum(axis=1)


def test_mean_agrees_with_the_normal_interval():
    x = np.random.default_rng(0).standard_normal(400)
    e = bootstrap(mean_of(x), 400, Levels(0.025, 0.005))
    error = x.std(ddof=1) / 20
    assert e.value == pytest.approx(x.mean())
    np.testing.assert_allclose(e.interval, x.mean() + np.array([-1.96, 1.96]) * error, atol=0.012)
    np.testing.assert_allclose(
        e.fail_interval, x.mean() + np.array([-2.576, 2.576]) * error, atol=0.02
    )


def test_skewed_mean_is_covered_at_its_level():
    rng, misses = np.random.default_rng(1), np.zeros(2)
    for i in range(300):
        x = rng.exponential(size=60)
        low, high = bootstrap(mean_of(x), 60, Levels(0.05, 0.05), draws=1000, seed=i).interval
        misses += [low > 1, high < 1]
    assert (misses / 300 < 0.05 + 0.045).all()


def test_bias_under_resampling_is_corrected():
    """The sample variance of a resample is too small by 1/n; the interval must not inherit it."""
    x = np.random.default_rng(2).standard_normal(25)

    def variance(w):
        m = w @ x / w.sum(1)
        return w @ x**2 / w.sum(1) - m**2

    e = bootstrap(variance, 25, Levels(0.025, 0.025))
    rng = np.random.default_rng(3)
    plain = np.quantile(
        [variance(rng.multinomial(25, [1 / 25] * 25, 1))[0] for _ in range(4000)], 0.975
    )
    assert e.interval[1] > plain


def test_too_few_draws_for_the_tail_are_refused():
    with pytest.raises(ValueError, match="20 are needed"):
        bootstrap(mean_of(np.arange(9.0)), 9, Levels(0.025, 0.001), draws=10_000)


def test_nan_in_a_few_resamples_reaches_the_interval():
    x = np.random.default_rng(4).standard_normal(50)
    calls = {"n": 0}

    def sometimes(w):
        values = mean_of(x)(w)
        calls["n"] += len(values)
        if len(values) > 1:
            values[0] = np.nan
        return values

    e = bootstrap(sometimes, 50, Levels(0.025, 0.025), draws=1000)
    assert np.isnan(e.interval).all()
    assert np.isnan(e.fail_interval).all()
    assert calls["n"] >= 1000


def test_constant_statistic_is_a_point_and_the_seed_decides_the_rest():
    e = bootstrap(lambda w: np.full(len(w), 0.3), 40, Levels(), draws=1000)
    assert e.interval == (0.3, 0.3) == e.fail_interval
    x = np.random.default_rng(5).standard_normal(50)
    a, b = (bootstrap(mean_of(x), 50, Levels(), draws=1000, seed=7) for _ in range(2))
    assert a == b


def test_median_has_an_interval_that_holds_it():
    x = np.random.default_rng(6).standard_normal(201)
    order = np.argsort(x)

    def median(w):
        cumulated = np.cumsum(w[:, order], axis=1)
        return x[order][np.argmax(cumulated >= w.sum(1, keepdims=True) / 2, axis=1)]

    low, high = bootstrap(median, 201, Levels(), draws=2000).interval
    assert low < np.median(x) < high
    assert 0.1 < high - low < 0.6


def test_a_statistic_of_the_wrong_shape_is_named():
    with pytest.raises(ValueError, match="gave shape"):
        bootstrap(lambda w: w, 10, Levels(), draws=1000)


def test_draws_kept_for_the_next_statistic_give_what_fresh_ones_give(monkeypatch) -> None:
    x = np.random.default_rng(0).exponential(size=60)

    def mean(weights):
        return weights @ x / weights.sum(axis=1)

    kept = [bootstrap(mean, 60, Levels(), seed=seed) for seed in (1, 2, 1)]
    monkeypatch.setattr("axis_audit.statistics.bootstrap._MOST_KEPT", 0)
    fresh = [bootstrap(mean, 60, Levels(), seed=seed) for seed in (1, 2, 1)]
    assert kept == fresh
    assert kept[0] == kept[2] != kept[1]
