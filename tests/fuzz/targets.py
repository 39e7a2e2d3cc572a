"""What is fuzzed: a base input, the damage done to it, and what a sound result looks like."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.fuzz import mutations as m

Case = Sequence[tuple[str, m.Mutation]]
"""File below the folder -> what is done to it."""


@dataclass
class Target:
    """`prepare` writes the base files; `open` reads them after damage and checks what it got."""

    prepare: Callable[[Path], None]
    cases: st.SearchStrategy[Case]
    open: Callable[[Path], Any]


def _several(
    file: st.SearchStrategy[str], mutation: st.SearchStrategy[m.Mutation]
) -> st.SearchStrategy[Case]:
    return st.lists(st.tuples(file, mutation), min_size=1, max_size=3)


def _write_checkpoint(folder: Path) -> None:
    from axis_audit.checkpoint import Manifest, save
    from axis_audit.defects.twin import Twin, state

    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    twin = Twin(
        normal(12, 120), normal(12, 120), normal(1, 1440), normal(12, 120), normal(2, 1440),
        normal(2), np.ones(2),
    )  # fmt: skip
    manifest = Manifest(
        np.arange(5, dtype=np.uint64), np.arange(5, dtype=np.uint64),
        {"folds": [1, 2], "seed": 0, "selected_by": "nobody", "nested": {"rate": 0.5}},
    )  # fmt: skip
    save(folder / "model.pth", kind="twin", config={}, state=state(twin), manifest=manifest)


def _open_checkpoint(folder: Path) -> None:
    import json

    from axis_audit.adapters import load_model
    from axis_audit.report.records import plain

    model, checkpoint = load_model(folder / "model.pth", {})
    if not (len(checkpoint.sha256) == 64 and np.isfinite(model.components).all()):
        raise AssertionError("an unsound model")
    beats = np.full((2, 12, 120), 0.1, np.float32)
    if model.encode(beats).shape != (2, len(model.components)):
        raise AssertionError("an unsound model")
    json.dumps(plain(checkpoint.manifest.data), allow_nan=False).encode()
    f"{checkpoint.kind}".encode()


_PICKLE_EDITS = st.one_of(
    st.builds(m.canary, m.PLACE, st.sampled_from(m.CANARIES)),
    st.builds(
        m.replace,
        st.sampled_from(
            [(b"FloatStorage", b"DoubleStorage"), (b"cpu", b"cuda"), (b"cpu", b"meta"),
             (b"storage", b"torage"), (b"M\xa0\x05", b"J\xff\xff\xff\x7f"), (b"K\x0c", b"K\xff"),
             (b"Kx", b"J\x00\x00\x00\x40"), (b"K\x02", b"J\xff\xff\xff\xff"), (b"K\x00", b"K\x50"),
             (b"K\x01", b"K\x00"), (b"twin", b"niwt"), (b"state", b"stale"), (b"_v2", b"_v3"),
             (b"_rebuild_tensor_v2", b"_rebuild_sparse_tensor"), (b"nobody", b"\xed\xa0\x80xxx")]
        ),
        st.integers(0, 40),
    ),
)  # fmt: skip
CHECKPOINT = Target(
    _write_checkpoint,
    _several(
        st.just("model.pth"),
        st.one_of(
            m.BYTES,
            m.MEMBERS,
            st.builds(m.in_member, m.BYTES, m.PLACE),
            st.builds(m.in_member, m.BYTES, m.PLACE, st.just("data.pkl")),
            st.builds(m.in_member, _PICKLE_EDITS, m.PLACE, st.just("data.pkl")),
        ),
    ),
    _open_checkpoint,
)


def _sound(cohort: Any) -> None:
    n = len(cohort.signals)
    sound = n > 0 and np.isfinite(cohort.signals).all() and cohort.signals.dtype == np.float32
    known = cohort.age[~np.isnan(cohort.age)]
    sound = sound and bool(((known >= 0) & (known <= 130)).all()) and len(cohort.age) == n
    sound = sound and all(cohort.patient_ids) and cohort.signals.nbytes < 2**28
    if not sound:
        raise AssertionError("an unsound cohort")
    if len(cohort.fingerprint) != 64 or cohort.one_per_patient().n_patients != cohort.n_patients:
        raise AssertionError("an unsound cohort")


def _write_arrays(folder: Path) -> None:
    from tests.cohorts.published_layout import synthetic_strip

    strips = np.stack([synthetic_strip(60 + 9 * i, seed=i, seconds=5)[0] for i in range(3)])
    np.savez(
        folder / "mine.npz", signals=strips.astype(np.float32), rate=100, kind="record",
        age=[50.0, 61.0, np.nan], patient_ids=[7, 8, 9], record_ids=["a", "b", "c"],
        sex=["F", "male", ""], site=["x", "y", "y"], fold=[1, 1, 2],
    )  # fmt: skip


def _open_arrays(folder: Path) -> None:
    from axis_audit.cohorts import open_cohort

    for kind in ("beat", "record"):
        _sound(open_cohort(folder / "mine.npz", kind=kind, progress=False))  # type: ignore[arg-type]


class _Runs:
    def __reduce__(self) -> Any:
        import os

        return os.system, ("touch CANARY",)


def _columns() -> list[bytes]:
    odd = [np.array(v) for v in (np.nan, np.inf, 1e300, -5, 10**12, "x", True, 1j, b"\xff\xfe")]
    threes = [
        [np.nan] * 3, [1e300] * 3, [-1, 0, 1], [1.5, 2, 3], [2**62] * 3, ["", "", ""], ["é\0"] * 3,
        [True] * 3, [1j] * 3, [b"\xff"] * 3, [[1, 2, 3]], [], [300, 300, 300], [131, 1, 2],
        ["\ud800"] * 3, [1e-300] * 3,
    ]  # fmt: skip
    odd += [np.array(v) for v in threes]
    odd += [np.arange(3.0).astype(t) for t in (">f4", ">i8", "f2", "u1", "g", "M8[s]", "m8[s]")]
    odd += [np.zeros(3, [("a", "f4"), ("b", "i4")]), np.zeros(3, "V7")]
    base = np.random.default_rng(0).normal(0, 0.3, (3, 12, 500))
    odd += [base.astype(t) for t in (">f4", "f2", "f8", "i2", "g")]
    odd += [base * 1000, base * 1e-5, base[:, :8], base[:, :, :0], base[:0], base[0], base * 1e200]
    return [m.npy(a) for a in odd] + [m.npy(np.array([_Runs()], object), allow_pickle=True)]


def _put(content: bytes) -> m.Mutation:
    return lambda _: content


_HEADER_EDITS = st.builds(
    m.replace,
    st.sampled_from(
        [(b"(3, 12, 500)", b"(3, 12, 10**9)"), (b"(3, 12, 500)", b"(1000000000000,)"),
         (b"(3, 12, 500)", b"(-3, 12, -500)"), (b"(3,)", b"(4,)"), (b"(3,)", b"(1000000000000,)"),
         (b"(3,)", b"()"), (b"<f4", b">f4"), (b"<f4", b"<f8"), (b"<f4", b"|O8"), (b"<f8", b"<c8"),
         (b"<i8", b"<f8"), (b"<i8", b"<M8"), (b"False", b"True"), (b"<U", b">U"), (b"<U", b"|S"),
         (b"NUMPY\x01", b"NUMPY\x02"), (b"NUMPY\x01", b"NUMPY\x09"), (b"{", b"[" * 90),
         (b"'shape'", b"'shade'"), (b"descr", b"desc\xff")]
    ),
    st.integers(0, 3),
)  # fmt: skip
ARRAYS = Target(
    _write_arrays,
    _several(
        st.just("mine.npz"),
        st.one_of(
            m.BYTES,
            m.MEMBERS,
            st.builds(m.in_member, m.BYTES, m.PLACE),
            st.builds(m.in_member, _HEADER_EDITS, m.PLACE),
            st.builds(
                m.in_member, st.sampled_from(_columns()).map(_put), m.PLACE,
                st.sampled_from(["", "signals.npy"]),
            ),
        ),
    ),
    _open_arrays,
)  # fmt: skip


def _write_directory(folder: Path) -> None:
    from tests.cohorts.published_layout import Recording, synthetic_strip, write_ptbxl

    strip = synthetic_strip(69, seed=1, seconds=5)[0]
    # One recording to read and one that is not there: a strip costs 20 ms.
    write_ptbxl(folder, [Recording(1, 101, strip), Recording(2, 102, None, fold=2)])


def _open_directory(folder: Path) -> None:
    from axis_audit.cohorts import open_cohort

    _sound(open_cohort(folder, progress=False))


_HEADER, _SAMPLES = "records100/00000/00001_lr.hea", "records100/00000/00001_lr.dat"
_WFDB_EDITS = st.builds(
    m.replace,
    st.sampled_from(
        [(b" 12 ", b" 1000000000 "), (b" 12 ", b" 0 "), (b" 100 ", b" 0.00001 "),
         (b" 100 ", b" 1e12 "), (b" 100 ", b" -100 "), (b" 500", b" 1000000000000"),
         (b" 500", b" -5"), (b" 500", b""), (b" 16 ", b" 212 "), (b" 16 ", b" 16x1000000000 "),
         (b" 16 ", b" 516 "), (b" 16 ", b" 310 "), (b" 16 ", b" 8 "), (b" 16 ", b" 16:99999 "),
         (b" 16 ", b" 16+999999999 "), (b"_lr.dat", b"_lr.hea"), (b"_lr.dat", b"_lr"),
         (b".dat", b".da"), (b"00001_lr.dat", b"/dev/zero"), (b"00001_lr.dat", b"../../x"),
         (b"(0)/mV", b"(0)/"), (b"/mV", b"/uV"), (b"/mV", b"/V"), (b"1000.0", b"0"),
         (b"1000.0", b"nan"), (b"1000.0", b"1e-300"), (b"(0)", b"(999999999999)"),
         (b"_lr 12", b"_lr/2 12"), (b"_lr 12", b"_lr/9999999 12"), (b" II", b" I"), (b"\n", b"\n#")]
    ),
    st.integers(0, 12),
)  # fmt: skip
DIRECTORY = Target(
    _write_directory,
    st.one_of(
        _several(st.just("ptbxl_database.csv"), m.BYTES | m.CELLS | m.CELLS | m.LINES),
        _several(st.just(_HEADER), m.BYTES | _WFDB_EDITS | _WFDB_EDITS | m.LINES),
        _several(st.sampled_from([_HEADER, _SAMPLES, "ptbxl_database.csv"]), m.BYTES),
    ),
    _open_directory,
)


def _write_ludb(folder: Path) -> None:
    from tests.cohorts.ludb_layout import Person, person, write_ludb

    one = person(1)
    write_ludb(folder, [one, Person(2, None, one.peaks)])


def _open_ludb(folder: Path) -> None:
    from axis_audit.cohorts import open_cohort

    _sound(open_cohort(folder, kind="cycle", progress=False))


LUDB = Target(
    _write_ludb,
    st.one_of(
        _several(st.just("ludb.csv"), m.BYTES | m.CELLS | m.LINES),
        _several(st.sampled_from(["data/1.ii", "data/1.v1"]), m.BYTES),
        _several(st.sampled_from(["data/1.hea", "data/1.dat"]), m.BYTES),
    ),
    _open_ludb,
)


def _open_folds(folder: Path) -> None:
    from axis_audit.cohorts import parse_folds

    text = (folder / "folds.txt").read_text(encoding="utf-8", errors="replace")
    folds = parse_folds(text)
    if not folds or len(set(folds)) != len(folds) or min(folds) < 0:
        raise AssertionError("unsound folds")


FOLDS = Target(
    lambda folder: shutil.os.makedirs(folder, exist_ok=True)  # type: ignore[attr-defined]
    or (folder / "folds.txt").write_text("1-8,9, 10 - 12,3"),
    _several(
        st.just("folds.txt"),
        m.BYTES
        | st.builds(m.replace, st.sampled_from([(b"8", b"999999"), (b"-", b"--"), (b",", b",,"),
                                                (b"1", "１".encode()), (b"9", b"9" * 5000)]),
                    st.integers(0, 5)),
    ),
    _open_folds,
)  # fmt: skip
TARGETS = {
    "checkpoint": CHECKPOINT, "arrays": ARRAYS, "directory": DIRECTORY, "folds": FOLDS,
    "ludb": LUDB,
}  # fmt: skip
