"""Measures of axis, latents and beats on data small enough to work them out by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from axis_audit.measures.axis import (
    direction_similarity,
    regress_direction,
    squared_errors,
    transport_ratio,
)
from axis_audit.measures.calibration import calibration_slope
from axis_audit.measures.canonical import canonical_features
from axis_audit.measures.collapse import explained_by_latents, participation_ratio
from axis_audit.measures.principal import principal_directions
from axis_audit.measures.random_encoder import cross_fitted_ages, random_features

RNG = np.random.default_rng


def test_what_the_line_owes_to_noise_is_taken_off_its_norm():
    """Residuals (c, -c, -c, c) are of one size and hide nothing of the line."""
    g, c = np.array([-3.0, -1.0, 1.0, 3.0]), 0.5
    beats = np.outer(g, [2.0, 0.0]) + np.outer([c, -c, -c, c], [0.0, 1.0]) + 7.0
    ones = np.ones((1, 4))
    np.testing.assert_allclose(regress_direction(beats, g), [2.0, 0.0], atol=1e-12)
    # |B|² = 4, less Σ w²|r|² = c²/20, two of four degrees of freedom gone into the line.
    norm = np.sqrt(4 - c**2 / 20 * 4 / 2)
    found = direction_similarity(ones, beats, g, np.array([3.0, 4.0]))
    np.testing.assert_allclose(found, [2 * 3 / (5 * norm)])
    assert np.isnan(direction_similarity(ones, beats - np.outer(g, [2.0, 0]), g, [3.0, 4.0])).all()
    np.testing.assert_allclose(transport_ratio(ones, beats, g, np.array([1.0, 0.0])), [2.0])
    np.testing.assert_allclose(transport_ratio(ones, beats, g, np.array([4.0, 3.0])), [8 / 25])


def test_three_people_leave_one_degree_of_freedom_to_noise():
    g, c = np.array([-1.0, 0.0, 1.0]), 0.4
    beats = np.outer(g, [2.0, 0.0]) + np.outer([c, -2 * c, c], [0.0, 1.0])
    found = direction_similarity(np.ones((1, 3)), beats, g, np.array([1.0, 0.0]))
    np.testing.assert_allclose(found, [2 / np.sqrt(4 - 0.5 * c**2 * 3)])


def test_a_person_drawn_twice_is_one_source_of_noise():
    rng = RNG(0)
    g, b = 50 + 10 * rng.standard_normal(30), rng.standard_normal((2, 4))
    beats = g[:, None, None] * b + 20 * rng.standard_normal((30, 2, 4))
    m = rng.multinomial(30, [1 / 30] * 30, 3).astype(float)
    rows = beats.reshape(30, 8)
    residuals = rows - LinearRegression().fit(g[:, None], rows).predict(g[:, None])
    for weights, found, ratio in zip(
        m, direction_similarity(m, beats, g, b), transport_ratio(m, beats, g, b), strict=True
    ):
        times = weights.astype(int)
        gs, xs = np.repeat(g, times), np.repeat(rows, times, axis=0)
        slope = LinearRegression().fit(gs[:, None], xs).coef_[:, 0]
        share = weights * (g - gs.mean()) / np.sum((gs - gs.mean()) ** 2)
        own = np.sum(share**2 * np.sum(residuals**2, axis=1)) * 30 / 28
        flat = b.ravel()
        assert ratio == pytest.approx(slope @ flat / (flat @ flat))
        expected = slope @ flat / np.linalg.norm(flat) / np.sqrt(slope @ slope - own)
        assert found == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e5])
def test_a_constant_axis_has_no_direction_whatever_its_rounding(value):
    beats = RNG(0).standard_normal((7, 2, 3))
    g = np.full(7, value)
    assert np.isnan(regress_direction(beats, g)).all()
    assert np.isnan(transport_ratio(np.ones((2, 7)), beats, g, np.ones(6))).all()
    assert transport_ratio(np.ones((2, 7)), beats, np.arange(7.0), np.zeros(6)).shape == (2,)


@pytest.mark.parametrize("scale", [1e-13, 1.0, 1e13])
def test_the_unit_of_the_axis_only_scales_the_direction(scale):
    rng = RNG(1)
    g, beats = 1 + 1e-9 * rng.standard_normal(20), rng.standard_normal((20, 6))
    slope = regress_direction(beats, scale * g)
    expected = LinearRegression().fit((1e9 * (g - 1))[:, None], beats).coef_[:, 0] * 1e9
    np.testing.assert_allclose(scale * slope, expected, rtol=1e-4)


def test_beats_and_axis_values_need_the_same_rows():
    for beats, g in ((np.ones((5, 3)), np.arange(4.0)), (np.ones((4, 3)), np.ones((4, 1)))):
        with pytest.raises(ValueError, match="need the same rows"):
            regress_direction(beats, g)


def test_squared_errors_of_single_precision_are_summed_in_double():
    r = RNG(2).standard_normal((3, 200_000)).astype(np.float32) + np.float32(30)
    found = squared_errors(r, np.zeros(3), np.zeros(200_000))
    np.testing.assert_allclose(found, np.sum(r.astype(float) ** 2, axis=1), rtol=1e-10)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_calibration_slope_knows_no_unit_and_calls_rounding_constant(scale):
    rng = RNG(3)
    p = scale * rng.standard_normal(25)
    y = 0.8 * p + scale * rng.standard_normal(25)
    ones = np.ones((1, 25))
    assert calibration_slope(ones, p, y)[0] == pytest.approx(np.polyfit(p, y, 1)[0])
    weights = np.ones((1, 25))
    weights[0, 1:] = 0
    weights[0, 0] = 25
    assert np.isnan(calibration_slope(weights, p, y)).all()
    assert np.isnan(calibration_slope(ones, np.zeros(25), y)).all()


def test_predictions_that_differ_by_minutes_of_a_life_still_have_a_slope():
    p = 60 + 1e-5 * RNG(15).standard_normal(40)
    y = 50 + 0.8 * (p - 60)
    assert calibration_slope(np.ones((1, 40)), p, y)[0] == pytest.approx(0.8, rel=1e-6)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40)])
def test_principal_directions_are_those_of_the_covariance(shape):
    rows = RNG(4).standard_normal(shape) * np.linspace(1, 3, shape[1]) + 5.0
    mean, directions = principal_directions(rows, 3)
    np.testing.assert_allclose(mean, rows.mean(axis=0))
    np.testing.assert_allclose(directions @ directions.T, np.eye(3), atol=1e-10)
    left, _, right = np.linalg.svd(rows - mean, full_matrices=False)
    np.testing.assert_allclose(np.abs(np.sum(directions * right[:3], axis=1)), 1, atol=1e-10)
    assert np.all(np.diff(((rows - mean) @ directions.T).var(axis=0)) < 0)
    assert len(principal_directions(rows, 99)[1]) == min(shape[1], shape[0] - 1)
    # A direction a millionth as large as the largest is rounding, ten millionths are not.
    for small, rank in ((3e-7, 1), (1e-5, 2)):
        assert len(principal_directions(left[:, :2] * [1.0, small] @ right[:2], 5)[1]) == rank
    assert len(principal_directions(np.ones(shape), 3)[1]) == 0
    assert len(principal_directions(1e-9 * rows, 3)[1]) == 3


def test_canonical_features_are_scores_then_rms_largest_and_smallest_of_each_lead():
    rng = RNG(5)
    x = rng.standard_normal((9, 2, 11)) + 0.5
    features = canonical_features(x)
    scores, summary = features[:, :8], features[:, 8:]
    assert features.shape == (9, 8 + 6)  # nine beats have eight components
    flat = x.reshape(9, 22)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scores @ scores.T, (flat - flat.mean(0)) @ (flat - flat.mean(0)).T)
    expected = [np.sqrt((x**2).mean(axis=2)), x.max(axis=2), x.min(axis=2)]
    np.testing.assert_allclose(summary, np.concatenate(expected, axis=1))
    np.testing.assert_allclose(canonical_features(x, components=3)[:, :3], scores[:, :3])
    moved = canonical_features(x, reference=x + 1.0)[:, :8]
    _, directions = principal_directions(flat, 8)
    np.testing.assert_allclose(np.abs(moved.mean(axis=0)), np.abs(directions.sum(axis=1)))
    np.testing.assert_allclose(np.ptp(moved, axis=0), np.ptp(scores, axis=0))
    assert canonical_features(rng.standard_normal((90, 3, 40))).shape == (90, 64 + 9)


def test_canonical_beats_of_another_shape_are_refused():
    for beats, reference in ((np.ones((3, 4)), None), (np.ones((3, 2, 4)), np.ones((3, 2, 5)))):
        with pytest.raises(ValueError, match=r"\(n, leads, samples\), got \(3"):
            canonical_features(beats, reference=reference)


def test_two_correlated_columns_take_part_as_two_over_one_plus_r_squared():
    rng = RNG(6)
    z = rng.standard_normal((50, 2))
    z = np.linalg.qr(z - z.mean(axis=0))[0]
    pair = np.column_stack([z[:, 0], 0.6 * z[:, 0] + 0.8 * z[:, 1]])
    assert participation_ratio(pair) == pytest.approx(2 / (1 + 0.6**2))
    assert participation_ratio(3.0 * pair + 40.0) == pytest.approx(2 / (1 + 0.6**2))


def test_what_single_precision_cannot_tell_from_a_constant_takes_no_part():
    rng = RNG(7)
    z = rng.standard_normal((200, 3))
    z -= z.mean(axis=0)
    for offset, directions in ((1e6, 3), (-1e6, 3), (1e7, 2), (-1e7, 2)):
        z[:, 2] = rng.standard_normal(200) + offset
        assert participation_ratio(z) == pytest.approx(directions, rel=0.05)


def test_the_explained_share_is_that_of_people_left_out():
    """As many folds as people leave nothing to chance: each is predicted by all others."""
    rng = RNG(8)
    z = rng.standard_normal((24, 3)) * [1e-4, 1.0, 1e3] + [5.0, 0.0, 0.0]
    x = (z / [1e-4, 1.0, 1e3]) @ rng.standard_normal((3, 10)) + rng.standard_normal((24, 10))
    scores = x - x.mean(axis=0)
    right = np.linalg.svd(scores, full_matrices=False)[2]
    scores = scores @ right[:4].T
    error, total = np.zeros(24), np.zeros(24)
    for i in range(24):
        rest = np.arange(24) != i
        fit = LinearRegression().fit(z[rest] / [1e-4, 1.0, 1e3], scores[rest])
        error[i] = np.sum((scores[i] - fit.predict(z[i : i + 1] / [1e-4, 1.0, 1e3])[0]) ** 2)
        total[i] = np.sum((scores[i] - scores[rest].mean(axis=0)) ** 2)
    found = explained_by_latents(x, z, components=4, folds=24)
    np.testing.assert_allclose(found.error, error)
    np.testing.assert_allclose(found.total, total)
    assert found.value == pytest.approx(1 - error.sum() / total.sum())
    w = rng.integers(0, 3, (2, 24)).astype(float)
    np.testing.assert_allclose(found.weighted(w), 1 - (w @ error) / (w @ total))
    repeated = explained_by_latents(x, np.column_stack([z, z[:, 1]]), components=4, folds=24)
    assert repeated.value == pytest.approx(found.value)


def test_what_hides_between_two_nearly_equal_columns_is_looked_at():
    a, b = RNG(13).standard_normal((2, 200))
    x = np.column_stack([b, 2 * b]) + 0.01 * RNG(14).standard_normal((200, 2))
    assert explained_by_latents(x, np.column_stack([a, a + 1e-4 * b])).value > 0.99
    with pytest.raises(ValueError, match=r"^the beats do not vary"):
        explained_by_latents(np.ones((200, 2)), np.column_stack([a, b]))


def test_by_default_sixteen_components_in_five_folds():
    rng = RNG(9)
    x, z = rng.standard_normal((60, 30)), rng.standard_normal((60, 2))
    plain = explained_by_latents(x, z)
    stated = explained_by_latents(x, z, components=16, folds=5, seed=0)
    assert plain.value == stated.value
    for other in ({"components": 17}, {"folds": 6}, {"seed": 1}):
        assert explained_by_latents(x, z, **other).value != plain.value


def test_people_and_latents_that_make_no_folds_are_refused():
    x, z = RNG(10).standard_normal((2, 5, 4))
    for beats, latents, folds in (
        (x, z[:4], 3),
        (x[:4], z[:4], 5),
        (x[:2], z[:2], 2),
        (x, z[:, 0], 3),
    ):
        with pytest.raises(ValueError, match=f"do not make {folds} folds"):
            explained_by_latents(beats, latents, folds=folds)
    assert np.isfinite(explained_by_latents(x[:3], z[:3, :1], folds=3).value)
    assert np.isfinite(explained_by_latents(x, z[:, :1]).value)


def test_age_of_each_of_five_is_ridge_regressed_on_the_other_four():
    rng = RNG(11)
    features, ages = rng.standard_normal((5, 2)) * [1.0, 30.0] + 4.0, rng.uniform(20, 90, 5)
    expected = []
    for i in range(5):
        rest = np.arange(5) != i
        centre, spread = features[rest].mean(axis=0), features[rest].std(axis=0)
        ridge = Ridge(alpha=0.1 * 4).fit((features[rest] - centre) / spread, ages[rest])
        expected.append(ridge.predict((features[i : i + 1] - centre) / spread)[0])
    np.testing.assert_allclose(cross_fitted_ages(features, ages), expected)
    with pytest.raises(ValueError, match="4 people cannot be split into 5"):
        cross_fitted_ages(features[:4], ages[:4])


def test_a_feature_that_only_the_person_left_out_switches_on_says_nothing():
    features, ages = np.zeros((5, 1)), np.array([20.0, 30, 40, 50, 60])
    features[2] = 1.0
    assert cross_fitted_ages(features, ages)[2] == pytest.approx(40.0)
    shuffled = cross_fitted_ages(RNG(0).standard_normal((20, 2)), RNG(1).uniform(20, 90, 20))
    again = cross_fitted_ages(RNG(0).standard_normal((20, 2)), RNG(1).uniform(20, 90, 20), seed=0)
    np.testing.assert_array_equal(shuffled, again)


def test_random_features_are_rectified_gaussians_of_variance_two():
    """W·x of unit RMS and b are standard normal each: the mean of ReLU is 1/sqrt(π)."""
    x = 9.0 * RNG(12).standard_normal((4, 3, 20)).astype(np.float32)
    features = random_features(x, features=40_000)
    assert features.dtype == np.float64
    assert features.min() == 0.0
    np.testing.assert_allclose(features.mean(axis=1), 1 / np.sqrt(np.pi), atol=0.02)
    np.testing.assert_allclose((features**2).mean(axis=1), 1.0, atol=0.04)
    np.testing.assert_allclose(random_features(1e-6 * x), random_features(x), atol=1e-4)
    silent = random_features(np.zeros((1, 3, 20)), features=40_000)
    assert silent.mean() == pytest.approx(1 / np.sqrt(2 * np.pi), abs=0.02)
    np.testing.assert_array_equal(random_features(x), random_features(x, features=64, seed=0))
