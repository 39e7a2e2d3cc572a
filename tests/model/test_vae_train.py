"""A VAE's run must repeat itself, keep the audit's people out, and resume."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_cycles import cycles
from vae_runs import CONFIG, HOME, OTHER, SMALL, data_of, same_weights, trained

from axis_audit import capabilities as can
from axis_audit import checkpoint as checkpoints
from axis_audit.errors import CheckpointError, InputError
from axis_audit.people import conform
from model.vae import adapter
from model.vae.config import VARIANTS, TrainingConfig
from model.vae.data import audit_rows, split
from model.vae.evaluate import evaluate

ROOT = Path(__file__).parents[2]


def test_the_same_seed_gives_the_same_weights(tmp_path, people, others, reference):
    again = trained(tmp_path / "a.pth", data_of(people, others))
    assert same_weights(again, reference)
    other = trained(tmp_path / "b.pth", data_of(people, others), config=replace(CONFIG, seed=4))
    assert not same_weights(other, reference)


@pytest.mark.parametrize("last", [0, 1, 2])
def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path, people, others, reference, last):
    path, data = tmp_path / "a.pth", data_of(people, others)
    with pytest.raises(KeyboardInterrupt):
        trained(path, data, stop=lambda epoch: epoch == last)
    assert not path.exists()
    assert same_weights(trained(path, data, resume=True), reference)
    log = path.with_suffix(".log.jsonl").read_text()
    assert log == reference.path.with_suffix(".log.jsonl").read_text()
    assert not list(tmp_path.glob("*.partial"))


def test_a_resumed_run_must_be_the_interrupted_one(tmp_path, people, others):
    path, data = tmp_path / "a.pth", data_of(people)
    with pytest.raises(KeyboardInterrupt):
        trained(path, data, stop=lambda epoch: True)
    with pytest.raises(InputError, match="--resume"):
        trained(path, data)
    with pytest.raises(InputError, match="fingerprints"):
        trained(path, data_of(people, others), resume=True)


def test_nobody_is_on_two_sides_and_the_audits_people_are_nowhere(people, others, reference):
    data = data_of(people, others)
    apart = np.unique(people.patient_ids[audit_rows(people, CONFIG.audit_share)])
    seen = np.concatenate([c.patient_ids for c in data.cohorts])
    assert len(apart) == data.set_apart
    assert 0.25 < len(apart) / people.n_patients < 0.55
    assert not np.isin(apart, seen).any()
    fitted = len(data.fit[0]) + len(data.watched)
    assert fitted == len(data.cohorts[0]) == (~np.isin(people.patient_ids, apart)).sum()
    manifest = reference.manifest
    assert not np.isin(checkpoints.hash_ids(apart), manifest.patients).any()
    unseen = ~checkpoints.seen_rows(people.patient_ids, people.hashes, manifest)
    assert set(people.patient_ids[unseen]) == set(apart)
    assert checkpoints.seen_rows(others.patient_ids, others.hashes, manifest).all()
    assert np.array_equal(np.sort(manifest.selection), checkpoints.hash_ids(data.watchers))


def test_who_is_set_apart_depends_on_the_id_alone(people):
    few = people.subset(np.arange(90))
    everybody = dict(zip(people.patient_ids, audit_rows(people, 0.4), strict=True))
    alone = dict(zip(few.patient_ids, audit_rows(few, 0.4), strict=True))
    assert all(everybody[p] == apart for p, apart in alone.items())


def test_watched_people_are_not_those_set_apart_by_the_same_hash(people):
    many = cycles(400, per_record=1)
    apart = audit_rows(many, 0.4)
    data = split([(HOME, many)], 0.4, 0.4)
    assert 0.25 < len(data.watchers) / (~apart).sum() < 0.55


def test_a_person_in_two_sources_is_refused(people):
    with pytest.raises(InputError, match="in two sources"):
        split([(HOME, people), (OTHER, people)], 0.4, 0.2)


def test_too_few_people_are_refused(people):
    with pytest.raises(InputError, match="people are left on a side"):
        split([(HOME, people.subset(np.arange(12)))], 0.4, 0.2)


def test_the_files_beside_the_checkpoint_describe_it(reference):
    described = json.loads(reference.path.with_suffix(".config.json").read_text())
    assert described["kind"] == "vae"
    assert described["network"] == dict(reference.config) == SMALL.as_dict()
    assert TrainingConfig.from_mapping(described["training"]) == CONFIG
    lines = reference.path.with_suffix(".log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1, 2, 3]
    assert {"watched_error", "watched_active"} <= set(json.loads(lines[-1]))
    assert "nothing" in reference.manifest.data["selected_by"]
    assert reference.manifest.data["people_set_apart"] > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_to_a_model_under_audit(tmp_path, people, variant):
    network = replace(SMALL, variant=variant)
    config = replace(CONFIG, epochs=1, home_epochs=0)
    path = tmp_path / "m.pth"
    first = adapter.load(trained(path, data_of(people), network, config))
    second = adapter.load(checkpoints.load(path))
    assert all(
        isinstance(first, p) for p in (can.ModelUnderAudit, can.EncodesPosterior, can.Prepares)
    )
    assert first.claims == {"generative", "integrity"}
    assert first.kind == "vae"
    assert first.input_spec == can.InputSpec("cycle", ("II",), 400.0, 400, 160)
    signals = np.concatenate([conform(people, first.input_spec).signals] * 3)[:530]
    for name in ("prepare", "encode", "encode_scale"):
        together = getattr(first, name)(signals)
        rows = [0, 3, 511, 512, 529]
        alone = np.concatenate([getattr(first, name)(signals[i : i + 1]) for i in rows])
        assert np.abs(together[rows] - alone).max() <= 1e-4 * together.std()
        np.testing.assert_array_equal(together, getattr(second, name)(signals))
        assert together.dtype == np.float32
    latents = first.encode(signals)
    assert first.decode(latents).shape == first.prepare(signals).shape == signals.shape
    assert first.encode_scale(signals[:0]).shape == (0, 4)
    np.testing.assert_array_equal(first.sample(7, 1), second.sample(7, 1))
    assert first.sample(7, 1).shape == (7, 1, 400)
    assert not np.array_equal(first.sample(7, 1), first.sample(7, 2))
    np.testing.assert_allclose(first.sample(3, 1), first.sample(7, 1)[:3], atol=1e-4)
    numbers = evaluate(first, conform(people, first.input_spec))
    assert all(np.isfinite(v) for v in numbers.values())


def test_input_that_is_not_the_models_is_refused_in_words(reference):
    model = adapter.load(reference)
    for shape in ((3, 12, 400), (3, 1, 399), (1, 400)):
        with pytest.raises(InputError, match="input_spec"):
            model.encode(np.zeros(shape, np.float32))
    with pytest.raises(InputError, match="latents"):
        model.decode(np.zeros((3, 9), np.float32))
    with pytest.raises(InputError, match="count"):
        model.sample(-1, 0)


def test_nan_is_never_hidden_and_silence_is_no_crash(reference, people):
    model = adapter.load(reference)
    signals = conform(people, model.input_spec).signals[:3].copy()
    signals[1, 0, 50] = np.nan
    signals[2] = 0.0
    assert np.isnan(model.encode(signals)[1]).all()
    assert np.isfinite(model.encode(signals)[[0, 2]]).all()
    assert not model.prepare(signals)[2].any()


def test_weights_of_another_variant_are_refused(tmp_path, reference):
    checkpoints.save(
        tmp_path / "m.pth", kind="vae", config={**reference.config, "variant": "conv"},
        state=reference.state, manifest=reference.manifest,
    )  # fmt: skip
    with pytest.raises(CheckpointError, match="missing decoder"):
        adapter.load(checkpoints.load(tmp_path / "m.pth"))
