"""The quadratic test that also sets the oldest people against the youngest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.errors import MeasurementError
from axis_audit.probes.extremes import ends_of, quadratic_permutation_test


def people(n=1200, d=16, seed=0):
    rng = np.random.default_rng(seed)
    u, v = np.linalg.qr(rng.standard_normal((d, 2)))[0].T
    return rng.standard_normal((n, d)), np.sqrt(3) * rng.uniform(-1, 1, n), u, v


def leaking(noise, member, r):
    return np.sqrt(r) * (member - member.mean()) / member.std() + np.sqrt(1 - r) * noise


@pytest.mark.parametrize("kind", ["even", "product", "xor"])
def test_leaks_in_any_rotation_are_found(kind):
    z, noise, u, v = people()
    first, second = z @ u, z @ v
    member = {"even": np.abs(first), "product": first * second, "xor": np.sign(first * second)}
    age = 55 + 16 * leaking(noise, member[kind], 0.2)
    assert quadratic_permutation_test(z, age).p_value == 0.01


def test_uniform_ages_show_more_of_a_sign_product_at_their_ends():
    further = 0
    for seed in range(6):
        z, noise, u, v = people(3000, 96, seed)
        found = quadratic_permutation_test(z, leaking(noise, np.sign((z @ u) * (z @ v)), 0.2))
        further += found.looks[1] > found.looks[0]
    assert further >= 5


def test_clean_latents_have_the_p_values_of_chance():
    p = [
        quadratic_permutation_test(*people(300, 6, seed)[:2], seed=seed + 1).p_value
        for seed in range(60)
    ]
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.1) < 0.25


@given(seed=st.integers(0, 1000), n=st.integers(20, 300))
@settings(max_examples=20, deadline=None)
def test_the_ends_are_as_many_and_know_ranks_alone(seed, n):
    age = np.random.default_rng(seed).uniform(20, 90, n)
    ends = ends_of(age)
    assert abs(np.sum(ends == 1) - 0.15 * n) <= 1
    assert np.sum(ends == 1) == np.sum(ends == -1)
    assert age[ends == -1].max(initial=0) <= age[ends == 0].min()
    np.testing.assert_array_equal(ends_of(np.exp(age / 10)), ends)


def test_same_seed_same_answer_and_two_values_or_bad_input_are_no_trouble():
    z, noise, _, _ = people(200, 5)
    first, again = (quadratic_permutation_test(z, noise, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.permuted, again.permuted)
    assert 0 < quadratic_permutation_test(z, (noise > 0).astype(float)).p_value <= 1
    with pytest.raises(MeasurementError, match="constant"):
        quadratic_permutation_test(z, np.ones(200))
    with pytest.raises(MeasurementError, match="shape"):
        quadratic_permutation_test(z, noise[1:])
