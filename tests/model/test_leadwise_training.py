"""Training the lead-wise classifier on a few synthetic hearts, and what it leaves behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_records import records

from axis_audit.checkpoint import hash_ids, load
from axis_audit.cohort import Cohort
from axis_audit.errors import CheckpointError, InputError
from model.leadwise import adapter, commands, ranking
from model.leadwise.__main__ import main, parser
from model.leadwise.config import NetworkConfig, TrainingConfig
from model.leadwise.data import NO_DEVICE, Vocabulary, labelled
from model.leadwise.network import focal_loss
from model.leadwise.train import People, Request, train

SMALL = NetworkConfig(
    diseases="MI,CD", stem=4, width_1=4, width_2=8, width_3=8, width_4=8, hidden=8
)  # fmt: skip
QUICK = TrainingConfig(epochs=2, batch=16, average=0.9, statement_weight=0.0)


def sick(n: int, seed: int) -> Cohort:
    """Every other person's records are twice as large, and they have both diseases, surely."""
    cohort = records(n, seed)
    ill = np.arange(n) % 2 == 0
    return replace(
        cohort,
        signals=cohort.signals * np.where(ill, 2.0, 0.5).astype(np.float32)[:, None, None],
        diagnoses=tuple({"IMI": 100.0, "CLBBB": 100.0} if i else {"NORM": 100.0} for i in ill),
        sex=np.where(np.arange(n) % 3 == 0, "female", "male"),
        device=np.full(n, "CS-12"),
    )


def people(diseases: tuple[str, ...] = SMALL.names) -> People:
    cohorts = sick(48, 1), sick(32, 2)
    vocabulary = Vocabulary.of(cohorts[0])
    return People(*cohorts, *(labelled(c, diseases, vocabulary) for c in cohorts))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("leadwise") / "leadwise.pth"
    train(people(), SMALL, QUICK, Request(made, progress=False))
    return made


def test_training_writes_all_it_promises(path: Path) -> None:
    found = load(path)
    assert found.kind == "leadwise"
    assert found.state["diseases.weight"].dtype == torch.float16
    everybody = people()
    ids = np.concatenate([everybody.fitted.patient_ids, everybody.chosen_on.patient_ids])
    assert np.array_equal(found.manifest.patients, hash_ids(ids))
    assert np.array_equal(found.manifest.selection, hash_ids(everybody.chosen_on.patient_ids))
    assert "validation" in found.manifest.data["selected_by"]
    assert {"auc_MI", "auc_CD"} <= found.manifest.data["selection"].keys()
    config = json.loads(path.with_suffix(".config.json").read_text())
    assert config["network"] == SMALL.as_dict()
    lines = [json.loads(s) for s in path.with_suffix(".log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1]
    assert not path.with_suffix(".state.partial").exists()


def test_an_interrupted_run_ends_as_an_uninterrupted_one(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pth"
    request = Request(again, progress=False, stop=lambda epoch: epoch == 0)
    with pytest.raises(KeyboardInterrupt):
        train(people(), SMALL, QUICK, request)
    with pytest.raises(InputError, match="interrupted run"):
        train(people(), SMALL, QUICK, replace(request, stop=lambda epoch: False))
    train(people(), SMALL, QUICK, Request(again, progress=False, resume=True))
    first, second = load(path).state, load(again).state
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_it_learns_what_there_is_to_learn(tmp_path: Path) -> None:
    longer = replace(QUICK, epochs=8, rate=1e-2)
    made = tmp_path / "learned.pth"
    train(people(), SMALL, longer, Request(made, progress=False))
    model, unseen = adapter.load(load(made)), sick(40, 3)
    ill = np.arange(40) % 2 == 0
    areas = ranking.areas(
        model.classify(unseen.signals).astype(np.float64), np.stack([ill, ill], 1).astype(float)
    )
    assert (areas > 0.9).all()


def test_unsure_labels_teach_nothing() -> None:
    logits = torch.tensor([[2.0, -3.0], [1.0, 4.0]], requires_grad=True)
    unsure = torch.tensor([[1.0, float("nan")], [0.0, float("nan")]])
    loss = focal_loss(logits, unsure, 2.0)
    loss.backward()
    assert torch.isfinite(loss)
    assert (logits.grad[:, 1] == 0).all()
    assert (logits.grad[:, 0] != 0).all()
    nothing = focal_loss(logits, torch.full((2, 2), float("nan")), 2.0)
    assert float(nothing.detach()) == 0.0


def test_without_focus_the_loss_is_cross_entropy() -> None:
    logits, truth = torch.randn(5, 3), torch.randint(2, (5, 3)).float()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)
    assert float(focal_loss(logits, truth, 0.0)) == pytest.approx(float(expected), rel=1e-6)
    assert float(focal_loss(logits, truth, 2.0)) < float(expected)


def test_labels_are_pure_and_auxiliary_ones_are_there() -> None:
    cohort = replace(
        sick(48, 1),
        diagnoses=tuple(
            {"IMI": (100.0, 50.0, 0.0)[i % 3]} if i % 2 else {"CLBBB": 100.0} for i in range(48)
        ),
    )
    found = labelled(cohort, ("MI", "CD"), Vocabulary(("IMI",), ("other",)))
    mi = found.diseases[:, 0]
    assert [float(v) for v in mi[[0, 3]]] == [0.0, 1.0]
    assert torch.isnan(mi[[1, 5]]).all()
    assert float(found.statements[1, 0]) == 1.0
    assert (found.device == NO_DEVICE).all()


@pytest.mark.parametrize(
    ("diseases", "message"), [(("GOUT",), "no such family"), (("HYP",), "0 records with HYP")]
)
def test_a_disease_that_nobody_has_is_refused(diseases: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        people(diseases)


def test_platts_line_calibrates_and_never_turns_the_ranking_round() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 4000)
    truth = (rng.random(4000) < 1 / (1 + np.exp(-logit))).astype(float)
    scale, shift = ranking.platt((logit / 3 - 1)[:, None], truth[:, None])
    assert scale[0] == pytest.approx(3.0, rel=0.1)
    assert shift[0] == pytest.approx(3.0, abs=0.3)
    scale, shift = ranking.platt(-logit[:, None], truth[:, None])
    assert (scale[0], shift[0]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kernel": 4}, "kernel is 4"),
        ({"normalisation": "all"}, "normalisation is 'all'"),
        ({"diseases": "MI,MI"}, "name each once"),
        ({"width_4": 0}, "must be positive"),
        ({"surprise": 1}, "unknown key"),
    ],
)
def test_a_config_of_no_classifier_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        NetworkConfig.from_mapping({**SMALL.as_dict(), **change}, "some.pth")


def test_the_help_shows_how() -> None:
    text = parser().format_help()
    assert "torchrun" in text
    assert "explain --checkpoint" in text


def test_the_command_says_what_is_wrong_and_how_to_mend_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["train", "--cohort", str(tmp_path / "none"), "--checkpoint", "x.pth"])
    assert status == 4
    assert "error: " in capsys.readouterr().err


def test_areas_of_unseen_people_are_told_with_the_audits_interval(path: Path) -> None:
    model, unseen = adapter.load(load(path)), sick(48, 4)
    found = commands.areas(model, unseen)
    assert (found["people"], found["MI"]["with"], found["MI"]["without"]) == (48, 24, 24)
    low, high = found["CD"]["interval"]
    assert low <= found["CD"]["estimate"] <= high
    few = commands.areas(model, unseen.subset(np.arange(30)))
    assert few["MI"]["area"] == "too few people"
    assert "interval" not in few["MI"]
