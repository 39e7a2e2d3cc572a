"""Synthetic cardiac cycles: a person is the places, widths and heights of P, Q, R, S and T."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import LEADS, Cohort, make_cohort, waveform_hashes

SAMPLES, R_INDEX = 400, 160
CENTRES = np.array([85.0, 148.0, 160.0, 172.0, 300.0])
WIDTHS = np.array([14.0, 4.0, 5.0, 5.0, 26.0])
HEIGHTS = np.array([0.12, -0.1, 1.0, -0.25, 0.3])


def cycles(people: int, seed: int = 0, per_record: int = 3, prefix: str = "p") -> Cohort:
    """A cohort of kind "cycle": one record a person, `per_record` cycles of it, twelve leads, mV.

    T and P move and grow with the person; cycles of one record differ by noise and a slight gain.
    """
    chance = np.random.default_rng(seed)
    centres = CENTRES + chance.normal(0, 1, (people, 5)) * np.array([6.0, 1.0, 0.0, 1.5, 12.0])
    widths = WIDTHS * np.exp(chance.normal(0, 0.12, (people, 5)))
    own = HEIGHTS * np.exp(chance.normal(0, 0.35, (people, 5)))
    leads = 1 + chance.normal(0, 0.3, (people, len(LEADS), 5))
    time = np.arange(SAMPLES)
    waves = np.exp(-0.5 * ((time - centres[..., None]) / widths[..., None]) ** 2)
    clean = np.einsum("plw,pwt->plt", own[:, None] * leads, waves)
    gains = np.exp(chance.normal(0, 0.05, (people, per_record, 1, 1)))
    noise = chance.normal(0, 0.01, (people, per_record, len(LEADS), SAMPLES))
    signals = _level(clean[:, None] * gains + noise)
    names = np.array([f"{prefix}{seed}-{i}" for i in range(people)])
    columns: dict[str, Any] = {
        "record_ids": np.repeat(names, per_record),
        "patient_ids": np.repeat(np.char.add("patient-", names), per_record),
        "age": np.repeat(chance.uniform(20, 90, people), per_record),
        "sex": np.repeat(chance.choice(["female", "male"], people), per_record),
        "hashes": np.repeat(waveform_hashes(clean.astype(np.float32)), per_record),
    }
    return make_cohort(
        f"synthetic cycles {seed}",
        signals.reshape(-1, len(LEADS), SAMPLES),
        rate=float(SAMPLES),
        kind="cycle",
        r_index=R_INDEX,
        scope="synthetic",
        seconds=np.repeat(chance.uniform(0.6, 1.1, people), per_record).astype(np.float32),
        **columns,
    )


def _level(signals: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(signals - np.median(signals, axis=-1, keepdims=True))
