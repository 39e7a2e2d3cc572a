"""The lead-wise classifier as it is audited: logits, maps, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from synthetic_records import records

from axis_audit.capabilities import Explains, Prepares
from axis_audit.errors import InputError
from model.leadwise import attribution
from model.leadwise.adapter import LeadwiseModel
from model.leadwise.attribution import METHODS
from model.leadwise.config import CROSS_LEAD, NORMALISATIONS, NetworkConfig
from model.leadwise.network import LeadwiseNetwork, prepare

SMALL = NetworkConfig(stem=4, width_1=4, width_2=8, width_3=8, width_4=8, hidden=16)
SIGNALS = records(3, seed=5).signals


def made(**changes: object) -> LeadwiseModel:
    torch.manual_seed(0)
    network = LeadwiseNetwork(NetworkConfig.from_mapping({**SMALL.as_dict(), **changes}))
    for parameter in network.parameters():  # larger weights: logits that differ
        parameter.data.mul_(1.5)
    return LeadwiseModel(network)


def test_it_can_what_the_audit_asks_for() -> None:
    model = made()
    assert isinstance(model, Explains)
    assert isinstance(model, Prepares)
    assert model.classify(SIGNALS).shape == (3, 4)
    assert model.classify(SIGNALS[:0]).shape == (0, 4)
    assert model.explain(SIGNALS[:0], "MI", METHODS[0]).shape == (0, 12, 1000)


def test_folded_normalisations_leave_the_logits_as_they_are() -> None:
    torch.manual_seed(3)
    network = LeadwiseNetwork(SMALL).train()
    x = prepare(torch.from_numpy(SIGNALS), SMALL)
    for _ in range(3):  # running means and variances that are not those of a fresh layer
        network(x)
    with torch.no_grad():
        before = network.eval()(x).numpy()
    assert LeadwiseModel(network).classify(SIGNALS) == pytest.approx(before, abs=1e-5)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("cross_lead", CROSS_LEAD)
def test_integrated_gradients_sum_to_the_logit(
    normalisation: str, cross_lead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A network of chance bends its path more than a trained one: more points than usual.
    monkeypatch.setattr(attribution, "STEPS", 96)
    model = made(normalisation=normalisation, cross_lead=cross_lead)
    maps = model.explain(SIGNALS, "CD", "integrated_gradients")
    told = model.classify(SIGNALS)[:, 2] - model.classify(model.baseline(SIGNALS))[:, 2]
    error = np.abs(maps.sum(axis=(1, 2)) - told)
    assert (error <= 0.01 * np.abs(maps).sum(axis=(1, 2))).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_map_does_not_depend_on_the_records_beside_it(method: str) -> None:
    model = made()
    together = model.explain(SIGNALS, "HYP", method)
    alone = model.explain(SIGNALS[1:2], "HYP", method)
    assert together.dtype == np.float32
    assert together[1] == pytest.approx(alone[0], abs=1e-5 * float(np.abs(together).max()) + 1e-9)
    assert np.array_equal(together, model.explain(SIGNALS, "HYP", method))


@pytest.mark.parametrize("method", METHODS)
def test_a_lead_that_the_head_ignores_gets_nothing(method: str) -> None:
    model = made()
    width = SMALL.width_4
    model.network.hidden[0].weight.data[:, 3 * width : 4 * width] = 0.0
    maps = model.explain(SIGNALS, "MI", method)
    # Occlusion is a difference of two logits: equal up to rounding.
    assert np.abs(maps[:, 3]).max() <= 1e-5 * np.abs(maps).max()


def test_occlusion_is_the_fall_of_the_logit() -> None:
    model = made(normalisation="none")
    maps = model.explain(SIGNALS[:1], "MI", "occlusion")
    centred = SIGNALS[:1] - SIGNALS[:1].mean(axis=2, keepdims=True)
    centred[0, 6, 200:220] = 0.0
    # What is left is about another mean; the model would take it away.
    x = torch.from_numpy(centred / np.float32(SMALL.unit))
    with torch.no_grad():
        after = float(model.network(x)[0, 0])
    fall = float(model.classify(SIGNALS[:1])[0, 0]) - after
    assert maps[0, 6, 200:220] == pytest.approx(np.full(20, fall), abs=1e-5)


def test_randomised_weights_are_others_and_ours_stay() -> None:
    model = made()
    before = model.classify(SIGNALS)
    first, second = model.randomised(1), model.randomised(1)
    assert np.array_equal(first.classify(SIGNALS), second.classify(SIGNALS))
    assert not np.allclose(first.classify(SIGNALS), before)
    assert np.array_equal(before, model.classify(SIGNALS))


def test_a_baseline_offset_changes_nothing() -> None:
    model = made()
    moved = SIGNALS + np.linspace(-1, 1, 12, dtype=np.float32)[None, :, None]
    assert model.classify(moved) == pytest.approx(model.classify(SIGNALS), abs=1e-4)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_a_flat_record_has_a_finite_answer_and_map(normalisation: str) -> None:
    model = made(normalisation=normalisation)
    flat = np.zeros((1, 12, 1000), np.float32)
    assert np.isfinite(model.classify(flat)).all()
    for method in METHODS:
        assert np.isfinite(model.explain(flat, "MI", method)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.explain(SIGNALS, "GOUT", METHODS[0]), "no such disease"),
        (lambda m: m.explain(SIGNALS, "MI", "guess"), "no such method"),
        (lambda m: m.classify(SIGNALS[:, :8]), r"their shape is \(3, 8, 1000\)"),
    ],
)
def test_what_cannot_be_answered_is_refused(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(made())  # type: ignore[operator]
