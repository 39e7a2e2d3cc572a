"""What the audit sees of the age-free deformation system, and how it comes about."""

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

from axis_audit import capabilities as can
from axis_audit import checkpoint as checkpoints
from axis_audit.cohort import LEADS
from axis_audit.errors import CheckpointError, InputError
from axis_audit.measures.einthoven import einthoven_residuals
from model.deformation import __main__ as cli
from model.deformation import adapter, data
from model.deformation.ablation_rows import PENALTIES
from model.deformation.config import NetworkConfig, TrainingConfig
from model.deformation.network import DeformationNetwork
from model.deformation.train import Request, train

ROOT = Path(__file__).parents[2]
SMALL = NetworkConfig(
    age_channels=4, age_hidden=8, components=12, latent=4, encoder_hidden=8, decoder_hidden=16
)
CONFIG = TrainingConfig(
    seed=3, age_epochs=1, starts=2, epochs=2, age_batch=64, batch=128, critic_hidden=(16, 8)
)


def trained(path, people, config=CONFIG, **options):
    split = data.split(*people, 0.2)
    request = Request(path, (1, 2), threads=1, progress=False, **options)
    train(split, SMALL, config, request)
    return checkpoints.load(path)


def same_weights(a, b):
    return a.state.keys() == b.state.keys() and all(
        torch.equal(a.state[k], b.state[k]) for k in a.state
    )


@pytest.fixture(scope="module")
def people(medians, singles):
    return medians, singles


@pytest.fixture(scope="module")
def reference(tmp_path_factory, people):
    return trained(tmp_path_factory.mktemp("run") / "deformation.pth", people)


@pytest.fixture(scope="module")
def model(reference):
    return adapter.load(reference)


def test_the_same_seed_gives_the_same_weights(tmp_path, people, reference):
    assert same_weights(trained(tmp_path / "a.pth", people), reference)


def test_another_seed_gives_others(tmp_path, people, reference):
    assert not same_weights(trained(tmp_path / "a.pth", people, replace(CONFIG, seed=4)), reference)


@pytest.mark.parametrize("last", [0, 2, 3, 4, 5])
def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path, people, reference, last):
    path = tmp_path / "a.pth"
    with pytest.raises(KeyboardInterrupt):
        trained(path, people, stop=lambda epoch: epoch == last)
    assert not path.exists()
    assert same_weights(trained(path, people, resume=True), reference)
    log = path.with_suffix(".log.jsonl").read_text()
    assert log == reference.path.with_suffix(".log.jsonl").read_text()
    assert not list(tmp_path.glob("*.partial"))


def test_the_manifest_says_who_was_seen_and_who_chose_the_start(reference, medians):
    manifest = reference.manifest
    assert checkpoints.seen_rows(medians.patient_ids, medians.hashes, manifest).all()
    assert "held-out people, among 2 encoders" in manifest.data["selected_by"]
    assert manifest.data["folds"] == [1, 2]
    assert {"held_mae", "held_residual", "held_leak"} <= set(manifest.data["watched"])
    described = json.loads(reference.path.with_suffix(".config.json").read_text())
    assert described["network"] == dict(reference.config)


def test_the_start_that_leaks_least_is_kept(reference, people, tmp_path):
    log = reference.path.with_suffix(".log.jsonl").read_text()
    scores = [line["score"] for line in map(json.loads, log.splitlines()) if "score" in line]
    assert len(scores) == CONFIG.starts
    assert scores[0] != scores[1]
    assert reference.manifest.data["watched"]["held_leak"] == min(scores)
    first = trained(
        tmp_path / "one.pth", people, replace(CONFIG, starts=1), age_networks=reference.path
    )
    assert same_weights(first, reference) == (scores[0] < scores[1])
    assert first.manifest.data["watched"]["held_leak"] == scores[0]


def test_age_networks_can_be_taken_over_from_the_same_people_and_seed_only(
    tmp_path, people, reference
):
    again = trained(tmp_path / "a.pth", people, age_networks=reference.path)
    assert same_weights(again, reference)  # as if they had been trained in the same run
    with pytest.raises(InputError, match="its seed are not those of this run"):
        trained(tmp_path / "b.pth", people, replace(CONFIG, seed=9), age_networks=reference.path)


@pytest.mark.parametrize("dropped", PENALTIES)
def test_every_penalty_can_be_left_out(tmp_path, people, reference, dropped):
    weights = {**dict.fromkeys(CONFIG.weights, 1.0), dropped: 0.0}
    config = replace(CONFIG, starts=1, epochs=1, weights=weights)
    trained(tmp_path / "a.pth", people, config, age_networks=reference.path)
    line = json.loads((tmp_path / "a.log.jsonl").read_text().splitlines()[-1])
    assert set(PENALTIES) - set(line) == {dropped}


@pytest.mark.slow
def test_two_processes_train_one_checkpoint(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m"]
    command += ["model.deformation", "train", "--cohort", "atlas", "--folds", "1", "--threads", "1"]
    command += ["--medians-only", "--epochs", "1", "--age-epochs", "1", "--batch-size", "256"]
    command += ["--starts", "2"]
    path = tmp_path / "two.pth"
    done = subprocess.run(
        [*command, "--checkpoint", str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.count(str(path)) == 1
    assert adapter.load(checkpoints.load(path)).kind == "deformation"


def test_it_has_the_capabilities_it_claims(model):
    protocols = (can.ModelUnderAudit, can.Deforms, can.DecodesCanonical, can.PredictsAge)
    assert all(isinstance(model, p) for p in protocols)
    assert model.kind == "deformation"
    assert model.keeps_record_scale
    assert {"axis", "leakage", "invariance", "leads", "prediction", "integrity"} == model.claims


def test_every_beat_it_draws_obeys_the_laws_of_limb_leads(model, medians):
    drawn = model.canonical(model.encode(medians.signals[:20]))
    for beat in (drawn, model.axis_direction()[None]):
        for name, residual in einthoven_residuals(beat, LEADS).items():
            assert residual.max() < 1e-5, name


def test_lawful_signals_stay_lawful(model):
    chance = np.random.default_rng(0)
    signals = chance.normal(0, 0.5, (5, 12, 120)).astype(np.float32)
    signals[:, 2] = signals[:, 1] - signals[:, 0]
    x = model.prepare(signals)
    np.testing.assert_allclose(x[:, 2], x[:, 1] - x[:, 0], atol=1e-5)


def test_a_row_does_not_depend_on_its_batch(model, medians):
    signals = np.concatenate([medians.signals] * 2)[:530]
    for function in (model.encode, lambda s: model.predict_age(can.Batch(s, {}))):
        together = function(signals)
        alone = np.concatenate([function(signals[i : i + 1]) for i in (0, 3, 511, 512, 529)])
        assert np.abs(together[[0, 3, 511, 512, 529]] - alone).max() < 1e-4 * together.std()


def test_deformation_is_g_times_b_and_nothing_at_the_neutral_age(model, medians):
    ages = medians.age[:20].copy()
    ages[3] = model.neutral_age
    delta = model.deformation(model.encode(medians.signals[:20]), ages)
    np.testing.assert_array_equal(
        delta, model.axis_value(ages)[:, None, None] * model.axis_direction()
    )
    assert not delta[3].any()


def test_predicted_age_ignores_every_covariate(model, medians):
    signals = medians.signals[:30]
    truth = model.predict_age(can.Batch(signals, {"age": medians.age[:30]}))
    for ages in (medians.age[:30][::-1], np.full(30, np.nan)):
        np.testing.assert_array_equal(model.predict_age(can.Batch(signals, {"age": ages})), truth)


def test_nan_is_never_hidden_and_a_flat_lead_is_no_nan(model, medians):
    signals = medians.signals[:3].copy()
    signals[1, 2, 50] = np.nan
    signals[1, 7, 50] = np.nan
    assert np.isnan(model.predict_age(can.Batch(signals, {}))).tolist() == [False, True, False]
    assert np.isnan(model.encode(signals)[1]).all()
    flat = medians.signals[:2].copy()
    flat[0, 4] = 0.0
    flat[1] = 0.0
    assert np.isfinite(model.predict_age(can.Batch(flat, {}))).all()


def test_shapes_of_other_models_are_refused_in_words(model):
    with pytest.raises(InputError, match="input_spec"):
        model.encode(np.zeros((3, 8, 120), np.float32))
    with pytest.raises(InputError, match="latents"):
        model.canonical(np.zeros((3, 9), np.float32))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latent": "many"}, "latent is 'many', not a int"),
        ({"samples": 121}, "multiple of 4"),
        ({"components": 2}, "components is 2, not from latent"),
        ({"age_networks": 1}, "age_networks is 1"),
        ({"encoder_hidden": 0}, "must not be empty"),
        ({"knot_step": 0.0}, "positive step"),
        ({"surprise": 1}, "unknown key 'surprise'"),
    ],
)
def test_a_config_that_is_no_system_is_explained(tmp_path, change, words):
    path = tmp_path / "m.pth"
    checkpoints.save(
        path,
        kind="deformation",
        config={**SMALL.as_dict(), **change},
        state=DeformationNetwork(SMALL).state_dict(),
        manifest=checkpoints.Manifest(),
    )
    with pytest.raises(CheckpointError, match=words):
        adapter.load(checkpoints.load(path))


def test_the_command_line_trains_evaluates_and_draws(tmp_path, medians, monkeypatch, capsys):
    monkeypatch.setattr(data, "open_beats", lambda source, folds, singles: (medians, None))
    path = tmp_path / "small.pth"
    command = ["train", "--cohort", "x", "--checkpoint", str(path), "--epochs", "2"]
    command += ["--age-epochs", "1", "--threads", "1", "--medians-only", "--batch-size", "128"]
    assert cli.main(command) == 0
    assert path.stat().st_size < 5_000_000
    capsys.readouterr()
    evaluate = ["evaluate", "--checkpoint", str(path), "--cohort", "x"]
    assert cli.main(evaluate) == 4
    assert "trained or selected on 300 of 300" in capsys.readouterr().err
    others = beats(80, seed=9)
    monkeypatch.setattr(data, "open_beats", lambda source, folds, singles: (others, None))
    assert cli.main(evaluate) == 0
    assert json.loads(capsys.readouterr().out)["patients"] == 80
    draw = ["picture", "--checkpoint", str(path), "--cohort", "x", "--output", str(tmp_path)]
    assert cli.main(draw) == 0
    pictures = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert {p.stem for p in pictures} == {"aged_beat", "axis", "predicted_age", "waves"}
    assert all(p.stat().st_size > 10_000 and p.with_suffix(".svg").exists() for p in pictures)
    assert cli.main([*draw, "--record", "nobody"]) == 4
    assert "nobody has a record 'nobody'" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_named(tmp_path, medians, monkeypatch, capsys):
    monkeypatch.setattr(data, "open_beats", lambda source, folds, singles: (medians, None))
    command = ["train", "--cohort", "x", "--checkpoint", str(tmp_path / "a.pth")]
    assert cli.main([*command, "--medians-only", "--accelerator", "mps"]) == 4
    assert "--accelerator mps" in capsys.readouterr().err


def test_the_committed_checkpoint_is_small_lawful_and_knows_its_people():
    path = ROOT / "model" / "checkpoints" / "deformation.pth"
    checkpoint = checkpoints.load(path)
    assert path.stat().st_size < 5_000_000
    assert len(checkpoint.manifest.patients) > 10_000
    assert checkpoint.manifest.data["folds"] == [1, 2, 3, 4, 5, 6, 7, 8]
    described = json.loads(path.with_suffix(".config.json").read_text())
    assert described["network"] == dict(checkpoint.config)
    committed = adapter.load(checkpoint)
    g = committed.axis_value(np.arange(15.0, 96.0))
    assert np.abs(np.diff(g, 2)).max() / np.ptp(g) <= 0.01
    assert np.all(np.diff(committed.axis_value(np.arange(0, 120, 0.1, dtype=np.float32))) > 0)
    assert committed.axis_value(np.array([committed.neutral_age]))[0] == 0.0
    direction = committed.axis_direction()
    assert np.linalg.norm(direction) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(direction[2], direction[1] - direction[0], atol=1e-6)
