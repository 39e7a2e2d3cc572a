"""The quadratic test that also sets the oldest people against the youngest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.errors import MeasurementError
from axis_audit.probes.extremes import ends_of, quadratic_permutation_test, sign_product_leak
from axis_audit.probes.quadratic import FITTED, IN_SAMPLE, quadratic_leak, standardised
from axis_audit.probes.random_members import sign_product_members
from axis_audit.probes.whitening import whiten
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.05 / 28)
MARGIN = 0.05


def people(n=1200, d=16, seed=0):
    rng = np.random.default_rng(seed)
    u, v = np.linalg.qr(rng.standard_normal((d, 2)))[0].T
    return rng.standard_normal((n, d)), np.sqrt(3) * rng.uniform(-1, 1, n), u, v


def leaking(noise, member, r):
    return np.sqrt(r) * (member - member.mean()) / member.std() + np.sqrt(1 - r) * noise


def sized(z, y, fitting=0, **options):
    """The leak in all but the last `fitting` people, who are to fit on."""
    n = len(z) - fitting
    known = {"fit_latents": z[n:], "fit_target": y[n:]} if fitting else {}
    options = {"margin": MARGIN, "levels": LEVELS} | known | options
    return sign_product_leak(z[:n], y[:n], **options)


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


def test_sign_products_are_sized_whole_where_the_quadratic_screen_sees_a_part():
    z, noise, u, v = people(1500 + 4000, 12, seed=1)
    y = leaking(noise, np.sign((z @ u) * (z @ v)), 0.3)
    found = sized(z, y, 4000)
    assert found.way == FITTED
    assert found.leak.fail_interval[0] > MARGIN
    assert found.leak.interval[0] <= 0.3 <= found.leak.interval[1]
    known = {"fit_latents": z[1500:], "fit_target": y[1500:]}
    part = quadratic_leak(z[:1500], y[:1500], margin=MARGIN, levels=LEVELS, **known)
    assert part.leak.interval[1] < 0.3


def test_the_interval_holds_the_sign_product():
    """At the margin, 97.5 % a side: fewer than 52 of 60 would be a chance of .3 %."""
    held = 0
    for seed in range(60):
        z, noise, u, v = people(1200, 8, seed)
        y = leaking(noise, np.sign((z @ u) * (z @ v)), MARGIN)
        low, high = sized(z, y, plants=60, seed=seed).leak.interval
        held += low <= MARGIN <= high
    assert held >= 52


def test_people_to_fit_on_make_sign_products_decidable():
    z, noise, _, _ = people(1500 + 5000, 24, seed=2)
    assert sized(z[:1500], noise[:1500]).leak.power_at_margin < 0.9
    found = sized(z, noise, 5000)
    assert (found.way, found.n_fit) == (FITTED, 5000)
    assert found.leak.power_at_margin >= 0.9 > found.ways[IN_SAMPLE].power_at_margin
    assert found.leak.null_at_zero
    assert found.leak.interval[1] <= MARGIN


def test_too_few_people_are_no_certificate():
    z, noise, _, _ = people(600, 100)
    found = sized(z, noise)
    assert found.leak.power_at_margin < 0.5
    assert found.leak.interval[1] > MARGIN
    assert "at least 150" in sized(z[:140], noise[:140]).complaint
    alone = sized(z[:, :1], noise)  # a single direction has no products to be found
    assert alone.leak.power_at_margin < 0.9


def test_clean_latents_do_not_fail_by_sign_products_and_p_values_are_those_of_chance():
    p = []
    for seed in range(40):
        z, noise, _, _ = people(400, 8, seed)
        found = sized(z, noise, 200, plants=60, seed=seed)
        assert found.leak.fail_interval[0] <= MARGIN
        p.append(found.p_value)
    assert 0.33 < np.mean(p) < 0.67
    assert np.mean(np.array(p) <= 0.1) < 0.28


def test_the_test_and_the_leak_agree_on_the_p_value():
    """Plants must not enter into it: the target stands among its permutations alone."""
    z, noise, u, v = people(500, 6, seed=4)
    y = leaking(noise, np.sign((z @ u) * (z @ v)), 0.05)
    assert sized(z, y, seed=5).p_value == quadratic_permutation_test(z, y, seed=5).p_value


def test_members_are_products_of_two_signs_and_standard():
    z = whiten(people(4000, 5)[0])
    members = sign_product_members(z, 12, seed=1)
    np.testing.assert_allclose(members.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(members.std(axis=0), 1)
    assert all(len(np.unique(column)) == 2 for column in members.T)
    np.testing.assert_array_equal(members, sign_product_members(100 * z, 12, seed=1))
    for f in members.T:  # one eigenvalue of 2/π at each end, nothing between
        values = np.linalg.eigvalsh((z * f[:, None]).T @ z / len(z))
        assert values[[0, -1]] == pytest.approx([-2 / np.pi, 2 / np.pi], abs=0.1)
        assert np.abs(values[1:-1]).max() < 0.15
    assert not sign_product_members(z[:, :1], 3).any()


def test_looks_are_standardised_by_the_null_alone():
    looks = np.array([[9.0, 1.0, 3.0, 7.0], [5.0, 2.0, 2.0, 2.0]])
    expected = [[7.0, -1.0, 1.0, 5.0], [3e12, 0.0, 0.0, 0.0]]
    np.testing.assert_allclose(standardised(looks, slice(1, 3)), expected)
