"""Checks of a classifier's diagnoses: who is counted, where, and when nothing may be said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from axis_audit.auditing import Audit, prepare
from axis_audit.capabilities import InputSpec
from axis_audit.cohort import LEADS, Cohort, make_cohort
from axis_audit.finding import Finding, Verdict

DISEASES = ("MI", "STTC", "CD", "HYP")
SCP = {"MI": "IMI", "STTC": "ISC_", "CD": "CLBBB", "HYP": "LVH"}
SNOMED = {"MI": "164865005", "STTC": "59931005", "CD": "59118001", "HYP": "164873001"}
SPEC = InputSpec("record", LEADS, 100.0, 20)


@dataclass
class Oracle:
    """A classifier whose logits stand in the first samples of the leads."""

    diseases: tuple[str, ...] = DISEASES
    kind: str = "oracle"
    input_spec: InputSpec = SPEC
    claims: frozenset[str] = frozenset({"attribution"})

    def classify(self, signals):
        return signals[:, [(*DISEASES, "gout").index(name) for name in self.diseases], 0]


def people(
    *, n=900, strength=4.0, codes=SCP, site="", share=0.25, unsure=0.0, absent="NORM", **columns
) -> Cohort:
    rng = np.random.default_rng(11)
    ill = rng.random((n, 4)) < share
    signals = 0.1 * rng.normal(size=(n, 12, 20))
    signals[:, :4, 0] = strength * ill + rng.normal(size=(n, 4)) - 2
    given = []
    for row in ill:
        one = {codes[name]: 100.0 for name, has in zip(DISEASES, row, strict=True) if has}
        if unsure and rng.random() < unsure:
            one |= {codes["MI"]: 50.0}
        given.append(one or {absent: 100.0})
    columns.setdefault("device", rng.choice(["A", "B"], n))
    columns.setdefault("sex", rng.choice(["female", "male"], n))
    return make_cohort(
        "oracle's people", signals, rate=100.0, diagnoses=given, site=np.full(n, site),
        age=rng.integers(20, 90, n), **columns,
    )  # fmt: skip


def audited(cohort: Cohort, model: Oracle | None = None) -> Audit:
    return prepare(model or Oracle(), cohort)


def found(audit: Audit, check_id: str) -> Finding:
    (check,) = [c for c in audit.checks if c.id == f"attribution.{check_id}"]
    return audit.run(check)


def test_a_good_classifier_passes_at_home_and_nothing_is_said_of_elsewhere():
    audit = audited(people())
    for name in ("mi", "sttc", "cd", "hyp"):
        assert found(audit, f"auc_{name}").verdict is Verdict.PASS
        elsewhere = found(audit, f"transfer_{name}")
        assert elsewhere.verdict is Verdict.NOT_APPLICABLE
        assert f"see attribution.auc_{name}" in elsewhere.reason
    for check_id in ("label_policy", "device_read", "sex_read", "age_read"):
        assert found(audit, check_id).verdict is Verdict.PASS, check_id


def test_other_hospitals_are_asked_for_less_and_home_gates_do_not_apply():
    audit = audited(people(codes=SNOMED, strength=2.5, absent="426783006"))
    assert found(audit, "transfer_mi").verdict is Verdict.PASS
    assert found(audit, "transfer_mi").details["sources"] == "not named"
    assert found(audit, "auc_mi").verdict is Verdict.NOT_APPLICABLE
    chance = audited(people(codes=SNOMED, strength=0.0, absent="426783006"))
    assert found(chance, "transfer_mi").verdict is Verdict.FAIL


def test_a_disease_that_a_hospital_does_not_annotate_is_not_asked_for():
    cohort = people(codes=SNOMED | {"MI": "164934002"}, site="CPSC 2018", absent="426783006")
    audit = audited(cohort)
    assert found(audit, "transfer_cd").verdict is Verdict.PASS
    for name in ("mi", "sttc", "hyp"):
        finding = found(audit, f"transfer_{name}")
        assert finding.verdict is Verdict.NOT_APPLICABLE
        assert "does not annotate" in finding.reason


def test_too_few_people_decide_nothing_however_well_they_are_told():
    audit = audited(people(n=60, share=0.2, strength=50.0))
    finding = found(audit, "auc_mi")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "20 of each are needed" in finding.reason
    assert finding.interval == (0.0, 1.0)
    nobody = audited(people(codes=SNOMED | {"MI": "426783006"}, site="PTB", absent="426783006"))
    finding = found(nobody, "transfer_mi")
    assert (finding.verdict, finding.estimate) == (Verdict.INCONCLUSIVE, 0.5)
    assert "0 people have MI" in finding.reason


def test_a_disease_that_the_model_does_not_claim_is_not_asked_for():
    audit = audited(people(), Oracle(diseases=("MI", "gout")))
    assert found(audit, "auc_mi").verdict is Verdict.PASS
    assert found(audit, "auc_hyp").verdict is Verdict.NOT_APPLICABLE
    assert "does not diagnose HYP" in found(audit, "auc_hyp").reason


def test_a_cohort_that_decides_no_disease_cannot_pass():
    for cohort, model in (
        (people(codes=dict.fromkeys(DISEASES, "anything"), absent="else"), Oracle()),
        (people(), Oracle(diseases=("gout",))),
    ):
        audit = audited(cohort, model)
        finding = found(audit, "label_policy")
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert finding.gate
        assert "nobody can say whether the classifier is right" in finding.reason


def test_the_unsure_are_left_out_and_counted():
    audit = audited(people(unsure=0.3))
    policy = found(audit, "label_policy").details
    ill, well, unsure, silent = map(
        int, policy["MI: people with, without, unsure, not annotated"].split(", ")
    )
    assert unsure > 200
    assert ill + well + unsure + silent == 900
    assert silent == 0
    assert policy["MI: area with the unsure as positives"] < 0.9
    assert found(audit, "auc_mi").n == ill + well
    assert found(audit, "auc_mi").verdict is Verdict.PASS


def test_a_classifier_of_devices_is_found_out():
    rng = np.random.default_rng(3)
    cohort = people(strength=0.0)
    ill = np.array(["IMI" in given for given in cohort.diagnoses])
    cohort.device[:] = np.where(rng.random(900) < np.where(ill, 0.9, 0.2), "B", "A")
    cohort.signals[:, 0, 0] = 3.0 * (cohort.device == "B") + 0.1 * rng.normal(size=900)
    finding = found(audited(cohort), "device_read")
    assert finding.verdict is Verdict.FAIL
    assert finding.details["most is lent to"] == "MI"
    assert finding.details["MI: area within one device"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("devices", [np.full(900, ""), np.full(900, "A")])
def test_one_device_or_none_lends_nothing_that_can_be_measured(devices):
    finding = found(audited(people(device=devices)), "device_read")
    assert finding.verdict is Verdict.NOT_APPLICABLE


def test_calibration_is_reported_and_does_not_decide():
    one = Oracle(diseases=("MI",))
    good = found(audited(people(strength=2.0), one), "calibration")
    assert not good.gate
    steep = people(strength=2.0)
    steep.signals[:, :4, 0] *= 10
    bad = found(audited(steep, one), "calibration")
    assert bad.verdict is Verdict.FAIL
    assert bad.estimate == pytest.approx(good.estimate / 10, rel=1e-3)
    assert found(audited(people(strength=80.0)), "calibration").verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda x: x[:, 0, 0], "classify gave shape"),
        (lambda x: np.full((len(x), 4), np.nan), "NaN or infinite"),
    ],
)
def test_what_is_no_logit_is_an_error_and_no_pass(monkeypatch, answer, told):
    monkeypatch.setattr(Oracle, "classify", lambda self, signals: answer(signals))
    finding = found(audited(people()), "auc_mi")
    assert finding.verdict is Verdict.ERROR
    assert told in finding.reason


def test_impossible_likelihoods_fail():
    cohort = people(codes=SCP)
    given = [{code: 10 * v for code, v in d.items()} for d in cohort.diagnoses]
    broken = make_cohort("per mille", cohort.signals, rate=100.0, diagnoses=given, age=cohort.age)
    assert found(audited(broken), "label_policy").verdict is Verdict.FAIL
