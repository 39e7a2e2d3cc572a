"""Readers of other people's cohorts: their names, and what they may return."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from axis_audit.cohort import Cohort, make_cohort
from axis_audit.cohorts import open_cohort
from axis_audit.cohorts.readers import split_source
from axis_audit.errors import CohortError, InputError


def cohort(folds: tuple[int, ...] = (8, 9), n: int = 30) -> Cohort:
    signals = np.random.default_rng(0).standard_normal((n, 12, 120)).astype(np.float32)
    return make_cohort(
        "mine", signals, rate=100.0, kind="beat", r_index=40,
        age=np.full(n, 50.0), fold=np.resize(folds, n),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("mimic:/data/mimic", ("mimic", "/data/mimic")),
        ("mimic:", ("mimic", "")),
        (r"mimic:C:\data", ("mimic", r"C:\data")),
        (r"C:\data\ptb-xl", None),
        ("C:/data/ptb-xl", None),
        ("/data/a:b", None),
        ("./a:b", None),
        ("atlas", None),
        ("people.npz", None),
    ],
)
def test_a_name_stands_before_a_colon_and_a_drive_is_no_name(source: str, parts) -> None:
    assert split_source(source) == parts


def test_the_reader_gets_what_was_asked_for() -> None:
    asked = []

    def read(*given):
        asked.append(given)
        return cohort((9,))

    found = open_cohort("mine:some where", folds=(9,), readers={"mine": read})
    assert asked == [("some where", (9,), "beat", 100.0)]
    assert len(found) == 30
    assert len(open_cohort("mine:", readers={"mine": read}, patients=4)) == 4


def test_a_folder_with_a_colon_is_still_a_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ptb:xl").mkdir()
    with pytest.raises(CohortError, match="no known layout"):
        open_cohort("ptb:xl")


def crash(*_):
    raise KeyError("no column 'age'")


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (crash, "its reader 'mine' failed .KeyError"),
        (lambda *_: cohort().signals, "returned a ndarray(.|\n)*make_cohort"),
        (lambda *_: None, "returned a NoneType"),
        (lambda *_: cohort((7, 9)), r"folds \[7\] where \[9\]"),
        (lambda *_: cohort((-1,)), r"folds \[-1\]"),
        (
            lambda *_: replace(cohort((9,)), signals=cohort().signals.astype(np.float64)),
            "signals as float64",
        ),
        (lambda *_: replace(cohort((9,)), age=np.full(30, 400.0, np.float32)), "lie outside 0-130"),
    ],
)
def test_what_is_no_cohort_of_these_folds_is_refused(read, words: str) -> None:
    with pytest.raises(CohortError, match=words):
        open_cohort("mine:x", folds=(9,), readers={"mine": read})


@pytest.mark.parametrize("name", ["a", "atlas", "file", "my lab", "9lab", "", "my/lab"])
def test_some_names_are_no_names(name: str) -> None:
    with pytest.raises(InputError, match="its name will not do"):
        open_cohort("elsewhere", readers={name: crash})


def test_a_reader_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(InputError, match=r"cohort reader no_such:read.*cannot be imported"):
        open_cohort("mine:x", readers={"mine": "no_such:read"})
