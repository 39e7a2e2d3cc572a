"""The pieces of the age-free recipe: the axis in closed form, critics, kernel, tables, waves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.cohort import LEADS
from axis_audit.cohorts.beats import derive_twelve_leads
from axis_audit.measures.canonical import canonical_features
from axis_audit.perturbations import swap_arms, swap_leads
from model.deformation import dependence, tables
from model.deformation.age_network import AgeNetwork
from model.deformation.age_stage import parts_of
from model.deformation.augment import Augmentation, exchange_arms, exchange_v1_v2
from model.deformation.axis_fit import fit_axis, hat_basis
from model.deformation.beats import eight_leads, twelve_leads
from model.deformation.components import Components
from model.deformation.config import NetworkConfig
from model.deformation.critics import Critics, split_halves, squared_correlation, whiten
from model.deformation.data import Beats
from model.deformation.looks import LOOKS_OF_LEADS, looks
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


def test_whitened_latents_have_no_small_direction():
    torch.manual_seed(0)
    z = torch.randn(500, 6) * torch.tensor([10.0, 3.0, 1.0, 1.0, 0.3, 0.1]) + 5.0
    torch.testing.assert_close(torch.cov(whiten(z).T), torch.eye(6), atol=0.02, rtol=0.0)


def test_critics_judge_the_half_they_did_not_learn_from():
    halves = (torch.zeros(3, 2), torch.ones(3, 2))
    learn, judge = (split_halves(halves, 4, crossed) for crossed in (False, True))
    assert learn[:, 0, 0].tolist() == [0.0, 1.0, 0.0, 1.0]
    assert judge[:, 0, 0].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_critics_are_independent_and_restart_one_by_one():
    torch.manual_seed(0)
    critics = Critics(3, 4, (8, 6), 2)
    z = torch.randn(3, 10, 4)
    before = critics(z)
    assert before.shape == (3, 10, 2)
    critics.restart(1)
    after = critics(z)
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.equal(before[1], after[1])
    read = critics(z)[0].sum()
    read.backward()
    assert critics.weights[0].grad[0].any()
    assert not critics.weights[0].grad[1:].any()


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 60), st.integers(0, 10**6))
def test_squared_correlations_are_numpys(n, seed):
    chance = np.random.default_rng(seed)
    a, b = chance.normal(size=(n, 2)), chance.normal(size=(n, 2))
    found = squared_correlation(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    exact = np.array([np.corrcoef(a[:, i], b[:, i])[0, 1] ** 2 for i in range(2)])
    # What does not vary gives 0 and no NaN: 1e-8 beside the product of variances sees to that.
    product = a.var(axis=0) * b.var(axis=0)
    np.testing.assert_allclose(found, exact * product / (product + 1e-8), rtol=1e-9, atol=1e-12)


def leak(z, targets, seed=0):
    return dependence.explained(whiten(z), targets, torch.Generator().manual_seed(seed))


def test_the_kernel_sees_curved_leaks_and_nothing_in_noise():
    torch.manual_seed(0)
    z = torch.randn(800, 5)
    curved = torch.stack([z[:, 0] * z[:, 1], z[:, 2].abs(), torch.randn(800)], dim=1)
    found = leak(z, curved)
    assert found[0] > 0.2
    assert found[1] > 0.2
    assert abs(found[2]) < 0.06


def test_the_kernels_gradient_is_exact():
    torch.manual_seed(0)
    z = torch.randn(30, 3, dtype=torch.float64, requires_grad=True)
    targets = torch.randn(30, 1, dtype=torch.float64) + z.detach()[:, :1]

    def total(latents):
        return dependence.explained(latents, targets, torch.Generator().manual_seed(0)).sum()

    (gradient,) = torch.autograd.grad(total(z), z)
    step = torch.zeros_like(z)
    step[4, 1] = 1e-6
    with torch.no_grad():
        numeric = (total(z + step) - total(z - step)) / 2e-6
    assert gradient[4, 1].item() == pytest.approx(numeric.item(), rel=1e-3)


def test_descending_the_kernel_takes_a_leak_away():
    torch.manual_seed(0)
    age = torch.randn(400, 1)
    noise = torch.randn(400, 4)
    turn = torch.nn.Parameter(torch.full((4,), 0.5))
    optimiser = torch.optim.Adam([turn], lr=0.05)
    before = leak(noise + age * turn.detach(), age).item()
    for step in range(60):
        optimiser.zero_grad()
        leak(noise + age * turn, age, step).sum().backward()
        optimiser.step()
    assert before > 0.3
    assert leak(noise + age * turn.detach(), age).item() < 0.05


def test_looks_hold_the_sizes_and_peaks_that_the_audit_probes():
    torch.manual_seed(0)
    components = Components(6, 120)
    components.fit(torch.randn(80, 8, 120))
    coordinates = torch.randn(500, 6)
    seen = looks(coordinates, components)
    assert seen.shape == (500, 6 + LOOKS_OF_LEADS)
    beats = twelve_leads(components.beats(coordinates)).numpy()
    probed = canonical_features(beats, components=6)
    design = np.column_stack([np.ones(500), seen.numpy()])
    left = probed - design @ np.linalg.lstsq(design, probed, rcond=None)[0]
    assert (left.std(axis=0) / probed.std(axis=0)).max() < 0.02


def test_what_critics_have_learned_joins_the_kernel():
    torch.manual_seed(0)
    z = torch.randn(400, 4)
    parity = (z[:, 0] * z[:, 1] * z[:, 2] * z[:, 3]).sign()[:, None]
    chance = torch.Generator().manual_seed(0)
    alone = dependence.explained(z, parity, chance)
    helped = dependence.explained(z, parity, chance, torch.cat([parity, torch.randn(400, 3)], 1))
    assert alone < 0.1
    assert helped > 0.5


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
