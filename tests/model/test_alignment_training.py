"""Training the alignment system on a few synthetic hearts, and the system as it is audited."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_records import records

from axis_audit.capabilities import AlignsLeads
from axis_audit.checkpoint import hash_ids, load
from axis_audit.cohort import LEADS
from axis_audit.errors import CheckpointError, InputError
from model.alignment import adapter
from model.alignment.__main__ import main, parser
from model.alignment.adapter import AlignmentModel
from model.alignment.config import NetworkConfig, TrainingConfig
from model.alignment.data import TrainingData, split
from model.alignment.train import Request, train
from model.engine import EngineOptions

SMALL = NetworkConfig(
    width=8, blocks=1, heads=2, hidden=8, embedding=8, decoder_hidden=8, taps=21
)  # fmt: skip
QUICK = TrainingConfig(held_share=0.3, epochs=2, epoch_records=16, batch=8)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return split([records(80)], QUICK.held_share, SMALL.window, SMALL.samples)


@pytest.fixture(scope="module")
def path(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("alignment") / "alignment.pth"
    train(data, SMALL, QUICK, Request(made, progress=False))
    return made


@pytest.fixture(scope="module")
def model(path: Path) -> AlignmentModel:
    return adapter.load(load(path))


def test_training_writes_all_it_promises(path: Path, data: TrainingData) -> None:
    found = load(path)
    assert found.kind == "alignment"
    assert found.state["patches.weight"].dtype == torch.float16
    people = np.concatenate([c.patient_ids for c in data.cohorts])
    assert np.array_equal(found.manifest.patients, hash_ids(people))
    assert np.array_equal(found.manifest.selection, hash_ids(data.selectors))
    assert "nothing" in found.manifest.data["selected_by"]
    config = json.loads(path.with_suffix(".config.json").read_text())
    assert config["network"] == SMALL.as_dict()
    lines = [json.loads(s) for s in path.with_suffix(".log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1]
    assert {"hidden", "drawn", "align", "held_rank1", "held_drawn_I"} <= lines[-1].keys()
    assert not path.with_suffix(".state.partial").exists()


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    path: Path, data: TrainingData, tmp_path: Path
) -> None:
    again = tmp_path / "again.pth"
    request = Request(again, progress=False, stop=lambda epoch: epoch == 0)
    with pytest.raises(KeyboardInterrupt):
        train(data, SMALL, QUICK, request)
    with pytest.raises(InputError, match="interrupted run"):
        train(data, SMALL, QUICK, replace(request, stop=lambda epoch: False))
    train(data, SMALL, QUICK, Request(again, progress=False, resume=True))
    first, second = load(path).state, load(again).state
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_mixed_precision_trains_and_writes_finite_weights(
    data: TrainingData, tmp_path: Path
) -> None:
    made = tmp_path / "mixed.pth"
    options = EngineOptions("cpu", "bf16-mixed")
    train(data, SMALL, replace(QUICK, epochs=1), Request(made, progress=False, engine=options))
    assert all(torch.isfinite(v).all() for v in load(made).state.values())


def test_it_is_what_the_audit_asks_for(model: AlignmentModel) -> None:
    assert isinstance(model, AlignsLeads)
    assert model.claims == {"alignment", "integrity"}
    spec = model.input_spec
    assert (spec.kind, spec.leads, spec.rate, spec.samples) == ("record", LEADS, 100.0, 1000)


def test_the_repository_knows_its_kind() -> None:
    text = (Path(__file__).parents[2] / "conftest.py").read_text()
    assert '"alignment": "model.alignment.adapter:load"' in text


def test_other_leads_do_not_matter(model: AlignmentModel) -> None:
    signals = records(3).signals
    others = np.roll(signals, 1, axis=0) * 1.5
    for lead in ("I", "V2"):
        k = LEADS.index(lead)
        foreign = others.copy()
        foreign[:, k] = signals[:, k]
        assert np.array_equal(model.embed(signals, lead), model.embed(foreign, lead))
        drawn = model.reconstruct_leads(signals, lead)
        assert np.array_equal(drawn, model.reconstruct_leads(foreign, lead))
        assert not np.array_equal(model.embed(signals, lead), model.embed(others, lead))


def test_rows_do_not_depend_on_their_neighbours(model: AlignmentModel) -> None:
    signals = records(6).signals
    hidden = np.zeros((12, 1000), bool)
    hidden[:, 200:300] = True
    for ask in (
        lambda s: model.embed(s, "V5"),
        lambda s: model.reconstruct_leads(s, "V5"),
        lambda s: model.complete(s, hidden),
        model.prepare,
    ):
        together = ask(signals)
        alone = np.concatenate([ask(signals[i : i + 1]) for i in range(len(signals))])
        assert np.abs(together - alone).max() < 1e-4 * together.std()
        assert np.array_equal(together, ask(signals))
        assert ask(signals[:0]).shape == (0, *together.shape[1:])


def test_shapes_and_units(model: AlignmentModel) -> None:
    signals = records(2).signals + np.float32(0.4)
    x = model.prepare(signals)
    assert np.abs(x.mean(axis=2)).max() < 1e-5
    assert np.allclose(x.std(axis=2), signals.std(axis=2), atol=1e-5)
    embedded = model.embed(signals, "II")
    assert embedded.shape == (2, SMALL.embedding)
    assert np.allclose(np.linalg.norm(embedded, axis=1), 1.0, atol=1e-5)
    hidden = np.zeros((12, 1000), bool)
    hidden[3, 100:200] = True
    done = model.complete(signals, hidden)
    assert np.allclose(np.delete(done, 3, 1), np.delete(x, 3, 1), atol=1e-5)


@pytest.mark.parametrize(
    ("ask", "word"),
    [
        (lambda m, s: m.embed(s, "V7"), "no such lead"),
        (lambda m, s: m.embed(s[:, :8], "I"), "their shape is"),
        (lambda m, s: m.reconstruct_leads(s[..., :500], "I"), "their shape is"),
        (lambda m, s: m.complete(s, np.zeros((12, 10), bool)), "its shape is"),
    ],
)
def test_bad_input_is_named(model: AlignmentModel, ask, word: str) -> None:
    with pytest.raises(InputError, match=word):
        ask(model, records(1).signals)


def test_a_damaged_checkpoint_is_refused(path: Path) -> None:
    found = load(path)
    with pytest.raises(CheckpointError, match="unknown key"):
        adapter.load(replace(found, config={**found.config, "depth": 3}))
    with pytest.raises(CheckpointError, match="wrong shape"):
        adapter.load(replace(found, config={**found.config, "width": 12}))


def test_the_command_trains_embeds_and_draws(
    tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = records(1, seed=5)
    source = tmp_path / "mine.npz"
    np.savez(source, signals=cohort.signals, rate=100.0)
    common = ["--checkpoint", str(path), "--cohort", str(source), "--lead", "II"]
    assert main(["embed", *common, "--output", str(tmp_path / "e.npz")]) == 0
    with np.load(tmp_path / "e.npz") as held:
        assert held["embeddings"].shape == (1, SMALL.embedding)
    drawn, pictures = str(tmp_path / "d.npz"), tmp_path / "pictures"
    assert main(["reconstruct", *common, "--output", drawn, "--pictures", str(pictures)]) == 0
    with np.load(drawn) as held:
        assert held["signals"].shape == (1, 12, 1000)
    assert len(list(pictures.glob("*.png"))) == 1
    assert main(["embed", *common, "--lead", "V9", "--output", drawn]) == 4
    assert "no such lead" in capsys.readouterr().err
    assert main(["train", "--cohort", "nowhere", "--checkpoint", str(tmp_path / "n.pth")]) == 4


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    shown = capsys.readouterr().out
    assert "model.alignment evaluate infarction" in shown
    assert "torchrun" in shown
