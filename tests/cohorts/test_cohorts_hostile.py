"""Tables, headers and arrays whose numbers would take the memory, the disk or the audit along."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from published_layout import Recording, ordinary, synthetic_strip, write_ptbxl

from axis_audit.cohorts import open_cohort
from axis_audit.errors import CohortError

STRIPS = np.stack([synthetic_strip(60 + 5 * i, seed=i)[0] for i in range(3)])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXIS_AUDIT_CACHE", str(tmp_path / "cache"))


def refused(path: Path, message: str, **options) -> None:
    with pytest.raises(CohortError) as caught:
        open_cohort(path, progress=False, **options)
    assert message in str(caught.value)
    assert caught.value.cure


def _claims(shape: str) -> bytes:
    """A .npy of 36 strips' header and no more numbers than fit in it."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(400)


def _zip(path: Path, how: int, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def _npy(values) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def test_an_array_that_claims_more_than_it_has_takes_no_memory(tmp_path) -> None:
    members = {"signals": _claims("(1000000, 12, 1000000)"), "rate": _npy(100)}
    refused(_zip(tmp_path / "a.npz", zipfile.ZIP_STORED, **members), "claims 48000000000000 bytes")


def test_an_array_that_unpacks_without_end_is_refused(tmp_path) -> None:
    members = {"signals": _npy(np.zeros((2, 12, 4 * 10**6), np.float32)), "rate": _npy(100)}
    refused(_zip(tmp_path / "a.npz", zipfile.ZIP_DEFLATED, **members), "no recording does")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"rate": 1e-5}, "rate is 1e-05"),
        ({"rate": 1e9}, "rate is 1000000000.0"),
        ({"fold": [1.5, 2, 3]}, "holds NaN or fractions"),
        ({"patient_ids": [1e300, 2, 3]}, "beyond 2^53"),
        ({"patient_ids": [b"\xff", b"a", b"b"]}, "patient_ids has dtype"),
        ({"site": [1j, 2, 3]}, "site has dtype"),
        ({"rate": np.array(100, "M8[s]")}, "rate has dtype datetime64"),
        ({"age": [1e300, 50, 60]}, "age reaches beyond"),
        ({"signals": STRIPS * np.array([1, 1, 1e200])[:, None, None]}, "reach beyond 1e6"),
        (
            {"sex": np.frombuffer(struct.pack("<3I", 0x11000066, 66, 67), "<U1")},
            "sex holds no text",
        ),
        ({"site": np.frombuffer(struct.pack("<3I", 0xD800, 66, 67), "<U1")}, "site holds no text"),
    ],
)
def test_numbers_that_cannot_be_are_refused(tmp_path, columns, message) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, **{"signals": STRIPS, "rate": 100, **columns})
    refused(path, message, kind="record")


def test_half_precision_is_read_without_a_warning(tmp_path) -> None:
    half = {name: np.arange(3, dtype=np.float16) for name in ("patient_ids", "fold", "age")}
    np.savez(tmp_path / "mine.npz", signals=STRIPS.astype(np.float16), rate=100, **half)
    cohort = open_cohort(tmp_path / "mine.npz", kind="record", progress=False)
    assert cohort.patient_ids.tolist() == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (" 1000\n", " 1000000000000\n", "file unreadable"),
        (" 12 100 ", " 1000000000 100 ", "file unreadable"),
        (" 16 ", " 16x1000000000 ", "file unreadable"),
        (" 16 ", " 16:9999999999 ", "file unreadable"),
        (" 100 ", " 0.00001 ", "unusual length or rate"),
        (" 100 ", " 999999999 ", "unusual length or rate"),
        ("00009_lr 12", "00009_lr/2 12", "file unreadable"),
        ("00009_lr.dat", "/dev/zero", "file unreadable"),
        ("00009_lr.dat", "../00000/00001_lr.dat", "file unreadable"),
    ],
)
def test_a_header_that_promises_too_much_is_left_out(tmp_path, old, new, reason) -> None:
    write_ptbxl(tmp_path, [ordinary(1), ordinary(9)])
    path = tmp_path / "records100/00000/00009_lr.hea"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert open_cohort(tmp_path, progress=False).exclusions == {reason: 1}


def test_a_gain_of_zero_warns_nobody_and_is_left_out(tmp_path) -> None:
    write_ptbxl(tmp_path, [ordinary(1), ordinary(9)])
    path = tmp_path / "records100/00000/00009_lr.hea"
    path.write_text(path.read_text().replace(" 1000.0(0)/mV", " 1e-300(0)/mV"))
    (reason,) = open_cohort(tmp_path, progress=False).exclusions
    assert reason in ("NaN samples", "samples over 10 mV", "file unreadable")


@pytest.mark.parametrize("column", ["ecg_id", "patient_id", "strat_fold"])
@pytest.mark.parametrize("value", ["1.5", "1e300", "inf", "-inf"])
def test_a_table_with_impossible_ids_is_refused(tmp_path, column, value) -> None:
    write_ptbxl(tmp_path, [ordinary(1), ordinary(2, extra={column: value})])
    refused(tmp_path, "is not the published table")


@pytest.mark.parametrize("codes", ["-" * 9000 + "1", "{'A': " + "9" * 400 + "}", "[" * 300])
def test_diagnoses_that_overflow_are_none(tmp_path, codes) -> None:
    write_ptbxl(tmp_path, [ordinary(1), ordinary(2, scp_codes=codes)])
    assert open_cohort(tmp_path, progress=False).diagnoses[1] == {}


def test_a_file_name_with_a_nul_is_left_out(tmp_path) -> None:
    from axis_audit.cohorts.strips import inside

    assert not inside("records100/\0/00001_lr")
    recording = Recording(9, 109, None, extra={"filename_lr": "/etc/passwd"})
    write_ptbxl(tmp_path, [ordinary(1), recording])
    assert open_cohort(tmp_path, progress=False).exclusions == {"file outside the data set": 1}
