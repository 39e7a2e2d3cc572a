"""The atlas: audits are calibrated on it, so its truth must be what it says."""

import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest

from axis_audit.cohort import LEADS
from axis_audit.cohorts import atlas as atlas_module
from axis_audit.cohorts import open_cohort, parse_folds
from axis_audit.cohorts.atlas import ARRAYS, load_atlas
from axis_audit.cohorts.atlas_fit import fit_atlas, save_atlas
from axis_audit.cohorts.beats import independent_rows
from axis_audit.errors import CohortError

EIGHT = independent_rows()
FOLDER = Path(atlas_module.__file__).parent


def flat(cohort):
    return cohort.signals[:, EIGHT].reshape(len(cohort), -1).astype(float)


def test_the_audit_part_and_the_fitting_part_share_nobody():
    audit, fitting = (
        open_cohort("atlas", folds=(9,)),
        open_cohort("atlas", folds=parse_folds("1-8")),
    )
    assert (len(audit), len(fitting)) == (2000, 8000)
    assert not set(audit.patient_ids) & set(fitting.patient_ids)
    assert not set(audit.hashes.tolist()) & set(fitting.hashes.tolist())
    assert set(audit.fold.tolist()) == {9}
    assert sorted(set(fitting.fold.tolist())) == list(range(1, 9))
    assert (audit.scope, audit.kind, audit.rate, audit.r_index) == ("synthetic", "beat", 100.0, 40)
    assert audit.leads == LEADS


def test_a_draw_is_repeatable_and_a_fold_is_the_same_in_any_company():
    alone = open_cohort("atlas", folds=(2,), seed=5)
    company = open_cohort("atlas", folds=(1, 2), seed=5)
    assert np.array_equal(alone.signals, company.signals[company.fold == 2])
    assert alone.fingerprint == open_cohort("atlas", folds=(2,), seed=5).fingerprint
    assert alone.fingerprint != open_cohort("atlas", folds=(2,), seed=6).fingerprint


def test_the_default_is_the_audit_part_and_patients_sets_its_size():
    assert set(open_cohort("atlas", patients=3000).fold.tolist()) == {9}
    assert open_cohort("atlas", patients=3000).n_patients == 3000
    assert len(open_cohort("atlas", folds=(1, 2, 3), patients=10)) == 10


def test_einthoven_and_goldberger_hold_exactly():
    x = open_cohort("atlas", patients=50).signals
    half = np.float32(0.5)
    assert np.array_equal(x[:, 2], x[:, 1] - x[:, 0])
    assert np.array_equal(x[:, 3], -half * (x[:, 0] + x[:, 1]))
    assert np.array_equal(x[:, 5], x[:, 1] - half * x[:, 0])


def test_draws_have_the_mean_trend_and_covariance_that_the_model_states():
    atlas = load_atlas()
    n = 20_000
    cohort = atlas.draw(n, seed=1)
    sex = np.where(cohort.sex == "female", 0.5, -0.5)
    design = np.column_stack([np.ones(n), cohort.age - atlas.centre_age, sex])
    effects = np.linalg.lstsq(design, flat(cohort), rcond=None)[0]
    residuals = flat(cohort) - design @ effects
    covariance = atlas.covariance()
    error = np.sqrt(np.diag(covariance)[None] * np.diag(np.linalg.inv(design.T @ design))[:, None])
    stated = np.stack([atlas.mean, atlas.age_trend, atlas.sex_effect]).reshape(3, -1)
    assert np.abs((effects - stated) / error).max() < 6
    assert np.mean(((effects - stated) / error) ** 2) == pytest.approx(1, abs=0.4)
    variances = residuals.var(axis=0) / np.diag(covariance)
    assert np.abs(variances - 1).max() < 6 * np.sqrt(2 / n)
    probe = np.random.default_rng(0).normal(size=(960, 40))
    ratio = (residuals @ probe).var(axis=0) / np.einsum("ij,ik,kj->j", probe, covariance, probe)
    assert np.abs(ratio - 1).max() < 6 * np.sqrt(2 / n)


def test_scores_are_those_of_the_draw_and_know_nothing_of_age():
    atlas = load_atlas()
    cohort, scores = atlas.draw(5000, seed=2), atlas.scores(5000, seed=2)
    silent = atlas.draw(5000, seed=2, score_scale=0.0)
    by_scores = scores @ atlas.components.reshape(len(atlas.components), -1)
    np.testing.assert_allclose(flat(cohort) - flat(silent), by_scores, atol=1e-5)
    correlations = np.corrcoef(np.column_stack([scores, cohort.age]).T)[-1, :-1]
    assert np.abs(correlations).max() < 5 / np.sqrt(5000)


def test_the_stated_age_r2_is_what_regression_finds():
    atlas = load_atlas()
    small = dataclasses.replace(atlas, sex_effect=np.zeros_like(atlas.sex_effect))
    cohort = small.draw(12_000, seed=3)
    x = np.column_stack([flat(cohort), np.ones(len(cohort))])
    age = cohort.age.astype(float)
    residuals = age - x @ np.linalg.solve(x.T @ x, x.T @ age)
    adjusted = 1 - (residuals @ residuals / (len(age) - x.shape[1])) / age.var()
    assert adjusted == pytest.approx(atlas.linear_age_r2(), abs=0.03)
    assert atlas.linear_age_r2(age_scale=0.0) == 0.0


def test_without_an_age_effect_beats_do_not_depend_on_age():
    atlas = load_atlas()
    unaged = atlas.draw(50, seed=4, age_scale=0.0, sex_scale=0.0)
    aged = atlas.draw(50, seed=4, sex_scale=0.0)
    trend = np.outer(aged.age - atlas.centre_age, atlas.age_trend.ravel())
    np.testing.assert_allclose(flat(aged) - flat(unaged), trend, atol=1e-5)


def test_records_of_a_patient_share_the_person():
    atlas = load_atlas()
    cohort = atlas.draw(3000, seed=5, records_per_patient=2)
    assert cohort.n_patients == 3000
    assert len(set(cohort.record_ids.tolist())) == 6000
    assert np.array_equal(cohort.age[::2], cohort.age[1::2])
    scores = atlas.scores(3000, seed=5, records_per_patient=2)
    first, second = scores[::2, 0], scores[1::2, 0]
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(atlas.person_share[0], abs=0.05)


def test_thousands_are_drawn_in_about_a_second():
    load_atlas()
    start = time.process_time()
    load_atlas().draw(5000, seed=0)
    assert time.process_time() - start < 3


def test_the_file_is_small_and_attributed():
    assert (FOLDER / "atlas.npz").stat().st_size < 1_000_000
    text = (FOLDER / "ATLAS-LICENSE.txt").read_text()
    for words in ("PTB-XL", "Wagner", "Creative Commons Attribution 4.0", "What was changed"):
        assert words in text
    assert load_atlas().metadata["folds"] == list(range(1, 9))


@pytest.mark.parametrize(("folds", "named"), [((0,), "0"), ((9, 10), "10"), ((), "none")])
def test_absent_folds_are_refused(folds, named):
    with pytest.raises(CohortError, match=f"folds .*{named}.* are not there; present: 1-9"):
        open_cohort("atlas", folds=folds)


def test_records_are_refused():
    with pytest.raises(CohortError, match="it draws beats, not records"):
        open_cohort("atlas", kind="record")


def test_the_shared_arrays_cannot_be_changed_by_a_caller():
    with pytest.raises(ValueError, match="read-only"):
        load_atlas().mean[0, 0] = 1.0


@pytest.fixture(scope="module")
def drawn():
    """Two records each of 3000 people; the ages of the first 100 people are unknown."""
    cohort = load_atlas().draw(3000, seed=6, records_per_patient=2)
    age = cohort.age.copy()
    age[:200] = np.nan
    return dataclasses.replace(cohort, age=age)


@pytest.fixture(scope="module")
def fitted(drawn):
    return fit_atlas(drawn)


def test_fitting_an_atlas_on_its_own_draws_finds_it_again(fitted):
    atlas = load_atlas()
    assert np.corrcoef(fitted["age_trend"].ravel(), atlas.age_trend.ravel())[0, 1] > 0.95
    np.testing.assert_allclose(fitted["score_sd"][:10], atlas.score_sd[:10], rtol=0.1)
    # the least components and the noise at the QRS are of one size, so only their sum is defined
    loadings = fitted["components"].astype(float) * fitted["score_sd"][:, None, None]
    variance = np.sum(loadings**2, axis=0) + fitted["noise_sd"] ** 2
    stated = np.diag(atlas.covariance()).reshape(8, 120)
    np.testing.assert_allclose(np.sqrt(variance), np.sqrt(stated), rtol=0.1)
    assert np.mean(np.abs(fitted["person_share"][:10] - atlas.person_share[:10])) < 0.1


def test_fitting_leaves_out_people_of_unknown_age(fitted):
    assert fitted["metadata"]["patients"] == 2900
    assert fitted["age_counts"].sum() == 2900


def test_fitted_scores_are_exactly_uncorrelated_with_age(fitted, drawn):
    people = drawn.with_known_age().one_per_patient()
    scores = flat(people) - np.outer(people.age - fitted["centre_age"], fitted["age_trend"].ravel())
    sex = np.where(people.sex == "female", 0.5, -0.5)
    components = fitted["components"].reshape(64, -1).astype(float)
    scores = (scores - np.outer(sex, fitted["sex_effect"].ravel())) @ components.T
    correlations = np.corrcoef(np.column_stack([scores, people.age]).T)[-1, :-1]
    assert np.abs(correlations).max() < 1e-3


def test_a_fitted_atlas_is_stored_without_pickles(fitted, tmp_path):
    save_atlas(fitted, tmp_path / "again.npz")
    with np.load(tmp_path / "again.npz", allow_pickle=False) as stored:
        assert set(stored.files) == {*ARRAYS, "metadata"}
        assert json.loads(str(stored["metadata"])) == fitted["metadata"]


def test_folds_are_read_from_words():
    assert parse_folds("1-8") == tuple(range(1, 9))
    assert parse_folds("9") == (9,)
    assert parse_folds(" 1, 2,5-7,5 ") == (1, 2, 5, 6, 7)


@pytest.mark.parametrize("text", ["", "a", "1-", "-3", "1,,2", "8-1", "1.5", "1-99999", "²"])
def test_words_that_are_no_folds_are_refused(text):
    with pytest.raises(CohortError, match="folds") as caught:
        parse_folds(text)
    assert caught.value.cure
