"""The LUDB reader: gains that lie, ages with newlines, beats that experts marked, damaged files."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ludb_layout import COLUMNS, Person, person, write_ludb
from published_layout import synthetic_strip

from axis_audit.cohort import LEADS, waveform_hashes
from axis_audit.cohorts import open_cohort
from axis_audit.cohorts.beats import independent_rows
from axis_audit.errors import CohortError

SECOND = {"Extrasystolies": "Ventricular extrasystole, type: single pvc\nAtrial extrasystole"}
PEOPLE = [
    person(1), person(2, age=">89\n", sex="M\n"), person(30, age="", cells=SECOND)
]  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("AXIS_AUDIT_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return write_ludb(tmp_path_factory.mktemp("ludb"), PEOPLE)


def opened(root, kind="beat", **options):
    return open_cohort(root, kind=kind, progress=False, **options)


def test_columns_come_out_as_published(published):
    cohort = opened(published)
    assert (cohort.name, cohort.kind, cohort.rate, cohort.r_index) == ("LUDB", "beat", 100.0, 40)
    assert cohort.signals.shape == (3, 12, 120)
    assert cohort.record_ids.tolist() == cohort.patient_ids.tolist()
    assert cohort.record_ids.tolist() == ["ludb/1", "ludb/2", "ludb/30"]
    assert cohort.age[0] == 51.0
    assert np.isnan(cohort.age[1:]).all()
    assert cohort.exclusions == {"age over 89 (coded 300)": 1}
    assert cohort.sex.tolist() == ["female", "male", "female"]
    assert cohort.diagnoses[0] == {"sinus rhythm": 100.0}
    assert cohort.diagnoses[2] == {
        "sinus rhythm": 100.0,
        "ventricular extrasystole, type: single pvc": 100.0,
        "atrial extrasystole": 100.0,
    }


def test_stored_units_are_microvolts_whatever_gain_the_header_states(published):
    cohort = opened(published, "record", rate=500)
    assert (cohort.kind, cohort.rate, cohort.leads) == ("record", 500.0, LEADS)
    strips = np.stack([one.strip for one in PEOPLE])
    np.testing.assert_allclose(cohort.signals, strips, atol=5.1e-4)
    raw = np.rint(strips * 1000) / 1000
    assert cohort.hashes.tolist() == waveform_hashes(raw[:, independent_rows()]).tolist()


def test_records_come_at_the_rate_asked_for_and_hash_alike(published):
    slow, fast = opened(published, "record", rate=100), opened(published, "record", rate=500)
    assert (slow.rate, slow.signals.shape) == (100.0, (3, 12, 1000))
    assert slow.hashes.tolist() == fast.hashes.tolist()
    expected = np.stack([synthetic_strip(60 + n % 30, 100.0, noise=0)[0] for n in (1, 2, 30)])
    assert np.median(np.abs(slow.signals - expected)) < 0.02


def test_cycles_are_of_the_marked_beats_alone(published, tmp_path):
    cohort = opened(published, "cycle", per_record=99)
    assert (cohort.kind, cohort.rate, cohort.r_index) == ("cycle", 400.0, 160)
    assert cohort.signals.shape[1:] == (12, 400)
    few = person(1, unmarked=(0, 1, 4, -1))
    whole = int((cohort.record_ids == "ludb/1").sum())
    fewer = opened(write_ludb(tmp_path, [few]), "cycle", per_record=99)
    # its median R-R interval is the same, since most neighbours are still marked
    assert np.allclose(fewer.seconds, cohort.seconds[0], atol=0.01)
    assert whole - len(fewer) == 2


def test_a_beat_unmarked_in_lead_ii_is_taken_from_the_others(published, tmp_path):
    nobody = {"II": ([600], ["("])}
    cohort = opened(write_ludb(tmp_path, [person(1, marks=nobody)]), "cycle", per_record=99)
    usual = opened(published, "cycle", per_record=99)
    rows = usual.record_ids == "ludb/1"
    np.testing.assert_array_equal(cohort.signals, usual.signals[rows])


def test_a_second_start_reads_no_recording(published, monkeypatch):
    first = opened(published, "cycle")
    monkeypatch.setattr("axis_audit.cohorts.ludb.read_adc", lambda *_: pytest.fail("read again"))
    again = opened(published, "cycle")
    assert first.fingerprint == again.fingerprint
    assert again.seconds is not None


def test_damage_is_counted_out_with_a_reason(tmp_path):
    people = [person(n) for n in (1, 2, 3, 4, 5, 6)] + [Person(7, None, np.array([500]))]
    root = write_ludb(tmp_path, people)
    (root / "data/2.v3").write_bytes(b"\xff" * 37)
    (root / "data/3.ii").unlink()
    (root / "data/4.dat").write_bytes(b"\0" * 100)
    samples = (root / "data/5.dat").read_bytes()
    (root / "data/5.dat").write_bytes(samples[:24000] + b"\x00\x80" * 12 + samples[24024:])
    (root / "data/6.hea").write_text("6 12 0 5000\n")
    cohort = opened(root, "cycle")
    assert set(cohort.record_ids.tolist()) == {"ludb/1"}
    assert cohort.exclusions == {
        "annotation file damaged": 1, "annotation file missing": 1, "file unreadable": 2,
        "NaN samples": 1, "file missing": 1,
    }  # fmt: skip
    assert set(opened(root).record_ids.tolist()) == {"ludb/1", "ludb/2", "ludb/3"}


def test_too_few_marks_leave_no_cycle(tmp_path):
    alone = person(2)
    alone.unmarked = (0, *range(2, len(alone.peaks)))
    root = write_ludb(tmp_path, [person(1), alone])
    assert opened(root, "cycle").exclusions == {"fewer than 3 beats detected": 1}


def test_folds_are_refused(published):
    with pytest.raises(CohortError, match="LUDB has no folds"):
        opened(published, folds=(1,))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda t: t.replace("Rhythms", "Rhythm"), "columns are missing: Rhythms"),
        (lambda t: t.replace("\n1,", "\n1.5,"), "ID 1.5 is not a record's number"),
        (lambda t: t.replace("\n2,", "\n1,"), "ID 1 stands in more than one row"),
        (lambda t: t.replace("\n1,", "\n../../etc/passwd,"), "is not the published table"),
        (lambda t: t.replace("51", "511"), "an age is 511"),
        (lambda t: t.replace("51", "old"), "is not the published table"),
        (lambda t: t.replace("51", "inf"), "an age is inf"),
        (lambda _: ",".join(COLUMNS), "holds no records"),
        (lambda _: "", "is not the published table"),
    ],
)
def test_a_damaged_table_is_refused_by_name(tmp_path, damage, told):
    root = write_ludb(tmp_path, [person(1), Person(2, None, np.array([500]))])
    table = root / "ludb.csv"
    table.write_text(damage(table.read_text()))
    with pytest.raises(CohortError, match=re.escape(told)) as refused:
        opened(root)
    assert "ludb.csv" in str(refused.value)


def test_no_usable_record_says_why(tmp_path):
    root = write_ludb(tmp_path, [Person(1, None, np.array([500]))])
    with pytest.raises(CohortError, match="no record is usable: 1 x file missing"):
        opened(root)
