"""How well our R peaks agree with the experts' QRS marks of LUDB.

Sensitivity and positive precision of what `beats.find_beats` detects, and of what it keeps as
neither ectopic nor noisy, at LUDB's 500 Hz and with the strips resampled to 100 Hz. A detection is
right within 75 ms of the marked peak (median over the leads that mark it), or within 150 ms as in
ANSI/AAMI EC57; one to one. Only between the first and the last marked beat: experts left the edges
of the strips unmarked. Intervals allow for likeness within records (one record a person).

example:
  python tests/benchmarks/ludb_segmentation.py <LUDB>
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from axis_audit.cohorts.beats import (
    BEAT_RATE,
    UnusableStripError,
    find_beats,
    independent_rows,
    resample,
)
from tests.benchmarks.ludb_records import Record, proportion, records, shown, table

OUTPUT = Path(__file__).parents[2] / "reports/examples/ludb_segmentation.json"
RATES = (500.0, 100.0)
TOLERANCES = (0.075, 0.150)
SLACK = 10
"""Samples a lead's peak mark may lie outside another lead's complex."""


def marked_peaks(record: Record) -> np.ndarray:
    """Seconds of every marked beat: the median of its peak marks over the leads."""
    peaks = np.concatenate([m.qrs[:, 1] for m in record.marks.values()])
    return np.array(
        [
            np.median(peaks[(peaks >= first - SLACK) & (peaks <= last + SLACK)]) / record.rate
            for first, last in record.qrs
        ]
    )


def found_peaks(record: Record, rate: float) -> dict[str, np.ndarray]:
    """Seconds of the detected and of the usable beats; none where the strip is refused."""
    strip = resample(record.strip[independent_rows()], record.rate, rate)
    try:
        beats = find_beats(strip, rate)
    except UnusableStripError:
        return {"detected": np.empty(0), "usable": np.empty(0)}
    return {"detected": beats.found / BEAT_RATE, "usable": beats.peaks / BEAT_RATE}


def matched(marked: np.ndarray, found: np.ndarray, tolerance: float) -> int:
    """Pairs within the tolerance, each mark and each detection in one pair at most."""
    pairs = i = j = 0
    while i < len(marked) and j < len(found):
        if abs(marked[i] - found[j]) <= tolerance:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif found[j] < marked[i]:
            j += 1
        else:
            i += 1
    return pairs


def counts(record: Record) -> dict[tuple[float, float, str], tuple[int, int, int]]:
    """(rate, tolerance, beats) -> pairs, marks, detections."""
    marked = marked_peaks(record)
    told = {}
    for rate in RATES:
        for which, found in found_peaks(record, rate).items():
            for tolerance in TOLERANCES:
                near = (found >= marked[0] - tolerance) & (found <= marked[-1] + tolerance)
                pairs = matched(marked, found[near], tolerance)
                told[rate, tolerance, which] = (pairs, len(marked), int(near.sum()))
    return told


def measure(root: Path) -> dict[str, Any]:
    """Every combination of group, rate, tolerance and beats."""
    gathered: dict[tuple[Any, ...], list[tuple[int, int, int]]] = defaultdict(list)
    unmarked = 0
    for record in records(root):
        if not len(record.qrs):
            unmarked += 1
            continue
        for key, count in counts(record).items():
            for group in record.groups:
                gathered[group, *key].append(count)
    rows = []
    for (group, rate, tolerance, which), told in gathered.items():
        pairs, marks, found = (list(column) for column in zip(*told, strict=True))
        rows.append(
            {
                "group": group, "rate_hz": rate, "tolerance_ms": round(tolerance * 1000),
                "beats": which, "records": len(told),
                "sensitivity": proportion(pairs, marks), "precision": proportion(pairs, found),
                "records_without_a_detection": sum(f == 0 for f in found),
            }
        )  # fmt: skip
    return {"source": "LUDB 1.0.1", "records_without_marks": unmarked, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path, help="folder of LUDB, with ludb.csv")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="JSON to write")
    arguments = parser.parse_args()
    told = measure(arguments.path)
    rows = sorted(told["rows"], key=lambda r: (r["group"], r["beats"], -r["rate_hz"]))
    lines = [
        [
            r["group"], str(r["records"]), r["beats"], f"{r['rate_hz']:g} Hz",
            f"{r['tolerance_ms']} ms", shown(r["sensitivity"]), shown(r["precision"]),
            f"{r['sensitivity']['n']}", f"{r['records_without_a_detection']}",
        ]
        for r in rows
    ]  # fmt: skip
    header = (
        "records with", "records", "beats", "strips at", "within", "sensitivity", "precision",
        "marked beats", "records without a detection",
    )  # fmt: skip
    print(table(header, lines))
    text = json.dumps({**told, "rows": rows})
    rounded = json.loads(text, parse_float=lambda number: round(float(number), 4))
    arguments.output.write_text(json.dumps(rounded, indent=1) + "\n")


if __name__ == "__main__":
    main()
