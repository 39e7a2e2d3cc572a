"""What the encoder of the age-free recipe is trained against: critics, kernels, looks at a beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.measures.canonical import canonical_features
from model.deformation import dependence
from model.deformation.beats import twelve_leads
from model.deformation.components import Components
from model.deformation.critics import Critics, split_halves, squared_correlation, whiten
from model.deformation.data import normal_people
from model.deformation.evaluate import leaks_of_groups
from model.deformation.looks import LOOKS_OF_LEADS, looks


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


class Mixed:
    """Age stands in z of the normal, and with the other sign in z of everybody else."""

    def __init__(self, people, normal):
        leak = np.where(normal, 1, -1) * (people.age - people.age.mean())
        rng = np.random.default_rng(0)
        self.z = rng.standard_normal((len(people), 4)).astype(np.float32)
        self.z[:, 0] += leak / people.age.std()

    def encode(self, signals):
        return self.z

    def canonical(self, z):
        return z[:, :, None] * np.hanning(20).astype(np.float32)


def test_a_leak_that_cancels_in_a_mixture_is_seen_in_its_groups(medians):
    normal = np.arange(len(medians)) % 2 == 0
    everybody = np.ones(len(medians), bool)
    groups = {"all": everybody, "normal": normal, "not normal": ~normal}
    found = leaks_of_groups(Mixed(medians, normal), medians, groups)
    assert found["all: z"]["r2"] < 0.02
    for name in ("normal", "not normal"):
        assert found[f"{name}: z"]["r2"] == pytest.approx(0.5, abs=0.15)
        assert found[f"{name}: x50"]["interval"][0] > 0.2
        assert found[f"{name}: x50"]["people"] == 150


def test_the_normal_are_those_said_to_be(medians):
    codes = tuple({"NORM": 100.0} if i < 3 else {"IMI": 100.0} for i in range(len(medians)))
    assert normal_people(replace(medians, diagnoses=codes)).sum() == 3
