"""Segmentation: a beat out of place or an ectopic one let in would blur every statistic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_layout import synthetic_strip

from axis_audit.cohorts.beats import (
    BEAT_SAMPLES,
    R_INDEX,
    UnusableStripError,
    derive_twelve_leads,
    find_beats,
    independent_rows,
    representative_beats,
    single_beats,
)

EIGHT = independent_rows()


def magnitude_peak(beat):
    """Of this beat: at fast rates the next one stands in the same window."""
    return int(np.sqrt(np.mean(beat[EIGHT, 20:60] ** 2, axis=0)).argmax()) + 20


@settings(max_examples=40, deadline=None)
@given(bpm=st.integers(40, 150), rate=st.sampled_from([100.0, 500.0, 250.0, 1000.0]))
def test_r_peaks_are_found_where_they_were_put(bpm, rate):
    strip, peaks = synthetic_strip(bpm, rate, seed=bpm)
    beats = find_beats(strip[EIGHT], rate)
    true = np.rint(peaks * 100)
    distance = np.abs(beats.peaks[:, None] - true).min(axis=1)
    assert (distance == 0).all()
    inside = (true > R_INDEX + 6) & (true < 1000 - BEAT_SAMPLES + R_INDEX - 6)
    assert len(beats.peaks) >= inside.sum() - 1
    assert magnitude_peak(representative_beats(strip[EIGHT], rate)) == R_INDEX


def test_a_500_hz_strip_gives_the_beat_of_its_100_hz_version():
    slow, _ = synthetic_strip(70, 100.0, noise=0.0)
    fast, _ = synthetic_strip(70, 500.0, noise=0.0)
    difference = representative_beats(slow[EIGHT], 100) - representative_beats(fast[EIGHT], 500)
    assert np.abs(difference).max() < 0.05


def test_einthoven_and_goldberger_hold_exactly_on_beats():
    strip, _ = synthetic_strip(75)
    strip[2] += 0.3  # a recorded III that breaks the law must not matter
    for beat in (representative_beats(strip[EIGHT], 100), *single_beats(strip[EIGHT], 100)):
        i, ii, iii, avr, avl, avf = beat[:6]
        half = np.float32(0.5)
        assert np.array_equal(iii, ii - i)
        assert np.array_equal(avr, -half * (i + ii))
        assert np.array_equal(avl, i - half * ii)
        assert np.array_equal(avf, ii - half * i)


def test_ectopic_beats_are_left_out_with_the_beat_after_their_pause():
    strip, peaks = synthetic_strip(75, ectopic=(3, 8))
    kept = find_beats(strip[EIGHT], 100).peaks / 100
    for number in (3, 8):
        assert np.abs(kept - peaks[number]).min() > 0.2
    clean, _ = synthetic_strip(75)
    difference = representative_beats(strip[EIGHT], 100) - representative_beats(clean[EIGHT], 100)
    assert np.abs(difference).max() < 0.1


def test_premature_beats_of_normal_shape_are_left_out_by_rhythm():
    strip, _ = synthetic_strip(60, noise=0.005)
    early = 435  # the beats stand at 0.35 s + k
    strip[:, early - 20 - 40 : early + 42 - 40] += strip[:, early - 20 : early + 42]
    kept = find_beats(strip[EIGHT], 100).peaks
    assert early - 40 not in kept


def test_one_burst_of_noise_does_not_reach_the_median_beat():
    strip, _ = synthetic_strip(70)
    noisy = strip.copy()
    noisy[:, 400:460] += np.random.default_rng(0).normal(0, 1.0, (12, 60))
    difference = representative_beats(noisy[EIGHT], 100) - representative_beats(strip[EIGHT], 100)
    assert np.abs(difference).max() < 0.1


@pytest.mark.parametrize("dead", ["II", "I", "V5"])
def test_a_quiet_lead_does_not_stop_detection(dead):
    strip, peaks = synthetic_strip(70)
    lead = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"].index(dead)
    eight = strip[EIGHT]
    eight[lead] = 0.0
    found = find_beats(eight, 100).peaks
    assert np.isin(found, np.rint(peaks * 100)).all()
    assert len(found) >= 8


def test_baseline_wander_and_offset_hardly_change_the_beat():
    strip, _ = synthetic_strip(70)
    drift = 0.5 * np.sin(2 * np.pi * 0.15 * np.arange(1000) / 100) + 0.8
    difference = representative_beats(strip[EIGHT] + drift, 100) - representative_beats(
        strip[EIGHT], 100
    )
    assert np.abs(difference).max() < 0.08


def test_gain_scales_the_beat_and_nothing_else():
    strip, _ = synthetic_strip(70)
    beat = representative_beats(strip[EIGHT], 100)
    np.testing.assert_allclose(representative_beats(2 * strip[EIGHT], 100), 2 * beat, atol=1e-6)


def test_single_beats_are_spread_over_the_strip_and_repeatable():
    strip, _ = synthetic_strip(100)
    few = single_beats(strip[EIGHT], 100, limit=4)
    everything = single_beats(strip[EIGHT], 100, limit=99)
    assert few.shape == (4, 12, BEAT_SAMPLES)
    assert np.array_equal(few, single_beats(strip[EIGHT], 100, limit=4))
    assert np.array_equal(few[0], everything[0])
    assert np.array_equal(few[-1], everything[-1])


@pytest.mark.parametrize(
    ("strip", "reason"),
    [
        (np.zeros((8, 1000)), "fewer than 3 beats detected"),
        (np.zeros((8, 250)), "shorter than 3 s"),
        (synthetic_strip(40, seconds=3.2)[0][EIGHT], "fewer than 3"),
    ],
    ids=["flat", "short", "two beats"],
)
def test_strips_without_beats_say_why(strip, reason):
    with pytest.raises(UnusableStripError, match=reason):
        find_beats(strip, 100)


def test_a_strip_of_noise_gives_no_beat():
    noise = np.random.default_rng(1).normal(0, 0.2, (8, 1000))
    with pytest.raises(UnusableStripError, match="neither ectopic nor noisy"):
        find_beats(noise, 100)


@given(st.integers(0, 2**32 - 1))
def test_derived_leads_sum_as_they_must(seed):
    eight = np.random.default_rng(seed).normal(size=(2, 8, 5)).astype(np.float32)
    twelve = derive_twelve_leads(eight)
    assert np.array_equal(twelve[:, EIGHT], eight)
    np.testing.assert_allclose(twelve[:, 3:6].sum(axis=1), 0, atol=1e-6)
