"""The tree screen sees steps and boxes that no other probe stands for, and claims no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.errors import MeasurementError
from axis_audit.probes.planted import CROSS_VALIDATED, FITTED
from axis_audit.probes.plants import counting_way, held_out_score, planted_targets
from axis_audit.probes.random_members import random_tree_members
from axis_audit.probes.trees import TreeLeak, tree_leak
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.planting import PlantedLeak

LEVELS = Levels(0.025, 0.005)
N, FIT = 500, 1500


def people(seed: int, n: int = N + FIT, d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Latents of very unequal scale, and ages that they do not tell."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * np.geomspace(1e-3, 5, d), rng.uniform(20, 90, n)


def leak_of(latents: np.ndarray, ages: np.ndarray) -> TreeLeak:
    return tree_leak(
        latents[:N],
        ages[:N],
        margin=0.05,
        levels=LEVELS,
        fit_latents=latents[N:],
        fit_target=ages[N:],
        seed=3,
    )


@pytest.fixture(scope="module")
def clean() -> TreeLeak:
    return leak_of(*people(0))


@pytest.mark.slow
def test_no_leak_is_called_small_and_both_ways_ran(clean: TreeLeak) -> None:
    assert clean.leak.interval[0] == 0
    assert clean.leak.fail_interval[0] == 0
    assert set(clean.ways) == {CROSS_VALIDATED, FITTED}
    assert (clean.n, clean.n_fit) == (N, FIT)
    assert clean.leak.null_at_zero
    assert not clean.leak.complaint


@pytest.mark.slow
def test_boxes_of_two_dimensions_are_found() -> None:
    latents, ages = people(1)
    signs = np.sign(latents[:, 0] * latents[:, 3])  # neither alone tells anything
    leak = leak_of(latents, ages + 40 * signs)
    assert leak.leak.fail_interval[0] > 0.05
    assert leak.leak.estimate > 0.3


@pytest.mark.slow
def test_a_step_in_a_tiny_principal_direction_is_found() -> None:
    latents, ages = people(2)
    key = latents[:, 0] > 0
    rotation = np.linalg.qr(np.random.default_rng(5).standard_normal((4, 4)))[0]
    leak = leak_of(latents @ rotation, ages + 30 * key)
    assert leak.leak.fail_interval[0] > 0.05


def test_without_people_to_fit_on_one_way_runs() -> None:
    latents, ages = people(4, n=300, d=2)
    leak = tree_leak(latents, ages, margin=0.05, levels=LEVELS)
    assert set(leak.ways) == {CROSS_VALIDATED}
    assert leak.n_fit == 0


@pytest.mark.parametrize("broken", ["constant", "nan", "short"])
def test_what_cannot_be_probed_is_refused(broken: str) -> None:
    latents, ages = people(0, n=60)
    if broken == "constant":
        latents = np.ones_like(latents)
    elif broken == "nan":
        latents[3, 1] = np.nan
    else:
        ages = ages[:-1]
    with pytest.raises(MeasurementError):
        tree_leak(latents, ages, margin=0.05, levels=LEVELS)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), depth=st.integers(1, 3), scale=st.floats(1e-6, 1e6))
def test_members_are_standard_and_blind_to_scale(seed: int, depth: int, scale: float) -> None:
    x = np.random.default_rng(seed).standard_normal((200, 3))
    members = random_tree_members(x, 5, seed, depth=depth)
    assert members.shape == (200, 5)
    assert np.allclose(members.mean(axis=0), 0)
    assert np.allclose(members.std(axis=0), 1)
    assert all(len(np.unique(m.round(9))) <= 2**depth for m in members.T)
    assert np.allclose(random_tree_members(x * scale, 5, seed, depth=depth), members)


def test_planted_targets_keep_each_group_its_own_ages() -> None:
    rng = np.random.default_rng(0)
    target = np.concatenate([rng.normal(0, 1, 50), rng.normal(100, 1, 80)])
    planted = np.array([0.0, 0.0, 0.36])
    columns = planted_targets(
        target[:, None], rng.standard_normal((130, 3)), planted, 1, audited=50
    )
    assert columns.shape == (130, 4)
    assert np.allclose(columns[:, 0], (target - target.mean()) / target.std())
    for permuted in columns[:, 1:3].T:
        assert np.allclose(np.sort(permuted[:50]), np.sort(columns[:50, 0]))
        assert not np.allclose(permuted[:50], columns[:50, 0])


def test_the_score_knows_nothing_of_the_means_of_folds() -> None:
    rng = np.random.default_rng(0)
    fold = np.repeat([0, 1], 500)
    y = rng.standard_normal((1000, 2))
    offsets = np.where(fold == 0, -5.0, 5.0)[:, None]
    predictions = np.column_stack([0.5 * y[:, 0] + rng.standard_normal(1000), np.zeros(1000)])
    plain = held_out_score(predictions, y, fold)
    assert held_out_score(predictions + offsets, y - offsets, fold) == pytest.approx(plain)
    assert plain[0] == pytest.approx(np.arctanh(0.5 / np.sqrt(1.25)), abs=0.1)
    assert plain[1] == 0


def leak(power: float, estimate: float, low: float = 0.0) -> PlantedLeak:
    ends = (low, 1.0)
    return PlantedLeak(estimate, ends, ends, power, True, "", None, {})


@pytest.mark.parametrize(
    ("ways", "counts"),
    [
        ({"a": leak(1.0, 0.01), "b": leak(1.0, 0.02)}, "b"),  # both able: the worse
        ({"a": leak(1.0, 0.01), "b": leak(0.5, 0.30)}, "a"),  # one cannot tell
        ({"a": leak(1.0, 0.01), "b": leak(0.5, 0.30, 0.1)}, "b"),  # but it has found something
        ({"a": leak(0.5, 0.01, 0.001), "b": leak(0.5, 0.3)}, "a"),  # neither can tell
    ],
)
def test_the_worse_of_the_ways_counts(ways: dict[str, PlantedLeak], counts: str) -> None:
    assert counting_way(ways, 0.05) == counts
