"""A VAE's run must repeat itself, keep the audit's people out, and resume."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_cycles import cycles

from axis_audit import capabilities as can
from axis_audit import checkpoint as checkpoints
from axis_audit.errors import CheckpointError, InputError
from axis_audit.people import conform
from model.vae import __main__ as cli
from model.vae import adapter, compare
from model.vae.config import VARIANTS, NetworkConfig, TrainingConfig
from model.vae.data import Source, audit_rows, split
from model.vae.evaluate import evaluate
from model.vae.train import Request, train

ROOT = Path(__file__).parents[2]
SMALL = NetworkConfig(hidden=32, hidden_inner=16, latent=4, channels=4)
CONFIG = TrainingConfig(
    epochs=4, home_epochs=2, epoch_cycles=128, batch=64, seed=3, watched_share=0.2, warp=0.05,
    aggregate=1.0,
)  # fmt: skip
HOME, OTHER = Source("home"), Source("other", (1, 2), 2)


@pytest.fixture(scope="module")
def people():
    return cycles(80)


@pytest.fixture(scope="module")
def others():
    return cycles(60, seed=5, per_record=2)


def data_of(people, others=None, config=CONFIG):
    sources = [(HOME, people)] + ([(OTHER, others)] if others is not None else [])
    return split(sources, config.audit_share, config.watched_share)


def trained(path, data, network=SMALL, config=CONFIG, **options):
    train(data, network, config, Request(path, ("home",), progress=False, save_every=2, **options))
    return checkpoints.load(path)


def same_weights(a, b):
    return a.state.keys() == b.state.keys() and all(
        torch.equal(a.state[k], b.state[k]) for k in a.state
    )


@pytest.fixture(scope="module")
def reference(tmp_path_factory, people, others):
    return trained(tmp_path_factory.mktemp("run") / "vae.pth", data_of(people, others))


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


@pytest.fixture
def source(people, monkeypatch):
    def opened(self):
        if self.path != "people":
            raise InputError(self.path, "does not exist", "check the path")
        return people

    monkeypatch.setattr(Source, "open", opened)
    return "people"


def test_the_command_line_trains_evaluates_draws_and_interpolates(tmp_path, source, capsys):
    path, out = tmp_path / "small.pth", tmp_path / "out"
    command = ["train", "--cohort", source, "--checkpoint", str(path), "--epochs", "2"]
    assert cli.main([*command, "--latent", "3", "--watched-share", "0.2"]) == 0
    assert json.loads(capsys.readouterr().out)["people_set_apart"] > 10
    pictures = ["--pictures", str(out)]
    evaluated = ["evaluate", "--checkpoint", str(path), "--cohort", source, *pictures]
    assert cli.main(evaluated) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert {"error", "active", "mmd_samples", "mmd_halves_95"} <= set(numbers)
    names = {"reconstructions", "traversals", "samples", "cloud"}
    assert names <= {p.stem for p in out.glob("*.png")}
    sample = ["sample", "--checkpoint", str(path), "--count", "5", "--output", str(out / "new")]
    assert cli.main(sample) == 0
    with np.load(out / "new" / "samples.npz") as drawn:
        assert drawn["cycles"].shape == (5, 1, 400)
    assert (out / "new" / "samples.png").exists()
    between = ["interpolate", "--checkpoint", str(path), "--cohort", source, "--output", str(out)]
    assert cli.main([*between, "--from", "p0-3", "--to", "p0-8"]) == 0
    with np.load(out / "path.npz") as along:
        assert along["cycles"].shape == (9, 1, 400)
    capsys.readouterr()
    assert cli.main([*between, "--from", "p0-3", "--to", "nobody"]) == 4
    assert "no record 'nobody'" in capsys.readouterr().err
    assert cli.main([*sample, "--sex", "female"]) == 4
    assert "cannot be told whose cycles" in capsys.readouterr().err


def test_a_conditional_model_is_told_whose_cycles_to_draw(tmp_path, people, capsys):
    path = tmp_path / "c.pth"
    trained(path, data_of(people), replace(SMALL, variant="conditional"))
    drawn = {}
    for lead in ("II", "V1"):
        command = ["sample", "--checkpoint", str(path), "--count", "3", "--lead", lead]
        told = ["--sex", "female", "--age", "70", "--class", "MI", "--output", str(tmp_path / lead)]
        assert cli.main([*command, *told]) == 0
        with np.load(tmp_path / lead / "samples.npz") as file:
            drawn[lead] = file["cycles"]
    assert not np.array_equal(drawn["II"], drawn["V1"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cohort", "elsewhere"], "elsewhere"),
        (["--cohort", "people@8-1"], "does not rise"),
        (["--cohort", "people@"], "neither a fold"),
        (["--cohort", "people", "--audit-share", "2"], "audit_share is 2.0, not a share"),
        (["--cohort", "people", "--home-epochs", "9"], "home_epochs is 9"),
        (["--cohort", "people", "--cohort", "people@1"], "in two sources"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(tmp_path, source, capsys, arguments, words):
    command = ["train", "--checkpoint", str(tmp_path / "a.pth"), "--epochs", "2"]
    assert cli.main([*command, "--watched-share", "0.2", *arguments]) == 4
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_a_checkpoint_of_another_kind_is_refused(tmp_path, reference, capsys):
    path = tmp_path / "m.pth"
    checkpoints.save(
        path, kind="other", config={}, state=reference.state, manifest=reference.manifest
    )
    assert cli.main(["sample", "--checkpoint", str(path), "--output", str(tmp_path)]) == 4
    assert "its kind is 'other'" in capsys.readouterr().err


def test_variants_are_compared_on_people_outside_the_audit(people, others, tmp_path):
    rows = [
        replace(row, network=replace(row.network, hidden=16, hidden_inner=8, latent=3, channels=2))
        for row in compare.entries(replace(CONFIG, epochs=1, home_epochs=1, watched_share=0.3))
    ]
    kept = []
    found = compare.compare(
        [(HOME, people), (OTHER, others)], rows, progress=False,
        keep=lambda so_far: kept.append(list(so_far["rows"])),
    )  # fmt: skip
    assert [len(rows) for rows in kept] == [1, 2, 3, 4, 5]
    compare.write(tmp_path / "new", found)
    assert json.loads((tmp_path / "new" / "comparison.json").read_text()) == found
    with pytest.raises(InputError, match="cannot be written"):
        compare.write(Path("/proc/nowhere"), found)
    assert set(found["rows"]) == {
        "as published", "mlp", "mlp, first source alone", "conv", "conditional",
    }  # fmt: skip
    assert len({row["people"] for row in found["rows"].values()}) == 1
    assert "| active units |" in compare.markdown(found)
