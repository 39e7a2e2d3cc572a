"""One record with its attribution map as figure data: what is drawn on ECG paper, and no more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from axis_audit.cohort import LEADS
from axis_audit.report.attributed import HOTTEST

Array = NDArray[np.float64]
LAYOUT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
RHYTHM = "II"
COLUMN_SECONDS, STRIP_SECONDS = 2.5, 10.0
MOST_RATE = 125.0
"""Samples a second that are drawn: five a millimetre of paper."""
_TOP = 0.99
"""Quantile of a lead's attributions that gets the last colour: one spike must not pale the rest."""


def attributed(  # noqa: PLR0917
    signals: ArrayLike,
    maps: ArrayLike,
    masks: Mapping[str, ArrayLike],
    rate: float,
    leads: Sequence[str],
    title: str,
    probability: float,
    method: str,
) -> dict[str, Any]:
    """A record's paper ECG, coloured by how much each sample counted.

    Three rows of four columns of 2.5 s, one after the other in time, and lead II for 10 s beneath.
    Levels 0 to 5 are sixths of the lead's own scale of sizes, whatever their sign; it ends at the
    99th percentile of those that are not zero.

    Args:
        signals: mV, (leads, samples); each lead's median is drawn at zero.
        maps: attributions, signed, (leads, samples).
        masks: name of a wave -> where it is, (samples,); the first two have blocks of their own.
        rate: samples a second. leads: names, standard ones in any order, or others.
        title: the disease, and whose record it is. probability: predicted, from 0 to 1.
        method: of attribution.

    Raises:
        ValueError: shapes that do not belong together, NaN or infinity, no probability.
    """
    shown = np.asarray(signals, np.float64)
    strength = np.abs(np.asarray(maps, np.float64))
    where = {name: np.asarray(mask, bool) for name, mask in masks.items()}
    _insist(shown, strength, where, leads)
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"{rate} is no sampling rate")
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"{probability} is no probability")
    total = float(strength.sum()) or 1.0
    inside = {n: [float(strength[:, m].sum()) / total, float(m.mean())] for n, m in where.items()}
    shares = strength.sum(axis=1) / total
    step = max(1, math.ceil(rate / MOST_RATE))
    count = shown.shape[1] // step * step
    shown = (shown - np.median(shown, axis=1, keepdims=True))[:, :count:step]
    levels = _levels(strength)[:, :count].reshape(len(leads), -1, step).max(axis=2)
    where = {n: m[:count].reshape(-1, step).max(axis=1) for n, m in where.items()}
    drawn_rate = rate / step

    def panel(lead: str, start: int, stop: int) -> dict[str, Any]:
        row = list(leads).index(lead)
        return {
            "lead": lead,
            "start": start / drawn_rate,
            "share": round(float(shares[row]), 4),
            "signal": np.round(shown[row, start:stop], 2).tolist(),
            "levels": levels[row, start:stop].tolist(),
        }

    table = _table(leads)
    samples = shown.shape[1]
    width = min(round(COLUMN_SECONDS * drawn_rate), samples // len(table[0]))
    if width < 2:
        raise ValueError(f"{samples} samples are too few to draw")
    rows = [[panel(n, i * width, (i + 1) * width) for i, n in enumerate(names)] for names in table]
    rhythm = RHYTHM if RHYTHM in leads else leads[0]
    rows.append([panel(rhythm, 0, min(samples, round(STRIP_SECONDS * drawn_rate)))])
    return {
        "kind": "attributed",
        "title": title,
        "probability": float(probability),
        "method": method,
        "rate": drawn_rate,
        "rows": rows,
        "waves": [
            {"name": name, "runs": _runs(mask), "inside": np.round(inside[name], 4).tolist()}
            for name, mask in where.items()
        ],
    }


def _insist(
    signals: Array, strength: Array, masks: Mapping[str, NDArray[np.bool_]], leads: Sequence[str]
) -> None:
    if signals.ndim != 2 or signals.shape != strength.shape or len(signals) != len(leads):
        shapes = f"signals {signals.shape}, maps {strength.shape}"
        raise ValueError(f"{shapes} and {len(leads)} leads are no record")
    if len(set(leads)) != len(leads) or not len(leads):
        raise ValueError("a lead twice, or none")
    for name, mask in masks.items():
        if mask.shape != signals.shape[1:]:
            raise ValueError(f"mask {name} has shape {mask.shape}, not {signals.shape[1:]}")
    for what, values in (("signals", signals), ("maps", strength)):
        if not np.isfinite(values).all():
            raise ValueError(f"{what} with NaN or infinity cannot be drawn")


def _levels(strength: Array) -> NDArray[np.int64]:
    """0 to HOTTEST, each lead on its own scale; a lead without attribution is 0 throughout."""
    levels = np.zeros(strength.shape, np.int64)
    for found, lead in zip(levels, strength, strict=True):
        if lead.any():
            top = np.quantile(lead[lead > 0], _TOP)
            found[:] = np.minimum(np.floor((HOTTEST + 1) * np.minimum(lead / top, 1.0)), HOTTEST)
    return levels


def _table(leads: Sequence[str]) -> Sequence[Sequence[str]]:
    """Rows of lead names: as every cardiologist knows them, or three a column as they come."""
    if set(leads) == set(LEADS):
        return LAYOUT
    return [leads[row::3] for row in range(min(3, len(leads)))]


def _runs(mask: NDArray[np.bool_]) -> list[list[int]]:
    """First sample and the one after the last of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return edges.reshape(-1, 2).tolist()
