"""Writes tiny data sets of the published layout, with strips made of the atlas's mean beat."""

from __future__ import annotations

import csv
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from axis_audit.cohort import LEADS
from axis_audit.cohorts.atlas import load_atlas
from axis_audit.cohorts.beats import R_INDEX, derive_twelve_leads

CORE = slice(R_INDEX - 20, R_INDEX + 42)


def synthetic_strip(
    bpm: float = 70.0,
    rate: float = 100.0,
    seed: int = 0,
    *,
    seconds: float = 10.0,
    noise: float = 0.01,
    ectopic: tuple[int, ...] = (),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A strip (12, samples) in mV and its R peaks in seconds; `ectopic` ones are wide, inverted."""
    random = np.random.default_rng(seed)
    atlas = load_atlas()
    beat = atlas.mean[:, CORE] * np.r_[np.linspace(0, 1, 8), np.ones(46), np.linspace(1, 0, 8)]
    at = (np.arange(beat.shape[1]) - 20) / 100.0
    curve = CubicSpline(at, beat, axis=1)
    times = np.arange(int(seconds * rate)) / rate
    # whole hundredths, so that a peak falls on a sample at every rate
    peaks = np.round(np.arange(0.35, seconds - 0.2, 60.0 / bpm), 2)
    strip = np.zeros((8, len(times)))
    for number, peak in enumerate(peaks):
        odd = number in ectopic
        relative = (times - peak) / (2.5 if odd else 1.0)
        near = (relative >= at[0]) & (relative <= at[-1])
        strip[:, near] += (-1.5 if odd else 1.0) * curve(relative[near])
    strip += noise * random.standard_normal(strip.shape)
    return derive_twelve_leads(strip).astype(np.float64), peaks


@dataclass
class Recording:
    """One row of the table and its files."""

    ecg_id: int
    patient_id: int
    strip: NDArray[np.float64] | None
    age: Any = 60.0
    sex: int = 1
    fold: int = 1
    rate: float = 100.0
    names: tuple[str, ...] = ("I", "II", "III", "AVR", "AVL", "AVF", *LEADS[6:])
    unit: str = "mV"
    scp_codes: str = "{'NORM': 100.0, 'SR': 0.0}"
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def filename(self) -> str:
        suffix = "lr" if self.rate == 100 else "hr"
        return f"records{self.rate:g}/00000/{self.ecg_id:05d}_{suffix}"


def write_ptbxl(root: Path, recordings: list[Recording]) -> Path:
    """ptbxl_database.csv and WFDB files; a recording without a strip has no files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb

    for recording in recordings:
        path = root / recording.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        if recording.strip is None:
            continue
        scale = {"mV": 1.0, "uV": 1000.0}.get(recording.unit, 1.0)
        order = [LEADS.index(_as_lead(name)) for name in recording.names]
        wfdb.wrsamp(
            path.name,
            fs=recording.rate,
            units=[recording.unit] * len(order),
            sig_name=list(recording.names),
            p_signal=recording.strip[order].T * scale,
            fmt=["16"] * len(order),
            adc_gain=[1000.0 / scale] * len(order),
            baseline=[0] * len(order),
            write_dir=str(path.parent),
        )
    write_table(root, recordings)
    return root


def _as_lead(name: str) -> str:
    return next(lead for lead in LEADS if lead.casefold() == name.casefold())


def write_table(root: Path, recordings: list[Recording]) -> None:
    rows = [
        {
            "ecg_id": r.ecg_id,
            "patient_id": f"{r.patient_id}.0",
            "age": r.age,
            "sex": r.sex,
            "site": "2.0",
            "device": "CS-12   E",
            "scp_codes": r.scp_codes,
            "strat_fold": r.fold,
            "filename_lr": r.filename.replace("500", "100").replace("_hr", "_lr"),
            "filename_hr": r.filename.replace("100/", "500/").replace("_lr", "_hr"),
            **r.extra,
        }
        for r in recordings
    ]
    with (root / "ptbxl_database.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def ordinary(ecg_id: int, **fields: Any) -> Recording:
    """A recording that nothing is wrong with, at a rate of its own."""
    strip, _ = synthetic_strip(60 + ecg_id % 30, fields.get("rate", 100.0), seed=ecg_id)
    return Recording(ecg_id, 11000 + ecg_id, strip, **fields)
