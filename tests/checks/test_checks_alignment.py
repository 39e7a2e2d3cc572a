"""What alignment checks see, what they refuse to judge, and what they ask of a model."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from axis_audit import aligned as aligned_module
from axis_audit.auditing import prepare
from axis_audit.cohort import LEADS
from axis_audit.defects.alignment_twin import AlignmentTwin
from axis_audit.defects.alignment_twins import AlignmentSubject, alignment_reference, draw
from axis_audit.finding import Finding, Verdict
from axis_audit.measures import lead_filters

GATES = ("retrieval", "correlation", "uniformity", "own_lead_only", "one_lead_for_twelve",
         "reconstruction_left")  # fmt: skip


@pytest.fixture(scope="module")
def clean() -> AlignmentSubject:
    """A hundred people with two recordings each."""
    return alignment_reference(300)


def run(subject: AlignmentSubject, name: str) -> Finding:
    audit = subject.audit()
    (check,) = [c for c in audit.checks if c.id == f"alignment.{name}"]
    return audit.run(check)


def broken(clean: AlignmentSubject, kind: type[AlignmentTwin]) -> AlignmentSubject:
    return dataclasses.replace(clean, twin=clean.twin.broken_as(kind))


class InOtherUnits(AlignmentTwin):
    """The same model, whose x is in tenths of a microvolt and whose embeddings are small."""

    def prepare(self, signals):
        return super().prepare(signals) * np.float32(1e4)

    def embed(self, signals, lead):
        return super().embed(signals, lead) * np.float32(1e-3)

    def reconstruct_leads(self, signals, lead):
        return super().reconstruct_leads(signals, lead) * np.float32(1e4)

    def complete(self, signals, hidden):
        return self._plain().complete(signals, hidden) * np.float32(1e4)

    def _plain(self):
        return self.broken_as(AlignmentTwin)


@pytest.mark.parametrize("name", [*GATES, "lead_specific", "identification", "age_told"])
def test_the_units_of_a_model_do_not_matter(clean: AlignmentSubject, name: str) -> None:
    plain, scaled = run(clean, name), run(broken(clean, InOtherUnits), name)
    assert scaled.verdict is plain.verdict
    assert scaled.estimate == pytest.approx(plain.estimate, rel=1e-3, abs=1e-4)


def test_a_scale_of_the_record_is_kept_apart_from_what_is_hidden(clean: AlignmentSubject) -> None:
    """`prepare` divides by the record's size; bridged and whole records have different sizes."""

    class OneScaleARecord(AlignmentTwin):
        def _size(self, signals):
            x = AlignmentTwin.prepare(self, signals)
            return np.sqrt(np.mean(x**2, axis=(1, 2), keepdims=True))

        def prepare(self, signals):
            return super().prepare(signals) / self._size(signals)

        def complete(self, signals, hidden):
            plain = self.broken_as(AlignmentTwin).complete(signals, hidden)
            return plain / self._size(signals)

    ours, plain = (
        run(broken(clean, OneScaleARecord), "reconstruction_left"),
        run(clean, "reconstruction_left"),
    )
    assert ours.verdict is Verdict.PASS
    assert ours.estimate == pytest.approx(plain.estimate, rel=0.5)


class LooksAtWhatIsHidden(AlignmentTwin):
    def complete(self, signals, hidden):
        return self.prepare(signals)


def test_a_model_cannot_look_under_the_patches(clean: AlignmentSubject) -> None:
    finding = run(broken(clean, LooksAtWhatIsHidden), "reconstruction_left")
    assert finding.verdict is Verdict.FAIL
    left = finding.details["power left by the model"]
    assert left == pytest.approx(finding.details["power left by a straight line"])


class Nothing(AlignmentTwin):
    """One embedding for all, flat leads, nothing in the gaps."""

    def embed(self, signals, lead):
        return np.zeros((len(signals), 8), np.float32)

    def reconstruct_leads(self, signals, lead):
        return np.zeros_like(self.prepare(signals))

    def complete(self, signals, hidden):
        return np.zeros_like(self.prepare(signals))


@pytest.mark.parametrize("name", GATES)
def test_a_model_of_nothing_passes_nothing(clean: AlignmentSubject, name: str) -> None:
    finding = run(broken(clean, Nothing), name)
    assert finding.gate
    if name == "own_lead_only":  # it is true, and says nothing
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert "do not depend on their own lead either" in finding.reason
    else:
        assert finding.verdict is Verdict.FAIL, finding.reason


@pytest.mark.parametrize("name", ["lead_specific", "identification", "age_told", "sex_told"])
def test_a_model_of_nothing_is_reported_to_have_nothing(clean: AlignmentSubject, name: str) -> None:
    finding = run(broken(clean, Nothing), name)
    assert not finding.gate
    assert finding.verdict in (Verdict.FAIL, Verdict.ERROR)


def test_the_ridge_itself_is_not_better_than_a_ridge(clean: AlignmentSubject) -> None:
    """A model that is the ridge, fitted to twice as many people: its ratio is 1, and no PASS."""
    x = clean.twin.prepare(draw(200, 77, fold=3, rows=1).signals)
    reach = round(aligned_module.RIDGE_REACH * 100)
    weights, _ = lead_filters.fit_filters(lead_filters.correlations(x, x, reach))

    class IsARidge(AlignmentTwin):
        def reconstruct_leads(self, signals, lead):
            source = self.prepare(signals)
            wave = source[:, LEADS.index(lead)]
            drawn = np.zeros_like(source)
            for b, w in enumerate(weights[LEADS.index(lead)]):
                drawn[:, b] = [np.convolve(row, w)[reach : reach + len(row)] for row in wave]
            return drawn

    finding = run(broken(clean, IsARidge), "one_lead_for_twelve")
    assert finding.verdict is not Verdict.PASS
    assert finding.estimate == pytest.approx(1.0, abs=0.15)


def test_the_ridge_of_fitting_people_is_the_cross_fitted_one(clean: AlignmentSubject) -> None:
    fitting = draw(100, 78, fold=3, rows=1)
    audit = prepare(clean.twin, clean.people, fit_cohort=fitting, seed=clean.seed)
    (check,) = [c for c in audit.checks if c.id == "alignment.one_lead_for_twelve"]
    told, alone = audit.run(check), run(clean, "one_lead_for_twelve")
    assert told.estimate == pytest.approx(alone.estimate, rel=0.1)
    assert told.estimate != alone.estimate


def test_who_has_one_recording_cannot_be_known_again(clean: AlignmentSubject) -> None:
    single = dataclasses.replace(clean, people=draw(60, 5, fold=9, rows=1))
    finding = run(single, "identification")
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "0 of the audited people have two recordings" in finding.reason


def test_a_copy_of_a_recording_is_no_second_recording(clean: AlignmentSubject) -> None:
    people = draw(60, 5, fold=9, rows=1)
    twice = people.subset(np.repeat(np.arange(60), 2))
    names = np.array([f"{name}/{k}" for k, name in enumerate(twice.record_ids)])
    twice = dataclasses.replace(twice, record_ids=names)
    finding = run(dataclasses.replace(clean, people=twice), "identification")
    assert finding.verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("name", ["retrieval", "one_lead_for_twelve"])
def test_leads_go_by_the_names_that_the_model_gives_them(
    clean: AlignmentSubject, name: str
) -> None:
    shouted = dataclasses.replace(clean.people, leads=tuple(lead.upper() for lead in LEADS))
    finding = run(dataclasses.replace(clean, people=shouted), name)
    assert finding.verdict is Verdict.PASS, finding.reason
    assert finding.estimate == run(clean, name).estimate


def test_identification_decides_where_it_is_asked_for(clean: AlignmentSubject) -> None:
    audit = prepare(clean.twin, clean.people, gate=["alignment.identification"])
    (check,) = [c for c in audit.checks if c.id == "alignment.identification"]
    finding = audit.run(check)
    assert finding.gate
    assert finding.n_patients == 100


def test_crowds_are_thinned_and_the_report_says_how_many_were_compared(
    clean: AlignmentSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aligned_module, "MOST_PEOPLE", 40)
    for name in ("retrieval", "one_lead_for_twelve", "reconstruction_left"):
        finding = run(clean, name)
        assert finding.n_patients == 40
        assert finding.verdict is Verdict.PASS


class NotANumber(AlignmentTwin):
    def embed(self, signals, lead):
        z = super().embed(signals, lead).copy()
        z[::7, 0] = np.nan
        return z

    def reconstruct_leads(self, signals, lead):
        return super().reconstruct_leads(signals, lead) * np.float32(np.inf)


class WrongShape(AlignmentTwin):
    def embed(self, signals, lead):
        z = super().embed(signals, lead)
        return z if lead != "V6" else z[:, :-1]

    def reconstruct_leads(self, signals, lead):
        return super().reconstruct_leads(signals, lead)[:, :8]

    def complete(self, signals, hidden):
        return super().complete(signals, hidden)[:-1]


class SilentLead(AlignmentTwin):
    def prepare(self, signals):
        x = super().prepare(signals)
        x[:, 3] = 0.0
        return x


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (NotANumber, "retrieval", "NaN or infinite"),
        (NotANumber, "one_lead_for_twelve", "NaN or infinite"),
        (NotANumber, "own_lead_only", "NaN or infinite"),
        (WrongShape, "correlation", "embed gave shapes"),
        (WrongShape, "one_lead_for_twelve", "reconstruct_leads from I gave shape"),
        (WrongShape, "reconstruction_left", "complete gave shape"),
        (SilentLead, "one_lead_for_twelve", "a lead silent in everybody"),
        (SilentLead, "reconstruction_left", "silent in everybody's hidden patches"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_cannot_be_measured_is_an_error_that_says_so(
    clean: AlignmentSubject, kind: type[AlignmentTwin], name: str, said: str
) -> None:
    finding = run(broken(clean, kind), name)
    assert finding.verdict is Verdict.ERROR
    assert finding.gate
    assert said in finding.reason


class WritesToItsInput(AlignmentTwin):
    def reconstruct_leads(self, signals, lead):
        drawn = super().reconstruct_leads(signals, lead)
        signals[:] = 0.0
        return drawn

    def complete(self, signals, hidden):
        completed = super().complete(signals, hidden)
        signals[:] = 0.0
        hidden[:] = False
        return completed


@pytest.mark.parametrize("name", ["one_lead_for_twelve", "reconstruction_left"])
def test_a_model_that_writes_to_its_input_does_not_rewrite_people(
    clean: AlignmentSubject, name: str
) -> None:
    ours = run(broken(clean, WritesToItsInput), name)
    assert ours.estimate == run(clean, name).estimate


def test_figures_are_drawn_and_are_small(clean: AlignmentSubject) -> None:
    from axis_audit.report.drawings import drawings

    shown = {"retrieval": 2, "correlation": 1, "uniformity": 1, "one_lead_for_twelve": 3,
             "lead_specific": 1, "reconstruction_left": 1, "identification": 1}  # fmt: skip
    for name, count in shown.items():
        finding = run(clean, name)
        assert len(json.dumps(finding.figure)) < 130_000, name
        drawn = drawings(finding.figure, finding.acceptable)
        assert len(drawn) == count, name
        assert all(d.body for d in drawn), name
