"""The quadratic screen: finds what lines cannot, at its level, and says when it is blind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.errors import MeasurementError
from axis_audit.probes.linear import linear_leak
from axis_audit.probes.quadratic import (
    FITTED,
    IN_SAMPLE,
    extreme_eigenvalues,
    quadratic_leak,
    quadratic_members,
    winsorised,
)
from axis_audit.probes.whitening import whiten
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.05 / 15)
MARGIN = 0.05


def people(n=1200, d=16, seed=0):
    rng = np.random.default_rng(seed)
    u, v = np.linalg.qr(rng.standard_normal((d, 2)))[0].T
    return rng.standard_normal((n, d)), np.sqrt(3) * rng.uniform(-1, 1, n), u, v


def leaking(noise, member, r):
    return np.sqrt(r) * (member - member.mean()) / member.std() + np.sqrt(1 - r) * noise


def screen(z, y, **options):
    return quadratic_leak(z, y, margin=MARGIN, levels=LEVELS, **options)


@given(d=st.integers(1, 24), n=st.integers(40, 120), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_lanczos_finds_the_ends_of_the_spectrum(d, n, seed):
    rng = np.random.default_rng(seed)
    z, targets = rng.standard_normal((n, d)), rng.standard_normal((n, 3))
    ends, directions = extreme_eigenvalues(z, targets, seed=seed)
    for t, (low, high), (first, last) in zip(targets.T, ends, directions, strict=True):
        matrix = (z * t[:, None]).T @ z / n
        values = np.linalg.eigvalsh(matrix)
        assert (low, high) == pytest.approx((values[0], values[-1]), abs=1e-4 * abs(values).max())
        for value, vector in ((low, first), (high, last)):
            np.testing.assert_allclose(
                matrix @ vector, value * vector, atol=2e-3 * abs(values).max()
            )


def test_the_ends_of_256_eigenvalues_come_out_within_one_percent():
    z, y, _, _ = people(2000, 256)
    ends, _ = extreme_eigenvalues(z, y[:, None])
    values = np.linalg.eigvalsh((z * y[:, None]).T @ z / 2000)
    np.testing.assert_allclose(ends[0], values[[0, -1]], rtol=0.01)


@pytest.mark.parametrize("kind", ["even", "product", "xor"])
def test_even_functions_and_products_in_any_rotation_fail_where_lines_see_nothing(kind):
    z, y, u, v = people(2000, 32)
    member = {
        "even": np.abs(z @ u),
        "product": (z @ u) * (z @ v),
        "xor": np.sign((z @ u) * (z @ v)),
    }[kind]
    y = leaking(y, member, 0.6 if kind == "xor" else 0.25)
    found = screen(z, y)
    assert found.leak.fail_interval[0] > MARGIN
    assert found.p_value == 0.01
    assert linear_leak(z, y, MARGIN, LEVELS).fail_interval[0] <= MARGIN


def test_clean_latents_do_not_fail_and_p_values_are_those_of_chance():
    p = []
    for seed in range(60):
        z, y, _, _ = people(400, 8, seed)
        found = screen(z, y, plants=60, seed=seed)
        assert found.leak.fail_interval[0] <= MARGIN
        p.append(found.p_value)
    assert np.mean(np.array(p) <= 0.1) < 0.25
    assert 0.35 < np.mean(p) < 0.65


def test_the_interval_holds_the_leak():
    """At 97.5 % a side, over leaks of the planted family: 36 of 40 leave room for chance."""
    held = 0
    for seed in range(40):
        z, y, u, v = people(1200, 12, seed)
        y = leaking(y, np.abs(z @ u) if seed % 2 else (z @ u) * (z @ v), 0.1)
        low, high = screen(z, y, seed=seed).leak.interval
        held += low <= 0.1 <= high
    assert held >= 36


def test_too_many_dimensions_leave_no_power_and_no_certificate():
    z, y, _, _ = people(1500, 200)
    found = screen(z, y)
    assert found.leak.power_at_margin < 0.9
    assert found.leak.interval[1] > MARGIN
    few = screen(z[:210], y[:210])
    assert "at least 250" in few.complaint


def test_people_to_fit_on_give_the_power_that_the_audited_lack():
    z, y, u, v = people(600 + 5000, 64, seed=3)
    known = {"fit_latents": z[600:], "fit_target": y[600:]}
    clean = screen(z[:600], y[:600], **known)
    assert clean.way == FITTED
    assert clean.n_fit == 5000
    assert clean.leak.power_at_margin >= 0.9 > clean.ways[IN_SAMPLE].power_at_margin
    assert clean.leak.null_at_zero
    assert clean.leak.interval[1] <= MARGIN
    y = leaking(y, (z @ u) * (z @ v), 0.2)
    found = screen(z[:600], y[:600], fit_latents=z[600:], fit_target=y[600:])
    assert found.way == FITTED
    assert found.leak.fail_interval[0] > MARGIN >= found.ways[IN_SAMPLE].fail_interval[0]


def test_a_leak_that_only_the_audited_people_show_is_not_outvoted_by_the_fit():
    z, y, u, v = people(1500 + 4000, 8, seed=4)
    y[:1500] = leaking(y[:1500], (z @ u)[:1500] * (z @ v)[:1500], 0.4)
    found = screen(z[:1500], y[:1500], fit_latents=z[1500:], fit_target=y[1500:])
    assert found.way == IN_SAMPLE
    assert found.leak.fail_interval[0] > MARGIN


def test_scale_and_tiny_directions_change_nothing():
    z, y, u, v = people()
    y = leaking(y, (z @ u) * (z @ v), 0.3)
    stretched = 1e-4 * z * np.geomspace(1, 1e-3, 16)
    assert screen(stretched, y).leak.fail_interval[0] > MARGIN


def test_a_wild_person_does_not_rule_the_spectrum():
    z, y, u, v = people()
    y = leaking(y, (z @ u) * (z @ v), 0.3)
    z[:3] *= 200
    tamed = winsorised(whiten(z))
    norms = np.linalg.norm(tamed, axis=1)
    assert norms.max() <= 2.01 * np.median(norms)
    found = screen(z, y)
    assert found.p_value == 0.01


def test_members_are_standard_even_and_uncorrelated_with_lines():
    z = whiten(people()[0])
    members = quadratic_members(z, 20, seed=1)
    np.testing.assert_allclose(members.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(members.std(0), 1)
    np.testing.assert_allclose(members, quadratic_members(-z, 20, seed=1))
    assert quadratic_members(z[:, :1], 2).shape == (1200, 2)


def test_same_seed_same_answer_and_bad_input_is_named():
    z, y, _, _ = people(300, 6)
    assert screen(z, y, seed=5).leak.interval == screen(z, y, seed=5).leak.interval
    with pytest.raises(MeasurementError, match="constant"):
        screen(np.ones_like(z), y)
    with pytest.raises(MeasurementError, match="shape"):
        screen(z, y[:-1])
    z[0, 0] = np.nan
    with pytest.raises(MeasurementError, match="NaN"):
        screen(z, y)
