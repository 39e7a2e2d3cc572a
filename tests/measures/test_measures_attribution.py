"""Measures of attribution maps, on maps whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from axis_audit.measures import attribution
from axis_audit.statistics.levels import Estimate
from axis_audit.statistics.worst import smallest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def one_region(n: int = 3, samples: int = 200) -> np.ndarray:
    masks = np.zeros((n, samples), bool)
    masks[:, 40:60] = True
    return masks


def test_share_and_hit_of_maps_inside_and_outside() -> None:
    maps = np.zeros((3, 2, 200), np.float32)
    maps[0, 1, 50] = -3.0  # magnitude counts, not the sign
    maps[0, 0, 10] = 1.0
    maps[1, 0, 10] = 1.0
    masks = one_region()
    assert attribution.region_share(maps, masks).tolist() == [0.75, 0.0, 0.0]
    assert attribution.pointing(maps, masks).tolist() == [True, False, False]


def test_a_constant_map_points_nowhere_and_has_the_share_of_chance() -> None:
    maps, masks = np.ones((3, 2, 200)), one_region()
    assert not attribution.pointing(maps, masks).any()
    assert attribution.region_share(maps, masks) == pytest.approx(attribution.by_chance(masks))


def test_tolerance_widens_the_region_on_both_sides() -> None:
    maps, masks = np.zeros((2, 1, 200)), one_region(2)
    maps[0, 0, 38] = maps[1, 0, 61] = 1.0
    assert not attribution.pointing(maps, masks).any()
    assert attribution.pointing(maps, masks, tolerance=2).all()


def test_chance_is_the_mean_over_all_shifts_whatever_the_map(rng: np.random.Generator) -> None:
    maps, masks = rng.standard_normal((1, 3, 200)), one_region(1)
    shifted = [np.roll(masks, k, axis=1) for k in range(200)]
    chance = attribution.by_chance(masks)[0]
    shares = [attribution.region_share(maps, m)[0] for m in shifted]
    hits = [attribution.pointing(maps, m)[0] for m in shifted]
    assert np.mean(shares) == pytest.approx(chance)
    assert np.mean(hits) == pytest.approx(chance)


def test_ranks_go_from_most_for_to_most_against_and_ties_are_drawn() -> None:
    maps = np.array([[[3.0, -2.0, 0.0], [1.0, 5.0, -9.0]]])
    order = attribution.ranked(maps, np.random.default_rng(0))
    assert order[0].tolist() == [4, 0, 3, 2, 1, 5]
    constant = attribution.ranked(np.ones((1, 4, 500)), np.random.default_rng(0))[0]
    assert sorted(constant.tolist()) == list(range(2000))
    first = constant[:500] // 500  # a stable sort would take the whole first lead
    assert np.bincount(first, minlength=4).min() > 90


def test_exchange_touches_the_places_alone_and_no_input() -> None:
    signals, others = np.zeros((2, 2, 3), np.float32), np.ones((2, 2, 3), np.float32)
    mixed = attribution.exchanged(signals, others, np.array([[0, 5], [1, 2]]))
    assert mixed.reshape(2, -1).tolist() == [[1, 0, 0, 0, 0, 1], [0, 1, 1, 0, 0, 0]]
    assert not signals.any()


def test_cosines_of_silent_maps_are_nothing() -> None:
    maps = np.ones((3, 1, 4))
    theirs = np.stack([maps[0], -maps[0], np.zeros((1, 4))])
    assert attribution.cosines(maps, theirs).tolist() == [1.0, -1.0, 0.0]


def test_windows_are_summed_with_their_signs() -> None:
    maps = np.arange(7.0).reshape(1, 1, 7) * [[[1, -1, 1, 1, 1, 1, 1]]]
    assert attribution.coarse(maps, 3).tolist() == [[[1.0, 12.0]]]


def envelope(rng: np.random.Generator) -> np.ndarray:
    return np.exp(rng.standard_normal((4, 12, 300)))


def test_the_input_s_envelope_is_no_likeness_of_maps(rng: np.random.Generator) -> None:
    """Input times two unrelated gradients: plain rank correlation is high, the partial is not."""
    x = envelope(rng)
    ours, theirs = (x * rng.standard_normal(x.shape) for _ in range(2))
    assert np.all(attribution.rank_correlations(ours, theirs, x, share=1.0) < 0.1)
    assert np.all(attribution.rank_correlations(ours, theirs, x) < 0.2)
    plain = attribution.rank_correlations(ours, theirs, rng.standard_normal(x.shape), share=1.0)
    assert np.all(plain > 0.2)


def test_maps_that_never_asked_the_weights_are_alike(rng: np.random.Generator) -> None:
    x = envelope(rng)
    same = x * rng.standard_normal(x.shape)
    assert attribution.rank_correlations(same, -3 * same, x) == pytest.approx(1.0)
    other = x * rng.standard_normal(x.shape)
    for told in (x, x**2, np.ones_like(x)):  # by the signal wholly, or by nothing
        assert attribution.rank_correlations(told, other, x).tolist() == [1.0] * 4
    assert np.isnan(attribution.rank_correlations(same, np.zeros_like(x), x)).all()


def test_incompleteness_does_not_blow_up_where_little_is_explained() -> None:
    sums, differences = np.array([4.0, 4.0, 0.001]), np.array([4.0, 5.0, -0.001])
    found = attribution.incompleteness(sums, differences)
    assert found == pytest.approx([0.0, 0.2, 0.0005])


def test_the_smallest_lies_between_the_smallest_ends() -> None:
    one = Estimate(0.5, (0.4, 0.6), (0.3, 0.7))
    other = Estimate(0.45, (0.1, 0.8), (0.35, 0.9))
    assert smallest([one, other]) == Estimate(0.45, (0.1, 0.6), (0.3, 0.7))
