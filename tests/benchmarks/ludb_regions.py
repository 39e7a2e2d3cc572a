"""How far `axis_audit.regions` is from the experts of LUDB: ends of waves, and samples in common.

The experts' QRS onset, QRS offset and T end of a record are the medians over its marked beats and
leads. A region's share right is of its samples those that are the experts', and the other way
round, over marked beats. Corrections were set on the even-numbered records: the odd ones count.

example:
  python tests/benchmarks/ludb_regions.py <LUDB>
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from axis_audit import regions
from axis_audit.cohorts import open_cohort
from axis_audit.cohorts.ludb_marks import read_marks

OUTPUT = Path(__file__).parents[2] / "axis_audit/report/data/regions.json"
ENDS = ("QRS onset", "QRS offset", "T end")
RATE, SAMPLES, NEAR = 500.0, 5000, 0.03


def experts(root: Path, number: int, peaks: np.ndarray) -> np.ndarray:
    """QRS onset, offset and T end in seconds from R of every lead's marked beats, (n, 3)."""
    found = []
    for marks in read_marks(root, f"data/{number}", SAMPLES).values():
        qrs = marks.qrs / RATE
        for peak in peaks:
            at = np.flatnonzero((qrs[:, 0] <= peak + NEAR) & (qrs[:, 2] >= peak - NEAR))
            if len(at) != 1:
                continue
            beat = int(at[0])
            following = qrs[beat + 1, 0] if beat + 1 < len(qrs) else SAMPLES / RATE
            waves = marks.t / RATE
            waves = waves[(waves[:, 1] > qrs[beat, 2] - 0.02) & (waves[:, 1] < following)]
            end = waves[0, 2] if len(waves) else np.nan
            found.append([qrs[beat, 0] - peak, qrs[beat, 2] - peak, end - peak])
    return np.array(found).reshape(-1, 3)


def common(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Share of our interval that is theirs, and of theirs that is ours."""
    shared = max(0.0, min(ours[1], theirs[1]) - max(ours[0], theirs[0]))
    return shared / (ours[1] - ours[0]), shared / (theirs[1] - theirs[0])


def told(rows: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Errors in ms and shares, medians and means over records."""
    ours, theirs = (np.array(side) for side in zip(*rows, strict=True))
    off = (ours - theirs) * 1000.0
    said: dict[str, Any] = {"records": len(rows)}
    for column, name in enumerate(ENDS):
        one = off[:, column]
        said[name] = {
            "bias": round(float(np.mean(one)), 1),
            "median_absolute_error": round(float(np.median(np.abs(one))), 1),
            "sd": round(float(np.std(one, ddof=1)), 1),
        }
    for name, part in (("QRS", slice(0, 2)), ("ST-T", slice(1, 3))):
        shares = [common(a[part], b[part]) for a, b in zip(ours, theirs, strict=True)]
        right, found = np.mean(shares, axis=0)
        said[name] = {
            "of_ours_theirs": round(float(right), 3), "of_theirs_ours": round(float(found), 3)
        }  # fmt: skip
    return said


def main(root: Path) -> None:
    cohort = open_cohort(root, kind="record")
    found = regions.bounds(cohort)
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"even": [], "odd": []}
    fixed: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"even": [], "odd": []}
    for name, peaks, ends in zip(cohort.record_ids, found.peaks, found.seconds, strict=True):
        number = int(str(name).rpartition("/")[2])
        marks = experts(root, number, peaks)
        if not len(marks) or np.isnan(marks).all(axis=0).any():
            continue
        theirs, interval = np.nanmedian(marks, axis=0), regions.interval_of(peaks)
        half = "odd" if number % 2 else "even"
        parts[half].append((np.array(regions.believed(ends, interval)), theirs))
        usual = np.array(regions.believed(np.full(3, np.nan), interval))
        fixed[half].append((usual, theirs))
    record = {
        "source": "LUDB 1.0.1",
        "method": "median beat, NeuroKit2 prominence in eight leads, median of the leads",
        "correction_s": list(regions.CORRECTION),
        "chosen_on": "even-numbered records",
        **{half: told(rows) for half, rows in parts.items()},
        **{f"{half}, usual windows": told(rows) for half, rows in fixed.items()},
    }
    OUTPUT.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
