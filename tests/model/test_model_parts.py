"""The pieces of the age-free recipe: the axis in closed form, critics, kernel, tables, waves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from axis_audit.cohort import LEADS
from axis_audit.cohorts.beats import derive_twelve_leads
from axis_audit.perturbations import swap_arms, swap_leads
from model.deformation import tables
from model.deformation.age_network import AgeNetwork
from model.deformation.age_stage import parts_of
from model.deformation.augment import Augmentation, exchange_arms, exchange_v1_v2
from model.deformation.axis_fit import fit_axis, hat_basis
from model.deformation.beats import eight_leads, twelve_leads
from model.deformation.components import Components
from model.deformation.config import NetworkConfig
from model.deformation.data import Beats
from model.deformation.spline import MonotoneSpline
from model.deformation.waves import measure

CONFIG = NetworkConfig(age_channels=4, age_hidden=4, components=12, latent=4)


def people_on_an_axis(n=600, noise=0.05, seed=0):
    chance = np.random.default_rng(seed)
    ages = chance.uniform(18, 92, n)
    direction = chance.normal(size=(12, 120))
    direction /= np.linalg.norm(direction)
    g = np.sqrt(ages)  # rises ever more slowly
    x = chance.normal(size=(12, 120)) + g[:, None, None] * direction
    return x + chance.normal(0, noise, (n, 12, 120)), ages, direction, g


def test_the_axis_is_found_with_its_length_and_its_bend():
    x, ages, direction, g = people_on_an_axis()
    axis = fit_axis(x, ages, np.ones(len(ages)), CONFIG)
    assert np.linalg.norm(axis.direction) == pytest.approx(1.0)
    assert (axis.direction * direction).sum() > 0.99
    heights = np.concatenate([[0.0], np.cumsum(axis.increments)])
    fitted = hat_basis(ages, CONFIG) @ heights
    slope = np.polyfit(g, fitted, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.03)
    assert np.corrcoef(fitted, g)[0, 1] > 0.999
    assert abs(g.mean() - np.sqrt(axis.neutral_age)) < 0.05


def test_g_rises_even_where_beats_go_back():
    x, ages, direction, g = people_on_an_axis()
    bent = x - 2 * np.maximum(g - np.sqrt(60), 0)[:, None, None] * direction
    axis = fit_axis(bent, ages, np.ones(len(ages)), CONFIG)
    assert (axis.increments > 0.015).all()


def test_a_patient_with_two_records_weighs_as_much_as_one_with_one():
    x, ages, _, _ = people_on_an_axis(200)
    once = fit_axis(x, ages, np.ones(200), CONFIG)
    doubled = fit_axis(
        np.concatenate([x, x[:50]]),
        np.concatenate([ages, ages[:50]]),
        np.concatenate([np.full(50, 0.5), np.ones(150), np.full(50, 0.5)]),
        CONFIG,
    )
    np.testing.assert_allclose(once.direction, doubled.direction, atol=1e-9)
    np.testing.assert_allclose(once.increments, doubled.increments, atol=1e-5)


def test_the_spline_takes_up_fitted_increments_and_agrees_with_the_basis():
    spline = MonotoneSpline(15.0, 95.0, 5.0)
    increments = torch.linspace(0.1, 2.0, 16)
    spline.set_increments(increments)
    torch.testing.assert_close(spline.increments().detach(), increments)
    ages = np.linspace(10, 99, 50)
    heights = np.concatenate([[0.0], np.cumsum(increments.double().numpy())])
    found = spline.unanchored(torch.from_numpy(ages)).detach().numpy()
    np.testing.assert_allclose(found, hat_basis(ages, CONFIG) @ heights, atol=1e-5)


def test_twelve_leads_are_those_of_the_cohorts():
    eight = torch.randn(3, 8, 120)
    expected = derive_twelve_leads(eight.numpy())
    np.testing.assert_allclose(twelve_leads(eight).numpy(), expected, atol=1e-6)
    torch.testing.assert_close(eight_leads(twelve_leads(eight)), eight)


def test_exchanged_electrodes_are_those_of_the_audit():
    beats = torch.randn(4, 12, 120)
    ours = (exchange_arms(beats), exchange_v1_v2(beats))
    theirs = (swap_arms(beats.numpy(), LEADS), swap_leads(beats.numpy(), LEADS, "V1", "V2"))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)


def test_mishaps_happen_as_often_as_asked_and_never_by_default():
    beats = torch.randn(2000, 12, 120)
    plain = Augmentation(gain=1.0, lead_scale=0.0, drift=0.0)
    chance = torch.Generator().manual_seed(0)
    assert torch.equal(plain(beats.clone(), chance), beats)
    lost = Augmentation(gain=1.0, lead_scale=0.0, drift=0.0, lost=0.25)(beats.clone(), chance)
    silent = (lost.abs().amax(dim=2) == 0).sum(dim=1)
    assert silent.max() == 1
    assert 0.2 < silent.float().mean() < 0.3


def test_components_give_back_what_lies_in_them():
    torch.manual_seed(0)
    low = torch.randn(200, 5) @ torch.randn(5, 8 * 20) + 3.0
    components = Components(5, 20)
    components.fit(low.reshape(200, 8, 20))
    coordinates = components.coordinates(low.reshape(200, 8, 20))
    torch.testing.assert_close(coordinates.var(0, correction=0), torch.ones(5))
    back = components.beats(coordinates).flatten(1)
    torch.testing.assert_close(back, low, atol=1e-3, rtol=1e-3)
    change = components.changes((low[:1] - low[1:2]).reshape(1, 8, 20))
    torch.testing.assert_close(change[0], coordinates[0] - coordinates[1], atol=1e-3, rtol=1e-3)


def test_estimates_come_from_the_network_that_has_not_seen_the_person(medians, singles):
    beats = Beats.of(medians, singles)
    parts = parts_of(medians.patient_ids, 3)
    assert np.bincount(parts.numpy(), minlength=3).min() > 60

    class Constant(torch.nn.Module):
        def __init__(self, years):
            super().__init__()
            self.years = years

        def forward(self, eight):
            return torch.full((len(eight),), self.years)

    networks = [Constant(years) for years in (10.0, 20.0, 30.0)]
    components = Components(12, 120)
    known = tables.build(beats, parts, networks, components, torch.device("cpu"))
    expected = 10.0 * (parts + 1)
    assert torch.equal(known.median_estimates, expected)
    rows = torch.arange(len(beats))
    view = known.draw(rows, 1.0, torch.Generator().manual_seed(0))
    assert torch.equal(view.estimates, expected)


def test_parts_belong_to_people_not_to_records():
    people = np.repeat([f"p{i}" for i in range(600)], 2)
    parts = parts_of(people, 3).numpy()
    assert (parts[::2] == parts[1::2]).all()
    assert np.bincount(parts).min() > 300


def test_the_age_network_reads_the_signal_alone():
    torch.manual_seed(0)
    network = AgeNetwork(CONFIG).eval()
    beats = torch.randn(5, 8, 120)
    assert network(beats).shape == (5,)
    torch.testing.assert_close(network(beats)[2:3], network(beats[2:3]))


def drawn_beat(pr=160.0, qt=400.0, t=0.3):
    """A beat of known times: P, QRS and T as smooth bumps, R at sample 40, 100 Hz."""
    ms = (np.arange(120) - 40) * 10.0
    bump = lambda centre, width: np.exp(-0.5 * ((ms - centre) / width) ** 2)  # noqa: E731
    two = 0.15 * bump(-pr + 40, 18) + bump(0, 12) + t * bump(qt - 130, 40)
    eight = np.stack([0.5 * two, two, *(0.6 * two for _ in range(6))])
    return derive_twelve_leads(eight)


def test_waves_move_as_the_drawn_beat_does():
    plain, later, longer, flatter = (
        measure(beat, 100.0, 40)
        for beat in (drawn_beat(), drawn_beat(pr=200), drawn_beat(qt=440), drawn_beat(t=0.15))
    )
    assert later.pr - plain.pr == pytest.approx(40, abs=8)
    assert longer.qt - plain.qt == pytest.approx(40, abs=8)
    assert flatter.t_height == pytest.approx(plain.t_height / 2, abs=0.02)
    assert plain.axis == pytest.approx(60, abs=5)


def test_cohorts_without_single_beats_can_be_tabled(medians):
    beats = Beats.of(medians, None)
    network = AgeNetwork(CONFIG)
    known = tables.build(
        beats, parts_of(medians.patient_ids, 2), [network, network], Components(12, 120),
        torch.device("cpu"),
    )  # fmt: skip
    view = known.draw(torch.arange(7), 0.5, torch.Generator().manual_seed(0))
    assert torch.equal(view.coordinates, known.medians[:7])
