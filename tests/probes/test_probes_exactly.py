"""Parts of the probes on data small enough to be worked out by hand; nothing here is trained."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from axis_audit.errors import MeasurementError
from axis_audit.probes.linear import linear_leak, linear_leaks
from axis_audit.probes.mlp import cross_validated, fitted
from axis_audit.probes.planted import planting_levels
from axis_audit.probes.plants import counting_way, held_out_score, planted_targets
from axis_audit.probes.quadratic import quadratic_members, winsorised
from axis_audit.probes.random_members import random_members, random_tree_members
from axis_audit.probes.whitening import fit_whitening, whiten
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.r_squared import (
    detectable_r_squared,
    patients_needed,
    population_r_squared_interval,
    power_at_margin,
)

LEVELS = Levels(0.025, 0.004)
RNG = np.random.default_rng


def test_whitening_refuses_what_it_cannot_whiten_by_name():
    for latents, words in (
        (np.ones(5), r"shape \(n, d\), got \(5,\)"),
        (np.eye(2), "2 rows"),
        (np.array([[1.0, np.nan], [2, 1], [np.inf, 3], [4, 4]]), "2 of 4 rows"),
        (np.full((9, 2), 0.1), "the latents are constant"),
    ):
        with pytest.raises(MeasurementError, match=words):
            fit_whitening(latents)
    assert fit_whitening(np.array([[0.0], [1.0], [3.0]])).rank == 1


@pytest.mark.parametrize("shape", [(40, 5), (6, 5), (5, 5), (4, 9)])
def test_whitened_latents_are_uncorrelated_and_span_what_the_latents_span(shape):
    z = RNG(0).standard_normal(shape) * np.linspace(1, 5, shape[1]) + 3.0
    whitening = fit_whitening(z)
    w = whitening.apply(z)
    rank = min(shape[1], shape[0] - 1)
    assert w.shape == (shape[0], rank) == (shape[0], whitening.rank)
    np.testing.assert_allclose(w.T @ w / len(w), np.eye(rank), atol=1e-9)
    np.testing.assert_allclose(w.mean(axis=0), 0, atol=1e-12)
    centred = z - z.mean(axis=0)
    np.testing.assert_allclose(w @ np.linalg.lstsq(w, centred, rcond=None)[0], centred, atol=1e-9)


def test_others_are_whitened_by_the_reference_and_not_by_themselves():
    rng = RNG(1)
    z, others = rng.standard_normal((30, 3)), 5 * rng.standard_normal((20, 3))
    np.testing.assert_array_equal(whiten(others, z), fit_whitening(z).apply(others))
    np.testing.assert_array_equal(whiten(z), fit_whitening(z).apply(z))


@pytest.mark.parametrize(("offset", "rank"), [(1e6, 2), (-1e6, 2), (1e7, 1), (-1e7, 1)])
def test_a_column_that_single_precision_cannot_tell_from_constant_is_dropped(offset, rank):
    z = RNG(2).standard_normal((300, 2))
    z[:, 1] += offset
    whitening = fit_whitening(z)
    assert whitening.rank == rank
    assert (whitening.matrix[1] == 0).all() == (rank == 1)


@pytest.mark.parametrize(("tilt", "rank"), [(1e-6, 2), (1e-8, 1)])
def test_nearly_parallel_columns_are_two_down_to_rounding(tilt, rank):
    z = RNG(3).standard_normal((100, 2))
    assert fit_whitening(np.column_stack([z[:, 0], z[:, 0] + tilt * z[:, 1]])).rank == rank


def test_linear_leak_is_least_squares_with_the_exact_interval():
    rng = RNG(4)
    z, noise = rng.standard_normal((90, 3)), rng.standard_normal(90)
    y = 60 + 10 * (0.5 * z[:, 0] + noise)
    leak = linear_leak(z * [1e-3, 1, 1e3] + 7, y, 0.05, LEVELS, permutations=150)
    fit = LinearRegression().fit(z, y)
    r2 = fit.score(z, y)
    assert leak.r2 == pytest.approx(r2)
    assert leak.estimate == pytest.approx(1 - (1 - r2) * 89 / 86)
    assert leak.interval == pytest.approx(population_r_squared_interval(r2, 90, 3, 0.025))
    assert leak.fail_interval == pytest.approx(population_r_squared_interval(r2, 90, 3, 0.004))
    assert (leak.n, leak.rank) == (90, 3)
    assert leak.power_at_margin == power_at_margin(90, 3, 0.05, 0.025)
    assert leak.minimum_detectable == detectable_r_squared(90, 3, 0.05, 0.004)
    assert leak.patients_needed == patients_needed(3, 0.05, 0.025)
    rest = np.arange(90) != 11
    alone = LinearRegression().fit(z[rest], y[rest]).predict(z[11:12])[0]
    assert leak.predictions[11] == pytest.approx(alone)
    assert leak.permuted.shape == (150,)
    assert stats.kstest(leak.permuted, stats.beta(1.5, 43).cdf).pvalue > 1e-3
    assert leak.null_at_zero
    assert leak.complaint == ""


def test_permutations_do_not_depend_on_how_they_are_batched():
    rng = RNG(5)
    z, y = rng.standard_normal((60, 2)), rng.standard_normal(60)
    many = linear_leak(z, y, 0.05, LEVELS, permutations=250).permuted
    few = linear_leak(z, y, 0.05, LEVELS, permutations=30).permuted
    assert many.shape == (250,)
    np.testing.assert_allclose(many[:30], few)
    again = linear_leaks(z, {"a": y}, 0.05, LEVELS, permutations=30, seed=0)["a"].permuted
    np.testing.assert_array_equal(few, again)
    assert (linear_leak(z, y, 0.05, LEVELS, permutations=30, seed=1).permuted != few).any()
    assert linear_leak(z, y, 0.05, LEVELS).permuted.shape == (1000,)


def test_no_leak_is_no_negative_leak_and_fifty_spare_people_are_enough():
    rng = RNG(6)
    z = rng.standard_normal((53, 3))
    y = rng.standard_normal(53)
    y -= LinearRegression().fit(z, y).predict(z)
    leak = linear_leak(z, y, 0.05, LEVELS, permutations=20)
    assert leak.estimate == 0.0
    assert leak.complaint == ""
    short = linear_leak(z[:52], y[:52], 0.05, LEVELS, permutations=20)
    assert "52 people for 3 directions" in short.complaint
    assert "at least 53" in short.complaint


def test_as_many_directions_as_people_is_a_complaint_and_no_crash():
    z, y = RNG(7).standard_normal((5, 9)), np.arange(5.0)
    leak = linear_leak(z, y, 0.05, LEVELS, permutations=20)
    assert leak.interval == (0.0, 1.0)
    assert leak.estimate == 0.0
    assert leak.null_at_zero
    assert np.isfinite(leak.predictions).all()


def test_targets_that_are_none_are_refused_by_name():
    z = RNG(8).standard_normal((9, 2))
    for target, words in (
        (np.arange(8.0), r"shape \(9,\) like the latents, got \(8,\)"),
        (np.r_[np.nan, np.inf, np.arange(7.0)], "2 target values are not finite"),
        (np.ones(9), "constant"),
    ):
        with pytest.raises(MeasurementError, match=words):
            linear_leak(z, target, 0.05, LEVELS)


def test_score_is_fishers_z_within_folds_and_zero_of_a_constant():
    rng = RNG(9)
    p, y = rng.standard_normal((2, 12, 3))
    p[:, 2] = 4.0
    fold = np.repeat([0, 1], 6)
    shift = 100.0 * fold[:, None]
    score = held_out_score(p + shift, y - shift, fold)
    inside = [a - np.repeat([a[:6].mean(0), a[6:].mean(0)], 6, axis=0) for a in (p, y)]
    r = [np.corrcoef(inside[0][:, i], inside[1][:, i])[0, 1] for i in (0, 1)]
    np.testing.assert_allclose(score, [*np.arctanh(r), 0.0], atol=1e-9)
    for sign in (1, -1):
        assert np.isfinite(held_out_score(sign * y, y, fold)).all()
        assert (sign * held_out_score(sign * y, y, fold) > 9).all()


def test_plants_are_their_share_of_leak_and_of_other_peoples_targets():
    rng = RNG(10)
    ages = np.r_[rng.uniform(20, 50, 400), rng.uniform(60, 90, 600)]
    members = rng.standard_normal((1000, 3))
    members = (members - members.mean(0)) / members.std(0)
    planted = np.array([0.0, 0.36, 1.0])
    targets = planted_targets(ages[:, None], members, planted, 0, 400)
    standard = (ages - ages.mean()) / ages.std()
    np.testing.assert_allclose(targets[:, 0], standard)
    np.testing.assert_allclose(targets[:, 3], members[:, 2])
    noise = (targets[:, 2] - 0.6 * members[:, 1]) / 0.8
    for found in (targets[:, 1], noise):
        assert (found != standard).mean() > 0.9
        np.testing.assert_allclose(np.sort(found[:400]), np.sort(standard[:400]))
        np.testing.assert_allclose(np.sort(found[400:]), np.sort(standard[400:]))
    assert (targets[:, 1] != noise).any()
    np.testing.assert_array_equal(targets, planted_targets(ages[:, None], members, planted, 0, 400))
    both = planted_targets(np.column_stack([ages, -ages]), members, planted, 0, 1000)
    assert both.shape == (1000, 5)
    np.testing.assert_allclose(np.sort(both[:, 2]), np.sort(standard))


def way(estimate, low, power):
    return SimpleNamespace(estimate=estimate, fail_interval=(low, 1.0), power_at_margin=power)


@pytest.mark.parametrize(
    ("ways", "counts"),
    [
        ({"a": way(0.1, 0.0, 0.9), "b": way(0.2, 0.0, 0.89)}, "a"),
        ({"a": way(0.1, 0.04, 0.9), "b": way(0.2, 0.01, 0.9)}, "b"),
        ({"a": way(0.3, 0.01, 0.5), "b": way(0.2, 0.02, 0.5)}, "b"),
        ({"a": way(0.3, 0.01, 1.0), "b": way(0.2, 0.06, 0.5)}, "b"),
        ({"a": way(0.3, 0.07, 1.0), "b": way(0.4, 0.06, 1.0)}, "a"),
        ({"a": way(0.3, 0.05, 0.5), "b": way(0.2, 0.04, 1.0)}, "b"),
    ],
)
def test_an_able_way_counts_unless_another_fails_the_margin(ways, counts):
    assert counting_way(ways, 0.05) == counts


def test_planting_levels_are_even_between_null_and_margin():
    levels, counts = np.unique(planting_levels(0.05, 96), return_counts=True)
    assert levels.tolist() == pytest.approx([0.0, 0.0125, 0.05, 0.1, 0.2, 0.4, 0.9])
    assert counts.tolist() == [35, 5, 35, 5, 5, 5, 5]
    # Twice .2 and .4 are one level; 4 * .3 is beyond .9.
    assert np.unique(planting_levels(0.2, 60)).tolist() == [0.0, 0.05, 0.2, 0.4, 0.8, 0.9]
    assert np.unique(planting_levels(0.35, 60)).tolist() == [0.0, 0.0875, 0.35, 0.7, 0.9]
    assert len(planting_levels(0.05, 240)) == pytest.approx(240, abs=2)
    for margin, plants in ((0.0, 96), (0.36, 96), (-0.1, 96), (0.05, 59)):
        with pytest.raises(ValueError, match=f"got {plants}, {margin}"):
            planting_levels(margin, plants)


def test_wild_coordinates_and_wild_people_are_pulled_in():
    z = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [3.0, 0.0], [0.0, 0.0], [9.0, -9.0]])
    # Clipped at 4; median norm 1, so that nobody is longer than 2.
    expected = [[1, 0], [0, 1], [0, -1], [2, 0], [0, 0], [np.sqrt(2), -np.sqrt(2)]]
    np.testing.assert_allclose(winsorised(z), expected, atol=1e-12)


@pytest.mark.parametrize("count", [1, 6])
def test_quadratic_members_are_evenness_and_products_by_turns(count):
    z = RNG(11).standard_normal((4000, 5))
    members = quadratic_members(z, count, seed=0)
    np.testing.assert_array_equal(members, quadratic_members(z, count))
    np.testing.assert_allclose(members.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(members.std(axis=0), 1)
    ends = []
    for f in members.T:
        values = np.linalg.eigvalsh((z * f[:, None]).T @ z / len(z))
        ends.append((values[0], values[-1]))
    for i, (low, high) in enumerate(ends):
        if i % 2 == 0:  # |u·z|: one end of sqrt(1.75), nothing at the other
            assert high == pytest.approx(np.sqrt(1.75), abs=0.15)
            assert abs(low) < 0.3
        else:  # (u·z)(v·z): both
            assert (high, low) == (pytest.approx(1, abs=0.2), pytest.approx(-1, abs=0.2))


def test_small_networks_and_trees_are_of_all_directions_and_their_own():
    z = RNG(12).standard_normal((500, 3))
    for members in (random_members(z, 40), random_tree_members(z, 40)):
        assert members.shape == (500, 40)
        np.testing.assert_allclose(members.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(members.std(axis=0), 1)
        assert np.abs(np.corrcoef(members.T) - np.eye(40)).max() < 0.999
        shares = [LinearRegression().fit(z, f).score(z, f) for f in members.T]
        assert np.ptp(shares) > 0.2
    np.testing.assert_array_equal(random_members(z, 3), random_members(z, 3, 0, hidden=4))
    np.testing.assert_array_equal(random_tree_members(z, 3), random_tree_members(z, 3, 0, depth=2))
    assert max(len(np.unique(f)) for f in random_tree_members(z, 40).T) == 4


def test_rows_that_do_not_match_train_nothing():
    z, y = RNG(13).standard_normal((20, 2)), RNG(14).standard_normal((20, 1))
    for latents, targets in ((z, y[:-1]), (z, y[:, 0]), (z[:9], y[:9])):
        with pytest.raises(ValueError, match="no 5 folds"):
            cross_validated(latents, targets)
    for rows in ((z, y[1:], z, y), (z, y, z[1:], y)):
        with pytest.raises(ValueError, match="rows differ"):
            fitted(*rows)
