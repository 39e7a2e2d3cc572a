"""Arrays of one's own: every bad file must be refused with words that name the cause."""

import io
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from published_layout import synthetic_strip

from axis_audit.cohort import INDEPENDENT_LEADS, LEADS, waveform_hashes
from axis_audit.cohorts import open_cohort
from axis_audit.cohorts.beats import independent_rows, representative_beats
from axis_audit.errors import CohortError

STRIPS = np.stack([synthetic_strip(60 + 5 * i, seed=i)[0] for i in range(4)])
EIGHT = independent_rows()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXIS_AUDIT_CACHE", str(tmp_path / "cache"))


def written(tmp_path, **arrays):
    path = tmp_path / "mine.npz"
    np.savez(path, **{"signals": STRIPS, "rate": 100, **arrays})
    return str(path)


def opened(tmp_path, arrays=None, **options):
    return open_cohort(written(tmp_path, **(arrays or {})), progress=False, **options)


def median_beats():
    return np.stack([representative_beats(s[EIGHT], 100) for s in STRIPS])


def test_signals_and_rate_are_enough(tmp_path):
    cohort = opened(tmp_path)
    assert cohort.name == "mine"
    assert cohort.signals.shape == (4, 12, 120)
    np.testing.assert_allclose(cohort.signals, median_beats(), atol=2e-3)
    assert np.array_equal(cohort.signals[:, 2], cohort.signals[:, 1] - cohort.signals[:, 0])
    assert cohort.hashes.tolist() == waveform_hashes(STRIPS[:, EIGHT]).tolist()
    assert cohort.n_patients == 4
    assert np.isnan(cohort.age).all()


def test_all_columns_are_taken_and_the_cache_gives_the_same(tmp_path):
    columns = {
        "age": [50.0, 300.0, np.nan, 70.0],
        "patient_ids": [7.0, 7.0, 8.0, 9.0],
        "record_ids": ["a", "b", "c", "d"],
        "sex": ["F", "male", "", "unknown"],
        "site": ["x", "x", "y", "y"],
        "device": ["one"] * 4,
        "fold": [1, 1, 2, 2],
    }
    first, second = opened(tmp_path, columns), opened(tmp_path, columns)
    assert first.fingerprint == second.fingerprint
    assert first.patient_ids.tolist() == ["7", "7", "8", "9"]
    assert first.sex.tolist() == ["female", "male", "", ""]
    assert np.isnan(first.age).tolist() == [False, True, True, False]
    assert first.exclusions == {"age over 89 (coded 300)": 1}
    assert opened(tmp_path, columns, folds=(2,)).record_ids.tolist() == ["c", "d"]


def test_records_are_given_as_they_are_or_resampled(tmp_path):
    cohort = opened(tmp_path, kind="record")
    np.testing.assert_allclose(cohort.signals, STRIPS, atol=1e-6)
    faster = opened(tmp_path, kind="record", rate=250.0)
    assert (faster.rate, faster.signals.shape) == (250.0, (4, 12, 2500))


def test_eight_leads_in_any_order_are_enough_for_beats(tmp_path):
    order = [3, 1, 0, 2, 7, 6, 5, 4]
    leads = [INDEPENDENT_LEADS[i].lower() for i in order]
    cohort = opened(tmp_path, {"signals": STRIPS[:, np.array(EIGHT)[order]], "leads": leads})
    assert cohort.leads == LEADS
    assert np.array_equal(cohort.signals, opened(tmp_path).signals)


def test_beats_are_taken_as_they_are(tmp_path):
    beats = {"signals": median_beats(), "kind": "beat", "r_index": 40}
    cohort = opened(tmp_path, beats)
    assert cohort.r_index == 40
    assert np.array_equal(cohort.signals, beats["signals"])


def test_single_beats_of_one_record_share_its_id(tmp_path):
    cohort = opened(tmp_path, beats="single")
    assert len(cohort) > 4
    assert set(cohort.record_ids.tolist()) == {"0", "1", "2", "3"}


def with_strip(row, value):
    strips = STRIPS.copy()
    strips[row] = value
    return strips


@pytest.mark.parametrize("kind", ["beat", "record"])
@pytest.mark.parametrize(
    ("signals", "reason"),
    [
        (with_strip((1, 10), 0.0), "flat lead"),
        (with_strip((1, 10, 500), 12.0), "samples over 10 mV"),
        (with_strip(1, STRIPS[0]), "duplicate waveform"),
    ],
)
def test_unusable_records_are_left_out_and_counted(tmp_path, kind, signals, reason):
    cohort = opened(tmp_path, {"signals": signals}, kind=kind)
    assert cohort.exclusions == {reason: 1}
    assert cohort.record_ids.tolist() == ["0", "2", "3"]


BAD = {
    "unknown leads: V7": {"leads": [*LEADS[:11], "V7"]},
    "lead names repeat": {"leads": [*LEADS[:11], "I"]},
    "signals have shape (4, 12, 1000) for 2 leads": {"leads": ["I", "II"]},
    "signals have shape (12, 1000) for 12 leads": {"signals": STRIPS[0]},
    "signals have dtype": {"signals": STRIPS.astype("U4")},
    "signals are empty": {"signals": STRIPS[:0]},
    "1 records hold NaN or infinite samples, the first is row 2": {
        "signals": with_strip((2, 3, 4), np.nan)
    },
    "half of the records peak above": {"signals": STRIPS * 1000},
    "half of the records peak below": {"signals": STRIPS / 1000},
    "rate is 0": {"rate": 0},
    "rate is [100 100]": {"rate": [100, 100]},
    "rate is fast": {"rate": "fast"},
    "kind is 'strip'": {"kind": "strip"},
    "age has shape (3,) for 4 records": {"age": [1.0, 2.0, 3.0]},
    "age has dtype": {"age": ["50", "60", "70", "80"]},
    "ages lie outside": {"age": [50.0, 60.0, -3.0, 70.0]},
    "record id 'a' repeats": {"record_ids": ["a", "b", "a", "c"]},
    "patient_ids holds NaN or fractions": {"patient_ids": [1.0, 2.0, np.nan, 3.0]},
    "patient ids are empty": {"patient_ids": ["a", "", "b", "c"]},
    "sex holds '0'": {"sex": [0, 1, 0, 1]},
    "fold has dtype float64 or holds NaN": {"fold": [1.0, 2.0, np.nan, 1.0]},
    "holds unknown arrays: ages": {"ages": [1, 2, 3, 4]},
    "holds pickled objects": {"age": np.array([50, None, 60, 70], dtype=object)},
    "beats need the eight independent leads; V1, V2, V3, V4, V5, V6 missing": {
        "signals": STRIPS[:, :6],
        "leads": LEADS[:6],
    },
    "beats have 120 samples at 500 Hz and r_index 40": {
        "signals": STRIPS[:, :, :120], "kind": "beat", "rate": 500, "r_index": 40,
    },
    "beats have 120 samples at 100 Hz and r_index None": {
        "signals": STRIPS[:, :, :120], "kind": "beat",
    },
    "beats have 100 samples": {"signals": STRIPS[:, :, :100], "kind": "beat", "r_index": 40},
    "r_index is": {"signals": STRIPS[:, :, :120], "kind": "beat", "r_index": [40, 40]},
    "no record is usable: 4 x shorter than 3 s": {"signals": STRIPS[:, :, :200]},
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_a_bad_file_is_refused_with_its_cause_and_a_cure(tmp_path, message):
    with pytest.raises(CohortError, match=re.escape(message)) as caught:
        opened(tmp_path, BAD[message])
    assert caught.value.cure


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({}, {"folds": (1,)}, "has no folds"),
        ({"fold": [1, 1, 2, 2]}, {"folds": (3,)}, "folds 3 are not there; present: 1, 2"),
        (
            {"kind": "beat", "signals": STRIPS[:, :, :120]},
            {"kind": "record"},
            "holds beats, and records are asked for",
        ),
        ({}, {"rate": -100.0}, "rate: is -100"),
    ],
)
def test_what_the_file_cannot_give_is_refused(tmp_path, arrays, options, message):
    with pytest.raises(CohortError, match=re.escape(message)):
        opened(tmp_path, arrays, **options)


@pytest.mark.parametrize("missing", ["signals", "rate"])
def test_a_missing_key_is_named(tmp_path, missing):
    arrays = {"signals": STRIPS, "rate": 100}
    del arrays[missing]
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    with pytest.raises(CohortError, match=f"lacks {missing}; it holds"):
        open_cohort(str(path))


def raw(tmp_path, content):
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    return str(path)


def test_files_that_are_no_npz_are_refused(tmp_path):
    whole = Path(written(tmp_path)).read_bytes()
    single = io.BytesIO()
    np.save(single, STRIPS)
    for content in (whole[: len(whole) // 2], b"", b"text", single.getvalue(), pickle.dumps([1])):
        with pytest.raises(CohortError, match=r"is no \.npz file, or a truncated one"):
            open_cohort(raw(tmp_path, content))
    with pytest.raises(CohortError, match="does not exist"):
        open_cohort(str(tmp_path / "other.npz"))
    (tmp_path / "table.csv").touch()
    with pytest.raises(CohortError, match=r"is no \.npz file"):
        open_cohort(str(tmp_path / "table.csv"))


def test_a_corrupt_array_is_refused(tmp_path):
    whole = bytearray(Path(written(tmp_path)).read_bytes())
    whole[5000:5400] = bytes(400)
    with pytest.raises(CohortError, match="is damaged"):
        open_cohort(raw(tmp_path, bytes(whole)))
    path = tmp_path / "zip.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("signals.npy", b"not an array")
        archive.writestr("rate.npy", b"")
    with pytest.raises(CohortError, match=r"is no array|is damaged"):
        open_cohort(str(path))
