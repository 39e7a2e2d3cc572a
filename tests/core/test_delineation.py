"""Delineation of single cycles: waves where they were put, and no wave where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from axis_audit.delineation import WAVES, Waves, delineate

CENTRE = {"P": -150.0, "Q": -28.0, "R": 0.0, "S": 28.0, "T": 270.0}
SD = {"P": 18.0, "Q": 8.0, "R": 10.0, "S": 8.0, "T": 36.0}
HEIGHT = {"P": 0.12, "Q": -0.12, "R": 1.0, "S": -0.2, "T": 0.3}


def cycle(seconds: float = 0.9, samples: int = 400, **heights: float) -> np.ndarray:
    """Gaussian waves, R at 40 % of the row."""
    at = (np.arange(samples) - 0.4 * samples) * seconds * 1000 / samples
    row = np.zeros(samples)
    for wave, height in (HEIGHT | heights).items():
        row += height * np.exp(-0.5 * ((at - CENTRE[wave]) / SD[wave]) ** 2)
    return row - np.median(row)


def read(*rows: np.ndarray, seconds: float | list[float] = 0.9) -> Waves:
    return delineate(np.stack(rows), np.broadcast_to(seconds, len(rows)), 160)


def same(one: Waves, other: Waves) -> None:
    for part in ("onset", "offset", "amplitude"):
        np.testing.assert_allclose(getattr(one, part), getattr(other, part), rtol=1e-6, atol=1e-6)


def test_waves_are_found_where_they_were_put():
    for seconds in (0.75, 0.9, 1.3):
        waves = read(cycle(seconds), seconds=seconds)
        assert waves.onset.shape == waves.offset.shape == waves.amplitude.shape == (1, len(WAVES))
        middle = (waves.onset + waves.offset)[0] / 2
        np.testing.assert_allclose(middle, [CENTRE["P"], 0, CENTRE["T"]], atol=25)
        np.testing.assert_allclose(waves.amplitude[0], [0.12, 1.0, 0.3], atol=0.05)
        duration = (waves.offset - waves.onset)[0]
        assert (duration > [50, 50, 100]).all()
        assert (duration < [150, 130, 260]).all()


def test_an_inverted_t_wave_is_found_and_keeps_its_sign():
    waves = read(cycle(T=-0.3))
    np.testing.assert_allclose((waves.onset + waves.offset)[0, 2] / 2, 270, atol=25)
    assert waves.amplitude[0, 2] == pytest.approx(-0.3, abs=0.05)


def test_no_p_wave_and_no_t_wave_are_no_waves():
    waves = read(cycle(P=0.0), cycle(T=0.0))
    assert np.isnan([w[0, 0] for w in (waves.onset, waves.offset, waves.amplitude)]).all()
    assert np.isnan([w[1, 2] for w in (waves.onset, waves.offset, waves.amplitude)]).all()
    assert np.isfinite(waves.onset[:, 1]).all()


@settings(max_examples=10, deadline=None)
@given(st.floats(1e-4, 1e4), st.floats(-5, 5))
def test_gain_and_offset_move_no_wave(gain, offset):
    plain, other = read(cycle()), read(gain * cycle() + offset * gain)
    same(other, Waves(plain.onset, plain.offset, gain * plain.amplitude))


def test_a_row_is_read_alike_whatever_stands_beside_it():
    rng = np.random.default_rng(0)
    rows = [cycle(T=t) + 0.01 * rng.standard_normal(400) for t in (0.2, -0.2, 0.4, 0.1)]
    seconds = [0.9, 0.9, 0.6, 1.4]
    together = read(*rows, np.zeros(400), seconds=[*seconds, 0.9])
    for i, (row, lasting) in enumerate(zip(rows, seconds, strict=True)):
        alone = read(row, seconds=lasting)
        same(alone, Waves(*(p[i : i + 1] for p in vars(together).values())))


@pytest.mark.parametrize(
    "row",
    [
        np.zeros(400), np.full(400, 3.0), np.full(400, np.nan), np.full(400, np.inf),
        np.r_[np.zeros(160), 1e6, np.zeros(239)], np.r_[np.zeros(399), 1.0],
        np.linspace(-1, 1, 400), 1e-300 * np.ones(400), np.tile([1e308, -1e308], 200),
        np.random.default_rng(0).standard_normal(400),
    ],
)  # fmt: skip
def test_odd_rows_neither_raise_nor_warn_nor_spoil_their_neighbours(row):
    waves = read(cycle(), row, cycle())
    same(Waves(*(p[[0, 2]] for p in vars(waves).values())), read(cycle(), cycle()))


@settings(max_examples=25, deadline=None)
@given(
    arrays(np.float64, (3, 60), elements=st.floats(-1e6, 1e6)),
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=3, max_size=3),
)
def test_whatever_is_found_lies_in_order(rows, seconds):
    waves = delineate(rows, np.array(seconds), 24)
    found = ~np.isnan(waves.onset)
    assert np.array_equal(found, ~np.isnan(waves.offset))
    assert (waves.onset[found] < waves.offset[found]).all()
    assert not found[~np.isfinite(seconds)].any()


def test_shapes_that_do_not_fit_are_refused():
    assert delineate(np.zeros((0, 400)), np.zeros(0), 160).onset.shape == (0, 3)
    for rows, seconds, r_index in (
        (np.zeros(400), np.ones(1), 160), (np.zeros((2, 400)), np.ones(1), 160),
        (np.zeros((2, 400)), np.ones(2), 400),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="R at"):
            delineate(rows, seconds, r_index)
