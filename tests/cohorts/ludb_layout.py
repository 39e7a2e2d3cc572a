"""Writes tiny data sets of LUDB's published layout: stored microvolts behind misleading gains."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from published_layout import synthetic_strip

from axis_audit.cohort import LEADS

RATE = 500.0
COLUMNS = (
    "ID", "Sex", "Age", "Rhythms", "Electric axis of the heart", "Conduction abnormalities",
    "Extrasystolies", "Hypertrophies", "Cardiac pacing", "Ischemia",
    "Non-specific repolarization abnormalities", "Other states",
)  # fmt: skip
AROUND = {"p": (-100, -80, -60), "N": (-25, 0, 25), "t": (80, 140, 190)}
"""Samples from R of the onset, peak and offset that are marked."""


@dataclass
class Person:
    """One row of ludb.csv and its files; without a strip there are none."""

    number: int
    strip: NDArray[np.float64] | None
    peaks: NDArray[np.int64]
    age: str = "51\n"
    sex: str = "F\n"
    rhythm: str = "Sinus rhythm"
    cells: dict[str, str] = field(default_factory=dict)
    unmarked: tuple[int, ...] = (0, -1)
    marks: dict[str, tuple[list[int], list[str]]] = field(default_factory=dict)
    """Lead -> marks instead of the usual ones."""


def person(number: int, bpm: float = 0.0, **fields: object) -> Person:
    """Somebody whom nothing is wrong with, every beat but the first and last marked."""
    strip, peaks = synthetic_strip(bpm or 60 + number % 30, RATE, seed=number)
    return Person(number, strip, np.rint(peaks * RATE).astype(int), **fields)  # type: ignore[arg-type]


def write_ludb(root: Path, people: list[Person]) -> Path:
    """ludb.csv, RECORDS and data/."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    folder = root / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for one in people:
        if one.strip is None:
            continue
        stored = np.rint(one.strip * 1000).astype(np.int64)
        wfdb.wrsamp(
            str(one.number), fs=RATE, units=["mV"] * 12, sig_name=[n.lower() for n in LEADS],
            d_signal=stored.T, fmt=["16"] * 12, adc_gain=np.ptp(stored, axis=1).tolist(),
            baseline=[0] * 12, write_dir=str(folder),
        )  # fmt: skip
        for lead in LEADS:
            at, symbols = one.marks.get(lead) or usual_marks(one)
            write_marks(folder, str(one.number), lead, at, symbols)
    (root / "RECORDS").write_text("".join(f"data/{one.number}\n" for one in people))
    write_table(root, people)
    return root


def write_marks(folder: Path, name: str, lead: str, at: list[int], symbols: Sequence[str]) -> None:
    """One lead's annotation file; wfdb writes no suffix with digits in it, such as v1."""
    import wfdb

    wfdb.wrann(name, "atr", np.array(at), symbol=list(symbols), write_dir=str(folder))
    (folder / f"{name}.atr").replace(folder / f"{name}.{lead.lower()}")


def usual_marks(one: Person) -> tuple[list[int], list[str]]:
    """Samples and symbols of every wave of every marked beat."""
    skipped = {i % len(one.peaks) for i in one.unmarked}
    marks = [
        (int(peak) + step, symbol)
        for i, peak in enumerate(one.peaks)
        if i not in skipped
        for kind, steps in AROUND.items()
        for step, symbol in zip(steps, ("(", kind, ")"), strict=True)
    ]
    samples = 5000 if one.strip is None else one.strip.shape[1]
    inside = [(at, symbol) for at, symbol in marks if 0 <= at < samples]
    return [at for at, _ in inside], [symbol for _, symbol in inside]


def write_table(root: Path, people: list[Person]) -> None:
    with (root / "ludb.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, restval="")
        table.writeheader()
        for one in people:
            table.writerow(
                {"ID": one.number, "Sex": one.sex, "Age": one.age, "Rhythms": one.rhythm}
                | one.cells
            )
