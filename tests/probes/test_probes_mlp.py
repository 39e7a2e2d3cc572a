"""The MLP probe: what linear probes miss, on calibrated ground."""

import numpy as np
import pytest

from axis_audit.errors import MeasurementError
from axis_audit.probes.linear import linear_leak
from axis_audit.probes.mlp import cross_validated, fitted
from axis_audit.probes.planted import mlp_leak, planting_levels
from axis_audit.probes.random_members import random_members
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.05 / 15)
MARGIN = 0.05


def people(n=1200, d=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.uniform(20, 90, n)


def standard(age):
    return (age - age.mean()) / age.std()


def test_members_are_of_zero_mean_unit_variance_and_their_own():
    z, _ = people()
    f = random_members(z, 30, seed=1)
    np.testing.assert_allclose(f.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(f.std(0), 1)
    assert np.abs(np.corrcoef(f.T) - np.eye(30)).max() < 0.99
    assert np.array_equal(f, random_members(z, 30, seed=1))
    design = np.column_stack([np.ones(len(z)), z])
    fit = design @ np.linalg.lstsq(design, f, rcond=None)[0]
    assert 0.2 < np.mean(1 - (f - fit).var(0)) < 0.98  # neither lines nor noise


def test_age_behind_a_sign_key_is_read_where_a_line_sees_nothing():
    """z = (s, s·age): corr² 3e-4, linear R² about 0, MLP R² .99."""
    _, age = people()
    s = np.random.default_rng(1).choice([-1.0, 1.0], len(age))
    z = np.column_stack([s, s * age])
    assert linear_leak(z, age, MARGIN, LEVELS).fail_interval[0] <= MARGIN
    leak = mlp_leak(z, age, margin=MARGIN, levels=LEVELS)
    assert leak.fail_interval[0] > 0.3
    assert np.corrcoef(leak.predictions, age)[0, 1] > 0.9


@pytest.mark.parametrize("c", [0.5, 2.0])
@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_blatant_linear_leaks_fail_both_probes(c, scale):
    z, age = people()
    z[:, 0] += c * standard(age)
    z *= scale
    assert linear_leak(z, age, MARGIN, LEVELS).fail_interval[0] > MARGIN
    assert mlp_leak(z, age, margin=MARGIN, levels=LEVELS, plants=60).fail_interval[0] > MARGIN


def test_a_clean_latent_passes_and_300_people_are_too_few():
    z, age = people(1850, 16, seed=3)
    leak = mlp_leak(z, age, margin=MARGIN, levels=LEVELS)
    assert leak.interval[1] <= MARGIN
    assert leak.power_at_margin >= 0.9
    assert leak.null_at_zero
    assert leak.complaint == ""
    assert leak.converged["cross-validated"] > 0.9
    few = mlp_leak(z[:300], age[:300], margin=MARGIN, levels=LEVELS)
    assert few.power_at_margin < 0.9
    assert few.fail_interval[0] <= MARGIN < few.interval[1]


def test_fitting_on_many_finds_what_the_audited_people_alone_cannot_show():
    """Cross-validated inside a small cohort .02, fitted on the training people .35."""
    z, age = people(400 + 5000, 200, seed=4)
    z[:, 0] = 0.45 * standard(age) + np.sqrt(1 - 0.45**2) * z[:, 0]
    leak = mlp_leak(
        z[:400],
        age[:400],
        margin=MARGIN,
        levels=LEVELS,
        fit_latents=z[400:],
        fit_target=age[400:],
    )
    inside, outside = leak.ways["cross-validated"], leak.ways["fitted"]
    assert leak.way == "fitted"
    assert outside.power_at_margin > inside.power_at_margin
    assert leak.fail_interval[0] > MARGIN >= inside.fail_interval[0]
    assert (leak.n, leak.n_fit) == (400, 5000)


def test_beats_of_the_fitting_people_are_never_scored():
    z, age = people(300)
    scores = fitted(z[:200], age[:200, None], z[200:], age[200:, None])
    assert scores.predictions.shape == (100, 1)
    with pytest.raises(ValueError, match="rows differ"):
        fitted(z[:200], age[:100, None], z[200:], age[200:, None])


def test_out_of_fold_scores_of_noise_lie_around_zero():
    z, _ = people(600, 8)
    noise = np.random.default_rng(1).standard_normal((600, 200))
    scores = cross_validated(z, noise).score
    assert abs(scores.mean()) < 4 * scores.std() / np.sqrt(200)
    # Folds share training people: the spread is above that of one correlation, which is why the
    # null is planted and not taken from a formula.
    assert 0.9 < scores.std() * np.sqrt(600) < 2


def test_same_seed_same_scores():
    z, age = people(300)
    a, b = (cross_validated(z, age[:, None], seed=3) for _ in range(2))
    assert np.array_equal(a.predictions, b.predictions)
    assert not np.array_equal(a.predictions, cross_validated(z, age[:, None], seed=4).predictions)


def test_constant_or_nan_latents_are_errors():
    z, age = people(200)
    with pytest.raises(MeasurementError, match="constant"):
        mlp_leak(np.ones_like(z), age, margin=MARGIN, levels=LEVELS)
    z[0, 0] = np.inf
    with pytest.raises(MeasurementError, match="infinite"):
        mlp_leak(z, age, margin=MARGIN, levels=LEVELS)


@pytest.mark.parametrize("margin", [0.01, 0.05, 0.1, 0.2, 0.35])
def test_plants_cover_null_margin_and_beyond(margin):
    levels, counts = np.unique(planting_levels(margin, 96), return_counts=True)
    assert levels[0] == 0
    assert margin in levels
    assert levels[-1] == 0.9
    assert counts.min() >= 5
    assert counts[0] == counts[list(levels).index(margin)] >= 25
    with pytest.raises(ValueError, match="60 plants"):
        planting_levels(margin, 30)


@pytest.mark.parametrize("fit", [False, True])
def test_predictions_are_in_the_targets_own_units(fit):
    """A figure of age read against age is drawn from them."""
    z, age = people(600, 4)
    z[:, 0] = standard(age)
    others, other_age = people(900, 4, seed=5)
    others[:, 0] = (other_age - age.mean()) / age.std()
    known = {"fit_latents": others, "fit_target": other_age} if fit else {}
    leak = mlp_leak(z, age, margin=MARGIN, levels=LEVELS, plants=60, **known)
    assert np.abs(leak.predictions - age).mean() < 6
    assert abs(leak.predictions.mean() - age.mean()) < 3
