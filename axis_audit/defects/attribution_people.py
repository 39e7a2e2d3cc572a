"""People who never lived, with diseases that are known: records for the attribution twin.

Beats of the atlas at a rhythm of their own, and what each disease does to them written down here:
Gaussian bumps in millivolts, lead by lead, in the waves where the disease shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import INDEPENDENT_LEADS, Cohort, make_cohort
from axis_audit.cohorts.atlas import load_atlas
from axis_audit.cohorts.beats import R_INDEX, derive_twelve_leads

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]
RATE, SAMPLES = 100.0, 1000
SHARE_ILL = 0.35
"""Of each disease; who has one may have others."""
SHARE_UNSURE = 0.04
"""Stated with a likelihood of 50: neither positive nor negative."""
_CODES = {"MI": "ASMI", "STTC": "ISCAL", "CD": "CRBBB", "HYP": "LVH"}
_LATENTS, _SPREAD = 8, 0.8
"""Components in which beats differ, and by what share of the atlas's deviations."""
_NOISE, _DRIFT = 0.012, 0.03
"""Millivolts."""
_SEVERITY = (-0.1, 0.4, 0.45, 1.6)
"""Of its logarithm mean and deviation; least and most; in units of the bumps below."""

Bump = tuple[float, float, Mapping[str, float]]
"""Seconds after R, width in seconds, millivolts by lead."""
BUMPS: Mapping[str, tuple[Bump, ...]] = {
    "MI": (
        (-0.015, 0.012, {"V2": -0.40, "V3": -0.50, "V4": -0.45}),
        (0.14, 0.05, {"V2": 0.30, "V3": 0.36, "V4": 0.30, "V5": 0.15}),
    ),
    "STTC": (
        (0.12, 0.03, {"I": -0.07, "II": -0.07, "V4": -0.10, "V5": -0.14, "V6": -0.12}),
        (0.26, 0.045, {"I": -0.12, "II": -0.12, "V4": -0.16, "V5": -0.22, "V6": -0.20}),
    ),
    "CD": ((0.040, 0.010, {"V1": 0.55, "V2": 0.35, "I": -0.35, "V5": -0.30, "V6": -0.40}),),
    "HYP": ((0.0, 0.013, {"I": 0.3, "V1": -0.35, "V2": -0.45, "V5": 0.65, "V6": 0.6}),),
}


@dataclass(frozen=True)
class Drawn:
    """Records with what is known of them.

    Attributes:
        people: the cohort. peaks: samples of R, one array a record. severity: (n, 4), in the order
            of `BUMPS`, 0 for the well.
    """

    people: Cohort
    peaks: tuple[NDArray[np.int64], ...]
    severity: Float64Array


def draw(count: int, seed: int, fold: int) -> Drawn:
    """So many people, one record of ten seconds each; the same seed and fold give the same."""
    rng = np.random.default_rng((seed, fold, 8))
    severity = _severities(count, rng)
    beats = _beats(severity, rng)
    records, peaks = _records(beats, rng)
    ids = np.array([f"ill/{seed}/{fold}.{i}" for i in range(count)])
    people = make_cohort(
        "beats of the atlas with planted diseases",
        derive_twelve_leads(records),
        rate=RATE,
        scope="synthetic",
        record_ids=np.array([f"{name}/0" for name in ids]),
        patient_ids=ids,
        age=rng.integers(20, 90, count),
        sex=rng.choice(["female", "male"], count),
        device=rng.choice(["A", "B", "C"], count),
        diagnoses=tuple(_diagnoses(row, rng) for row in severity),
        fold=np.full(count, fold),
    )
    return Drawn(people, peaks, severity)


def _severities(count: int, rng: np.random.Generator) -> Float64Array:
    centre, spread, least, most = _SEVERITY
    size = (count, len(BUMPS))
    found = np.clip(np.exp(centre + spread * rng.standard_normal(size)), least, most)
    return np.asarray(np.where(rng.random(size) < SHARE_ILL, found, 0.0))


def _diagnoses(severity: Float64Array, rng: np.random.Generator) -> dict[str, float]:
    given: dict[str, float] = {}
    for name, how_ill in zip(BUMPS, severity, strict=True):
        unsure = rng.random() < SHARE_UNSURE
        if how_ill > 0 or unsure:
            given[_CODES[name]] = 50.0 if unsure else 100.0
    return given or {"NORM": 100.0}


def _beats(severity: Float64Array, rng: np.random.Generator) -> Float64Array:
    """One beat a person, (n, 8, 120), in mV."""
    atlas = load_atlas()
    components = atlas.components[:_LATENTS].reshape(_LATENTS, -1)
    scores = _SPREAD * atlas.score_sd[:_LATENTS] * rng.standard_normal((len(severity), _LATENTS))
    beats = atlas.mean + (scores @ components).reshape(-1, *atlas.mean.shape)
    changes = np.stack([_change(bumps, atlas.mean.shape[1]) for bumps in BUMPS.values()])
    return np.asarray(beats + np.einsum("nd,dlt->nlt", severity, changes))


def _change(bumps: tuple[Bump, ...], samples: int) -> Float64Array:
    """What a disease of severity 1 adds to a beat, (8, samples), in mV."""
    at = (np.arange(samples) - R_INDEX) / RATE
    found = np.zeros((len(INDEPENDENT_LEADS), samples))
    for centre, width, leads in bumps:
        for lead, size in leads.items():
            found[INDEPENDENT_LEADS.index(lead)] += size * np.exp(
                -0.5 * ((at - centre) / width) ** 2
            )
    return found


def _records(
    beats: Float64Array, rng: np.random.Generator
) -> tuple[Float64Array, tuple[NDArray[np.int64], ...]]:
    """Beats one after another, each as long as its heart is slow, its ends drawn to zero."""
    records = np.zeros((len(beats), beats.shape[1], SAMPLES + beats.shape[2]))
    peaks = []
    for record, beat in zip(records, beats, strict=True):
        period, start, found = int(rng.integers(78, 108)), int(rng.integers(0, 20)), []
        while start < SAMPLES:
            length = period + int(rng.integers(-2, 3))
            wave = beat[:, 6 : 6 + length]
            ends = np.linspace(wave[:, 0], wave[:, -1], wave.shape[1], axis=1)
            record[:, start : start + wave.shape[1]] = wave - ends
            found.append(start + R_INDEX - 6)
            start += wave.shape[1]
        peaks.append(np.array([p for p in found if p < SAMPLES]))
    records = records[..., :SAMPLES]
    records += _NOISE * rng.standard_normal(records.shape)
    phase = rng.uniform(0, 2 * np.pi, (*records.shape[:2], 1))
    records += _DRIFT * np.sin(2 * np.pi * 0.25 * np.arange(SAMPLES) / RATE + phase)
    return records, tuple(peaks)
