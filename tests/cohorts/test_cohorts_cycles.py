"""Cardiac cycles: R at sample 160, one R-R interval long, whatever the strip; and what is none."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ludb_layout import person, write_ludb
from published_layout import ordinary, synthetic_strip, write_ptbxl

from axis_audit.capabilities import InputSpec
from axis_audit.cohort import LEADS, Cohort, make_cohort
from axis_audit.cohorts import open_cohort
from axis_audit.cohorts.beats import UnusableStripError, independent_rows
from axis_audit.cohorts.cycles import Cycles, find_cycles
from axis_audit.errors import CohortError
from axis_audit.opening import open_cohorts
from axis_audit.people import audited_people, conform
from axis_audit.settings import Settings

EIGHT = independent_rows()
SPEC = InputSpec("cycle", ("II",), 400.0, 400, 160)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("AXIS_AUDIT_CACHE", str(tmp_path_factory.mktemp("cache")))


def cut(bpm: float = 70.0, rate: float = 500.0, *, gain: float = 1.0, limit: int = 99, **made):
    strip, peaks = synthetic_strip(bpm, rate, **made)
    return find_cycles(strip[EIGHT] * gain, rate, limit), peaks


def magnitude(cycles: Cycles) -> np.ndarray:
    return np.sqrt(np.mean(cycles.signals**2, axis=1))


@settings(max_examples=12, deadline=None)
@given(
    bpm=st.floats(40, 120), rate=st.sampled_from([100.0, 128.0, 250.0, 360.0, 500.0, 1000.0]),
    seed=st.integers(0, 5),
)  # fmt: skip
def test_r_stands_at_sample_160_and_a_cycle_lasts_one_interval(bpm, rate, seed):
    cycles, peaks = cut(bpm, rate, seed=seed)
    assert cycles.signals.shape[1:] == (8, 400)
    tallest = magnitude(cycles)[:, 120:200].argmax(axis=1) + 120
    # the median of each lead is taken off after R is found, and moves flat peaks by a sample
    assert np.abs(tallest - 160).max() <= 2
    assert np.median(tallest) == 160
    np.testing.assert_allclose(cycles.seconds, np.median(np.diff(peaks)), atol=1.01 / rate)
    apart = np.abs(cycles.peaks[:, None] - peaks).min(axis=1)
    assert apart.max() <= 0.011
    np.testing.assert_allclose(np.median(cycles.signals, axis=2), 0, atol=1e-9)


@settings(max_examples=6, deadline=None)
@given(st.sampled_from([0.25, 0.5, 2.0, 4.0]), st.integers(0, 5))
def test_gain_changes_amplitudes_alone(gain, seed):
    plain, loud = cut(seed=seed)[0], cut(seed=seed, gain=gain)[0]
    np.testing.assert_array_equal(plain.peaks, loud.peaks)
    np.testing.assert_array_equal(plain.seconds, loud.seconds)
    np.testing.assert_allclose(loud.signals, gain * plain.signals, atol=1e-9)


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 60))
def test_a_strip_that_starts_later_gives_the_same_cycles(shift):
    strip = synthetic_strip(66, 500.0)[0][EIGHT]
    whole, later = find_cycles(strip, 500.0, 99), find_cycles(strip[:, shift:], 500.0, 99)
    assert later.seconds[0] == pytest.approx(whole.seconds[0], abs=0.002)
    for peak, signals in zip(later.peaks, later.signals, strict=True):
        at = np.abs(whole.peaks - peak - shift / 500).argmin()
        assert abs(whole.peaks[at] - peak - shift / 500) < 1 / 500
        assert np.abs(whole.signals[at] - signals).max() < 0.05


def test_the_same_heart_at_two_rates_gives_the_same_cycle():
    slow, fast = (cut(rate=rate, noise=0.0)[0] for rate in (100.0, 500.0))
    assert len(slow.signals) == len(fast.signals)
    rms = np.sqrt(np.mean((slow.signals - fast.signals) ** 2))
    assert rms < 0.05 * np.sqrt(np.mean(fast.signals**2))


def test_few_are_spread_over_the_strip():
    every, some = cut()[0], cut(limit=3)[0]
    assert some.peaks.tolist() == every.peaks[[0, len(every.peaks) // 2, -1]].tolist() or (
        len(some.peaks) == 3 and some.peaks[0] == every.peaks[0]
    )
    assert some.peaks[-1] == every.peaks[-1]


def test_neither_an_ectopic_beat_nor_a_window_with_one_becomes_a_cycle():
    cycles, peaks = cut(70, ectopic=(5,))
    assert np.abs(cycles.peaks - peaks[5]).min() > 0.3
    strip = synthetic_strip(60, 500.0)[0][EIGHT]
    bounds = np.rint((np.arange(0.35, 9.8, 1.0)[:, None] + [-0.05, 0.05]) * 500).astype(int)
    early = np.sort(np.vstack([bounds, bounds[4] + 250]), axis=0)  # half an interval early
    plain = find_cycles(strip, 500.0, 99, bounds)
    with_early = find_cycles(strip, 500.0, 99, early)
    assert len(plain.peaks) - len(with_early.peaks) >= 1
    assert np.abs(with_early.peaks - (0.35 + 4)).min() > 0.4


@pytest.mark.parametrize(
    ("strip", "rate", "told"),
    [
        (np.zeros((8, 5000)), 500.0, "fewer than 3 beats detected"),
        (np.zeros((8, 900)), 500.0, "shorter than 3 s"),
        (np.random.default_rng(0).normal(0, 1, (8, 2000)), 500.0, "fewer than 3 beats"),
    ],
)
def test_a_strip_without_beats_says_why(strip, rate, told):
    with pytest.raises(UnusableStripError, match=told):
        find_cycles(strip, rate)


@pytest.mark.parametrize(
    ("starts", "told"),
    [
        ([1000], "fewer than 3 beats"),
        ([], "fewer than 3 beats"),
        ([0, 1600, 3200, 4800], "heart rate outside"),
        ([100, 150, 200, 250], "heart rate outside"),
        ([-400, 20, 9000], "fewer than 3 beats|heart rate|no whole cycle"),
    ],
)
def test_marks_of_no_possible_rhythm_give_no_cycles(starts, told):
    strip = synthetic_strip(70, 500.0)[0][EIGHT]
    qrs = np.array(starts, int)[:, None] + [0, 40]
    with pytest.raises(UnusableStripError, match=told):
        find_cycles(strip, 500.0, 8, qrs)


def cohort_of(cycles: int = 4, **changed) -> Cohort:
    columns = {"r_index": 160, "seconds": np.linspace(0.7, 1.1, cycles)} | changed
    signals = np.random.default_rng(0).normal(0, 0.3, (cycles, 12, 400))
    return make_cohort("mine", signals, rate=400.0, kind="cycle", **columns)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"seconds": None}, "do not say how long they last"),
        ({"seconds": [1.0, 1.0]}, "seconds has shape (2,) for 4 cycles"),
        ({"seconds": [1.0, 0.0, 1.0, 1.0]}, "no positive number"),
        ({"seconds": [1.0, np.nan, 1.0, 1.0]}, "no positive number"),
        ({"seconds": [1.0, np.inf, 1.0, 1.0]}, "no positive number"),
        ({"seconds": [[1.0]] * 4}, "seconds has shape (4, 1)"),
        ({"r_index": 400}, "r_index is 400"),
    ],
)
def test_a_cohort_of_cycles_says_how_long_each_lasts(changed, told):
    with pytest.raises(CohortError, match=re.escape(told)):
        cohort_of(**changed)


def test_only_cycles_have_durations_and_kinds_are_three():
    with pytest.raises(CohortError, match="a beat has no duration"):
        make_cohort("x", np.ones((1, 12, 120)), rate=100, kind="beat", seconds=[1.0])
    with pytest.raises(CohortError, match="its kind is 'heartbeat'"):
        make_cohort("x", np.ones((1, 12, 120)), rate=100, kind="heartbeat")  # type: ignore[arg-type]


def test_durations_follow_their_rows_and_count_in_the_fingerprint():
    cohort = cohort_of()
    part = cohort.subset(np.array([2, 0]))
    assert part.seconds is not None
    assert cohort.seconds is not None
    assert part.seconds.tolist() == cohort.seconds[[2, 0]].tolist()
    assert part.seconds.dtype == np.float32
    longer = dataclasses.replace(cohort, seconds=cohort.seconds + np.float32(0.1))
    assert longer.fingerprint != cohort.fingerprint


def test_conform_picks_the_models_lead_and_refuses_what_is_no_cycle():
    one = conform(cohort_of(), SPEC)
    assert one.leads == ("II",)
    assert one.signals.shape == (4, 1, 400)
    assert one.seconds is not None
    for changed in ({"r_index": 120}, {"samples": 200}, {"kind": "beat"}, {"rate": 500.0}):
        with pytest.raises(CohortError, match="but the model takes"):
            conform(cohort_of(), dataclasses.replace(SPEC, **changed))


def test_fewer_than_twenty_people_are_not_audited_whatever_their_cycles():
    ages, ids = np.full(60, 50.0), np.repeat(np.arange(10).astype(str), 6)
    few = cohort_of(60, age=ages, patient_ids=ids)
    with pytest.raises(CohortError, match="only 10 unseen patients"):
        audited_people(few, None, "all")


def test_cycles_of_ptb_xl_and_of_arrays_obey_einthoven_and_are_cached_apart(tmp_path):
    write_ptbxl(tmp_path, [ordinary(1), ordinary(2), ordinary(3, fold=2)])
    strips = np.stack([synthetic_strip(60 + 5 * i, seed=i)[0] for i in range(3)])
    np.savez(tmp_path / "mine.npz", signals=strips, rate=100, age=[50.0, 300.0, np.nan])
    for source in (tmp_path, tmp_path / "mine.npz"):
        beats = open_cohort(source, progress=False)
        cycles = open_cohort(source, kind="cycle", per_record=4, progress=False)
        assert (cycles.kind, cycles.rate, cycles.r_index) == ("cycle", 400.0, 160)
        assert cycles.signals.shape == (12, 12, 400)
        assert cycles.leads == LEADS
        assert np.array_equal(cycles.signals[:, 2], cycles.signals[:, 1] - cycles.signals[:, 0])
        assert np.array_equal(np.unique(cycles.hashes), np.unique(beats.hashes))
        assert np.array_equal(cycles.record_ids, np.repeat(beats.record_ids, 4))
        again = open_cohort(source, kind="cycle", per_record=4, progress=False)
        assert again.fingerprint == cycles.fingerprint
        assert len(open_cohort(source, kind="cycle", per_record=1, progress=False)) == 3
        assert open_cohort(source, progress=False).fingerprint == beats.fingerprint


def test_a_record_without_a_lead_or_a_beat_is_counted_out(tmp_path):
    strips = np.stack([synthetic_strip(70, seed=i)[0] for i in range(3)])
    strips[1, 1] = 0.2
    strips[2] = np.random.default_rng(0).normal(0, 0.3, strips[2].shape)
    np.savez(tmp_path / "mine.npz", signals=strips, rate=100)
    cohort = open_cohort(tmp_path / "mine.npz", kind="cycle", progress=False)
    assert set(cohort.record_ids.tolist()) == {"0"}
    assert cohort.exclusions["flat lead"] == 1
    assert sum(cohort.exclusions.values()) == 2


def test_sources_without_cycles_say_what_to_give():
    with pytest.raises(CohortError, match="not cycles") as refused:
        open_cohort("atlas", kind="cycle")
    assert "--cohort" in str(refused.value)


def test_beats_of_ones_own_cannot_become_cycles(tmp_path):
    beats = np.random.default_rng(0).normal(0, 0.3, (3, 12, 120))
    np.savez(tmp_path / "b.npz", signals=beats, rate=100, kind="beat", r_index=40)
    with pytest.raises(CohortError, match="holds beats, and cycles are asked for"):
        open_cohort(tmp_path / "b.npz", kind="cycle", progress=False)


def test_a_model_of_cycles_is_given_them_from_the_recordings_own_rate(tmp_path):
    """The rate of a cycle, 400 samples, is asked of no source."""
    ludb, ptbxl = tmp_path / "ludb", tmp_path / "ptbxl"
    ptbxl.mkdir()
    write_ludb(ludb, [person(1)])
    write_ptbxl(ptbxl, [ordinary(1)])
    for source in (ludb, ptbxl):
        settings = Settings(checkpoint=tmp_path / "x", cohort=str(source))
        cohort, fit = open_cohorts(settings, SPEC)
        assert conform(cohort, SPEC).signals.shape[1:] == (1, 400)
        assert fit is None
