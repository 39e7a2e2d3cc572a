"""Synthetic twelve-lead records; every heart has its own rate, waves and directions."""

from __future__ import annotations

import numpy as np

from axis_audit.cohort import Cohort, make_cohort
from axis_audit.cohorts.beats import derive_twelve_leads


def records(n: int, seed: int = 0, samples: int = 1000, rate: float = 100.0) -> Cohort:
    """n people, one record each: P, QRS and T at the person's own heights, rate and directions."""
    chance = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    signals = np.zeros((n, 8, samples))
    for person in range(n):
        period, start = chance.uniform(0.6, 1.1), chance.uniform(0, 0.5)
        heights = chance.normal(0, 0.4, (8, 3)) * (0.2, 1.5, 0.5)
        for beat in np.arange(start - 1, samples / rate + 1, period):
            for k, (at, width) in enumerate(((-0.16, 0.03), (0.0, 0.015), (0.28, 0.05))):
                wave = np.exp(-0.5 * ((time - beat - at) / width) ** 2)
                signals[person] += heights[:, k, None] * wave
    signals += chance.normal(0, 0.01, signals.shape)
    ids = np.array([f"r{seed}-{i}" for i in range(n)])
    return make_cohort(
        f"synthetic {seed}",
        derive_twelve_leads(signals.astype(np.float32)),
        rate=rate,
        record_ids=ids,
        patient_ids=np.char.add("p", ids),
        age=np.full(n, 50.0),
        scope="synthetic",
    )
