"""The numbers that `python -m model.alignment evaluate` prints, on models with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_records import records

from axis_audit.checkpoint import Checkpoint, Manifest, hash_ids
from axis_audit.cohort import LEADS
from axis_audit.errors import CohortError
from model.alignment import drawing, identification, infarction, intervals, people, retrieval
from model.alignment.pictures import draw_retrieval


class Oracle:
    """Knows the leads' truth: it looks it up by the lead that it is shown."""

    def __init__(self, signals: np.ndarray) -> None:
        self.x = self.prepare(signals)

    def prepare(self, signals: np.ndarray) -> np.ndarray:
        return signals - signals.mean(axis=2, keepdims=True)

    def _rows(self, signals: np.ndarray, lead: str) -> np.ndarray:
        k = LEADS.index(lead)
        x = self.prepare(signals)[:, k]
        return np.square(x[:, None] - self.x[None, :, k]).sum(axis=2).argmin(axis=1)

    def embed(self, signals: np.ndarray, lead: str) -> np.ndarray:
        return np.eye(len(self.x), dtype=np.float32)[self._rows(signals, lead)]

    def reconstruct_leads(self, signals: np.ndarray, lead: str) -> np.ndarray:
        return self.x[self._rows(signals, lead)] * np.float32(0.9)

    def complete(self, signals: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        return self.prepare(signals) * np.where(hidden, 0.9, 1.0).astype(np.float32)


class Constant(Oracle):
    """Says the same of everybody."""

    def embed(self, signals: np.ndarray, lead: str) -> np.ndarray:
        return np.ones((len(signals), 4), np.float32)


def test_an_oracle_beats_the_ridge_and_the_mean_beat_from_every_lead() -> None:
    judged, fitting = records(20, 1, samples=400), records(30, 2, samples=400)
    found = drawing.evaluate(Oracle(judged.signals), judged, fitting, progress=False)
    for lead in LEADS:
        left = found["from"][lead]["left"]
        assert left["model"] == pytest.approx(0.01, abs=1e-4)
        assert 0.05 < left["ridge"] < 1.2
        assert found["from"][lead]["over_ridge"]["interval"][1] < 0.5
        assert found["from"][lead]["over_mean_beat"]["interval"][1] < 0.5
    assert found["hidden"]["left"] == pytest.approx(0.01, abs=1e-4)


def test_a_ridge_finds_a_filter() -> None:
    chance = np.random.default_rng(0)
    x = chance.standard_normal((20, 12, 300)).astype(np.float32)
    x[:, 3, 2:] = 0.5 * x[:, 0, :-2]
    drawn = drawing.ridge_drawn(x[:, 0], drawing.ridge_weights(x, 0))
    assert np.square(drawn[:, 3, 5:-5] - x[:, 3, 5:-5]).mean() < 1e-3


def test_retrieval_of_an_oracle_and_of_a_constant(tmp_path: Path) -> None:
    judged = records(15, 1)
    found = retrieval.evaluate(Oracle(judged.signals), judged)
    assert found["same"] == {"rank1": 1.0, "top5": 1.0, "farther": 1.0}
    assert found["correlation"] > 0.9
    collapsed = retrieval.evaluate(Constant(judged.signals), judged)
    assert collapsed["same"]["rank1"] == 0.0
    assert collapsed["same"]["farther"] == pytest.approx(0.5)
    assert max(collapsed["uniformity"].values()) == pytest.approx(0.0, abs=1e-5)
    assert all(p.exists() for p in draw_retrieval(found, tmp_path))


def test_area_under_the_curve_and_equal_errors() -> None:
    scores = np.array([0.1, 0.4, 0.35, 0.8] * 10)
    positive = np.array([False, False, True, True] * 10)
    found = intervals.auc(scores, positive)
    assert found["estimate"] == pytest.approx(0.75)
    assert found["interval"][0] < 0.75 < found["interval"][1]
    assert identification.equal_error(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 0.0
    mixed = identification.equal_error(np.linspace(0, 1, 101), np.linspace(0, 1, 101))
    assert mixed == pytest.approx(0.5, abs=0.02)


def test_labels_of_infarction_are_sure_or_none(tmp_path: Path) -> None:
    (tmp_path / "scp_statements.csv").write_text(
        ",description,diagnostic_class\nIMI,inferior,MI\nASMI,anteroseptal,MI\nNORM,normal,NORM\n"
    )
    cohort = records(4)
    given = ({"IMI": 100.0}, {"IMI": 50.0}, {"NORM": 100.0}, {"ASMI": 15.0, "IMI": 100.0})
    object.__setattr__(cohort, "diagnoses", given)
    found = infarction.labels(cohort, tmp_path)
    assert np.isnan(found[1])
    assert found[[0, 2, 3]].tolist() == [1.0, 0.0, 1.0]
    with pytest.raises(CohortError, match="no such file"):
        infarction.labels(cohort, tmp_path / "elsewhere")


def test_a_probe_and_a_network_find_what_is_there() -> None:
    chance = np.random.default_rng(0)
    y = np.arange(120) % 3 == 0
    embedded = chance.standard_normal((120, 5)).astype(np.float32)
    embedded[:, 2] += 2 * y
    scores = infarction.probe(embedded[:80], y[:80], embedded[80:])
    assert intervals.auc(scores, y[80:])["estimate"] > 0.8
    waves = 0.1 * chance.standard_normal((120, 200)).astype(np.float32)
    waves[y] += np.sin(np.arange(200) / 4).astype(np.float32)
    network = infarction.cnn_scores(waves[:80], y[:80], waves[80:], epochs=8, progress=False)
    assert intervals.auc(network, y[80:])["estimate"] > 0.9


def lead_one(folder: Path, people_number: int = 12, recordings: int = 4) -> Path:
    shapes = records(people_number, 3, samples=1250, rate=125.0).signals[:, 0]
    signals = np.stack([np.roll(shapes, 37 * k, axis=1) for k in range(recordings)], axis=1) + 1.4
    np.savez(folder / "lead1.npz", signal=signals.astype(np.float32), fs=np.array(125),
             subject_id=np.arange(people_number))  # fmt: skip
    return folder


class Shifted(Oracle):
    """Knows a person by the spectrum of lead I, wherever the beats fall."""

    def __init__(self) -> None:
        pass

    def embed(self, signals: np.ndarray, lead: str) -> np.ndarray:
        return np.abs(np.fft.rfft(signals[:, LEADS.index(lead)], axis=1)).astype(np.float32)


def test_people_are_known_again_across_recordings(tmp_path: Path) -> None:
    data = identification.read_lead_one(lead_one(tmp_path))
    assert data.signals.shape == (12, 4, 1000)
    found = identification.evaluate(Shifted(), data)
    assert found["embedding"]["enrolled"]["rank1"]["estimate"] > 0.9
    assert found["embedding"]["enrolled"]["equal_error"] < 0.1
    assert found["raw_waveform"]["first_alone"]["rank1"]["estimate"] < 0.9
    with pytest.raises(CohortError, match="cannot be read"):
        identification.read_lead_one(tmp_path / "nowhere")


def test_what_changes_within_people_is_weighed_down() -> None:
    chance = np.random.default_rng(0)
    people_ids = np.repeat(np.arange(40).astype(str), 3)
    rows = np.repeat(chance.standard_normal((40, 3)), 3, axis=0)
    rows[:, 0] += 10 * chance.standard_normal(120)
    spread = identification.within_person(
        rows + 0.1 * chance.standard_normal(rows.shape), people_ids
    )
    assert spread[0, 0] < 0.2 * spread[1, 1]
    single = records(30)
    with pytest.raises(CohortError, match="0 people have several"):
        identification.with_several(single)


def test_people_are_kept_apart() -> None:
    cohort = records(60)
    manifest = Manifest(
        patients=hash_ids(cohort.patient_ids[:35]), selection=hash_ids(cohort.patient_ids[10:35])
    )
    checkpoint = Checkpoint(Path("x.pth"), "", "alignment", {}, {}, manifest)
    assert (
        people.unseen(cohort, checkpoint).patient_ids.tolist() == cohort.patient_ids[35:].tolist()
    )
    apart = people.set_apart(cohort, checkpoint)
    assert apart.patient_ids.tolist() == cohort.patient_ids[10:35].tolist()
    assert not set(people.fitting(cohort, apart).patient_ids) & set(apart.patient_ids)
    with pytest.raises(CohortError, match="trained or watched"):
        people.unseen(cohort.subset(np.arange(40)), checkpoint)
