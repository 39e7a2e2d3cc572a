"""A run must repeat itself, survive an interruption, and tell the audit whom it has seen."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_beats import beats

from axis_audit import checkpoint as checkpoints
from axis_audit.capabilities import Batch
from axis_audit.errors import InputError
from model import training
from model.deformation import __main__ as cli
from model.deformation import adapter, data
from model.deformation.published.config import NetworkConfig, TrainingConfig
from model.deformation.published.train import Request, train

ROOT = Path(__file__).parents[2]
CONFIG = TrainingConfig(epochs=4, batch_size=64, seed=3)


@pytest.fixture(scope="session")
def people(medians, singles):
    return medians, singles


def trained(path, people, small, **options):
    split = data.split(*people, 0.2)
    request = Request(path, (1, 2), threads=1, progress=False, **options)
    train(split, small, CONFIG, request)
    return checkpoints.load(path)


def same_weights(a, b):
    return a.state.keys() == b.state.keys() and all(
        torch.equal(a.state[k], b.state[k]) for k in a.state
    )


@pytest.fixture(scope="module")
def reference(tmp_path_factory, people):
    path = tmp_path_factory.mktemp("run") / "deformation_published.pth"
    small = NetworkConfig(channels=4, latent=8, age_hidden=4)
    return trained(path, people, small)


def test_the_same_seed_gives_the_same_weights(tmp_path, people, small, reference):
    again = trained(tmp_path / "a.pth", people, small)
    assert same_weights(again, reference)


@pytest.mark.parametrize("last", [0, 1, 2])
def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path, people, small, reference, last):
    path = tmp_path / "a.pth"
    with pytest.raises(KeyboardInterrupt):
        trained(path, people, small, stop=lambda epoch: epoch == last)
    assert not path.exists()
    resumed = trained(path, people, small, resume=True)
    assert same_weights(resumed, reference)
    log = path.with_suffix(".log.jsonl").read_text()
    assert log == reference.path.with_suffix(".log.jsonl").read_text()
    assert not list(tmp_path.glob("*.partial"))


def test_a_resumed_run_must_be_the_interrupted_one(tmp_path, medians, singles, small):
    path = tmp_path / "a.pth"
    with pytest.raises(KeyboardInterrupt):
        trained(path, (medians, None), small, stop=lambda epoch: True)
    with pytest.raises(InputError, match="--resume"):
        trained(path, (medians, None), small)
    fewer = medians.subset(np.arange(250))
    with pytest.raises(InputError, match="fingerprint"):
        trained(path, (fewer, None), small, resume=True)


def test_a_run_that_diverges_stops_and_says_so(tmp_path):
    class Diverging:
        def train_epoch(self, epoch):
            return {"loss": float("nan")}

        def assess(self, epoch):
            return {}

    plan = training.Plan(3, tmp_path / "s", tmp_path / "log", {}, progress=False)
    with pytest.raises(RuntimeError, match="diverged in epoch 0"):
        training.run(Diverging(), plan)


def test_the_manifest_names_everybody_seen(reference, medians):
    manifest = reference.manifest
    assert checkpoints.seen_rows(medians.patient_ids, medians.hashes, manifest).all()
    assert np.isin(medians.hashes, manifest.waveforms).all()
    assert manifest.data["fingerprint"] == medians.fingerprint
    assert manifest.data["folds"] == [1, 2]
    assert manifest.data["seed"] == 3
    assert manifest.data["selected_epoch"] >= 2
    assert "MAE" in manifest.data["selected_by"]
    assert manifest.data["loss_weights"]["age"] > 0
    chose = np.isin(checkpoints.hash_ids(medians.patient_ids), manifest.selection)
    assert 0 < chose.sum() < len(medians) / 2
    assert set(manifest.data["versions"]) == {"python", "numpy", "torch"}


def test_the_files_beside_the_checkpoint_describe_it(reference):
    described = json.loads(reference.path.with_suffix(".config.json").read_text())
    assert described["network"] == dict(reference.config)
    lines = reference.path.with_suffix(".log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1, 2, 3]


def test_the_trained_model_can_be_loaded_and_predicts(reference, medians):
    model = adapter.load_published(reference)
    predicted = model.predict_age(Batch(medians.signals, {}))
    assert predicted.shape == (len(medians),)
    assert np.isfinite(predicted).all()


def test_selection_holds_out_whole_patients_and_does_not_depend_on_the_others():
    people = np.repeat([f"p{i}" for i in range(3000)], 2)
    held = training.selection_rows(people, 0.08)
    assert not set(people[held]) & set(people[~held])
    assert 0.065 < held.mean() < 0.095
    np.testing.assert_array_equal(training.selection_rows(people[:500], 0.08), held[:500])


def test_the_order_of_beats_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        return torch.cat(training.batches(100, 32, seed, epoch)).tolist()

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)
    assert len(set(order(1, 2))) == 96
    assert [len(b) for b in training.batches(10, 32, 0, 0)] == [10]


def test_a_record_is_only_ever_seen_by_its_own_beats(medians, singles):
    beats = data.Beats.of(medians, singles)
    rows = torch.tensor([5, 250, 17])
    own = {r: singles.signals[singles.record_ids == medians.record_ids[r]] for r in rows.tolist()}
    for seed in range(10):
        drawn = beats.draw(rows, 1.0, torch.Generator().manual_seed(seed)).numpy()
        for row, beat in zip(rows.tolist(), drawn, strict=True):
            assert any(np.array_equal(beat, b) for b in own[row])
    medians_only = beats.draw(rows, 0.0, torch.Generator()).numpy()
    np.testing.assert_array_equal(medians_only, medians.signals[rows.numpy()])


def test_records_of_unknown_age_are_left_out_and_counted(medians, singles):
    ages = medians.age.copy()
    ages[:10] = np.nan
    split = data.split(replace(medians, age=ages), singles, 0.2)
    assert len(split.fit) + len(split.selection) == len(medians) - 10
    assert split.cohorts[0].exclusions["age unknown"] == 10
    assert not torch.isnan(split.fit.ages).any()


def test_a_cohort_too_small_to_hold_anybody_out_is_refused(medians):
    with pytest.raises(InputError, match="at least"):
        data.split(medians.subset(np.arange(20)), None, 0.08)


def test_the_command_line_trains_and_evaluates(tmp_path, medians, monkeypatch, capsys):
    monkeypatch.setattr(data, "open_beats", lambda source, folds, singles: (medians, None))
    path = tmp_path / "small.pth"
    command = ["train-published", "--cohort", "x", "--checkpoint", str(path), "--epochs", "3"]
    assert cli.main([*command, "--threads", "1", "--medians-only", "--batch-size", "64"]) == 0
    assert path.stat().st_size < 5e6
    capsys.readouterr()
    evaluate = ["evaluate", "--checkpoint", str(path), "--cohort", "x"]
    assert cli.main(evaluate) == 4
    assert "trained or selected on 300 of 300" in capsys.readouterr().err
    others = beats(80, seed=9)
    monkeypatch.setattr(data, "open_beats", lambda source, folds, singles: (others, None))
    assert cli.main(evaluate) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["patients"] == 80
    assert {"mae", "calibration_slope", "transport_ratio", "ridge_r2_of_age_from_z"} <= set(numbers)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["train-published", "--help"], ["evaluate", "--help"]],
)
def test_help_teaches(arguments):
    result = subprocess.run(
        [sys.executable, "-m", "model.deformation", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--checkpoint" in result.stdout


@pytest.mark.parametrize("text", ["", "1-", "a", "8-1"])
def test_folds_that_make_no_sense_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        cli.main(["train-published", "--cohort", "x", "--checkpoint", "y", "--folds", text])
    assert "fold" in capsys.readouterr().err


def test_folds_are_read():
    assert cli.folds("1-3,7") == (1, 2, 3, 7)
