"""The cache: a stale or damaged entry served silently would audit the wrong recordings."""

import os
import subprocess
import sys
import time

import pytest
from published_layout import ordinary, synthetic_strip, write_ptbxl

from axis_audit.cohorts import cache, open_cohort, prepare, ptbxl, workers

RECORDINGS = [ordinary(1), ordinary(2), ordinary(3, fold=2)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path, folder):
    return write_ptbxl(tmp_path / "ptb-xl", RECORDINGS)


@pytest.fixture
def reads(monkeypatch):
    """Names of the recordings read from the source."""
    seen = []
    original = ptbxl.read_strip

    def counting(root, name):
        seen.append(name)
        return original(root, name)

    monkeypatch.setattr(ptbxl, "read_strip", counting)
    return seen


def opened(source, **options):
    return open_cohort(str(source), progress=False, **options)


def test_the_second_start_reads_no_recording(source, reads):
    first = opened(source)
    assert len(reads) == 3
    second = opened(source)
    assert len(reads) == 3
    assert first.fingerprint == second.fingerprint
    assert first.diagnoses == second.diagnoses
    assert first.exclusions == second.exclusions


def test_each_fold_is_an_entry_of_its_own(source, reads, folder):
    opened(source, folds=(1,))
    assert len(reads) == 2
    opened(source)
    assert len(reads) == 3
    assert len(list(folder.glob("*.npz"))) == 2


def test_other_preparations_are_other_entries(source, reads):
    for options in (
        {},
        {"beats": "single"},
        {"beats": "single", "per_record": 2},
        {"kind": "record"},
    ):
        opened(source, **options)
    assert len(reads) == 12


def test_a_changed_recording_is_prepared_again(source, reads):
    before = opened(source)
    replaced = ordinary(2)
    replaced.strip = synthetic_strip(90, seed=5)[0]
    time.sleep(0.01)
    write_ptbxl(source, [RECORDINGS[0], replaced, RECORDINGS[2]])
    after = opened(source)
    assert before.fingerprint != after.fingerprint


def test_a_touched_recording_is_prepared_again(source, reads):
    opened(source)
    os.utime(source / "records100/00000/00003_lr.dat", ns=(1, 1))
    opened(source)
    assert reads.count("records100/00000/00003_lr") == 2
    assert reads.count("records100/00000/00001_lr") == 1


def test_a_changed_table_is_noticed(source, reads):
    opened(source)
    table = source / "ptbxl_database.csv"
    table.write_text(table.read_text().replace("60.0", "61.0"))
    assert opened(source).age.tolist() == [61.0] * 3


def test_a_new_version_of_the_preparation_is_noticed(source, reads, monkeypatch):
    opened(source)
    monkeypatch.setattr(prepare, "PREPARATION_VERSION", "test")
    opened(source)
    assert len(reads) == 6


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[: len(b) // 2],
        lambda b: b"",
        lambda b: b[:3000] + bytes(200) + b[3200:],
        lambda b: b"\x80\x04pickle" + b[9:],
    ],
    ids=["truncated", "empty", "overwritten", "not a zip"],
)
def test_a_damaged_entry_is_made_again(source, reads, folder, damage):
    before = opened(source)
    for entry in folder.glob("*.npz"):
        entry.write_bytes(damage(entry.read_bytes()))
    with pytest.warns(UserWarning, match="damaged cache entry"):
        after = opened(source)
    assert len(reads) == 6
    assert before.fingerprint == after.fingerprint
    opened(source)
    assert len(reads) == 6


def test_a_folder_that_cannot_be_written_only_warns(source, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file" / "inside"))
    with pytest.warns(UserWarning, match="cannot be cached"):
        assert len(opened(source)) == 3


def test_no_half_written_entry_is_left(source, folder):
    opened(source)
    assert not list(folder.glob("*.partial"))


def test_two_processes_give_the_same_rows_as_one(source, monkeypatch, folder, capsys):
    alone = opened(source)
    for entry in folder.glob("*.npz"):
        entry.unlink()
    monkeypatch.setattr(workers, "FEWEST_FOR_WORKERS", 1)
    monkeypatch.setattr(workers, "CHUNK", 1)
    together = open_cohort(str(source), progress=True)
    assert alone.fingerprint == together.fingerprint
    printed = capsys.readouterr()
    assert "preparing recordings" in printed.err
    assert printed.out == ""


def test_a_script_without_a_guard_is_not_run_again_by_the_workers(source, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "print('started')\n"
        "from axis_audit.cohorts import open_cohort, workers\n"
        "workers.FEWEST_FOR_WORKERS = workers.CHUNK = 1\n"
        f"print(len(open_cohort({str(source)!r}, progress=False)))\n"
    )
    run = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["started", "3"]
    assert run.stderr == ""


def test_preparing_loads_no_torch(source, tmp_path):
    code = (
        "import sys; from axis_audit.cohorts import open_cohort; "
        "assert not {'scipy', 'pandas', 'torch'} & set(sys.modules); "
        "open_cohort(sys.argv[1], progress=False); "
        "assert not {'torch', 'sklearn', 'pytest'} & set(sys.modules)"
    )
    run = [sys.executable, "-c", code, str(source)]
    subprocess.run(run, check=True, env={**os.environ}, capture_output=True)


def test_the_platform_names_the_folder_by_default(monkeypatch):
    monkeypatch.delenv(cache.CACHE_VARIABLE, raising=False)
    assert "axis-audit" in str(cache.cache_folder())
