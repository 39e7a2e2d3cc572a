"""Writes tiny folders of the CinC Challenges' published layout: headers with comments, and .mat
files whose 24 bytes of MATLAB header stand before 16-bit samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from published_layout import synthetic_strip

from axis_audit.cohort import LEADS


@dataclass
class Record:
    """One record; without a strip it has a header alone."""

    name: str
    strip: NDArray[np.float64] | None
    rate: float = 500.0
    comments: str = "#Age: 74\n#Sex: Male\n#Dx: 426783006\n#Rx: Unknown\n"
    leads: tuple[str, ...] = LEADS
    unit: str = "mV"
    gain: float = 1000.0


def record(name: str, dx: str = "426783006", seconds: float = 10.0, **fields: object) -> Record:
    """A record that nothing is wrong with."""
    number, rate = sum(map(ord, name)), float(fields.get("rate", 500.0))  # type: ignore[arg-type]
    strip, _ = synthetic_strip(60 + number % 30, rate, seed=number, seconds=seconds)
    fields.setdefault("comments", f"#Age: 74\n#Sex: Male\n#Dx: {dx}\n#Rx: Unknown\n")
    return Record(name, strip, **fields)  # type: ignore[arg-type]


def write_cinc(root: Path, records: list[Record]) -> Path:
    """Headers and samples; names may hold folders ("georgia/g1/E00001")."""
    for one in records:
        path = root / f"{one.name}.hea"
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = 5000 if one.strip is None else one.strip.shape[1]
        lines = [f"{path.stem} {len(one.leads)} {one.rate:g} {samples} 05-Feb-2020 11:39:16"]
        lines += [
            f"{path.stem}.mat 16+24 {one.gain:g}/{one.unit} 16 0 0 0 0 {lead}" for lead in one.leads
        ]
        path.write_text("\n".join(lines) + "\n" + one.comments)
        if one.strip is not None:
            rows = np.stack([one.strip[LEADS.index(lead)] for lead in one.leads])
            stored = np.where(np.isnan(rows), -(2**15), np.rint(rows * one.gain)).astype("<i2")
            path.with_suffix(".mat").write_bytes(b"\0" * 24 + stored.T.tobytes())
    return root
