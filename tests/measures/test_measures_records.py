"""Measures of records and of the axis on a grid, at the ends of what they accept."""

import numpy as np
import pytest
from scipy import stats

from axis_audit.measures.duplicates import near_duplicates, unit_rows
from axis_audit.measures.einthoven import einthoven_residuals, lawful_limb_leads
from axis_audit.measures.monotonicity import smallest_increment, spearman_exact
from axis_audit.measures.smoothness import largest_second_difference

RNG = np.random.default_rng
LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")


def lawful(one, two):
    three = two - one
    rest = [-(one + two) / 2, (one - three) / 2, (two + three) / 2]
    return np.stack([one, two, three, *rest])[None]


@pytest.mark.parametrize("lead", LIMB[2:])
def test_a_violation_is_stated_as_a_share_of_the_limb_leads(lead):
    x = lawful(np.array([3.0, 0.0]), np.array([0.0, 4.0]))
    size = np.sqrt((9 + 16 + 25) / 3)
    x[0, LIMB.index(lead)] += [0.0, 0.5]
    found = einthoven_residuals(x, LIMB)
    if lead == "III":  # the others are judged by it
        size = np.sqrt((9 + 16 + 9 + 4.5**2) / 3)
        assert found["aVL"] == pytest.approx(0.25 / size)
    assert found[lead] == pytest.approx(0.5 / size)


def test_one_silent_record_among_others_has_no_residual_and_a_faint_one_has():
    x = np.concatenate([lawful(np.ones(2), np.ones(2)), np.zeros((1, 6, 2))])
    found = einthoven_residuals(np.concatenate([x, 1e-6 * x[:1]]), LIMB)["III"]
    np.testing.assert_array_equal(np.isnan(found), [False, True, False])


def test_derived_leads_are_goldbergers_and_the_original_stays():
    x = RNG(0).standard_normal((2, 6, 5)).astype(np.float32)
    before = x.copy()
    found = lawful_limb_leads(x, LIMB)
    np.testing.assert_array_equal(x, before)
    expected = lawful(x[0, 0].astype(float), x[0, 1].astype(float))[0]
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
    assert found.dtype == np.float32
    with pytest.raises(KeyError):
        lawful_limb_leads(x[:, 1:], LIMB[1:])


@pytest.mark.parametrize(("samples", "compared"), [(256, 256), (257, 129), (512, 256), (600, 200)])
def test_at_most_256_samples_a_lead_are_compared(samples, compared):
    x = 5 + RNG(1).standard_normal((3, 2, samples))
    rows = unit_rows(x)
    assert rows.shape == (3, 2 * compared)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    for scale in (-30, 1e-5):
        np.testing.assert_allclose(unit_rows(scale * x), np.sign(scale) * rows, atol=1e-5)
    kept = x[:, :, :: -(-samples // 256)].reshape(3, -1)
    kept = kept - kept.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(rows, kept / np.linalg.norm(kept, axis=1)[:, None], atol=1e-5)


def test_constant_records_are_nobodys_copies():
    x = np.concatenate([np.full((3, 2, 9), 4.0), RNG(2).standard_normal((2, 2, 9))])
    rows = unit_rows(x)
    assert (rows[:3] == 0).all()
    assert near_duplicates(rows, None, 0.9) == []


def test_every_copy_is_a_pair_once_and_nobody_is_her_own():
    rng = RNG(3)
    x = rng.standard_normal((1100, 1, 40))
    x[1099], x[600], x[3] = x[0], x[511], x[2] + 0.05 * rng.standard_normal((1, 40))
    rows = unit_rows(x)
    found = near_duplicates(rows, None, 0.95)
    assert {(i, j) for i, j, _ in found[:2]} == {(0, 1099), (511, 600)}
    assert [(i, j) for i, j, _ in found[2:]] == [(2, 3)]
    r = np.corrcoef(x[2, 0], x[3, 0])[0, 1]
    assert found[2][2] == pytest.approx(r, abs=1e-5)
    assert near_duplicates(rows[:4], None, r + 1e-4) == []
    # Across two sets the same place is no excuse.
    assert [(i, j) for i, j, _ in near_duplicates(rows[:2], rows[:1], 0.95)] == [(0, 0)]
    small = unit_rows(rng.standard_normal((3, 1, 5)))
    assert len(near_duplicates(small, small, 0.999)) == 3


def test_ages_and_values_of_an_axis_must_match_and_be_two_at_least():
    for ages, values in (([1, 2], [1, 2, 3]), ([1], [1]), (np.eye(2), np.eye(2))):
        with pytest.raises(ValueError, match="need one shape"):
            spearman_exact(ages, values)
    assert spearman_exact([1, 2], [5.0, 6.0]) == 1.0
    assert spearman_exact([1, 2], [6.0, 5.0]) == pytest.approx(-1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, None])
def test_an_axis_with_a_hole_has_no_order(bad):
    assert np.isnan(spearman_exact([1.0, 2.0, 3.0], [1.0, bad, 3.0]))
    assert np.isnan(spearman_exact([1.0, bad, 3.0], [1.0, 2.0, 3.0]))
    if bad is not np.inf:
        assert np.isnan(smallest_increment([1.0, bad, 3.0]))


def test_ages_asked_twice_are_ranked_with_their_ties():
    ages, values = [30, 30, 40, 50, 50], [1.0, 2.0, 3.0, 4.0, 5.0]
    found = spearman_exact(ages, values)
    assert found == pytest.approx(stats.spearmanr(ages, values).statistic)
    assert found < 1.0
    assert smallest_increment([3, 1, 5]) == -2.0


@pytest.mark.parametrize("step", [0.1, 0.5, 3.0])
def test_a_single_bend_is_its_jump_of_slope_over_step_and_range(step):
    g = np.array([0.0, 0.0, 0.0, 2.0, 4.0])
    assert largest_second_difference(g, step) == pytest.approx(2.0 / step**2 / 4.0)
    assert largest_second_difference(-g, step) == pytest.approx(2.0 / step**2 / 4.0)
    assert largest_second_difference([0, 0, 1], step) == pytest.approx(1.0 / step**2)


def test_a_bend_needs_three_ages_and_a_step():
    for values, step in (([1, 2], 0.1), ([1, 2, 4], 0.0), ([1, 2, 4], -1.0), (np.eye(3), 1.0)):
        with pytest.raises(ValueError, match="at least 3 values and a positive step"):
            largest_second_difference(values, step)
    for bad in (np.inf, np.nan, None):
        assert np.isnan(largest_second_difference([0.0, 1.0, bad], 0.1))
