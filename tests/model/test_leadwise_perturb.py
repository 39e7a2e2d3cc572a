"""Leads taken away and waves cut out: a classifier loses what it looks at, and only that."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from axis_audit import regions
from axis_audit.capabilities import InputSpec
from axis_audit.cohort import LEADS, Cohort
from model.leadwise import perturb
from tests.model.synthetic_records import records

PEOPLE, ILL = 120, 60


class LooksAt:
    """Diagnoses by the height of lead V2's QRS, or of its middle between beats for `resting`."""

    kind, claims, diseases = "made up", frozenset[str](), ("CD", "HYP")
    input_spec = InputSpec("record", LEADS, 100.0, 1000)

    def __init__(self, of: str = "height") -> None:
        self.of = of

    def classify(self, signals):
        lead = signals[:, LEADS.index("V2")]
        score = np.ptp(lead, axis=1) if self.of == "height" else np.median(lead, axis=1)
        return np.stack([score, np.full(len(lead), 0.3)], axis=1).astype(np.float32)


def people(sign: str) -> Cohort:
    cohort = records(PEOPLE, seed=3)
    signals = cohort.signals.copy()
    ill = np.arange(PEOPLE) < ILL
    v2 = LEADS.index("V2")
    if sign == "height":  # the same QRS for all, higher in those who are ill
        mask = regions.masks(cohort, ("QRS",))
        signals[:, v2] = 0.05 * signals[:, v2]
        wide = np.convolve(np.ones(3), np.ones(3))
        narrow = np.stack([np.convolve(m, wide, "same") >= 9 for m in mask])
        signals[:, v2] += narrow * np.where(ill, 3.0, 1.5)[:, None]
    else:
        signals[:, v2] += 0.5 * ill[:, None]
    diagnoses = tuple({"CLBBB": 100.0} if i else {"NORM": 100.0} for i in ill)
    return dataclasses.replace(cohort, signals=signals.astype(np.float32), diagnoses=diagnoses)


@pytest.fixture(scope="module")
def found() -> dict:
    return perturb.robustness(LooksAt(), people("height"), progress=False)


def test_only_the_lead_that_is_read_is_missed(found) -> None:
    cd = found["diseases"]["CD"]
    assert (found["people"], cd["people"], cd["positives"]) == (PEOPLE, PEOPLE, ILL)
    assert cd["auc"]["estimate"] > 0.95
    assert cd["without_lead"]["V2"]["interval"][0] > 0.3
    assert all(v["estimate"] == 0 for k, v in cd["without_lead"].items() if k != "V2")
    assert cd["shuffled"]["interval"][0] > 0.1


def test_cutting_the_wave_costs_more_than_cutting_as_much_elsewhere(found) -> None:
    surgery = found["diseases"]["CD"]["surgery"]
    assert surgery["waves"] == ["QRS"]
    assert surgery["region"]["interval"][0] > 0.3
    assert surgery["elsewhere"]["estimate"] == 0
    assert surgery["more_than_elsewhere"]["interval"][0] > 0.1
    share = surgery["share_of_time"]
    assert share["matched"] == pytest.approx(share["elsewhere"])
    assert 0.05 < share["matched"] <= share["region"]


def test_a_classifier_that_reads_no_wave_is_found_out() -> None:
    found = perturb.robustness(LooksAt("level"), people("level"), progress=False)
    surgery = found["diseases"]["CD"]["surgery"]
    assert surgery["more_than_elsewhere"]["interval"][0] <= 0.0
    assert abs(surgery["region"]["estimate"]) < 0.05


def test_too_few_ill_people_are_no_number(found) -> None:
    hyp = found["diseases"]["HYP"]
    assert "fewer than 20" in hyp["reason"]
    assert "auc" not in hyp
    json.dumps(found, allow_nan=False)


def test_a_patients_second_record_does_not_count() -> None:
    cohort = people("height")
    twice = dataclasses.replace(cohort, patient_ids=np.repeat(cohort.patient_ids[::2], 2))
    found = perturb.robustness(LooksAt(), twice, progress=False)
    assert found["diseases"]["CD"]["people"] == PEOPLE // 2


def test_a_run_becomes_a_straight_line_in_every_lead() -> None:
    signals = np.random.default_rng(0).normal(size=(2, 3, 20)).astype(np.float32)
    mask = np.zeros((2, 20), bool)
    mask[0, 5:9] = mask[0, 17:] = True
    cut = perturb.straightened(signals, mask)
    line = np.linspace(signals[0, :, 4], signals[0, :, 9], 6, axis=1)
    np.testing.assert_allclose(cut[0, :, 4:10], line, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(cut[0, :, 17:], np.tile(signals[0, :, 16:17], 3))
    np.testing.assert_array_equal(cut[1], signals[1])
    np.testing.assert_array_equal(cut[0][:, ~mask[0]], signals[0][:, ~mask[0]])


def test_pieces_of_region_and_elsewhere_are_equally_long_and_apart() -> None:
    region = np.zeros((2, 100), bool)
    for start in (4, 34, 64):
        region[0, start : start + 8] = region[1, start : start + 20] = True
    pieces = perturb._pieces(region)
    assert not (pieces["elsewhere"] & region).any()
    assert (pieces["matched"] <= region).all()
    np.testing.assert_array_equal(pieces["matched"].sum(1), pieces["elsewhere"].sum(1))
    assert pieces["matched"].sum(1).tolist() == [24, 8 + 8 + 14]
    assert pieces["region"] is region


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"diseases": ("XYZ", "CD")}, "no labels are known for XYZ"),
        ({"classify": lambda s: np.full((len(s), 2), np.nan, np.float32)}, "NaN"),
        ({"input_spec": InputSpec("record", LEADS[::-1], 100.0, 1000)}, "leads"),
    ],
)
def test_what_cannot_be_judged_is_refused(change, match: str) -> None:
    model = LooksAt()
    for name, value in change.items():
        setattr(model, name, value)
    with pytest.raises(ValueError, match=match):
        perturb.robustness(model, records(30), progress=False)
