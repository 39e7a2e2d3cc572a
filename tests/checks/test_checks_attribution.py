"""What attribution checks see, what they refuse to judge, and what they ask of a model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import numpy as np
import pytest

from axis_audit import explained as explained_module
from axis_audit import explained_curves
from axis_audit.auditing import Audit
from axis_audit.checks import attribution_alike, attribution_curves
from axis_audit.defects.attribution import ForgedTwin
from axis_audit.defects.attribution_twin import AttributionTwin
from axis_audit.defects.attribution_twins import AttributionSubject, attribution_reference
from axis_audit.finding import Finding, Verdict

LOCATION = ("pointing", "in_region")
GATES = (
    "completeness", "pointing", "in_region", "deletion", "own_leads", "own_disease",
    "randomisation", "methods_agree", "stability",
)  # fmt: skip


@pytest.fixture(scope="module")
def clean() -> AttributionSubject:
    """A hundred and twenty people."""
    return attribution_reference(960)


@pytest.fixture(autouse=True, scope="module")
def fewer_curves() -> Iterator[None]:
    """A few less people, and half of the curves' steps."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (explained_module, explained_curves, attribution_alike):
            patch.setattr(module, "FEW", 20)
        for module in (explained_curves, attribution_curves):
            patch.setattr(module, "SHARES", (0.01, 0.05, 0.2))
        yield


@pytest.fixture(scope="module")
def audited(clean: AttributionSubject) -> Audit:
    return clean.audit()


def judged(audit: Audit, name: str) -> Finding:
    (check,) = [c for c in audit.checks if c.id == f"attribution.{name}"]
    return audit.run(check)


def run(subject: AttributionSubject, name: str) -> Finding:
    return judged(subject.audit(), name)


def broken(clean: AttributionSubject, kind: type[AttributionTwin]) -> AttributionSubject:
    return dataclasses.replace(clean, twin=clean.twin.broken_as(kind))


@pytest.mark.parametrize("name", [*GATES, "insertion"])
def test_the_clean_twin_passes(audited: Audit, name: str) -> None:
    finding = judged(audited, name)
    gate = name != "insertion"
    assert finding.verdict is Verdict.PASS or (not gate and finding.estimate > 0), finding.reason
    assert finding.gate is gate
    assert 15 <= finding.n_patients <= 120
    records = len(audited.evidence.model.diseases) if name == "in_region" else 0
    assert len(json.dumps(finding.figure)) < 20_000 + 45_000 * records
    assert finding.figure["kind"] == "bars"
    assert json.dumps(finding.figure).count('"attributed"') == records


def test_what_was_published_and_what_chance_scores_stand_beside(audited: Audit) -> None:
    details = judged(audited, "pointing").details
    assert details["pointing, MI published"] == 0.98
    assert details["pointing, MI by chance"] == pytest.approx(0.49, abs=0.1)
    assert details["pointing, CD by the steepest samples"] > 0.9
    assert details["reported, not decided on"] == "STTC"


def test_figures_show_the_curves(audited: Audit) -> None:
    (curves,) = judged(audited, "deletion").figure["more"]
    assert set(curves["series"]) == {
        "by the map", "the map shifted in time", "the steepest samples", "samples at random",
    }  # fmt: skip


class SilentSTTC(AttributionTwin):
    def explain(self, signals, disease, method):
        maps = super().explain(signals, disease, method)
        return np.roll(maps, 60, axis=2) if disease == "STTC" else maps


@pytest.mark.parametrize("name", LOCATION)
def test_where_sttc_points_is_told_and_does_not_decide(
    clean: AttributionSubject, name: str
) -> None:
    """Nothing better than chance was published of it; deletion and others still look at it."""
    finding = run(broken(clean, SilentSTTC), name)
    assert finding.verdict is Verdict.PASS
    key = "pointing" if name == "pointing" else "share"
    assert finding.details[f"{key}, STTC"] < 0.6


def test_deletion_looks_at_sttc_too(clean: AttributionSubject) -> None:
    assert run(broken(clean, SilentSTTC), "deletion").verdict is not Verdict.PASS


@pytest.mark.parametrize("name", ["completeness", "pointing", "own_disease", "methods_agree"])
def test_too_few_with_a_disease_are_inconclusive(clean: AttributionSubject, name: str) -> None:
    keep = np.array(["LVH" not in d for d in clean.people.diagnoses])
    keep[np.flatnonzero(~keep)[:9]] = True
    finding = run(dataclasses.replace(clean, people=clean.people.subset(keep)), name)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "have HYP" in finding.reason
    assert "15 are needed" in finding.reason


@pytest.mark.parametrize("name", ["completeness", "pointing", "own_disease", "methods_agree"])
def test_nobody_ill_is_inconclusive(clean: AttributionSubject, name: str) -> None:
    well = dataclasses.replace(clean.people, diagnoses=({"NORM": 100.0},) * len(clean.people))
    finding = run(dataclasses.replace(clean, people=well), name)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "0 of the people looked at have CD" in finding.reason
    assert finding.n_patients == 0


def test_records_without_beats_are_no_misses(
    clean: AttributionSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = explained_module.masks

    def some(cohort, waves):
        found = real(cohort, waves)
        found[: len(found) - 5] = False
        return found

    monkeypatch.setattr(explained_module, "masks", some)
    finding = run(clean, "pointing")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "5 of the records with MI have beats" in finding.reason


class Silent(AttributionTwin):
    def explain(self, signals, disease, method):
        return np.zeros_like(super().explain(signals, disease, method))


@pytest.mark.parametrize("name", GATES)
def test_a_map_of_nothing_passes_nothing(clean: AttributionSubject, name: str) -> None:
    verdict = run(broken(clean, Silent), name).verdict
    # Other weights are silent too: there is nothing to compare with.
    expected = {Verdict.INCONCLUSIVE if name == "randomisation" else Verdict.FAIL}
    assert verdict in expected | ({Verdict.INCONCLUSIVE} if name == "own_disease" else set())


class NotRandomised(AttributionTwin):
    def randomised(self, seed):
        return self


class RandomisesItself(AttributionTwin):
    def randomised(self, seed):
        drawn = super().randomised(seed)
        self.filters[:] = drawn.filters
        return drawn


def test_weights_that_were_not_drawn_anew_do_not_help(clean: AttributionSubject) -> None:
    finding = run(broken(clean, NotRandomised), "randomisation")
    assert finding.verdict is Verdict.ERROR
    assert finding.gate
    assert "logits of MI are those of the audited one" in finding.reason


def test_a_model_must_not_be_changed_by_being_randomised(clean: AttributionSubject) -> None:
    twin = dataclasses.replace(clean.twin, filters=clean.twin.filters.copy())
    subject = dataclasses.replace(clean, twin=twin.broken_as(RandomisesItself))
    finding = run(subject, "randomisation")
    assert finding.verdict is Verdict.ERROR
    assert "changed the model that is audited" in finding.reason


class NaNMaps(AttributionTwin):
    def explain(self, signals, disease, method):
        maps = super().explain(signals, disease, method)
        maps[0, 0, 0] = np.nan
        return maps


class MapsOfEightLeads(AttributionTwin):
    def explain(self, signals, disease, method):
        return super().explain(signals, disease, method)[:, :8]


class ToldApartBackwards(AttributionTwin):
    def classify(self, signals):
        return -super().classify(signals)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (NaNMaps, "stability", "NaN or infinite"),
        (MapsOfEightLeads, "pointing", "8, 1000); "),
        (ToldApartBackwards, "deletion", "get no higher logits than those without"),
    ],
)
def test_maps_that_are_none_are_errors(
    clean: AttributionSubject, kind: type[AttributionTwin], name: str, said: str
) -> None:
    finding = run(broken(clean, kind), name)
    assert finding.verdict is Verdict.ERROR
    assert said in finding.reason


def with_field(clean: AttributionSubject, **fields: object) -> AttributionSubject:
    return dataclasses.replace(clean, twin=dataclasses.replace(clean.twin, **fields))


def test_one_method_agrees_with_nothing(clean: AttributionSubject) -> None:
    finding = run(with_field(clean, explanations=("integrated_gradients",)), "methods_agree")
    assert finding.verdict is Verdict.ERROR
    assert "is the only method" in finding.reason


def test_diseases_that_nobody_knows_do_not_dodge_the_gates(clean: AttributionSubject) -> None:
    renamed = with_field(clean, diseases=("mi", "sttc", "cd", "hyp"))
    for name in GATES:
        finding = run(renamed, name)
        assert finding.verdict is Verdict.ERROR
        assert finding.gate
        assert "none is in" in finding.reason


class OneMethodUnderTwoNames(AttributionTwin):
    def explain(self, signals, disease, method):
        return super().explain(signals, disease, "integrated_gradients")


def test_one_method_under_two_names_is_no_second_opinion(clean: AttributionSubject) -> None:
    finding = run(broken(clean, OneMethodUnderTwoNames), "methods_agree")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "gradient_shap, occlusion gives the maps of integrated_gradients" in finding.reason


class SignedRPeaks(ForgedTwin):
    """R peaks scaled to each logit: for diseases that somebody has not, of another sign."""

    def forged(self, signals, disease, method):
        x = self.prepare(signals)
        return np.abs(x) ** 4 + 1e-6


def test_a_sign_for_who_is_well_does_not_make_maps_of_a_disease(clean: AttributionSubject) -> None:
    finding = run(broken(clean, SignedRPeaks), "own_disease")
    assert finding.verdict is Verdict.FAIL
    assert finding.estimate == pytest.approx(0.0, abs=0.01)


class WritesToItsInput(AttributionTwin):
    def explain(self, signals, disease, method):
        maps = super().explain(signals, disease, method)
        signals[:] = 0.0
        return maps


def test_a_model_that_writes_to_its_input_does_not_rewrite_people(
    clean: AttributionSubject, audited: Audit
) -> None:
    ours = run(broken(clean, WritesToItsInput), "deletion")
    assert ours.estimate == judged(audited, "deletion").estimate


def test_many_ill_are_thinned_and_the_report_says_so(
    clean: AttributionSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explained_module, "MOST_MAPS", 20)
    finding = run(clean, "pointing")
    assert finding.n == 60
    assert finding.details["MI: maps, of people who have it"].startswith("20 of ")
