"""Traps into which the usual tools fall: what they say, and what ours says to the same data."""

from types import SimpleNamespace

import numpy as np
import pytest

from axis_audit.checks import leakage, leakage_screens
from axis_audit.cohorts.atlas import load_atlas
from axis_audit.decision import decide
from axis_audit.errors import MeasurementError
from axis_audit.finding import Below, Verdict
from axis_audit.people import audited_people, fitting_people
from axis_audit.probes.linear import linear_leak
from axis_audit.probes.mlp import cross_validated
from axis_audit.probes.quadratic import quadratic_leak
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.permutation import p_value, permuted_rows

LEVELS = Levels(0.025, 0.05 / 15)
MARGIN = 0.05


def evidence(z, age, sex=None):
    """Latents and ages as the checks see them."""
    n = len(z)
    sex = np.full(n, "") if sex is None else np.asarray(sex)
    return SimpleNamespace(
        n=n,
        ages=age,
        latents=z,
        fit_latents=None,
        fit_ages=None,
        levels=LEVELS,
        seed=0,
        cohort=SimpleNamespace(sex=sex),
    )


def verdict(check, z, age, sex=None):
    region = Below(MARGIN)
    return decide(check(None, evidence(z, age, sex), region), region)[0]


def repeated(patients, each, seed=0):
    """Beats: z is who the patient is, plus a little noise; age is the patient's."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(patients).astype(str), each)
    person = np.repeat(rng.standard_normal((patients, 8)), each, axis=0)
    age = np.repeat(rng.uniform(20, 90, patients), each)
    return ids, person + 0.05 * rng.standard_normal(person.shape), age


def test_permutations_inside_a_patient_test_nothing():
    """scikit-learn's `groups` shuffles within a group: p = 1.00 on a blatant leak."""
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import GroupKFold, permutation_test_score

    ids, z, age = repeated(60, 4)
    z[:, 0] += 2 * (age - age.mean()) / age.std()
    score, _, p = permutation_test_score(
        LinearRegression(), z, age, groups=ids, cv=GroupKFold(5), n_permutations=19, scoring="r2"
    )
    assert score > 0.3
    assert p == 1.0
    rows = permuted_rows(ids, 199)
    permuted = [np.corrcoef(z[:, 0], shuffled)[0, 1] ** 2 for shuffled in age[rows]]
    assert p_value(np.corrcoef(z[:, 0], age)[0, 1] ** 2, permuted) == 1 / 200


def test_beats_of_one_patient_on_both_sides_of_a_split_look_like_a_leak():
    """kNN over beats reads the age of clean latents through identity."""
    from sklearn.model_selection import GroupKFold, KFold, cross_val_score
    from sklearn.neighbors import KNeighborsRegressor

    ids, z, age = repeated(150, 6)
    knn = KNeighborsRegressor(1)
    mixed = cross_val_score(knn, z, age, cv=KFold(5, shuffle=True, random_state=0), scoring="r2")
    split = cross_val_score(knn, z, age, cv=GroupKFold(5), groups=ids, scoring="r2")
    assert mixed.mean() > 0.5
    assert split.mean() < 0


def test_statistics_see_one_record_a_patient():
    drawn = load_atlas().draw(60, 1)
    doubled = drawn.subset(np.repeat(np.arange(60), 5))
    people, _, _ = audited_people(doubled, None, "unseen")
    assert len(people) == people.n_patients == 60
    others = fitting_people(doubled, drawn.subset(np.arange(20)))
    assert len(others) == others.n_patients == 40
    assert not set(others.patient_ids) & set(drawn.patient_ids[:20])


def test_a_latent_that_names_the_patient_is_no_leak_of_age():
    """One record a patient: an identity that says nothing of age reads as nothing."""
    _, z, age = repeated(1500, 1)
    assert linear_leak(z, age, MARGIN, LEVELS).interval[1] <= MARGIN
    score = cross_validated(z, age[:, None]).score[0]
    assert abs(score) < 4 / np.sqrt(1500)


@pytest.mark.parametrize(
    "check",
    [
        leakage.linear,
        leakage.linear_deviation,
        leakage_screens.linear_given_sex,
        leakage_screens.quadratic,
        leakage_screens.quadratic_deviation,
    ],
)
def test_a_constant_latent_is_an_error_for_every_probe(check):
    age = np.random.default_rng(0).uniform(20, 90, 500)
    sex = np.where(np.arange(500) % 2, "female", "male")
    with pytest.raises(MeasurementError, match="constant"):
        verdict(check, np.full((500, 8), 0.1, np.float32), age, sex)


def test_an_even_leak_passes_age_and_fails_the_deviation():
    rng = np.random.default_rng(1)
    z, age = rng.standard_normal((1500, 8)), rng.uniform(20, 90, 1500)
    z[:, 0] = np.abs(age - 55) + 5 * z[:, 0]
    assert verdict(leakage.linear, z, age) is Verdict.PASS
    assert verdict(leakage.linear_deviation, z, age) is Verdict.FAIL


def test_age_behind_a_lost_sign_is_seen_by_the_square_and_the_deviation_alone():
    rng = np.random.default_rng(2)
    z, age = rng.standard_normal((2000, 8)), rng.uniform(20, 90, 2000)
    z[:, 0] = rng.choice([-1, 1], 2000) * (age - 55) / 20
    for check in (leakage.linear, leakage.linear_deviation, leakage_screens.quadratic):
        assert verdict(check, z, age) is not Verdict.FAIL
    assert verdict(leakage_screens.quadratic_deviation, z, age) is Verdict.FAIL


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_a_ridge_needs_standardised_latents_and_our_probes_do_not(scale):
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_score

    rng = np.random.default_rng(3)
    z, age = rng.standard_normal((1500, 8)), rng.uniform(20, 90, 1500)
    z[:, 0] += (age - 55) / 20
    small = scale * z
    ridge = cross_val_score(Ridge(1.0), small, age, cv=5, scoring="r2").mean()
    assert (ridge > 0.4) == (scale == 1.0)
    assert verdict(leakage.linear, small, age) is Verdict.FAIL
    z[:, 1] = rng.choice([-1, 1], 1500) * (age - 10)
    found = quadratic_leak(scale * z, age, margin=MARGIN, levels=LEVELS)
    assert found.leak.fail_interval[0] > MARGIN


def test_out_of_fold_r2_of_a_leak_in_256_dimensions_averages_nothing_and_ours_covers_it():
    """d = 256, R² .02, n = 2,200: leave-one-out least squares even reads below zero."""
    r2, held = [], 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((2200, 256))
        y = np.sqrt(0.02) * z[:, 0] + np.sqrt(0.98 * 3) * rng.uniform(-1, 1, 2200)
        leak = linear_leak(z, y, MARGIN, LEVELS, permutations=50)
        r2.append(1 - np.mean((y - leak.predictions) ** 2) / y.var())
        held += leak.interval[0] <= 0.02 <= leak.interval[1]
    assert np.mean(r2) < 0.005
    assert held >= 11


def test_sex_in_the_latent_is_no_leak_of_age_given_sex():
    """Women ten years older: z that codes sex tells age, and tells nothing more given sex."""
    rng = np.random.default_rng(4)
    female = rng.random(1500) < 0.5
    age = rng.uniform(20, 70, 1500) + 20 * female
    z = rng.standard_normal((1500, 8))
    z[:, 0] += 4 * female
    sex = np.where(female, "female", "male")
    assert verdict(leakage.linear, z, age) is Verdict.FAIL
    assert verdict(leakage_screens.linear_given_sex, z, age, sex) is Verdict.PASS


def test_age_under_a_large_sex_difference_is_a_leak_given_sex():
    rng = np.random.default_rng(5)
    female = rng.random(1500) < 0.5
    age = rng.uniform(20, 90, 1500)
    z = rng.standard_normal((1500, 8))
    z[:, 0] = (age - 55) / 20 + 40 * female
    sex = np.where(female, "female", "male")
    assert verdict(leakage.linear, z, age) is not Verdict.FAIL
    assert verdict(leakage_screens.linear_given_sex, z, age, sex) is Verdict.FAIL
    assert verdict(leakage_screens.linear_given_sex, z, age) is Verdict.INCONCLUSIVE
