"""Who is it? People known again from lead I of other recordings, without any training for it.

The lead-I set holds ten recordings of 10 s of each person, across sessions and conditions, in
`lead1.npz`: `signal` (people, recordings, samples) in mV, `fs` in Hz, `subject_id`. The first
recordings are enrolled, the last ones are probes; no recording is both. With a background of other
people who have several recordings, directions in which one person's recordings differ are also
weighed down before recordings are compared (within-class covariance normalisation, Hatch et al.
2006, Interspeech): nobody of the lead-I set takes part in that.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import AlignsLeads
from axis_audit.cohort import LEADS, Cohort
from axis_audit.errors import CohortError
from model.alignment import intervals
from model.alignment.drawing import AFTER, BEFORE

FILE = "lead1.npz"
PUBLISHED_RANK1 = 0.9968
"""On ECG-ID, about 90 people (arXiv 2405.19359); it depends on how many there are."""
ENROLLED = 5
RATE, SAMPLES = 100, 1000
FEWEST_SEVERAL = 20
SHRINKAGE = 0.03
"""Of the within-person covariance, towards a multiple of the identity."""


@dataclass(frozen=True)
class LeadOne:
    """Recordings of lead I: mV at 100 Hz, (people, recordings, samples), and who they are of."""

    signals: NDArray[np.float32]
    people: NDArray[np.str_]


def read_lead_one(folder: Path) -> LeadOne:
    """Read the lead-I set, resampled to 100 Hz.

    Raises:
        CohortError: the file is not there, damaged, or of another layout.
    """
    from scipy.signal import resample_poly

    path = folder / FILE if folder.is_dir() else folder
    cure = f"name the folder that holds {FILE}, with signal, fs and subject_id"
    try:
        with np.load(path, allow_pickle=False) as held:
            signals, people = held["signal"], held["subject_id"]
            fs = int(held["fs"].ravel()[0])
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise CohortError(path, f"it cannot be read ({error})", cure) from error
    if signals.ndim != 3 or signals.shape[1] < 2 or len(signals) != len(people) or fs < 1:
        raise CohortError(path, f"signal has shape {signals.shape} at {fs} Hz", cure)
    step = Fraction(RATE, fs)
    x = signals.astype(np.float64) - signals.mean(axis=2, keepdims=True)
    x = resample_poly(x, step.numerator, step.denominator, axis=2)
    if x.shape[2] < SAMPLES or not np.isfinite(x).all():
        raise CohortError(path, f"recordings last {x.shape[2] / RATE:g} s, or hold NaN", cure)
    return LeadOne(x[:, :, :SAMPLES].astype(np.float32), people.astype(str))


def evaluate(model: AlignsLeads, data: LeadOne, background: Cohort | None = None) -> dict[str, Any]:
    """Rank-1 and equal error rate of embeddings, of mean beats and of raw waveforms.

    Args:
        background: records of other people, several of some, for "..._whitened"; or None.

    Returns:
        plain values. "first_alone" enrols one recording a person and probes the last one;
        "enrolled" enrols five and probes each of the others, the nearest recording counting.
    """
    people, recordings, samples = data.signals.shape
    flat = data.signals.reshape(-1, samples)
    features = _features(model, flat)
    if background is not None:
        several = with_several(background)
        known = _features(model, several.signals[:, LEADS.index("I")])
        for name in ("embedding", "mean_beat"):
            spread = within_person(known[name], several.patient_ids)
            features[f"{name}_whitened"] = features[name] @ spread
    enrolled = min(ENROLLED, recordings // 2)
    found: dict[str, Any] = {
        "people": people,
        "recordings": recordings,
        "chance_rank1": intervals.rounded(1 / people),
        "published_rank1": PUBLISHED_RANK1,
    }
    for name, rows in features.items():
        units = _units(rows).reshape(people, recordings, -1)
        found[name] = {
            "first_alone": identified(units[:, :1], units[:, -1:]),
            "enrolled": identified(units[:, :enrolled], units[:, enrolled:]),
        }
    return found


def _features(model: AlignsLeads, lead_one: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """What recordings of lead I (n, samples) are compared by."""
    x = lead_one - lead_one.mean(axis=1, keepdims=True)
    twelve = np.zeros((len(x), len(LEADS), x.shape[1]), np.float32)
    twelve[:, LEADS.index("I")] = x
    return {
        "embedding": model.embed(twelve, "I").astype(np.float64),
        "mean_beat": np.stack([_mean_beat(row) for row in x]).astype(np.float64),
        "raw_waveform": x.astype(np.float64),
    }


def with_several(cohort: Cohort) -> Cohort:
    """Records of people who have more than one.

    Raises:
        CohortError: fewer than 20 such people.
    """
    _, inverse, count = np.unique(cohort.patient_ids, return_inverse=True, return_counts=True)
    if (count > 1).sum() < FEWEST_SEVERAL:
        raise CohortError(
            f"cohort {cohort.name!r}",
            f"{int((count > 1).sum())} people have several records",
            f"give a background with at least {FEWEST_SEVERAL} such people, or none",
        )
    return cohort.subset(count[inverse] > 1)


def within_person(rows: NDArray[np.float64], people: NDArray[np.str_]) -> NDArray[np.float64]:
    """Symmetric map (d, d) after which recordings of one person differ alike in all directions."""
    _, inverse, count = np.unique(people, return_inverse=True, return_counts=True)
    sums = np.zeros((len(count), rows.shape[1]))
    np.add.at(sums, inverse, rows)
    off = rows - (sums / count[:, None])[inverse]
    scatter = off.T @ off / max(len(rows) - len(count), 1)
    scatter += SHRINKAGE * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    values, vectors = np.linalg.eigh(scatter)
    return np.asarray(vectors @ np.diag(values**-0.5) @ vectors.T)


def identified(enrolled: NDArray[np.float64], probes: NDArray[np.float64]) -> dict[str, Any]:
    """Rank-1 (each person's share of probes) and equal error rate, with intervals over people.

    Args:
        enrolled, probes: (people, recordings, d) at unit length.
    """
    n, count, d = probes.shape
    similar = probes.reshape(-1, d) @ enrolled.reshape(-1, d).T
    nearest = similar.reshape(n, count, n, -1).max(axis=3)  # (person, probe, claimed person)
    hits = (nearest.argmax(axis=2) == np.arange(n)[:, None]).mean(axis=1)
    genuine = nearest[np.arange(n), :, np.arange(n)]  # (person, probe)
    impostors = nearest[~np.broadcast_to(np.eye(n, dtype=bool)[:, None], nearest.shape)]
    return {
        "rank1": intervals.mean(hits),
        "equal_error": intervals.rounded(equal_error(genuine.ravel(), impostors)),
    }


def equal_error(genuine: NDArray[np.float64], impostors: NDArray[np.float64]) -> float:
    """Error rate at the threshold where as many are falsely accepted as falsely rejected."""
    thresholds = np.unique(genuine)
    rejected = np.searchsorted(np.sort(genuine), thresholds, side="left") / len(genuine)
    accepted = 1 - np.searchsorted(np.sort(impostors), thresholds, side="left") / len(impostors)
    at = int(np.abs(rejected - accepted).argmin())
    return float((rejected[at] + accepted[at]) / 2)


def _units(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """About the mean of all, at unit length."""
    moved = rows - rows.mean(axis=0)
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)


def _mean_beat(lead: NDArray[np.float32]) -> NDArray[np.float32]:
    from sleepecg import detect_heartbeats

    found = np.asarray(detect_heartbeats(lead.astype(np.float64), float(RATE)))
    peaks = found[(found >= BEFORE) & (found < len(lead) - AFTER)]
    if not len(peaks):
        return np.zeros(BEFORE + AFTER, np.float32)
    beats = np.stack([lead[p - BEFORE : p + AFTER] for p in peaks])
    return np.asarray(np.median(beats, axis=0), dtype=np.float32)
