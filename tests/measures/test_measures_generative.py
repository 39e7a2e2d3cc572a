"""Lags between waveforms and steps of paths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.measures.lags import lags
from axis_audit.measures.paths import steps
from axis_audit.measures.qrs_width import qrs_ends


def bump(at, x=200, width=6.0):
    return np.exp(-0.5 * ((np.arange(x) - at) / width) ** 2)


@given(lag=st.floats(-9, 9), size=st.floats(0.1, 10), level=st.floats(-5, 5))
@settings(max_examples=50, deadline=None)
def test_a_lag_is_found_between_samples_whatever_the_size_and_level(lag, size, level):
    found = lags(bump(90)[None], level + size * bump(90 + lag)[None], most=20)
    assert found[0] == pytest.approx(lag, abs=0.03)


def test_lags_are_row_by_row_and_unknown_where_nothing_varies():
    waves = np.stack([bump(90), bump(90), np.zeros(200)])
    others = np.stack([bump(93), bump(84), bump(90)])
    found = lags(waves, others, most=20)
    assert found[:2] == pytest.approx([3, -6], abs=0.01)
    assert np.isnan(found[2])
    with pytest.raises(ValueError, match="most must lie between"):
        lags(waves, others, most=100)


@given(seed=st.integers(0, 500), points=st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_no_path_has_a_shorter_longest_step_than_the_blend(seed, points):
    paths = np.random.default_rng(seed).standard_normal((3, points, 4))
    found = steps(paths)
    assert (found.largest >= found.blend - 1e-12).all()
    assert (found.length >= found.distance - 1e-12).all()
    share = np.linspace(0, 1, points)[None, :, None]
    straight = (1 - share) * paths[:, :1] + share * paths[:, -1:]
    even = steps(straight)
    assert even.largest == pytest.approx(even.blend)
    assert even.length == pytest.approx(found.distance)


def test_a_jump_is_one_long_step():
    path = np.zeros((1, 11, 5))
    path[:, 6:] = 1.0
    found = steps(path)
    assert found.largest / found.blend == pytest.approx([10.0])


def rs_complex(width, seconds):
    """R and S of one width in seconds (the SD of either), the S two of them after the R."""
    t = (np.arange(400) - 160) * seconds / 400
    return np.exp(-0.5 * (t / width) ** 2) - 0.3 * np.exp(-0.5 * ((t - 2 * width) / width) ** 2)


@given(
    width=st.floats(0.012, 0.03),
    slowest=st.floats(0.012, 0.0375),
    gain=st.floats(0.05, 50),
    seconds=st.floats(0.6, 1.4),
)
@settings(max_examples=40, deadline=None)
def test_a_qrs_drawn_more_slowly_is_as_much_wider(width, slowest, gain, seconds):
    # The slowest S is over (two SD past its trough) where the search ends, 150 ms after R.
    stretch = max(slowest / width, 1.0)
    rows = np.stack([rs_complex(width, seconds), gain * rs_complex(width * stretch, seconds)])
    begin, end = qrs_ends(rows, np.full(2, seconds), 160)
    assert (begin < 0).all()
    assert (end > 0).all()
    wide = end - begin
    assert wide[1] / wide[0] == pytest.approx(stretch, rel=0.06)


@given(width=st.floats(0.0375, 0.2), seconds=st.floats(0.6, 1.4))
@settings(max_examples=40, deadline=None)
def test_no_qrs_is_found_beyond_the_search(width, seconds):
    begin, end = qrs_ends(rs_complex(width, seconds)[None], np.full(1, seconds), 160)
    assert np.isnan(end) or 0 < end - begin <= 300 + 2000 * seconds / 400


def test_nothing_has_no_qrs():
    begin, end = qrs_ends(np.zeros((2, 100)), np.ones(2), 40)
    assert np.isnan(begin).all()
    assert np.isnan(end).all()
