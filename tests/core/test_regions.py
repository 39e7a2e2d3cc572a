"""Regions of a record: waves where they are, sane limits, and the published fiducial points."""

from __future__ import annotations

import numpy as np
import pytest

from axis_audit import regions
from axis_audit.cohort import Cohort, make_cohort
from axis_audit.cohorts import fiducials
from axis_audit.defects.twins import draw
from axis_audit.errors import CohortError
from axis_audit.report import instrument

INTERVAL = 80


@pytest.fixture(scope="module")
def records() -> Cohort:
    """Beats of the atlas every 0.8 s, R at 0.4 s and so on; the last record is flat."""
    beats = draw(12, seed=3, fold=1).signals[:, :, :INTERVAL]
    ends = np.linspace(beats[:, :, 0], beats[:, :, -1], INTERVAL, axis=2)
    signals = np.tile(beats - ends, (1, 1, 13))[:, :, :1000]
    signals[-1] = 0.0
    ids = np.array([f"ptb-xl/{i}" for i in range(1, 13)])
    return make_cohort("tiled", signals, rate=100.0, record_ids=ids)


def test_waves_follow_each_other_and_leave_the_p_wave_out(records):
    qrs, st_t = (regions.masks(records, [wave]) for wave in ("QRS", "ST-T"))
    assert qrs.shape == (12, 1000)
    assert not qrs[-1].any()
    assert not st_t[-1].any()
    share = [m[:-1].mean() for m in (qrs, st_t)]
    assert 0.07 < share[0] < 0.2
    assert 0.25 < share[1] < 0.6
    at_r = np.arange(40, 1000, INTERVAL)
    assert qrs[:-1, at_r].all()
    p_wave = at_r[1:] - 16
    assert not (qrs | st_t)[:-1, p_wave].any()
    both = regions.masks(records, ("QRS", "ST-T"))
    assert (both == (qrs | st_t)).all()


def test_energy_stands_where_the_regions_say(records):
    steep = np.abs(np.diff(records.signals[:-1], axis=2, append=0.0)).mean(axis=1)
    qrs = regions.masks(records, ["QRS"])[:-1]
    within = np.array([s[m].mean() / s[~m].mean() for s, m in zip(steep, qrs, strict=True)])
    assert (within > 4).all()


def test_what_is_out_of_limits_is_what_most_people_have():
    onset, offset, end = regions.USUAL
    assert regions.believed(np.array([np.nan, 0.5, 2.0]), 1.0) == (onset, offset, end)
    assert regions.believed(np.array([-0.06, 0.05, 0.35]), 1.0) == (-0.06, 0.05, 0.35)
    assert regions.believed(np.array([-0.06, 0.05, 0.45]), 0.5)[2] == pytest.approx(0.35)


def test_a_longer_t_wave_makes_a_longer_region(records):
    stretched = records.signals[:4].copy()
    warp = np.r_[np.arange(46), 46 + np.arange(34) * 0.75]
    for row in stretched:
        for start in range(0, 1000, INTERVAL):
            beat = row[:, start : start + INTERVAL]
            to = np.arange(beat.shape[1])
            beat[:] = [np.interp(warp[: len(to)], to, lead.copy()) for lead in beat]
    slow = make_cohort("slow T", stretched, rate=100.0)
    usual = regions.bounds(records.subset(np.arange(4))).seconds[:, 2]
    longer = regions.bounds(slow).seconds[:, 2] - usual
    assert (longer > 0).all()
    assert np.median(longer) > 0.02


def write_fiducials(root, number, notes=("QRS onset", "R peak", "QRS offset", "t-wave offset")):
    import wfdb

    folder = root / fiducials.FOLDER / "00000"
    folder.mkdir(parents=True, exist_ok=True)
    at = [r + step for r in range(400, 4600, 400) for step in (-30, 0, 35, 190)]
    wfdb.wrann(
        f"{number:05d}_points_global", "atr", np.array(at), symbol=["+"] * len(at), fs=500,
        aux_note=list(notes) * (len(at) // 4), write_dir=str(folder),
    )  # fmt: skip


def test_fiducials_of_ptb_xl_plus_count_where_they_are(records, tmp_path, monkeypatch):
    write_fiducials(tmp_path, 2)
    write_fiducials(tmp_path, 12)
    write_fiducials(tmp_path, 3)
    (tmp_path / fiducials.FOLDER / "00000/00003_points_global.atr").write_bytes(b"\x01\x02\x03")
    before = regions.bounds(records)
    monkeypatch.setenv(fiducials.VARIABLE, str(tmp_path))
    after = regions.bounds(records)
    for row in (1, 11):
        np.testing.assert_allclose(after.seconds[row], [-0.06, 0.07, 0.38])
        np.testing.assert_allclose(after.peaks[row], np.arange(0.8, 9.2, 0.8))
    others = [0, 2, 3]
    np.testing.assert_array_equal(after.seconds[others], before.seconds[others])
    assert regions.masks(records, ["QRS"])[-1].any()


def test_a_folder_without_fiducials_is_an_error_and_no_silence(records, tmp_path, monkeypatch):
    monkeypatch.setenv(fiducials.VARIABLE, str(tmp_path))
    with pytest.raises(CohortError, match="holds no fiducial_points/ecgdeli"):
        regions.masks(records, ["QRS"])


def test_the_error_against_cardiologists_ships_with_the_package_and_beats_fixed_windows():
    said = instrument.regions()
    assert said["of ST-T samples, cardiologists agree"] > 0.9
    assert said["median error of the T end in ms"] < 10
    record = instrument._read("report/data/regions.json")
    assert record["correction_s"] == list(regions.CORRECTION)
    usual = record["odd, usual windows"]
    for end in ("QRS onset", "QRS offset", "T end"):
        assert record["odd"][end]["median_absolute_error"] < usual[end]["median_absolute_error"]
