"""The reader of the CinC Challenges: comments of headers, lengths and rates, damage counted."""

from __future__ import annotations

import os

import numpy as np
import pytest
from cinc_layout import Record, record, write_cinc

from axis_audit.cohort import LEADS, waveform_hashes
from axis_audit.cohorts import open_cohort
from axis_audit.cohorts.beats import independent_rows
from axis_audit.cohorts.cinc import PTBXL_RECORD, facts_of, source_of
from axis_audit.errors import CohortError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("AXIS_AUDIT_CACHE", str(folder))
    return folder


WOMAN = "# Age: NaN\n# Sex: Female\n# Dx: 59118001, 164889003\n"
RECORDS = [
    record("A0001", "RBBB,AF"),
    record("A0002", comments=WOMAN, seconds=23.4),
    record("A0003", comments="#Age: 300\n#Sex: Unknown\n#Dx: Unknown\n"),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return write_cinc(tmp_path_factory.mktemp("cinc"), RECORDS)


def opened(root, kind="record", **options):
    return open_cohort(root, kind=kind, progress=False, **options)


def test_columns_come_out_as_the_headers_say(published):
    cohort = opened(published)
    assert (cohort.name, cohort.kind, cohort.rate, cohort.leads) == (
        "CinC CPSC 2018", "record", 100.0, LEADS,
    )  # fmt: skip
    assert cohort.record_ids.tolist() == ["cinc/A0001", "cinc/A0002", "cinc/A0003"]
    assert cohort.patient_ids.tolist() == cohort.record_ids.tolist()
    assert cohort.diagnoses[0] == {"RBBB": 100.0, "AF": 100.0}
    assert cohort.diagnoses[1] == {"59118001": 100.0, "164889003": 100.0}
    assert cohort.diagnoses[2] == {}
    assert cohort.age[0] == 74.0
    assert np.isnan(cohort.age[1:]).all()
    assert cohort.exclusions == {"age over 89 (coded 300)": 1}
    assert cohort.sex.tolist() == ["male", "female", ""]
    assert set(cohort.site.tolist()) == {"CPSC 2018"}
    assert set(cohort.fold.tolist()) == {-1}


def test_every_record_is_its_first_ten_seconds_at_the_rate_asked_for(published):
    slow, fast = opened(published), opened(published, rate=500)
    assert (slow.signals.shape, fast.signals.shape) == ((3, 12, 1000), (3, 12, 5000))
    strips = np.stack([one.strip[:, :5000] for one in RECORDS])
    np.testing.assert_allclose(fast.signals, strips, atol=1.1e-3)
    assert np.abs(slow.signals - strips[:, :, ::5]).mean() < 0.02
    raw = np.rint(strips * 1000) / 1000
    assert fast.hashes.tolist() == waveform_hashes(raw[:, independent_rows()]).tolist()
    assert slow.hashes.tolist() == fast.hashes.tolist()


def test_any_rate_of_the_challenges_is_resampled(tmp_path):
    records = [record("I0001", rate=257.0, seconds=30.0), record("S0001", rate=1000.0)]
    cohort = opened(write_cinc(tmp_path, records))
    assert cohort.signals.shape == (2, 12, 1000)
    assert cohort.site.tolist() == ["INCART", "PTB"]


def test_short_records_give_beats_but_no_record(tmp_path):
    write_cinc(tmp_path, [record("A0001"), record("A0002", seconds=6.0)])
    assert opened(tmp_path).exclusions == {"shorter than 10 s": 1}
    beats = opened(tmp_path, "beat")
    assert beats.signals.shape == (2, 12, 120)
    cycles = opened(tmp_path, "cycle")
    assert cycles.kind == "cycle"
    assert set(cycles.record_ids.tolist()) == {"cinc/A0001", "cinc/A0002"}


def test_nested_folders_are_found_and_names_used_twice_stay_apart(tmp_path):
    names = ["training/georgia/g1/E00001", "training/georgia/g2/E00002", "mine/E00001"]
    records = [record(name) for name in names]
    cohort = opened(write_cinc(tmp_path, records))
    assert sorted(cohort.record_ids.tolist()) == [
        "cinc/E00002", "cinc/mine/E00001", "cinc/training/georgia/g1/E00001",
    ]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_linked_folders_are_followed_once(tmp_path):
    write_cinc(tmp_path / "elsewhere", [record("E00001")])
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(root)
    assert len(opened(root)) == 1


def test_damage_is_counted_by_its_reason(tmp_path):
    nan, huge, flat = (record(f"E0000{i}") for i in (1, 2, 3))
    nan.strip[3, 100:110] = np.nan
    huge.strip[0, 50] = 25.0
    flat.strip[8] = 0.0
    records = [
        nan, huge, flat, Record("E00004", None), record("E00005", leads=LEADS[:-1]),
        record("E00006", unit="mmHg"), record("E00007"), record("E00008"),
    ]  # fmt: skip
    write_cinc(tmp_path, records)
    (tmp_path / "E00007.mat").write_bytes(b"short")
    cohort = opened(tmp_path)
    assert cohort.record_ids.tolist() == ["cinc/E00008"]
    assert cohort.exclusions == {
        "NaN samples": 1, "samples over 10 mV": 1, "flat lead": 1, "file missing": 1,
        "missing leads": 1, "units are not volts": 1, "file unreadable": 1,
    }  # fmt: skip


def test_a_header_without_sense_is_a_record_left_out(tmp_path):
    write_cinc(tmp_path, [record("E00001")])
    (tmp_path / "E00002.hea").write_bytes(b"\xff\x00 no header #Dx: 1")
    assert opened(tmp_path).exclusions == {"file unreadable": 1}


def test_the_same_waveform_under_two_names_is_one_record(tmp_path):
    first = record("E00001")
    write_cinc(tmp_path, [first, Record("E00002", first.strip)])
    assert opened(tmp_path).exclusions == {"duplicate waveform": 1}


def test_records_of_ptb_xl_are_left_to_ptb_xl(tmp_path):
    write_cinc(tmp_path, [record("HR00001"), record("E00001")])
    cohort = opened(tmp_path)
    assert cohort.exclusions == {PTBXL_RECORD: 1}
    (tmp_path / "E00001.hea").unlink()
    with pytest.raises(CohortError, match="read it from PTB-XL"):
        opened(tmp_path)


def test_folds_are_refused_and_nothing_usable_is_said(published, tmp_path):
    with pytest.raises(CohortError, match="no folds"):
        opened(published, folds=(1,))
    write_cinc(tmp_path, [record("A0001", seconds=4.0)])
    with pytest.raises(CohortError, match="no record is usable: 1 x shorter than 10 s"):
        opened(tmp_path)


def test_headers_without_diagnoses_are_no_known_layout(tmp_path):
    write_cinc(tmp_path, [record("A0001", comments="#Age: 3\n")])
    with pytest.raises(CohortError, match="no known layout"):
        opened(tmp_path)


def test_a_changed_header_is_read_anew_and_an_unchanged_one_is_not(published, monkeypatch):
    first = opened(published)
    monkeypatch.setattr(
        "axis_audit.cohorts.cinc.facts_of", lambda text: pytest.fail("read although cached")
    )
    again = opened(published)
    assert again.fingerprint == first.fingerprint
    assert again.diagnoses == first.diagnoses
    monkeypatch.undo()
    write_cinc(published, [record("A0001", "Normal")])
    assert opened(published).diagnoses[0] == {"Normal": 100.0}


@pytest.mark.parametrize(
    ("text", "age", "sex", "codes"),
    [
        ("#Age: 57\n#Sex: F\n#Dx: 1, 2,1\n", 57.0, "female", ("1", "2")),
        ("# Age: -3\n# Sex: NaN\n# Dx: NaN\n", np.nan, "", ()),
        ("#Age: 1e400\n#Dx: 1\n#Dx: 2\n", np.nan, "", ("1", "2")),
        ("#Age:\n#Dx: ,,\n", np.nan, "", ()),
        ("", np.nan, "", ()),
    ],
)
def test_comments_give_what_they_say_and_no_more(text, age, sex, codes):
    found = facts_of(text)
    np.testing.assert_equal(found.age, age)
    assert found[1:] == (sex, codes)


def test_names_tell_sources():
    told = {name: source_of(name) for name in ("A6877", "Q3581", "JS45551", "E10344", "MUSE1")}
    assert told == {
        "A6877": "CPSC 2018", "Q3581": "CPSC extra", "JS45551": "Chapman-Shaoxing or Ningbo",
        "E10344": "Georgia", "MUSE1": "",
    }  # fmt: skip
