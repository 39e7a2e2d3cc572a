"""Experts' marks: boundaries that share a sample with a peak, and files that are no marks."""

from __future__ import annotations

import numpy as np
import pytest
from ludb_layout import write_marks

from axis_audit.cohort import LEADS
from axis_audit.cohorts.beats import UnusableStripError
from axis_audit.cohorts.ludb_marks import LeadMarks, qrs_bounds, read_marks

NONE = np.empty((0, 3), np.int64)


def written(folder, at, symbols, samples=5000, **others):
    for lead in LEADS:
        usual, signs = others.get(lead, (at, symbols))
        write_marks(folder, "1", lead, usual, signs)
    return read_marks(folder, "1", samples)


def test_waves_come_out_by_kind(tmp_path):
    marks = written(tmp_path, [10, 20, 30, 50, 55, 60, 90, 100, 120], "(p)(N)(t)")["V6"]
    assert marks.p.tolist() == [[10, 20, 30]]
    assert marks.qrs.tolist() == [[50, 55, 60]]
    assert marks.t.tolist() == [[90, 100, 120]]


@pytest.mark.parametrize(
    ("at", "symbols", "qrs"),
    [
        ([50, 60], "N)", [[50, 50, 60]]),
        ([48, 50, 60], "N()", [[50, 50, 60]]),
        ([50, 60], "()", []),
        ([50, 55], "(N", []),
        ([50, 55, 90, 95, 99], "(N(N)", [[90, 95, 99]]),
        ([55], "N", []),
    ],
)
def test_marks_that_share_a_sample_or_stand_alone(tmp_path, at, symbols, qrs):
    assert written(tmp_path, at, symbols)["I"].qrs.tolist() == qrs


@pytest.mark.parametrize(
    ("at", "symbols", "samples"),
    [([10, 20, 30], "(N)", 25), ([10, 20, 30], "(V)", 5000), ([10, 20, 30], '(N"', 5000)],
)
def test_marks_outside_the_strip_or_of_unknown_kind_are_damage(tmp_path, at, symbols, samples):
    with pytest.raises(UnusableStripError, match="annotation file damaged"):
        written(tmp_path, at, symbols, samples)


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff" * 9, b"\x00" * 70_000])
def test_a_file_that_is_no_annotation_never_crashes(tmp_path, content):
    written(tmp_path, [10, 20, 30], "(N)")
    (tmp_path / "1.avl").write_bytes(content)
    try:
        qrs = read_marks(tmp_path, "1", 5000)["aVL"].qrs
    except UnusableStripError:
        return
    assert qrs.shape == (0, 3)


def test_a_beat_is_lead_twos_or_else_the_median_of_the_others():
    def lead(*waves):
        return LeadMarks(NONE, np.array(waves, np.int64).reshape(-1, 3), NONE)

    marks = {"II": lead([100, 110, 120]), "I": lead([90, 110, 130], [300, 310, 320]),
             "V1": lead([301, 311, 321]), "V2": lead([310, 316, 329])}  # fmt: skip
    assert qrs_bounds(marks).tolist() == [[100, 120], [301, 321]]
    assert qrs_bounds({"II": lead()}).shape == (0, 2)
