"""The PTB-XL reader: every trap of the published files must be handled and counted."""

import re

import numpy as np
import pytest
from published_layout import Recording, ordinary, synthetic_strip, write_ptbxl, write_table

from axis_audit.cohort import LEADS, waveform_hashes
from axis_audit.cohorts import open_cohort
from axis_audit.cohorts.beats import independent_rows
from axis_audit.errors import CohortError

ORDINARY = [ordinary(1), ordinary(2, sex=0, age=44.0), ordinary(3, fold=2)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("AXIS_AUDIT_CACHE", str(folder))
    return folder


def opened(root, *recordings, **options):
    write_ptbxl(root, [*ORDINARY, *recordings])
    return open_cohort(str(root), progress=False, **options)


def changed(recording, strip=None, **fields):
    made = ordinary(recording, **fields)
    return made if strip is None else Recording(recording, 11000 + recording, strip, **fields)


def test_columns_come_out_as_published(tmp_path):
    cohort = opened(tmp_path)
    assert cohort.signals.shape == (3, 12, 120)
    assert (cohort.kind, cohort.rate, cohort.r_index) == ("beat", 100.0, 40)
    assert cohort.scope == "recorded"
    assert cohort.record_ids.tolist() == ["ptb-xl/1", "ptb-xl/2", "ptb-xl/3"]
    assert cohort.patient_ids.tolist() == ["ptb-xl/11001", "ptb-xl/11002", "ptb-xl/11003"]
    assert cohort.age.tolist() == [60.0, 44.0, 60.0]
    assert cohort.sex.tolist() == ["female", "male", "female"]
    assert cohort.site.tolist() == ["2"] * 3
    assert cohort.device.tolist() == ["CS-12   E"] * 3
    assert cohort.fold.tolist() == [1, 1, 2]
    assert cohort.diagnoses[0] == {"NORM": 100.0, "SR": 0.0}
    assert cohort.exclusions == {}


def test_beats_obey_einthoven_exactly_and_stand_at_the_r_index(tmp_path):
    signals = opened(tmp_path).signals
    assert np.array_equal(signals[:, 2], signals[:, 1] - signals[:, 0])
    magnitude = np.sqrt(np.mean(signals[:, independent_rows(), 20:60] ** 2, axis=1))
    assert (magnitude.argmax(axis=1) + 20 == 40).all()


def test_hashes_are_of_the_raw_strip_whatever_is_made_of_it(tmp_path):
    raw = np.rint(np.stack([r.strip for r in ORDINARY]) * 1000) / 1000
    expected = waveform_hashes(raw[:, independent_rows()])
    for options in ({}, {"beats": "single"}, {"kind": "record"}):
        cohort = opened(tmp_path, **options)
        assert set(cohort.hashes.tolist()) == set(expected.tolist())


def test_records_are_the_strips_themselves(tmp_path):
    cohort = opened(tmp_path, kind="record")
    assert (cohort.kind, cohort.rate, cohort.leads) == ("record", 100.0, LEADS)
    np.testing.assert_allclose(cohort.signals[0], ORDINARY[0].strip, atol=5.1e-4)


def test_single_beats_share_their_record(tmp_path):
    cohort = opened(tmp_path, beats="single", per_record=4)
    assert len(cohort) == 12
    assert cohort.record_ids.tolist() == np.repeat([f"ptb-xl/{i}" for i in (1, 2, 3)], 4).tolist()
    assert len(cohort.one_per_patient()) == 3


def test_age_300_is_censored_and_a_missing_age_is_missing(tmp_path):
    cohort = opened(tmp_path, ordinary(4, age=300), ordinary(5, age=""))
    assert np.isnan(cohort.age[np.isin(cohort.record_ids, ["ptb-xl/4", "ptb-xl/5"])]).all()
    assert np.isnan(cohort.age).sum() == 2
    assert cohort.exclusions == {"age over 89 (coded 300)": 1}


def with_value(lead, sample, value):
    strip, _ = synthetic_strip(66, seed=9)
    strip[lead, sample] = value
    return strip


UNUSABLE = {
    "flat lead": lambda: changed(9, with_value(10, slice(None), 0.0)),
    "samples over 10 mV": lambda: changed(9, with_value(7, 300, 11.0)),
    "NaN samples": lambda: changed(9, with_value(7, slice(300, 310), np.nan)),
    "file missing": lambda: Recording(9, 11009, None),
    "duplicate waveform": lambda: changed(9, ORDINARY[0].strip),
    "missing leads": lambda: ordinary(9, names=LEADS[:11]),
    "units are not volts": lambda: ordinary(9, unit="mmHg"),
    "shorter than 3 s": lambda: changed(9, synthetic_strip(66, seed=9, seconds=2.5)[0]),
    "fewer than 3 beats are neither ectopic nor noisy": lambda: changed(
        9, np.random.default_rng(1).normal(0, 0.2, (12, 1000))
    ),
    "file missing ": lambda: ordinary(9, extra={"filename_lr": ""}),
    "file outside the data set": lambda: ordinary(9, extra={"filename_lr": "../elsewhere/1_lr"}),
}


@pytest.mark.parametrize("reason", UNUSABLE)
def test_a_record_that_cannot_be_used_is_left_out_and_counted(tmp_path, reason):
    cohort = opened(tmp_path, UNUSABLE[reason]())
    assert cohort.exclusions == {reason.strip(): 1}
    assert cohort.record_ids.tolist() == ["ptb-xl/1", "ptb-xl/2", "ptb-xl/3"]


def test_a_record_of_another_length_is_left_out_of_records_only(tmp_path):
    short = changed(9, synthetic_strip(66, seed=9, seconds=8)[0])
    assert opened(tmp_path, short, kind="record").exclusions == {"unusual length or rate": 1}
    assert opened(tmp_path, short).exclusions == {}


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b""])
def test_truncated_samples_and_headers_are_counted(tmp_path, damage):
    write_ptbxl(tmp_path, [*ORDINARY, ordinary(4), ordinary(5)])
    for name in ("00004_lr.dat", "00005_lr.hea"):
        path = tmp_path / "records100/00000" / name
        path.write_bytes(damage(path.read_bytes()))
    cohort = open_cohort(str(tmp_path), progress=False)
    assert cohort.exclusions == {"file unreadable": 2}


def test_leads_in_another_order_are_put_right(tmp_path):
    names = (*reversed(LEADS[6:]), "avf", "AVL", "avr", "III", "ii", "I")
    both = [ordinary(7, names=names), ordinary(7)]
    got = []
    for i, recording in enumerate(both):
        write_ptbxl(tmp_path / str(i), [recording])
        got.append(open_cohort(str(tmp_path / str(i)), progress=False))
    assert np.array_equal(got[0].signals, got[1].signals)
    assert got[0].hashes.tolist() == got[1].hashes.tolist()


def test_microvolts_become_millivolts(tmp_path):
    cohorts = []
    for unit in ("mV", "uV"):
        write_ptbxl(tmp_path / unit, [ordinary(1, unit=unit)])
        cohorts.append(open_cohort(str(tmp_path / unit), progress=False))
    assert np.array_equal(cohorts[0].signals, cohorts[1].signals)
    assert cohorts[0].hashes.tolist() == cohorts[1].hashes.tolist()


def test_500_hz_recordings_give_the_same_beats(tmp_path):
    write_ptbxl(tmp_path, [ordinary(1, rate=500.0)])
    fast = open_cohort(str(tmp_path), rate=500, progress=False)
    write_ptbxl(tmp_path, [ordinary(1)])
    slow = open_cohort(str(tmp_path), progress=False)
    assert fast.rate == 100.0
    assert np.abs(fast.signals - slow.signals).max() < 0.1
    assert open_cohort(str(tmp_path), rate=500, kind="record", progress=False).rate == 500.0


def test_a_diagnosis_cell_that_is_no_dictionary_runs_nothing(tmp_path):
    cohort = opened(tmp_path, ordinary(4, fold=2, scp_codes="__import__('os').abort()"))
    assert cohort.diagnoses[3] == {}


def test_patients_are_sampled_whole_and_repeatably(tmp_path):
    more = [Recording(i, 11001 + i % 3, synthetic_strip(70, seed=i)[0]) for i in range(20, 26)]
    one = opened(tmp_path, *more, patients=2, seed=3)
    again = opened(tmp_path, *more, patients=2, seed=3)
    everyone = opened(tmp_path, *more)
    assert one.n_patients == 2
    assert one.fingerprint == again.fingerprint
    assert len(one) == np.isin(everyone.patient_ids, one.patient_ids).sum()


def refused(root, message, **options):
    with pytest.raises(CohortError, match=re.escape(message)) as caught:
        open_cohort(str(root), progress=False, **options)
    assert caught.value.cure


def test_folds_that_are_not_there_are_named_with_those_that_are(tmp_path):
    write_ptbxl(tmp_path, ORDINARY)
    assert open_cohort(str(tmp_path), folds=(2,), progress=False).fold.tolist() == [2]
    refused(tmp_path, "folds 9, 10 are not there; present: 1, 2", folds=(1, 9, 10))


def test_a_rate_that_is_not_published_is_refused(tmp_path):
    write_ptbxl(tmp_path, ORDINARY)
    refused(tmp_path, "PTB-XL has no recordings at 250 Hz", rate=250)


def table_of(root):
    write_table(root, ORDINARY)
    return root / "ptbxl_database.csv"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("patient_id", "person"), "columns are missing: patient_id"),
        (lambda text: text.replace("strat_fold,", ""), "columns are missing: strat_fold"),
        (lambda text: text.replace("11002.0", "eleven"), "is not the published table"),
        (lambda text: text.replace("11002.0", ""), "is not the published table"),
        (lambda text: text.splitlines()[0], "holds no records"),
        (lambda _: "", "is not the published table"),
        (lambda text: text + text.splitlines()[1], "ecg_id 1 stands in more than one row"),
        (lambda _: "\x00\x01\x02", "columns are missing: ecg_id"),
    ],
)
def test_a_table_that_is_not_the_published_one_is_refused(tmp_path, spoil, message):
    path = table_of(tmp_path)
    path.write_text(spoil(path.read_text()))
    refused(tmp_path, message)


def test_a_table_of_bytes_is_refused(tmp_path):
    table_of(tmp_path).write_bytes(b"ecg_id,\xff\xfe\x80patient_id\n")
    refused(tmp_path, "is not the published table")


def test_no_usable_record_is_an_error_that_counts_the_reasons(tmp_path):
    table_of(tmp_path)
    refused(tmp_path, "no record is usable: 3 x file missing")


def test_a_folder_of_something_else_lists_the_known_layouts(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    refused(tmp_path, "no known layout; it holds holiday.jpg")
    with pytest.raises(CohortError, match=r"ptbxl_database\.csv.*\.npz.*atlas"):
        open_cohort(str(tmp_path))
    refused(tmp_path / "nowhere", "does not exist")


@pytest.mark.parametrize(
    "options", [{"kind": "beats"}, {"beats": "mean"}, {"per_record": 0}, {"patients": 0}]
)
def test_options_that_mean_nothing_are_refused(tmp_path, options):
    refused(tmp_path, next(iter(options)), **options)
