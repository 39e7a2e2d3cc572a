"""Formulas of the alignment checks against brute force, closed forms and hand examples."""

from __future__ import annotations

import numpy as np
import pytest

from axis_audit.measures import gaps, lead_filters, shared_space
from axis_audit.measures.mmd import off_diagonal_mean
from axis_audit.measures.verification import trials
from axis_audit.statistics.levels import Estimate, Levels
from axis_audit.statistics.pairs import gap, influences, pair_mean
from axis_audit.statistics.worst import largest, shared


def units(leads: int, n: int, d: int, seed: int = 0) -> np.ndarray:
    """Directions of leads that share two parts in three."""
    rng = np.random.default_rng(seed)
    z = 2 * rng.standard_normal((1, n, d)) + rng.standard_normal((leads, n, d))
    return shared_space.directions(z)


def test_retrieval_is_the_share_of_others_that_are_farther() -> None:
    u = units(3, 17, 4)
    pairs, nearer = shared_space.farther_everywhere(u)
    expected = []
    for a in range(3):
        for b in range(3):
            if a == b:
                continue
            for i in range(17):
                own = float(u[a, i] @ u[b, i])
                others = [float(u[a, i] @ u[b, j]) for j in range(17) if j != i]
                share = np.mean([o < own for o in others])
                assert nearer[a, b, i] == pytest.approx(1 - share)
                expected.append(share)
    found = off_diagonal_mean(pairs.astype(float))(np.ones((1, 17)))[0]
    assert found == pytest.approx(np.mean(expected), abs=1e-6)
    assert shared_space.share_farther(u, u) == pytest.approx(np.mean(expected), abs=1e-6)


@pytest.mark.parametrize("n", [20, 40, 333])
def test_what_is_constant_finds_nobody_oftener_than_chance(n: int) -> None:
    """At any number of people, and whatever the last digits of its cosines."""
    rng = np.random.default_rng(n)
    constant = np.repeat(rng.standard_normal((1, 1, 37)), 3 * n, axis=0).reshape(3, n, 37)
    for z in (constant, constant + 1e-9 * rng.standard_normal(constant.shape), 0 * constant):
        pairs, nearer = shared_space.farther_everywhere(shared_space.directions(z))
        assert np.allclose(pairs, 0.5)
        assert np.allclose(nearer[~np.eye(3, dtype=bool)], 0.5)


def test_retrieval_does_not_depend_on_how_many_people_there_are() -> None:
    few, many = (
        off_diagonal_mean(shared_space.farther_everywhere(units(2, n, 3, n))[0].astype(float))(
            np.ones((1, n))
        )[0]
        for n in (150, 1200)
    )
    assert few == pytest.approx(many, abs=0.03)


def test_cosines_of_pairs_against_loops() -> None:
    u = units(3, 6, 4).astype(np.float64)
    total, by_pair = shared_space.cosines_of_pairs(u)
    for i in range(6):
        for j in range(6):
            both = [u[a, i] @ u[b, j] for a in range(3) for b in range(3) if a != b]
            assert total[i, j] == pytest.approx(np.mean(both))
    same = np.mean([u[0, i] @ u[1, i] for i in range(6)])
    other = np.mean([u[0, i] @ u[1, j] for i in range(6) for j in range(6) if i != j])
    assert by_pair[0, 1] == pytest.approx(same - other)
    assert np.isnan(np.diag(by_pair)).all()


@pytest.mark.parametrize("size", [0.0, 1e-6])
def test_embeddings_that_vary_in_their_last_digits_correlate_with_nothing(size: float) -> None:
    z = 1.0 + size * np.random.default_rng(0).standard_normal((1, 50, 8)) * np.ones((12, 1, 1))
    assert not shared_space.centred_directions(z).any()


def test_uniformity_of_known_shapes() -> None:
    rng = np.random.default_rng(0)
    for d, expected in ((2, -1.57), (3, -2.08)):
        points = shared_space.directions(rng.standard_normal((2000, d)))
        found = np.log(pair_mean(shared_space.crowding(points), Levels()).value)
        assert found == pytest.approx(shared_space.uniformity_of_sphere(d), abs=0.02)
        assert found == pytest.approx(expected, abs=0.03)
    assert shared_space.uniformity_of_sphere(1) == pytest.approx(np.log(0.5), abs=1e-3)
    assert shared_space.uniformity_of_sphere(200) == pytest.approx(-4 + 8 / 200, abs=2e-3)
    assert shared_space.uniformity_of_sphere(5000) == pytest.approx(-4 + 8 / 5000, abs=1e-6)
    assert np.allclose(shared_space.crowding(np.zeros((4, 3))), 1.0)


def test_filters_are_the_ridge_that_a_solver_finds() -> None:
    rng = np.random.default_rng(1)
    source = rng.standard_normal((5, 3, 60))
    target = rng.standard_normal((5, 3, 60))
    reach = 4
    found, left = lead_filters.fit_filters(lead_filters.correlations(source, target, reach))
    padded = np.pad(source, ((0, 0), (0, 0), (2 * reach, 2 * reach)))
    wide = np.pad(target, ((0, 0), (0, 0), (reach, reach)))
    for a in range(3):
        windows = np.lib.stride_tricks.sliding_window_view(padded[:, a], 2 * reach + 1, axis=1)
        table = windows[..., ::-1].reshape(-1, 2 * reach + 1)
        gram = table.T @ table
        gram += lead_filters.RIDGE * gram[0, 0] * np.eye(len(gram))
        for b in range(3):
            weights = np.linalg.solve(gram, table.T @ wide[:, b].ravel())
            assert np.allclose(found[a, b], weights, atol=1e-9)
            error = np.sum((wide[:, b].ravel() - table @ weights) ** 2)
            # The ridge's own penalty is in the fitted error.
            assert left[a, b] == pytest.approx(error / np.sum(target[:, b] ** 2), abs=2e-3)


def test_a_filter_learns_a_delay_and_errors_are_of_the_record_alone() -> None:
    rng = np.random.default_rng(2)
    source = rng.standard_normal((40, 2, 100)).astype(np.float32)
    target = np.stack([np.roll(source[:, 0], 3, axis=1), -2 * source[:, 1]], axis=1)
    target[:, 0, :3] = 0.0
    weights, left = lead_filters.fit_filters(lead_filters.correlations(source, target, 5))
    assert left[0, 0] < 0.05
    errors = lead_filters.filter_errors(source, target, weights)
    assert errors.shape == (40, 2, 2)
    drawn = np.array([np.convolve(row, weights[0, 0])[5:105] for row in source[:, 0]])
    expected = np.sum((drawn - target[:, 0]) ** 2, axis=1)
    assert np.allclose(errors[:, 0, 0], expected, rtol=1e-3, atol=1e-3)
    assert np.all(errors[:, 1, 1] < 1e-2 * np.sum(target[:, 1] ** 2, axis=1))


def test_sums_of_correlations_leave_a_fold_out() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((6, 2, 40))
    whole, part, rest = (lead_filters.correlations(rows, rows, 3) for rows in (x, x[:2], x[2:]))
    together = part + rest
    assert np.allclose(together.cross, whole.cross)
    assert np.allclose(together.own, whole.own)
    assert np.allclose(together.power, whole.power)


def test_patches_hide_what_was_asked_in_every_lead_elsewhere() -> None:
    hidden = gaps.hidden_patches(12, 1000, 20, 0.25, np.random.default_rng(0))
    assert (hidden.sum(axis=1) == 240).all()
    assert len({row.tobytes() for row in hidden}) == 12
    assert gaps.hidden_patches(2, 50, 20, 0.9, np.random.default_rng(0)).sum() == 40
    with pytest.raises(ValueError, match="no two patches"):
        gaps.hidden_patches(1, 30, 20, 0.25, np.random.default_rng(0))


def test_a_bridge_is_straight_and_keeps_what_is_seen() -> None:
    signals = np.array([[[0.0, 9.0, 9.0, 3.0, 7.0, 9.0]]], np.float32)
    hidden = np.array([[False, True, True, False, False, True]])
    assert np.allclose(gaps.bridged(signals, hidden), [[[0, 1, 2, 3, 7, 7]]])
    hidden[0, 0] = True
    assert np.allclose(gaps.bridged(signals, hidden), [[[3, 3, 3, 3, 7, 7]]])
    assert signals[0, 0, 1] == 9.0


def test_hidden_samples_get_the_units_of_their_bridged_record() -> None:
    rng = np.random.default_rng(4)
    signals = rng.standard_normal((3, 2, 50)).astype(np.float32)
    hidden = np.zeros((2, 50), bool)
    hidden[:, 10:20] = True
    bridged = gaps.bridged(signals, hidden)
    size = np.sqrt(np.mean(bridged**2, axis=(1, 2), keepdims=True))
    x = bridged / size - 0.3
    wanted = gaps.in_units_of(signals, bridged, x)
    assert wanted is not None
    assert np.allclose(wanted, signals / size - 0.3, atol=1e-5)
    filtered = np.cumsum(bridged, axis=2)
    assert gaps.in_units_of(signals, bridged, filtered) is None


def test_verification_at_its_ends() -> None:
    n = 40
    ones = np.ones((1, n))
    perfect = trials(np.eye(n))
    assert perfect.equal_error(ones)[0] == pytest.approx(0.0, abs=1e-9)
    assert perfect.first.all()
    alike = trials(np.zeros((n, n)))
    assert alike.equal_error(ones)[0] == pytest.approx(0.5)
    assert not alike.first.any()
    mirrored = trials(-np.eye(n))
    assert mirrored.equal_error(ones)[0] == pytest.approx(1.0, abs=0.05)


def test_the_equal_error_rate_is_the_one_of_known_distributions() -> None:
    """Scores N(2, 1) of one person and N(0, 1) of two: equal errors at 1, Φ(-1) = .159."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(20):
        scores = rng.standard_normal((150, 150)) + 2.0 * np.eye(150)
        found.append(trials(scores).equal_error(np.ones((1, 150)))[0])
    assert np.mean(found) == pytest.approx(0.1587, abs=0.012)


def test_people_average_to_the_mean_over_pairs() -> None:
    h = np.random.default_rng(6).standard_normal((30, 30))
    off = h[~np.eye(30, dtype=bool)]
    assert influences(h).mean() == pytest.approx(off.mean())
    assert gap(h, Levels()).value == pytest.approx(np.diag(h).mean() - off.mean())


def test_intervals_of_pair_means_cover_the_truth() -> None:
    """Of |x - y| of two normals, 2/√π = 1.128: 95 of 100 times, far oftener than pairs alone do."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        x = rng.standard_normal(40)
        low, high = pair_mean(np.abs(x[:, None] - x[None]), Levels()).interval
        hits += low <= 2 / np.sqrt(np.pi) <= high
    assert 360 <= hits <= 395


def test_the_worst_of_several_holds_the_worst_truth() -> None:
    one = Estimate(0.5, (0.4, 0.6), (0.35, 0.65))
    other = Estimate(0.45, (0.2, 0.7), (0.1, 0.8))
    assert largest([one, other]) == Estimate(0.5, (0.4, 0.7), (0.35, 0.8))
    assert shared(Levels(0.025, 0.012), 12).fail_tail == pytest.approx(0.001)
