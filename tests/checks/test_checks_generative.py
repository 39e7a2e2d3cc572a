"""What generative checks see, what they refuse to judge, and what they ask of a model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from axis_audit.checkpoint import hash_ids
from axis_audit.defects.generative_twin import GenerativeTwin
from axis_audit.defects.generative_twins import GenerativeSubject, draw, generative_reference
from axis_audit.finding import Finding, Verdict


@pytest.fixture(scope="module")
def clean() -> GenerativeSubject:
    return generative_reference(240)


def run(subject: GenerativeSubject, name: str) -> Finding:
    audit = subject.audit()
    (check,) = [c for c in audit.checks if c.id == f"generative.{name}"]
    return audit.run(check)


def broken(clean: GenerativeSubject, kind: type[GenerativeTwin]) -> GenerativeSubject:
    return dataclasses.replace(clean, twin=kind(clean.twin.mean, clean.twin.components))


class InOtherUnits(GenerativeTwin):
    """The same model, whose x is in tenths of a microvolt with an offset."""

    def prepare(self, signals):
        return super().prepare(signals) * np.float32(1e4) + np.float32(300)

    def encode(self, signals):
        return GenerativeTwin.encode(self._plain(), signals)

    def decode(self, latents):
        return GenerativeTwin.decode(self._plain(), latents) * np.float32(1e4) + np.float32(300)

    def sample(self, count, seed):
        return GenerativeTwin.sample(self._plain(), count, seed) * np.float32(1e4)

    def _plain(self):
        return GenerativeTwin(self.mean, self.components)


@pytest.mark.parametrize(
    "name", ["reconstruction_mmd", "sample_mmd", "fidelity", "memorisation", "wave_amplitudes"]
)
def test_the_units_of_a_model_do_not_matter(clean: GenerativeSubject, name: str) -> None:
    plain, scaled = run(clean, name), run(broken(clean, InOtherUnits), name)
    assert scaled.verdict is plain.verdict
    assert scaled.estimate == pytest.approx(plain.estimate, rel=1e-3, abs=1e-4)


def test_people_with_one_signal_each_cannot_show_what_a_copy_is(clean: GenerativeSubject) -> None:
    single = dataclasses.replace(clean, people=draw(60, 5, fold=9, rows=1))
    finding = run(single, "memorisation")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "nobody has two rows" in finding.reason


def test_people_as_alike_as_one_heart_cannot_show_what_a_copy_is(
    clean: GenerativeSubject,
) -> None:
    signals = clean.people.signals + np.random.default_rng(0).normal(
        0, 1.0, clean.people.signals.shape
    ).astype(np.float32)
    noisy = dataclasses.replace(
        clean, people=dataclasses.replace(clean.people, signals=signals.astype(np.float32))
    )
    finding = run(noisy, "memorisation")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "nearness cannot tell copies" in finding.reason


def test_training_people_at_hand_are_looked_at_and_never_scored(clean: GenerativeSubject) -> None:
    ids = np.unique(clean.people.patient_ids)[:20]
    manifest = dataclasses.replace(clean.manifest, patients=hash_ids(ids))
    audit = dataclasses.replace(clean, manifest=manifest).audit()
    assert audit.evidence.n == 40
    assert not np.isin(audit.evidence.rows.patient_ids, ids).any()
    assert set(audit.evidence.training.patient_ids) == set(ids)
    (check,) = [c for c in audit.checks if c.id == "generative.memorisation"]
    details = audit.run(check).details
    assert details["training people at hand"] == 20
    assert "draws with a training recording so near" in details


def test_every_row_of_a_person_counts_and_no_person_counts_twice(clean: GenerativeSubject) -> None:
    """The first person brings a hundred signals: of them as many are taken as of others."""
    again = np.r_[np.zeros(100, int), np.arange(len(clean.people))]
    more = dataclasses.replace(clean, people=clean.people.subset(again))
    evidence = more.audit().evidence
    _, counts = np.unique(evidence.rows.patient_ids, return_counts=True)
    assert evidence.n == 60
    assert counts.max() == 4
    assert run(more, "fidelity").n_patients == 60


class NotANumber(GenerativeTwin):
    def decode(self, latents):
        beats = super().decode(latents)
        beats[::7, 0, 3] = np.nan
        return beats


class WrongShape(GenerativeTwin):
    def decode(self, latents):
        return super().decode(latents)[:, :, :-1]


class FewDraws(GenerativeTwin):
    def sample(self, count, seed):
        return super().sample(count // 2, seed)


class FlatDecoder(GenerativeTwin):
    def decode(self, latents):
        return np.zeros_like(super().decode(latents))


class SmoothsFirst(GenerativeTwin):
    """What `prepare` smooths away nobody could miss afterwards."""

    def prepare(self, signals):
        from scipy.ndimage import gaussian_filter1d

        return gaussian_filter1d(super().prepare(signals), 2.0, axis=2)


class Complex(GenerativeTwin):
    def decode(self, latents):
        return super().decode(latents) + 5j


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (NotANumber, "reconstruction_mmd", "NaN or infinite"),
        (NotANumber, "waves_kept", "NaN or infinite"),
        (WrongShape, "fidelity", "decode gave shape"),
        (SmoothsFirst, "fidelity", "prepare changes the shape of signals"),
        (SmoothsFirst, "wave_durations", "prepare changes the shape of signals"),
        (Complex, "reconstruction_mmd", "not all plain numbers"),
        (FewDraws, "sample_mmd", "sample gave shape"),
        (FlatDecoder, "interpolation", "all reconstructions are alike"),
    ],
)
def test_what_cannot_be_measured_is_an_error_that_says_so(
    clean: GenerativeSubject, kind: type[GenerativeTwin], name: str, said: str
) -> None:
    finding = run(broken(clean, kind), name)
    assert finding.verdict is Verdict.ERROR
    assert finding.gate
    assert said in finding.reason


@pytest.mark.parametrize("name", ["timing", "waves_kept", "wave_durations", "wave_amplitudes"])
def test_a_flat_decoder_passes_nothing(clean: GenerativeSubject, name: str) -> None:
    assert run(broken(clean, FlatDecoder), name).verdict in (
        Verdict.FAIL,
        Verdict.ERROR,
        Verdict.INCONCLUSIVE,
    )


def test_an_exact_reconstruction_passes_what_compares_it(clean: GenerativeSubject) -> None:
    """Where nothing at all is lost, estimates are exactly 0, and that is a PASS."""

    class Perfect(GenerativeTwin):
        def encode(self, signals):
            return self.prepare(signals)[:, 0]

        def decode(self, latents):
            return np.asarray(latents, np.float32)[:, None]

    subject = broken(clean, Perfect)
    for name in ("reconstruction_mmd", "fidelity", "timing", "wave_durations", "wave_amplitudes"):
        finding = run(subject, name)
        assert finding.verdict is Verdict.PASS, f"{name}: {finding.reason}"
        assert finding.estimate == pytest.approx(0.0, abs=1e-6)


def test_figures_are_drawn_and_are_small(clean: GenerativeSubject) -> None:
    import json

    from axis_audit.report.drawings import drawings

    for name in ("reconstruction_mmd", "sample_mmd", "active_units", "interpolation", "timing"):
        finding = run(clean, name)
        assert len(json.dumps(finding.figure)) < 120_000, name
        drawn = drawings(finding.figure, finding.acceptable)
        assert drawn, name
        assert all(d.body for d in drawn), name


def test_a_lead_that_was_off_costs_one_person_and_no_audit(clean: GenerativeSubject) -> None:
    signals = clean.people.signals.copy()
    signals[clean.people.patient_ids == clean.people.patient_ids[0]] = 0.0
    off = dataclasses.replace(clean, people=dataclasses.replace(clean.people, signals=signals))
    finding = run(off, "timing")
    assert finding.verdict is Verdict.PASS
    assert finding.details["people with a flat lead"] == 1


def test_without_enough_training_people_nothing_is_certified_about_copies(
    clean: GenerativeSubject,
) -> None:
    """Trained on a hundred thousand people of whom none is at hand, copies would not meet."""
    many = np.arange(100_000).astype(str)
    manifest = dataclasses.replace(clean.manifest, patients=hash_ids(many))
    finding = run(dataclasses.replace(clean, manifest=manifest), "memorisation")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "more of its training people" in finding.reason


def test_the_same_row_twice_is_no_second_cycle(clean: GenerativeSubject) -> None:
    twice = clean.people.subset(np.repeat(np.arange(0, 180, 3), 2))
    finding = run(dataclasses.replace(clean, people=twice), "memorisation")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "same row" in finding.reason


class Unsure(GenerativeTwin):
    """Surely wrong about how sure it is: σ² is 50 for everybody."""

    def encode_scale(self, signals):
        return np.full_like(super().encode_scale(signals), 4.0)


def test_a_posterior_alike_for_everybody_tells_nothing(clean: GenerativeSubject) -> None:
    assert run(broken(clean, Unsure), "posterior_collapse").verdict is Verdict.FAIL
