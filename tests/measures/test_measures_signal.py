"""Measures of the age head and of copies, against data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis_audit.measures.axis import squared_errors
from axis_audit.measures.calibration import calibration_slope
from axis_audit.measures.duplicates import near_duplicates, unit_rows
from axis_audit.measures.einthoven import einthoven_residuals, lawful_limb_leads
from axis_audit.measures.random_encoder import cross_fitted_ages, random_features
from axis_audit.perturbations import noise, silence_lead


@given(st.integers(0, 10_000), st.floats(0.05, 20), st.floats(-500, 500))
def test_weighted_slope_is_the_least_squares_line_of_the_resample(seed, scale, offset):
    rng = np.random.default_rng(seed)
    p = offset + scale * rng.standard_normal(40)
    y = 0.7 * p + rng.standard_normal(40)
    weights = rng.integers(0, 4, (3, 40)).astype(float)
    for row, slope in zip(weights, calibration_slope(weights, p, y), strict=True):
        times = row.astype(int)
        expected = np.polyfit(np.repeat(p - p.mean(), times), np.repeat(y, times), 1)[0]
        assert slope == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_slope_of_a_constant_prediction_is_undefined():
    assert np.isnan(calibration_slope(np.ones((2, 9)), np.full(9, 60.0), np.arange(9.0))).all()


def test_random_features_ignore_gain_and_neighbours_and_survive_silence():
    x = np.random.default_rng(0).standard_normal((20, 3, 50)).astype(np.float32)
    features = random_features(x)
    np.testing.assert_allclose(random_features(4 * x), features, atol=1e-5)
    np.testing.assert_allclose(random_features(x[:3]), features[:3], atol=1e-5)
    assert np.isfinite(random_features(np.zeros_like(x))).all()
    assert (random_features(x, seed=1) != features).any()


def test_cross_fitting_finds_age_where_it_is_and_none_where_it_is_not():
    rng = np.random.default_rng(1)
    ages = rng.uniform(18, 90, 600)
    features = rng.standard_normal((600, 20))
    blind = np.abs(cross_fitted_ages(features, ages) - ages).mean()
    assert blind > 0.98 * np.abs(ages - ages.mean()).mean()  # an in-sample fit would do better
    features[:, 3] = ages
    features[:, 4] = 0.0
    assert np.abs(cross_fitted_ages(features, ages) - ages).mean() < 3
    with pytest.raises(ValueError, match="cannot be split"):
        cross_fitted_ages(features[:4], ages[:4])


def test_squared_errors_are_those_of_the_difference():
    rng = np.random.default_rng(2)
    r, g, b = rng.standard_normal((30, 12)), rng.standard_normal(30), rng.standard_normal(12)
    np.testing.assert_allclose(squared_errors(r, g, b), ((r - np.outer(g, b)) ** 2).sum(axis=1))


def test_the_sketch_misses_no_pair_that_full_comparison_finds():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((900, 4, 300))  # more than one block of rows, and of samples
    near = np.sqrt(2 * (1 - np.linspace(0.985, 0.9999, 60)))
    x[-60:] = x[:60] + near[:, None, None] * rng.standard_normal((60, 4, 300))
    rows = unit_rows(x)
    full = np.triu(rows @ rows.T, 1)
    expected = {(int(i), int(j)) for i, j in np.argwhere(full > 0.99)}
    assert 20 < len(expected) < 60
    found = near_duplicates(rows, None, 0.99)
    assert {(i, j) for i, j, _ in found} == expected
    assert [r for *_, r in found] == sorted((r for *_, r in found), reverse=True)
    crossed = near_duplicates(rows[:60], rows[-60:], 0.99)
    assert {(i, 840 + j) for i, j, _ in crossed} == expected


def test_lawful_leads_obey_and_keep_the_rest():
    leads = ("V1", "I", "II", "III", "aVR", "aVL", "aVF")
    x = np.random.default_rng(4).standard_normal((6, 7, 40)).astype(np.float32)
    lawful = lawful_limb_leads(x, leads)
    assert all((v < 1e-6).all() for v in einthoven_residuals(lawful, leads).values())
    np.testing.assert_array_equal(lawful[:, :3], x[:, :3])
    assert einthoven_residuals(x, leads)["III"].min() > 0.1


@given(st.floats(0, 40), st.integers(0, 100))
def test_noise_has_the_ratio_it_names_in_every_record(decibels, seed):
    rng = np.random.default_rng(seed)
    sizes = np.array([0.01, 1.0, 50.0], np.float32)[:, None, None]
    x = (sizes * rng.standard_normal((3, 12, 200))).astype(np.float32)
    added = noise(x, rng, decibels).astype(np.float64) - x
    ratio = 10 * np.log10((x.astype(float) ** 2).mean(axis=(1, 2)) / (added**2).mean(axis=(1, 2)))
    np.testing.assert_allclose(ratio, decibels, atol=0.8)


def test_a_silenced_lead_leaves_the_original_alone():
    x = np.ones((2, 3, 5), np.float32)
    silenced = silence_lead(x, 1)
    assert (x == 1).all()
    assert (silenced[:, 1] == 0).all()
    assert (silenced[:, [0, 2]] == 1).all()
