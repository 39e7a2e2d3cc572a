"""Readers of the whole population, the metric of twelve leads, and recordings set apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.deformation.beats import twelve_leads
from model.deformation.components import Components
from model.deformation.config import NetworkConfig
from model.deformation.data import Beats
from model.deformation.network import DeformationNetwork
from model.deformation.population import FeatureReader, Moments, Whitening, products

PEOPLE, BATCH = 4000, 1000


def read(inputs, targets, seed=0):
    """The leak of the last people, read by what was fitted to the others."""
    halves = torch.arange(PEOPLE) % 2
    white = Whitening(inputs[:PEOPLE])(inputs)
    chance = torch.Generator().manual_seed(seed)
    reader = FeatureReader(white[:PEOPLE], targets[:PEOPLE], halves, chance)
    return float(reader.leak(white[PEOPLE:], targets[PEOPLE:]))


def test_straight_and_bent_leaks_are_read_and_noise_is_not():
    torch.manual_seed(0)
    z = torch.randn(PEOPLE + BATCH, 6)
    noisy = (z[:, :1] + 2 * torch.randn(len(z), 1)) / 5**0.5
    assert read(z, noisy) == pytest.approx(0.2, abs=0.06)
    assert read(z, z[:, 1:2] * z[:, 2:3]) > 0.5
    assert read(z, z[:, 3:4].abs()) > 0.5
    assert read(z, torch.randn(len(z), 1)) < 0.01


def test_nobody_is_read_by_what_was_fitted_to_them():
    torch.manual_seed(0)
    z, targets = torch.randn(200, 6), torch.randn(200, 1)  # few people, hundreds of features
    halves = torch.arange(200) // 100
    reader = FeatureReader(z, targets, halves, torch.Generator().manual_seed(0))
    assert reader.leak(z, targets) < 0.08
    swapped = torch.cat([z[100:], z[:100]]), torch.cat([targets[100:], targets[:100]])
    assert reader.leak(*swapped) > 0.3  # each half by its own reader


def test_features_are_drawn_anew_and_directions_of_tiny_variance_are_seen():
    torch.manual_seed(0)
    z = torch.randn(PEOPLE + BATCH, 6) * torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 1e-4])
    target = (z[:, 5:] * 1e4) ** 2
    first, second = read(z, target, 0), read(z, target, 1)
    assert min(first, second) > 0.5
    assert first != second


def moments(columns, targets, kinds=None):
    """Moments of the first people, judged on the last."""
    kinds = torch.zeros(len(columns), dtype=torch.long) if kinds is None else kinds
    known = Moments(columns[:PEOPLE], targets[:PEOPLE], kinds[:PEOPLE])
    return float(known.leak(columns[PEOPLE:], targets[PEOPLE:], kinds[PEOPLE:]))


def test_moments_are_squared_correlations_without_the_noise_of_fitting():
    torch.manual_seed(0)
    z = torch.randn(PEOPLE + BATCH, 40)
    weak = 0.2 * z[:, :1] + 0.96**0.5 * torch.randn(len(z), 1)
    assert moments(z, weak) == pytest.approx(0.04, abs=0.02)
    assert abs(moments(z, torch.randn(len(z), 1))) < 0.01
    assert moments(products(z[:, :4]), z[:, :1] * z[:, 1:2]) == pytest.approx(1.0, abs=0.3)


def test_a_leak_that_cancels_between_kinds_of_recording_is_seen_in_each():
    torch.manual_seed(0)
    z = torch.randn(PEOPLE + BATCH, 4)
    kinds = (torch.rand(len(z)) < 0.5).long()
    target = z[:, :1] * (1 - 2 * kinds[:, None])
    assert abs(moments(z, target)) < 0.05
    assert moments(z, target, kinds) > 0.9


def test_a_leaks_gradient_reaches_the_inputs_and_descending_it_takes_it_away():
    torch.manual_seed(0)
    age, noise = torch.randn(BATCH, 1), torch.randn(BATCH, 4)
    turn = torch.nn.Parameter(torch.full((4,), 0.5))
    halves, kinds = torch.arange(BATCH) // (BATCH // 2), torch.zeros(BATCH, dtype=torch.long)
    optimiser = torch.optim.Adam([turn], lr=0.05)
    for step in range(50):
        z = noise + age * turn
        white = Whitening(z.detach())
        straight = Moments(white(z.detach()), age, kinds)
        chance = torch.Generator().manual_seed(step)
        features = FeatureReader(white(z.detach()), age, halves, chance)
        optimiser.zero_grad()
        (straight.leak(white(z), age, kinds) + features.leak(white(z), age)).backward()
        optimiser.step()
    assert turn.abs().max() < 0.1


def components_of_few():
    torch.manual_seed(0)
    components = Components(6, 120)
    components.fit(torch.randn(80, 8, 120).cumsum(dim=2))
    return components


def test_the_metric_is_that_of_twelve_leads():
    components = components_of_few()
    change = torch.randn(5, 6)
    twelve = (
        twelve_leads(components.beats(change) - components.beats(torch.zeros(5, 6)))
        .square()
        .sum(dim=(1, 2))
    )
    metric = components.metric()
    torch.testing.assert_close(((change @ metric) * change).sum(1), twelve, rtol=1e-4, atol=1e-4)


def test_encoder_and_decoder_begin_at_the_leading_directions_of_twelve_leads():
    network = DeformationNetwork(
        NetworkConfig(age_channels=4, age_hidden=4, components=6, latent=3, encoder_hidden=4)
    )
    network.components = components_of_few()
    network.begin()
    coordinates = torch.randn(400, 6)
    there = coordinates @ network.encoder.straight.weight.T
    back = there @ network.decoder.straight.weight.T
    metric = network.components.metric()
    left = coordinates - back
    error = ((left @ metric) * left).sum(1).mean() / metric.trace()
    values = torch.linalg.eigvalsh(metric)
    assert error.item() == pytest.approx((values[:3].sum() / values.sum()).item(), rel=0.2)


def test_recordings_set_apart_have_no_share_in_the_axis(medians):
    device = np.where(np.arange(len(medians)) % 2, "OTHER", "APART")
    people = replace(medians, device=device)
    whole, shared = Beats.of(people, None), Beats.of(people, None, ["APART"])
    assert not shared.shares[device == "APART"].any()
    assert torch.equal(shared.shares[device == "OTHER"], whole.shares[device == "OTHER"])
    alone = Beats.of(replace(medians, device=np.full(len(medians), "APART")), None, ["APART"])
    assert torch.equal(alone.shares, whole.shares)  # nobody would be left
