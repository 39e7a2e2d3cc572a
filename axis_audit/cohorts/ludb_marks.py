"""The experts' marks of LUDB: onset, peak and offset of every P wave, QRS complex and T wave.

One WFDB annotation file a lead (data/1.ii), in which `(` opens a wave, `p`, `N` or `t` is its peak
and `)` closes it. A file holds one mark a sample, so that a peak on its own onset stands without
`(`; and some peaks stand a few samples before their onset. Both are read as a peak at the onset.
The first and the last beats of a strip are not marked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import LEADS
from axis_audit.cohorts.beats import UnusableStripError

Marks = NDArray[np.int64]
"""Waves of one kind in one lead, (waves, 3): onset, peak and offset in samples, in order."""

_PEAKS = {"p": 0, "N": 1, "t": 2}
_LARGEST_FILE = 2**16
DAMAGED, MISSING = "annotation file damaged", "annotation file missing"


@dataclass(frozen=True)
class LeadMarks:
    """The waves marked in one lead, each (waves, 3); see `Marks`."""

    p: Marks
    qrs: Marks
    t: Marks


def read_marks(root: Path, name: str, samples: int) -> dict[str, LeadMarks]:
    """The marks of every lead of a record, leads named as in `LEADS`.

    Args:
        name: the record, such as "data/1". samples: length of its strip.

    Raises:
        UnusableStripError: a file is missing or damaged; marks outside the strip, out of order or
            of unknown kind are damage.
    """
    return {lead: _read_lead(root / name, lead, samples) for lead in LEADS}


def qrs_bounds(marks: Mapping[str, LeadMarks]) -> NDArray[np.int64]:
    """Onset and offset of every marked beat, (beats, 2), in order.

    Lead II's where it has the beat, else the median over the leads that have it.
    """
    first = marks["II"].qrs[:, [0, 2]]
    others = [m.qrs[:, [0, 2]] for lead, m in marks.items() if lead != "II" and len(m.qrs)]
    beats = [*first]
    if others:
        rest = np.concatenate(others)
        overlap = (rest[:, None, 0] <= first[None, :, 1]) & (rest[:, None, 1] >= first[None, :, 0])
        rest = rest[~overlap.any(axis=1)]
        beats += [np.median(group, axis=0).astype(np.int64) for group in _overlapping(rest)]
    return np.array(sorted(map(tuple, beats)), np.int64).reshape(-1, 2)


def _overlapping(bounds: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Intervals (n, 2) in groups that overlap."""
    if not len(bounds):
        return []
    bounds = bounds[np.argsort(bounds[:, 0], kind="stable")]
    reached = np.maximum.accumulate(bounds[:, 1])
    return np.split(bounds, np.flatnonzero(bounds[1:, 0] > reached[:-1]) + 1)


def _read_lead(record: Path, lead: str, samples: int) -> LeadMarks:
    import wfdb

    suffix = lead.casefold()
    path = record.with_name(f"{record.name}.{suffix}")
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            raise UnusableStripError(MISSING if not path.exists() else DAMAGED)
        read = wfdb.rdann(str(record), suffix)
    except UnusableStripError:
        raise
    except Exception as error:  # wfdb raises a dozen kinds on damage: all mean the same
        raise UnusableStripError(DAMAGED) from error
    at, symbols = np.asarray(read.sample, np.int64), list(read.symbol)
    if len(at) != len(symbols) or set(symbols) - {"(", ")", *_PEAKS}:
        raise UnusableStripError(DAMAGED)
    if len(at) and not (at[0] >= 0 and at[-1] < samples and (np.diff(at) >= 0).all()):
        raise UnusableStripError(DAMAGED)
    return LeadMarks(*_waves(at, symbols))


def _waves(at: NDArray[np.int64], symbols: list[str]) -> tuple[Marks, Marks, Marks]:
    """Waves of the three kinds; a boundary or a peak that stands alone is no wave."""
    found: tuple[list[list[int]], ...] = ([], [], [])
    padded = ["", *symbols, "", ""]
    for i, symbol in enumerate(symbols):
        if symbol not in _PEAKS:
            continue
        before, after, then = padded[i], padded[i + 2], padded[i + 3]
        peak = int(at[i])
        if before == "(" and after == ")":
            wave = [int(at[i - 1]), peak, int(at[i + 1])]
        elif after == ")":
            wave = [peak, peak, int(at[i + 1])]
        elif (after, then) == ("(", ")"):
            wave = [int(at[i + 1]), int(at[i + 1]), int(at[i + 2])]
        else:
            continue
        if wave[0] < wave[2]:
            found[_PEAKS[symbol]].append(wave)
    p, qrs, t = (np.array(waves, np.int64).reshape(-1, 3) for waves in found)
    return p, qrs, t
