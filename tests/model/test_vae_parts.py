"""Parts of the VAE: objective, networks, conditions, augmentation, configs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from synthetic_cycles import cycles

from axis_audit.errors import CheckpointError, InputError
from model.vae import conditions, objective
from model.vae.augment import warped
from model.vae.config import VARIANTS, NetworkConfig, TrainingConfig
from model.vae.evaluate import Kernel, plausibility, reconstructed, shares
from model.vae.network import VariationalNetwork, prepare
from model.vae.resemblance import resemblance

SMALL = {"hidden": 16, "hidden_inner": 8, "latent": 4, "channels": 4}


def test_prepared_cycles_are_centred_with_unit_variance_and_silence_stays_silence():
    signals = torch.from_numpy(cycles(4).signals)
    x = prepare(signals)
    assert x.mean(-1).abs().max() < 1e-5
    assert (x.square().mean(-1) - 1).abs().max() < 1e-4
    torch.testing.assert_close(prepare(3 * signals + 0.2), x, atol=1e-4, rtol=0)
    assert not prepare(torch.zeros(2, 400)).any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_shapes_of_every_variant(variant):
    network = VariationalNetwork(NetworkConfig(variant=variant, **SMALL))
    x, told = prepare(torch.randn(5, 400)), conditions.lead_alone("II", 5)
    mean, log_variance = network.encode(x, told)
    assert mean.shape == log_variance.shape == (5, 4)
    decoded = network.decode(mean, told)
    assert decoded.shape == x.shape
    assert (decoded.square().mean(-1) - 1).abs().max() < 1e-3


def test_the_published_size_fits_a_committed_checkpoint():
    for variant in VARIANTS:
        network = VariationalNetwork(NetworkConfig(variant=variant))
        assert sum(p.numel() for p in network.parameters()) * 4 < 5_000_000


def test_only_the_conditional_variant_hears_conditions():
    for variant in VARIANTS:
        network = VariationalNetwork(NetworkConfig(variant=variant, **SMALL)).eval()
        z = torch.randn(3, 4)
        two, five = conditions.lead_alone("II", 3), conditions.lead_alone("V5", 3)
        same = torch.equal(network.decode(z, two), network.decode(z, five))
        assert same == (variant != "conditional")


def test_the_objective_is_what_it_says():
    mean, log_variance = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    cycle, decoded = torch.ones(1, 400), torch.zeros(1, 400)
    losses = objective.losses(cycle, decoded, mean, log_variance, 0.1)
    assert float(losses.error) == pytest.approx(200.0)
    assert float(losses.divergence) == pytest.approx(0.5)
    assert float(losses.total) == pytest.approx(200.05)


def test_the_divergence_agrees_with_torch():
    mean, log_variance = torch.randn(6, 5), torch.randn(6, 5)
    posterior = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(objective.divergences(mean, log_variance), expected)


def test_beta_warms_up():
    assert [objective.warmed(0.4, p, 0.1) for p in (0.0, 0.05, 0.1, 1.0)] == [0, 0.2, 0.4, 0.4]
    assert objective.warmed(0.4, 0.0, 0.0) == 0.4


def test_the_discrepancy_sees_latents_that_are_not_the_prior():
    chance = torch.Generator().manual_seed(0)
    prior, same = torch.randn(2, 400, 5, generator=chance)
    assert abs(objective.discrepancy(same, prior)) < 0.02
    assert objective.discrepancy(2 * same, prior) > 0.05
    assert objective.discrepancy(same + 1, prior) > 0.2


def test_bending_time_leaves_r_in_place_and_keeps_the_scale():
    x = prepare(torch.from_numpy(cycles(6).signals[:, 1]))
    bent = warped(x, 160, 0.1, torch.Generator().manual_seed(0))
    assert (bent - x).abs().max() > 0.1
    assert bent.argmax(-1).sub(x.argmax(-1)).abs().max() <= 1
    assert (bent.square().mean(-1) - 1).abs().max() < 1e-3
    assert warped(x, 160, 0.0, torch.Generator()) is x


@pytest.mark.parametrize(
    ("diagnoses", "expected"),
    [
        ({"NORM": 100.0, "SR": 0.0}, ["NORM"]),
        ({"IMI": 35.0, "LVH": 100.0}, ["HYP"]),
        ({"incomplete right bundle branch block": 100.0}, ["CD"]),
        ({"stemi: anterior wall": 100.0, "left atrial overload": 100.0}, ["HYP", "MI"]),
        ({"sinus rhythm": 100.0}, []),
        ({}, []),
    ],
)
def test_diagnosis_classes_come_from_codes_or_words(diagnoses, expected):
    assert conditions.classes(diagnoses) == expected


def test_what_is_unknown_is_nothing_but_zeros():
    assert not conditions.person("", float("nan"), []).any()
    assert conditions.lead_alone("II", 2).sum() == 2
    people = torch.from_numpy(conditions.person("male", 75.0, ["MI"])).expand(2000, -1)
    blank = conditions.blanked(people, 0.3, torch.Generator().manual_seed(0))
    assert 0.55 < blank[:, 3].mean() < 0.65
    assert 0.12 < (blank == 0).all(1).float().mean() < 0.22
    assert torch.equal(blank[:, 2] != 0, blank[:, 3] != 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"variant": "gan"}, "variant is 'gan', not one of mlp"),
        ({"lead": "V9"}, "lead is 'V9'"),
        ({"samples": 401}, "multiple of 16"),
        ({"r_index": 400}, "r_index 400"),
        ({"latent": 0}, "must not be empty"),
        ({"latent": True}, "latent is True"),
        ({"surprise": 1}, "unknown key 'surprise'"),
    ],
)
def test_a_config_that_is_no_network_is_explained(change, words):
    with pytest.raises(CheckpointError, match=words):
        NetworkConfig.from_mapping({**NetworkConfig().as_dict(), **change})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"audit_share": 1.5}, "not a share"),
        ({"home_epochs": 721}, "not from 0 to 720"),
        ({"beta": -1.0}, "beta is -1.0"),
        ({"beta": float("nan")}, "beta is nan"),
        ({"epochs": 0}, "epochs is 0"),
        ({"surprise": 1}, "unknown key"),
    ],
)
def test_a_config_that_is_no_training_is_explained(change, words):
    with pytest.raises(InputError, match=words):
        TrainingConfig.from_mapping({**TrainingConfig().as_dict(), **change})


def test_configs_survive_a_round_trip():
    for config in (NetworkConfig(variant="conv"), TrainingConfig(beta=0.3)):
        assert type(config).from_mapping(config.as_dict()) == config


def test_a_perfect_reconstruction_and_a_collapsed_latent_are_told_apart():
    x = np.random.default_rng(0).normal(size=(40, 30))
    weight = np.ones(40)
    active = reconstructed(x, x, x[:, :3], np.full((40, 3), -4.0), weight)
    assert active["error"] == 0
    assert active["active"] == 3
    dead = reconstructed(
        x, np.tile(x.mean(0), (40, 1)), np.zeros((40, 3)), np.zeros((40, 3)), weight
    )
    assert dead["error"] == pytest.approx(1)
    assert dead["active"] == 0
    assert dead["divergence"] == 0
    assert dead["spread"] == pytest.approx(1)


def test_people_weigh_alike_and_draws_unlike_people_are_seen():
    cohort = cycles(60, per_record=2)
    x = prepare(torch.from_numpy(cohort.signals[:, 1])).numpy().astype(np.float64)
    assert shares(np.array(["a", "a", "b"])).tolist() == [0.5, 0.5, 1.0]
    others = prepare(torch.from_numpy(cycles(80, seed=1, per_record=1).signals[:, 1])).numpy()
    alike = plausibility(x, cohort.patient_ids, x, others.astype(np.float64))
    unlike = plausibility(x, cohort.patient_ids, x, others[:, ::-1].astype(np.float64))
    assert alike["mmd_samples"] < 0.05
    assert unlike["mmd_samples"] > 0.2
    assert alike["nearest_samples"] < unlike["nearest_samples"]
    kernel = Kernel(x, cohort.patient_ids)
    half = cohort.patient_ids == cohort.patient_ids[0]
    assert kernel(x[half], x[half]).shape == (2, 2)


def test_cycles_of_another_source_weigh_more_the_more_they_look_like_ours():
    first = prepare(torch.from_numpy(cycles(60, per_record=1).signals[:, 1]))
    like = prepare(torch.from_numpy(cycles(50, seed=1, per_record=1).signals[:, 1]))
    unlike = like.flip(-1)
    ones = torch.ones(100)
    weights = resemblance(first, ones[:60], torch.cat([like, unlike]), ones)
    assert weights[:50].median() > 3 * weights[50:].median()
    even = resemblance(first, ones[:60], like, ones[:50])
    assert 0.5 < even.median() < 2
