"""What the audit sees of the deformation system must be what was trained, row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from axis_audit import capabilities as can
from axis_audit import checkpoint as checkpoints
from axis_audit.errors import CheckpointError, InputError
from model.deformation import adapter
from model.deformation.published.config import KIND, NetworkConfig
from model.deformation.published.network import DeformationNetwork

COMMITTED = Path(__file__).parents[2] / "model" / "checkpoints" / "deformation_published.pth"


def saved(path, config, state=None, given=None):
    torch.manual_seed(0)
    network = DeformationNetwork(config)
    checkpoints.save(
        path,
        kind=KIND,
        config=config.as_dict() if given is None else given,
        state=network.state_dict() if state is None else state,
        manifest=checkpoints.Manifest(),
    )
    return checkpoints.load(path)


@pytest.fixture(scope="module", params=["lead", "record"])
def model(request, tmp_path_factory):
    config = NetworkConfig(channels=4, latent=8, age_hidden=4, normalisation=request.param)
    return adapter.load_published(saved(tmp_path_factory.mktemp("m") / "m.pth", config))


def test_it_has_the_capabilities_it_claims(model):
    protocols = (can.ModelUnderAudit, can.Deforms, can.DecodesCanonical, can.PredictsAge)
    assert all(isinstance(model, p) for p in protocols)
    assert model.kind == "deformation-published"
    assert model.input_spec == can.InputSpec("beat", model.input_spec.leads, 100.0, 120, 40)
    assert {"axis", "leakage", "invariance", "leads", "prediction", "integrity"} == model.claims


def test_shapes_and_dtypes(model, medians):
    signals = medians.signals[:7]
    z = model.encode(signals)
    assert z.shape == (7, 8)
    assert model.canonical(z).shape == model.prepare(signals).shape == signals.shape
    assert model.axis_direction().shape == (12, 120)
    assert model.encode(signals[:0]).shape == (0, 8)
    outputs = (z, model.canonical(z), model.prepare(signals), model.axis_direction())
    assert all(a.dtype == np.float32 for a in outputs)


def test_deformation_is_g_times_b_exactly(model, medians):
    ages = medians.age[:20].copy()
    ages[3] = model.neutral_age
    delta = model.deformation(model.encode(medians.signals[:20]), ages)
    expected = model.axis_value(ages)[:, None, None] * model.axis_direction()
    np.testing.assert_array_equal(delta, expected)
    assert not delta[3].any()
    assert float(np.float32(model.neutral_age)) == model.neutral_age


def test_a_row_does_not_depend_on_its_batch(model, medians):
    signals = np.concatenate([medians.signals] * 2)[:530]
    for function in (model.encode, lambda s: model.predict_age(can.Batch(s, {}))):
        together = function(signals)
        alone = np.concatenate([function(signals[i : i + 1]) for i in (0, 3, 511, 512, 529)])
        assert np.abs(together[[0, 3, 511, 512, 529]] - alone).max() < 1e-4 * together.std()


def test_predicted_age_ignores_every_covariate(model, medians):
    signals = medians.signals[:30]
    truth = model.predict_age(can.Batch(signals, {"age": medians.age[:30]}))
    for ages in (medians.age[:30][::-1], np.full(30, np.nan), np.full(30, 300.0)):
        again = model.predict_age(can.Batch(signals, {"age": ages, "sex": np.full(30, "female")}))
        np.testing.assert_array_equal(again, truth)


def test_predicted_age_comes_from_the_signal(model, medians):
    predicted = model.predict_age(can.Batch(medians.signals[:30], {}))
    assert len(np.unique(predicted)) == 30


def test_gain_is_normalised_away(model, medians):
    x = model.prepare(medians.signals[:10])
    np.testing.assert_allclose(model.prepare(medians.signals[:10] * 2), x, atol=1e-5)


def test_one_scale_a_record_keeps_einthovens_law():
    network = DeformationNetwork(NetworkConfig(normalisation="record"))
    chance = np.random.default_rng(0)
    signals = chance.normal(0, 0.5, (5, 12, 120)).astype(np.float32)
    signals[:, 2] = signals[:, 1] - signals[:, 0]
    x = network.prepare(torch.from_numpy(signals)).numpy()
    np.testing.assert_allclose(x[:, 2], x[:, 1] - x[:, 0], atol=1e-5)


def test_a_flat_lead_stays_flat(model, medians):
    signals = medians.signals[:2].copy()
    signals[:, 4] = 0.0
    assert not model.prepare(signals)[:, 4].any()
    assert np.isfinite(model.predict_age(can.Batch(signals, {}))).all()


def test_nan_is_never_hidden(model, medians):
    signals = medians.signals[:3].copy()
    signals[1, 2, 50] = np.nan
    predicted = model.predict_age(can.Batch(signals, {}))
    assert np.isnan(predicted).tolist() == [False, True, False]
    assert np.isnan(model.encode(signals)[1]).all()
    assert np.isnan(model.prepare(signals)[1, 2]).all()


@pytest.mark.parametrize("shape", [(3, 12, 119), (3, 8, 120), (12, 120)])
def test_other_shapes_are_refused_in_words(model, shape):
    with pytest.raises(InputError, match="input_spec"):
        model.encode(np.zeros(shape, np.float32))


def test_ages_that_do_not_match_the_latents_are_refused(model):
    with pytest.raises(InputError, match="one age a row"):
        model.deformation(np.zeros((3, 8), np.float32), np.zeros(2))
    with pytest.raises(InputError, match="latents"):
        model.canonical(np.zeros((3, 9), np.float32))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"channels": "many"}, "channels is 'many', not a int"),
        ({"samples": 121}, "multiple of 8"),
        ({"normalisation": "beat"}, "'lead' or 'record'"),
        ({"r_index": 500}, "r_index 500"),
        ({"surprise": 1}, "unknown key 'surprise'"),
        ({"latent": True}, "latent is True"),
        ({"leads": "I, II"}, "leads is"),
    ],
)
def test_a_config_that_is_no_network_is_explained(tmp_path, small, change, words):
    bad = saved(tmp_path / "m.pth", small, given={**small.as_dict(), **change})
    with pytest.raises(CheckpointError, match=words):
        adapter.load_published(bad)


def test_a_missing_config_key_is_named(tmp_path, small):
    given = small.as_dict()
    del given["latent"]
    with pytest.raises(CheckpointError, match="missing key 'latent'"):
        adapter.load_published(saved(tmp_path / "m.pth", small, given=given))


def test_weights_that_do_not_fit_are_named(tmp_path, small):
    state = DeformationNetwork(small).state_dict()
    state["bias"] = state.pop("axis")
    with pytest.raises(CheckpointError, match=r"missing axis \(1, 12, 120\)"):
        adapter.load_published(saved(tmp_path / "m.pth", small, state))


def test_a_reload_is_bitwise_the_same(tmp_path, medians):
    path = tmp_path / "m.pth"
    saved(path, NetworkConfig())
    assert path.stat().st_size < 5_000_000
    first, second = (adapter.load_published(checkpoints.load(path)) for _ in range(2))
    np.testing.assert_array_equal(
        first.encode(medians.signals[:9]), second.encode(medians.signals[:9])
    )


def test_the_age_head_never_makes_an_older_projection_younger(small):
    torch.manual_seed(0)
    head = DeformationNetwork(small).age_head
    for p in head.parameters():
        torch.nn.init.normal_(p)
    with torch.no_grad():
        assert (head(torch.linspace(-60, 60, 500)).diff() > 0).all()


def test_the_committed_checkpoint_is_small_smooth_and_knows_its_people():
    checkpoint = checkpoints.load(COMMITTED)
    assert COMMITTED.stat().st_size < 5_000_000
    assert len(checkpoint.manifest.patients) > 10_000
    model = adapter.load_published(checkpoint)
    g = model.axis_value(np.arange(15.0, 96.0))
    assert np.abs(np.diff(g, 2)).max() / np.ptp(g) <= 0.01
    assert np.all(np.diff(model.axis_value(np.arange(0, 120, 0.1, dtype=np.float32))) > 0)
    assert model.axis_value(np.array([model.neutral_age]))[0] == 0.0
    assert np.linalg.norm(model.axis_direction()) == pytest.approx(1.0, abs=1e-5)
