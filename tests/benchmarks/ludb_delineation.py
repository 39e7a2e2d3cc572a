"""How well `axis_audit.delineation` agrees with the experts' P, QRS and T marks of LUDB.

Errors of onset, offset and duration in milliseconds (found minus marked), and sensitivity and
precision of the waves' presence, on cycles of the marked beats: of lead II, and of all twelve.
The delineator was chosen and corrected on the even-numbered records, so the odd ones are what
counts. A wave is found where one is reported that overlaps the marked one. Beats with a marked
neighbour on both sides alone: at the edges of the strips experts left waves unmarked.

Bias, SD and median absolute error are over beats, a record's beats weighing as one; their
intervals are bootstraps of records. Those of sensitivity and precision allow for likeness within
records.

example:
  python tests/benchmarks/ludb_delineation.py <LUDB>
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from axis_audit.cohort import LEADS
from axis_audit.cohorts.beats import UnusableStripError, derive_twelve_leads, independent_rows
from axis_audit.cohorts.cycles import CYCLE_R_INDEX, find_cycles
from axis_audit.cohorts.ludb_marks import LeadMarks
from axis_audit.delineation import CORRECTION, METHOD, WAVES, delineate
from axis_audit.measures.qrs_width import WHOLE, qrs_ends
from axis_audit.statistics.bootstrap import bootstrap
from tests.benchmarks.ludb_records import LEVELS, Record, proportion, records, shown, table

OUTPUT = Path(__file__).parents[2] / "axis_audit/report/data/delineator.json"
SLACK = 10
"""Samples a P wave may reach into the complex, or a T wave."""
DRAWS = 2000


def marked_waves(marks: LeadMarks, at: float) -> np.ndarray | None:
    """Onset and offset of P, QRS, T (3, 2) of the beat at a sample, NaN where there is none."""
    inside = np.flatnonzero((marks.qrs[:, 0] <= at) & (marks.qrs[:, 2] >= at))
    if len(inside) != 1 or not 0 < (beat := int(inside[0])) < len(marks.qrs) - 1:
        return None
    waves = np.full((3, 2), np.nan)
    waves[1] = marks.qrs[beat, [0, 2]]
    before = (marks.p[:, 1] > marks.qrs[beat - 1, 2]) & (marks.p[:, 1] < waves[1, 0] + SLACK)
    after = (marks.t[:, 1] > waves[1, 1] - SLACK) & (marks.t[:, 1] < marks.qrs[beat + 1, 0])
    if before.any():
        waves[0] = marks.p[before][-1][[0, 2]]
    if after.any():
        waves[2] = marks.t[after][0][[0, 2]]
    return waves


def compared(record: Record, lead: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Marked and found onset and offset in ms from R of a lead's cycles, (n, 3, 2) each.

    And the width of their QRS complexes in ms by `measures.qrs_width`, (n,).
    """
    try:
        cycles = find_cycles(record.strip[independent_rows()], record.rate, 99, record.qrs)
    except UnusableStripError:
        return None
    peaks = cycles.peaks * record.rate
    known = [marked_waves(record.marks[lead], peak) for peak in peaks]
    keep = np.array([waves is not None for waves in known], bool)
    if not keep.any():
        return None
    signals = derive_twelve_leads(cycles.signals)[keep, LEADS.index(lead)]
    found = delineate(signals, cycles.seconds[keep], CYCLE_R_INDEX)
    marked = np.stack([waves for waves in known if waves is not None])
    marked = (marked - peaks[keep, None, None]) / record.rate * 1000.0
    width = np.diff(qrs_ends(signals, cycles.seconds[keep], CYCLE_R_INDEX), axis=0)[0]
    return marked, np.stack([found.onset, found.offset], axis=-1), width


def presence(pairs: list[tuple[np.ndarray, np.ndarray]], wave: int) -> dict[str, Any]:
    """Sensitivity, precision, and how often no wave is reported where none is marked."""
    right, marks, reports, rejected, absent = [], [], [], [], []
    for marked, found in pairs:
        there, told = (~np.isnan(w[:, wave]).any(axis=1) for w in (marked, found))
        with np.errstate(invalid="ignore"):
            overlap = (found[:, wave, 0] < marked[:, wave, 1]) & (
                found[:, wave, 1] > marked[:, wave, 0]
            )
        right.append(int(overlap.sum()))
        marks.append(int(there.sum()))
        reports.append(int(told.sum()))
        absent.append(int((~there).sum()))
        rejected.append(int((~there & ~told).sum()))
    return {
        "sensitivity": proportion(right, marks),
        "precision": proportion(right, reports),
        "absence_seen": proportion(rejected, absent),
    }


def errors(pairs: list[tuple[np.ndarray, np.ndarray]], wave: int, part: str) -> dict[str, Any]:
    """Bias, SD and median absolute error in ms of waves that are both marked and found."""
    by_record = []
    for marked, found in pairs:
        off = (found - marked)[:, wave]
        value = {"onset": off[:, 0], "offset": off[:, 1], "duration": off[:, 1] - off[:, 0]}[part]
        if (value := value[~np.isnan(value)]).size:
            by_record.append(value)
    if len(by_record) < 2:
        return {"records": len(by_record)}
    n = len(by_record)
    means = np.array([v.mean() for v in by_record])
    squares = np.array([(v**2).mean() for v in by_record])
    everything = np.concatenate([np.abs(v) for v in by_record])
    shares = np.concatenate([np.full(len(v), 1 / len(v)) for v in by_record])
    owner = np.repeat(np.arange(n), [len(v) for v in by_record])
    order = np.argsort(everything, kind="stable")

    def bias(weights: np.ndarray) -> np.ndarray:
        return weights @ means / weights.sum(axis=1)

    def spread(weights: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(weights @ squares / weights.sum(axis=1) - bias(weights) ** 2, 0))

    def median(weights: np.ndarray) -> np.ndarray:
        heaped = np.cumsum((weights[:, owner] * shares)[:, order], axis=1)
        return everything[order][(heaped >= heaped[:, -1:] / 2).argmax(axis=1)]

    told: dict[str, Any] = {"records": n, "waves": len(everything)}
    for name, statistic in (("bias", bias), ("sd", spread), ("median_absolute_error", median)):
        estimate = bootstrap(statistic, n, LEVELS, draws=DRAWS)
        low, high = estimate.interval
        told[name] = {k: round(float(v), 1) for k, v in
                      (("value", estimate.value), ("low", low), ("high", high))}  # fmt: skip
    return told


def qrs_width(
    pairs: list[tuple[np.ndarray, np.ndarray]], widths: list[np.ndarray]
) -> dict[str, float]:
    """The spread of QRS slopes beside the experts' durations, one mean a record, ms.

    "ratio" is experts' duration over the width: `WHOLE` is that of the even-numbered records.
    """
    marked = np.array([np.diff(m[:, 1]).mean() for m, _ in pairs])
    found = np.array([np.nanmean(np.diff(f[:, 1])) for _, f in pairs])
    width = np.array([np.nanmean(w) for w in widths])
    return {
        "ratio": float(np.median(marked / width)),
        "correlation with experts": float(np.corrcoef(width, marked)[0, 1]),
        "the delineator's": float(np.corrcoef(found, marked)[0, 1]),
        "median_absolute_error": float(np.median(np.abs(WHOLE * width - marked))),
        "the delineator's error": float(np.median(np.abs(found - marked))),
    }


def measure(root: Path) -> dict[str, Any]:
    """Both halves of the records, lead II and all leads."""
    every = list(records(root))
    told: dict[str, Any] = {
        "source": "LUDB 1.0.1", "method": f"NeuroKit2 {METHOD}", "waves": list(WAVES),
        "correction_ms": CORRECTION.tolist(), "chosen_on": "even-numbered records, lead II",
    }  # fmt: skip
    for half, remainder in (("odd", 1), ("even", 0)):
        some = [r for r in every if r.number % 2 == remainder]
        for name, leads in (("II", ("II",)), ("all", LEADS)):
            # All leads of a record are one cluster.
            pairs, widths = [], []
            for record in some:
                read = [pair for lead in leads if (pair := compared(record, lead)) is not None]
                if read:
                    marked, found, width = (np.concatenate(p) for p in zip(*read, strict=True))
                    pairs.append((marked, found))
                    widths.append(width)
            told[f"{half}_{name}"] = {
                "records": len(pairs), "beats": sum(len(marked) for marked, _ in pairs),
                "qrs_width": qrs_width(pairs, widths),
                **{
                    wave: presence(pairs, k)
                    | {part: errors(pairs, k, part) for part in ("onset", "offset", "duration")}
                    for k, wave in enumerate(WAVES)
                },
            }  # fmt: skip
    return told


def _row(name: str, wave: str, told: dict[str, Any]) -> list[str]:
    cells = [name, wave, *(shown(told[k]) for k in ("sensitivity", "precision"))]
    absent = told["absence_seen"]
    cells.append(f"{shown(absent)} of {absent['n']}" if absent["n"] else "none marked absent")
    for part in ("onset", "offset", "duration"):
        e = told[part]
        if "bias" not in e:
            cells.append("too few")
            continue
        cells.append(
            f"{e['bias']['value']:+.1f} ± {e['sd']['value']:.1f}, "
            f"{e['median_absolute_error']['value']:.1f} "
            f"[{e['median_absolute_error']['low']:.1f}, {e['median_absolute_error']['high']:.1f}]"
        )
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path, help="folder of LUDB, with ludb.csv")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="JSON to write")
    arguments = parser.parse_args()
    told = measure(arguments.path)
    header = (
        "records, leads", "wave", "sensitivity", "precision", "absence seen",
        *(f"{part}: bias ± SD, median absolute (ms)" for part in ("onset", "offset", "duration")),
    )  # fmt: skip
    rows = [
        _row(f"{key.replace('_', ', ')} ({told[key]['records']} records)", wave, told[key][wave])
        for key in ("odd_II", "odd_all", "even_II", "even_all")
        for wave in WAVES
    ]
    print(table(header, rows))
    told = json.loads(
        json.dumps(told),
        parse_float=lambda text: round(float(text), 4),
        parse_constant=lambda _: None,  # a proportion of nothing
    )
    arguments.output.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
