"""Formulas against data whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from axis_audit.measures.axis import direction_similarity, regress_direction, transport_ratio
from axis_audit.measures.canonical import canonical_features
from axis_audit.measures.collapse import explained_by_latents, participation_ratio
from axis_audit.measures.einthoven import einthoven_residuals
from axis_audit.measures.monotonicity import smallest_increment, spearman_exact
from axis_audit.measures.smoothness import largest_second_difference

AGES = np.arange(18, 90.05, 0.1)


@given(st.lists(st.integers(0, 6), min_size=3, max_size=30))
def test_spearman_is_one_only_for_a_strict_rise(values):
    ages, g = np.arange(len(values)), np.array(values, float)
    strict = bool((np.diff(g) > 0).all())
    assert (spearman_exact(ages, g) == 1.0) == strict
    assert (smallest_increment(g) > 0) == strict
    if np.ptp(g):
        assert spearman_exact(ages, g) == pytest.approx(stats.spearmanr(ages, g).statistic)
    else:
        assert np.isnan(spearman_exact(ages, g))


def test_one_tie_among_thousands_is_seen_and_nan_is_not_a_number():
    g = np.sqrt(AGES)
    assert spearman_exact(AGES[::-1], g[::-1]) == 1.0
    g[300] = g[301]
    assert spearman_exact(AGES, g) < 1.0
    g[5] = np.nan
    assert np.isnan(spearman_exact(AGES, g))
    assert np.isnan(smallest_increment(g))


def test_smoothness_is_the_second_derivative_whatever_the_scale():
    quadratic = (AGES - 18) ** 2
    expected = 2 / np.ptp(quadratic)
    for scale in (1e-3, 1.0, 1e4):
        assert largest_second_difference(scale * quadratic, 0.1) == pytest.approx(
            expected, rel=1e-4
        )
    assert largest_second_difference(AGES, 0.1) == pytest.approx(0, abs=1e-10)
    kink = np.maximum(AGES - 50, 0)
    assert largest_second_difference(kink, 0.1) > 0.1
    assert np.isnan(largest_second_difference(np.ones(9), 0.1))


def beats_with_axis(n=400, noise=1.0, seed=0, leads=3, samples=20):
    rng = np.random.default_rng(seed)
    b = rng.standard_normal((leads, samples))
    b /= np.linalg.norm(b)
    g = rng.standard_normal(n)
    x = g[:, None, None] * b + noise * rng.standard_normal((n, leads, samples))
    return x + 3.0, g, b


def test_regression_finds_the_direction():
    x, g, b = beats_with_axis(noise=0.01)
    np.testing.assert_allclose(regress_direction(x, g), b, atol=0.005)
    weights = np.random.default_rng(1).integers(0, 3, len(g))
    repeated = regress_direction(np.repeat(x, weights, 0), np.repeat(g, weights))
    np.testing.assert_allclose(regress_direction(x, g, weights), repeated, atol=1e-10)
    assert np.isnan(regress_direction(x, np.ones(len(g)))).all()


def test_debiased_cosine_is_right_where_the_plain_one_is_lost_in_noise():
    debiased, plain = [], []
    for seed in range(40):
        x, g, b = beats_with_axis(noise=1.5, seed=seed)
        debiased.append(direction_similarity(np.ones((1, len(g))), x, g, b)[0])
        estimate = regress_direction(x, g)
        plain.append(np.sum(estimate * b) / np.linalg.norm(estimate))
    assert np.mean(plain) < 0.9  # noise alone would fail a perfect axis
    assert np.mean(debiased) == pytest.approx(1, abs=0.02)


def test_debiasing_also_holds_inside_a_bootstrap():
    x, g, b = beats_with_axis(noise=1.5, seed=3)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(g), [1 / len(g)] * len(g), 400).astype(float)
    drawn = direction_similarity(weights, x, g, b)
    whole = direction_similarity(np.ones((1, len(g))), x, g, b)[0]
    # The resamples scatter around a smaller cosine: they carry the sample's noise as signal,
    # but not a second helping of it.
    assert abs(np.median(drawn) - whole) < 0.06


def test_similarity_is_nan_for_noise_and_low_for_another_direction():
    x, g, b = beats_with_axis(noise=0.3)
    other = np.roll(b, 7, axis=1)
    ones = np.ones((1, len(g)))
    assert abs(direction_similarity(ones, x, g, other)[0]) < 0.5
    noise = np.random.default_rng(0).standard_normal((60, *b.shape))
    values = [
        direction_similarity(
            np.ones((1, 60)), noise, np.random.default_rng(s).standard_normal(60), b
        )
        for s in range(30)
    ]
    assert np.isnan(values).any()


def test_transport_ratio_sees_a_gain_that_the_cosine_does_not():
    x, g, b = beats_with_axis(noise=0.05)
    ones = np.ones((1, len(g)))
    assert transport_ratio(ones, x, g, b)[0] == pytest.approx(1, abs=0.02)
    assert transport_ratio(ones, 0.5 * x, g, b)[0] == pytest.approx(0.5, abs=0.02)
    assert direction_similarity(ones, 0.5 * x, g, b)[0] == pytest.approx(1, abs=0.02)
    assert np.isnan(transport_ratio(ones, x, g, 0 * b)).all()


def test_participation_counts_directions_and_not_loudness():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((4000, 8))
    assert participation_ratio(z) == pytest.approx(8, rel=0.02)
    assert participation_ratio(z * 10.0 ** np.arange(8)) == pytest.approx(8, rel=0.02)
    assert participation_ratio(np.outer(z[:, 0], np.arange(1, 9))) == pytest.approx(1)
    assert participation_ratio(np.full((50, 8), 3.7)) == 0
    assert np.isnan(participation_ratio(np.full((50, 8), np.nan)))


def test_explained_share_of_an_honest_a_tiny_and_a_collapsed_latent():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((600, 6))
    x = (z @ rng.standard_normal((6, 60))).reshape(600, 3, 20) + 0.1 * rng.standard_normal(
        (600, 3, 20)
    )
    assert explained_by_latents(x, z).value > 0.95
    assert explained_by_latents(x, 1e-4 * z).value > 0.95
    assert explained_by_latents(x, np.ones((600, 6))).value == pytest.approx(0, abs=1e-9)
    assert explained_by_latents(x, rng.standard_normal((600, 6))).value < 0.02
    result = explained_by_latents(x, z)
    assert result.weighted(np.ones((2, 600))) == pytest.approx([result.value] * 2)
    with pytest.raises(ValueError, match="do not vary"):
        explained_by_latents(np.ones((600, 3, 20)), z)


LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1")


def limb_leads(n=5):
    rng = np.random.default_rng(2)
    one, two, v1 = rng.standard_normal((3, n, 50))
    three = two - one
    augmented = [-(one + two) / 2, (one - three) / 2, (two + three) / 2]
    return np.stack([one, two, three, *augmented, v1], axis=1)


def test_true_limb_leads_obey_and_swapped_ones_do_not():
    x = limb_leads()
    assert all((v < 1e-12).all() for v in einthoven_residuals(x, LEADS).values())
    swapped = x[:, [0, 2, 1, 3, 4, 5, 6]]
    assert (einthoven_residuals(swapped, LEADS)["III"] > 0.1).all()
    normalised = x / np.abs(x).max(axis=2, keepdims=True)
    assert (einthoven_residuals(normalised, LEADS)["III"] > 0.01).all()
    flat = einthoven_residuals(np.zeros((2, 7, 50)), LEADS)
    assert np.isnan(flat["III"]).all()
    assert set(einthoven_residuals(x[:, :3], LEADS[:3])) == {"III"}
    with pytest.raises(KeyError):
        einthoven_residuals(x[:, 1:], LEADS[1:])


def test_canonical_features_keep_what_a_probe_needs():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((100, 12, 40))
    features = canonical_features(x)
    assert features.shape == (100, 64 + 36)
    reference = rng.standard_normal((30, 12, 40))
    assert canonical_features(x, reference=reference).shape == (100, 29 + 36)
    np.testing.assert_allclose(features[:, 64], np.sqrt(np.mean(x[:, 0] ** 2, axis=1)))
    assert canonical_features(np.ones((9, 2, 5))).shape == (9, 6)
