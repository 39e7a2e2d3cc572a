"""Fiducial points of PTB-XL+ 1.0.1 (Strodthoff et al., Scientific Data 10:279, 2023), if at hand.

`AXIS_AUDIT_PTBXL_PLUS` names the folder that holds `fiducial_points/`. Of its files one a record
counts, ECGdeli's marks of all leads together (ecgdeli/00000/00001_points_global.atr), which are
WFDB annotations at 500 Hz; their notes say what a mark is ("QRS onset", "R peak", "QRS offset",
"t-wave offset"). They are an algorithm's marks, too, and nobody's judgement.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axis_audit.errors import CohortError

VARIABLE = "AXIS_AUDIT_PTBXL_PLUS"
FOLDER = "fiducial_points/ecgdeli"
RATE = 500.0
RECORD = "ptb-xl/"
"""How ids of PTB-XL's records begin."""
_PEAK, _ENDS = "R peak", ("QRS onset", "QRS offset", "t-wave offset")
_AFTER, _BEFORE = 0.7, 0.2
"""Seconds from R within which a beat's marks lie."""
_LARGEST_FILE = 2**18

Marks = tuple[NDArray[np.float64], NDArray[np.float64]]


def folder() -> Path | None:
    """Where the fiducial points are, None if nobody said.

    Raises:
        CohortError: the variable names a folder without them.
    """
    named = os.environ.get(VARIABLE, "")
    if not named:
        return None
    found = Path(named).expanduser() / FOLDER
    if not found.is_dir():
        raise CohortError(
            f"{VARIABLE}={named}",
            f"it holds no {FOLDER}",
            "name the folder of PTB-XL+ 1.0.1 as published, or unset the variable",
        )
    return found


def read_marks(root: Path, record_id: str) -> Marks | None:
    """R peaks in seconds, and QRS onset, offset and T end in seconds from R (medians), (3,).

    Args:
        root: of `folder`. record_id: as the cohort has it.

    Returns:
        None for records of another source, without marks, or whose marks are damaged: they are
        delineated as others are.
    """
    number = record_id.removeprefix(RECORD)
    if number == record_id or not number.isdecimal():
        return None
    name = root / f"{int(number) // 1000 * 1000:05d}" / f"{int(number):05d}_points_global"
    file = name.with_name(f"{name.name}.atr")
    if not file.is_file() or file.stat().st_size > _LARGEST_FILE:
        return None
    import wfdb

    try:
        read = wfdb.rdann(str(name), "atr")
        notes = np.array([str(note).strip("\0 ") for note in read.aux_note], dtype=np.str_)
        at = np.asarray(read.sample, np.float64) / RATE
    except Exception:  # wfdb raises a dozen kinds on damage: all mean the same
        return None
    if len(notes) != len(at):
        return None
    peaks = at[notes == _PEAK]
    return (peaks, _ends(peaks, at, notes)) if len(peaks) else None


def _ends(
    peaks: NDArray[np.float64], at: NDArray[np.float64], notes: NDArray[np.str_]
) -> NDArray[np.float64]:
    found = np.full(3, np.nan)
    for column, name in enumerate(_ENDS):
        away = at[notes == name] - peaks[:, None]
        side = (away < 0) & (away > -_BEFORE) if column == 0 else (away > 0) & (away < _AFTER)
        nearest = np.where(side, np.abs(away), np.inf).min(axis=1, initial=np.inf)
        known = nearest[np.isfinite(nearest)]
        if len(known):
            found[column] = float(np.median(known)) * (-1.0 if column == 0 else 1.0)
    return found
