"""The linear probe on every trap that concerns it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.errors import MeasurementError
from axis_audit.probes.linear import linear_leak, linear_leaks
from axis_audit.probes.whitening import fit_whitening, whiten
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.05 / 15)
MARGIN = 0.05


def people(n=1000, d=16, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.uniform(20, 90, n)


def standard(age):
    return (age - age.mean()) / age.std()


@given(d=st.integers(1, 12), seed=st.integers(0, 1000), exponent=st.floats(-6, 6))
@settings(max_examples=40, deadline=None)
def test_whitened_latents_have_unit_covariance_at_any_scale(d, seed, exponent):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((200, d)) @ rng.standard_normal((d, d)) * 10**exponent
    w = whiten(z)
    np.testing.assert_allclose(w.T @ w / 200, np.eye(w.shape[1]), atol=1e-7)


def test_whitening_drops_what_does_not_vary_and_keeps_what_hardly_does():
    z, _ = people(d=4)
    spread = z * np.sqrt([50, 1, 2e-4, 2e-4])
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
    assert fit_whitening((spread @ rotation).astype(np.float32)).rank == 4
    assert fit_whitening(np.column_stack([z, np.full(1000, 7.3, np.float32)])).rank == 4
    assert fit_whitening(np.column_stack([z, z @ [1.0, 2, 3, 4]])).rank == 4
    half = fit_whitening(z[:500]).apply(z[500:])
    assert half.shape == (500, 4)


@pytest.mark.parametrize("value", [0.0, 3.7])
def test_a_constant_latent_is_never_certified(value):
    """It passes every leakage probe; rank 0 must be an error and not a PASS."""
    _, age = people()
    with pytest.raises(MeasurementError, match="constant"):
        linear_leak(np.full((1000, 8), value, np.float32), age, MARGIN, LEVELS)


def test_bad_input_is_named():
    z, age = people()
    spoiled = z.copy()
    spoiled[3, 2] = np.nan
    with pytest.raises(MeasurementError, match="1 of 1000 rows"):
        linear_leak(spoiled, age, MARGIN, LEVELS)
    with pytest.raises(MeasurementError, match="not finite"):
        linear_leak(z, np.where(age < 21, np.nan, age), MARGIN, LEVELS)
    with pytest.raises(MeasurementError, match="constant"):
        linear_leak(z, np.full(1000, 50.0), MARGIN, LEVELS)
    with pytest.raises(MeasurementError, match="shape"):
        linear_leak(z, age[:-1], MARGIN, LEVELS)


def test_age_in_directions_of_tiny_variance_is_found():
    """Eigenvalues 2e-4 to 50: ridge, trees and MLP on raw latents see nothing (R² .016, -.03)."""
    z, age = people()
    z[:, 0] = 0.55 * standard(age) + np.sqrt(1 - 0.55**2) * z[:, 0]
    eigenvalues = np.geomspace(2e-4, 50, 16)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((16, 16)))[0]
    leak = linear_leak(z * np.sqrt(eigenvalues) @ rotation, age, MARGIN, LEVELS)
    assert leak.interval[0] < 0.55**2 < leak.interval[1]
    assert leak.fail_interval[0] > MARGIN


def test_scale_of_the_latents_changes_nothing():
    """A ridge on latents at scale 1e-4 reads -.002 where standardised ones give .53."""
    z, age = people()
    z[:, 0] += standard(age)
    whole = linear_leak(z, age, MARGIN, LEVELS)
    tiny = linear_leak((1e-4 * z).astype(np.float32), age, MARGIN, LEVELS)
    assert tiny.estimate == pytest.approx(whole.estimate, abs=1e-4)
    assert tiny.fail_interval[0] > MARGIN


def test_obvious_rule_would_pass_what_this_one_does_not():
    """d = 256, leak at the margin: out-of-fold R² is negative, the interval holds .05."""
    z, age = people(2150, 256, seed=5)
    y = np.sqrt(0.05) * z[:, 0] + np.sqrt(0.95) * standard(age)
    leak = linear_leak(z, y, MARGIN, LEVELS)
    residual = y - leak.predictions
    assert 1 - residual.var() / y.var() < MARGIN / 2
    assert leak.interval[0] < MARGIN < leak.interval[1]


def test_clean_latents_pass_and_blatant_ones_fail_with_their_controls():
    passed = 0
    for seed in range(20):
        z, age = people(1850, 32, seed)
        leak = linear_leak(z, age, MARGIN, LEVELS, permutations=200)
        assert leak.null_at_zero
        assert not leak.complaint
        assert leak.fail_interval[0] <= MARGIN
        passed += leak.interval[1] <= MARGIN
    assert passed == 20
    assert leak.power_at_margin > 0.99
    assert leak.patients_needed < 1850
    assert leak.rank == 32


def test_a_leak_even_in_age_needs_its_own_target():
    z, age = people()
    z[:, 0] = np.abs(standard(age)) + 0.3 * z[:, 0]
    leaks = linear_leaks(z, {"age": age, "|age|": np.abs(age - np.median(age))}, MARGIN, LEVELS)
    assert leaks["age"].fail_interval[0] <= MARGIN < leaks["|age|"].fail_interval[0]
    single = linear_leak(z, age, MARGIN, LEVELS)
    assert single.estimate == leaks["age"].estimate


def test_too_few_people_are_a_complaint():
    z, age = people(60, 32)
    assert "82" in linear_leak(z, age, MARGIN, LEVELS).complaint
    z, age = people(30, 64)
    leak = linear_leak(z, age, MARGIN, LEVELS)
    assert leak.complaint
    assert leak.interval == (0.0, 1.0)
    z, age = people(300, 32)
    assert linear_leak(z, age, MARGIN, LEVELS).power_at_margin < 0.9


def test_predictions_are_those_of_the_fit_without_the_row():
    z, age = people(80, 5)
    leak = linear_leak(z, age, MARGIN, LEVELS)
    rest = np.arange(80) != 7
    design = np.column_stack([np.ones(80), z])
    coefficients = np.linalg.lstsq(design[rest], age[rest], rcond=None)[0]
    assert leak.predictions[7] == pytest.approx(design[7] @ coefficients, rel=1e-9)


def test_a_binary_target_is_a_target():
    z, age = people()
    z[:, 0] += standard(age)
    assert linear_leak(z, (age > 55).astype(float), MARGIN, LEVELS).fail_interval[0] > MARGIN
