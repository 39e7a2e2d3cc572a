"""How far the leakage checks reach: posteriors, metadata, and what only `--thorough` runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import axis_audit
from axis_audit import checkpoint
from axis_audit.auditing import prepare
from axis_audit.checks.inherited_age import SMALLEST_GROUP, groups
from axis_audit.cohort import Cohort
from axis_audit.defects.catalogue import copy_as
from axis_audit.defects.leakage import LatentPlusAge
from axis_audit.defects.leakage_screens import DeviceCoded, SignsThatAgree
from axis_audit.defects.posterior import PosteriorTwin
from axis_audit.defects.twin import FloatArray, Twin
from axis_audit.errors import InputError
from axis_audit.finding import Below, Finding, Verdict
from axis_audit.registry import all_checks, check, statistical_gates


class FixedScale(Twin):
    def encode_scale(self, signals: FloatArray) -> FloatArray:
        return np.full((len(signals), 3), -1.7, np.float32)


class BrokenScale(Twin):
    def encode_scale(self, signals: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.log(np.zeros((len(signals), 3), np.float32))


class ScaleOfAnotherShape(Twin):
    def encode_scale(self, signals: FloatArray) -> FloatArray:
        return np.zeros(len(signals), np.float32)


def run(twin: Twin, people: Cohort, check_id: str, **settings: object) -> Finding:
    audit = prepare(twin, people, thorough=True, **settings)  # type: ignore[arg-type]
    (chosen,) = [c for c in audit.checks if c.id == check_id]
    return audit.run(chosen)


def test_an_encoder_without_a_posterior_is_not_failed_for_it(twin: Twin, people: Cohort) -> None:
    finding = run(twin, people, "leakage.posterior_scale")
    assert (finding.verdict, finding.gate) == (Verdict.NOT_APPLICABLE, False)
    assert "EncodesPosterior" in finding.reason


def test_a_posterior_asked_for_by_name_must_exist(twin: Twin, people: Cohort) -> None:
    gate = ["leakage.posterior_scale"]
    finding = run(twin, people, "leakage.posterior_scale", gate=gate)
    assert (finding.verdict, finding.gate) == (Verdict.FAIL, True)


def test_other_missing_capabilities_still_fail(people: Cohort, twin: Twin) -> None:
    class Mute:
        kind, input_spec, claims = "mute", twin.input_spec, frozenset({"leakage"})

    for check_id in ("leakage.linear", "leakage.canonical_norm"):
        assert run(Mute(), people, check_id).verdict is Verdict.FAIL  # type: ignore[arg-type]


@pytest.mark.parametrize("check_id", ["leakage.posterior_scale", "leakage.posterior_scale_mlp"])
def test_one_variance_for_all_tells_nothing(twin: Twin, people: Cohort, check_id: str) -> None:
    finding = run(copy_as(FixedScale, twin), people, check_id)
    assert (finding.verdict, finding.estimate) == (Verdict.PASS, 0.0)
    assert finding.n_patients == len(people)


@pytest.mark.parametrize(
    ("broken", "words"), [(BrokenScale, "log variances"), (ScaleOfAnotherShape, "encode_scale")]
)
def test_a_senseless_posterior_is_an_error(
    twin: Twin, people: Cohort, broken: type[Twin], words: str
) -> None:
    finding = run(copy_as(broken, twin), people, "leakage.posterior_scale")
    assert finding.verdict is Verdict.ERROR
    assert words in finding.reason


def test_the_posterior_is_one_statistical_gate(twin: Twin) -> None:
    leakage = [c for c in all_checks() if c.family == "leakage" and not c.exact]
    counted = [c for c in leakage if c.gate or c.condemns]
    assert statistical_gates(["leakage"]) == len(counted)
    assert "leakage.posterior_scale" in {c.id for c in counted}


def test_thorough_checks_run_only_when_asked_for_and_are_never_missing(
    twin: Twin, people: Cohort, manifest: checkpoint.Manifest
) -> None:
    thorough = {c.id for c in all_checks() if c.thorough}
    some = {"trees", "mlp_deviation", "mlp_given_sex", "sign_products"}
    assert {f"leakage.{name}" for name in some} <= thorough
    plain = prepare(twin, people, manifest=manifest)
    assert not thorough & {c.id for c in plain.checks}
    assert not thorough & set(plain.gates)
    assert thorough <= {c.id for c in prepare(twin, people, thorough=True).checks}


def test_a_margin_of_a_thorough_check_may_stand_in_every_audit(twin: Twin, people: Cohort) -> None:
    margins = {"leakage.trees": 0.1}
    assert prepare(twin, people, margins=margins).regions["leakage.trees"].high == 0.1


def test_a_gate_that_would_not_run_is_refused(twin: Twin, people: Cohort) -> None:
    with pytest.raises(InputError, match="--thorough"):
        axis_audit.audit(twin, people, gate=["leakage.trees"])
    assert prepare(twin, people, gate=["leakage.trees"], thorough=True).gates == ("leakage.trees",)


def test_a_check_that_needs_asking_for_cannot_decide() -> None:
    with pytest.raises(ValueError, match="cannot be a gate"):
        check(claim="", acceptable=Below(1), thorough=True)


def without_metadata(people: Cohort) -> Cohort:
    return dataclasses.replace(people, sex=np.full(len(people), ""))


def test_a_cohort_without_metadata_has_none_to_inherit_age_from(twin: Twin, people: Cohort) -> None:
    nobody = without_metadata(people)
    assert run(twin, nobody, "leakage.metadata").verdict is Verdict.NOT_APPLICABLE
    for check_id in ("leakage.linear_given_sex", "leakage.mlp_given_sex"):
        finding = run(twin, nobody, check_id)
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert "woman" in finding.reason


def test_a_device_that_tells_age_is_no_leak_unless_z_tells_the_device(
    twin: Twin, people: Cohort
) -> None:
    wards = dataclasses.replace(people, device=np.where(people.age > 60, "bedside", "ambulatory"))
    clean = run(twin, wards, "leakage.metadata")
    assert clean.verdict is Verdict.PASS
    assert clean.details["R² of age on device"] > 0.5
    assert clean.minimum_detectable is not None
    assert clean.minimum_detectable > 0.05
    coded = run(copy_as(DeviceCoded, twin), wards, "leakage.metadata")
    assert coded.verdict is Verdict.FAIL
    # The fitted values of age on metadata are part of age: no more can be inherited than they hold.
    assert coded.estimate < coded.details["R² of age on all of them"]


def test_a_device_code_is_harmless_where_devices_do_not_differ_in_age(
    twin: Twin, people: Cohort
) -> None:
    coins = np.random.default_rng(0).integers(2, size=len(people))
    mixed = dataclasses.replace(people, device=np.where(coins == 1, "bedside", "ambulatory"))
    assert run(copy_as(DeviceCoded, twin), mixed, "leakage.metadata").verdict is Verdict.PASS


def test_small_groups_are_one_group() -> None:
    column = np.array(["a"] * 30 + ["b"] * SMALLEST_GROUP + [f"rare {i}" for i in range(7)])
    table = groups(column)
    assert table.shape == (len(column), 2)
    assert table.sum(axis=0).tolist() == [SMALLEST_GROUP, 7]
    assert groups(np.full(5, "a")).shape == (5, 0)


def test_a_posterior_twin_has_the_capability(twin: Twin, people: Cohort) -> None:
    scale = copy_as(PosteriorTwin, twin).encode_scale(people.signals)  # type: ignore[attr-defined]
    assert scale.shape == (len(people), len(twin.components))
    assert np.isfinite(scale).all()


def test_signs_that_agree_are_found_where_few_are_too_few(
    twin: Twin, people: Cohort, fitting_people: Cohort
) -> None:
    few = people.subset(np.arange(150))
    sign_products = "leakage.sign_products"
    alone = run(twin, few, sign_products)
    assert alone.verdict is Verdict.INCONCLUSIVE
    assert alone.details["power at the margin"] < 0.9
    assert alone.details["way that counts"] == "in-sample"
    leaky = run(copy_as(SignsThatAgree, twin), people, sign_products, fit_cohort=fitting_people)
    assert leaky.verdict is Verdict.FAIL
    assert leaky.details["fitting people"] == len(fitting_people)
    # Neither direction alone says anything, so that lines see nothing.
    assert run(copy_as(SignsThatAgree, twin), people, "leakage.linear").verdict is Verdict.PASS


def test_the_linear_gate_shows_a_permutation_p_value_where_it_can(
    twin: Twin, people: Cohort
) -> None:
    p = "cross-validated permutation p"
    assert run(copy_as(LatentPlusAge, twin), people, "leakage.linear").details[p] == 1 / 1001
    assert run(twin, people, "leakage.linear").details[p] > 0.01
    # 16 or so fitting people a fold cannot fit 16 directions.
    few = run(twin, people.subset(np.arange(20)), "leakage.linear")
    assert few.verdict is Verdict.INCONCLUSIVE
    assert p not in few.details
