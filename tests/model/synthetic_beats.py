"""Synthetic beats whose T wave shrinks with age."""

from __future__ import annotations

import numpy as np

from axis_audit.cohort import Cohort, make_cohort


def beats(n: int, seed: int = 0, per_record: int = 1) -> Cohort:
    """n patients, one record each; heights of waves differ between people, T falls with age."""
    chance = np.random.default_rng(seed)
    age = chance.uniform(20, 90, n)
    time = np.arange(120)
    waves = [np.exp(-0.5 * ((time - c) / w) ** 2) for c, w in ((22, 4), (40, 1.5), (70, 7))]
    heights = chance.normal(1.0, 0.2, (n, 12, 3)) * np.array([0.15, 1.0, 0.4])
    heights[:, :, 2] -= 0.004 * (age - 50)[:, None]
    signals = np.repeat(heights @ np.stack(waves), per_record, axis=0)
    signals += chance.normal(0, 0.02, signals.shape)
    ids = np.repeat(np.array([f"r{seed}-{i}" for i in range(n)]), per_record)
    return make_cohort(
        f"synthetic {seed}",
        signals,
        rate=100.0,
        kind="beat",
        r_index=40,
        record_ids=ids,
        patient_ids=np.char.add("p", ids),
        age=np.repeat(age, per_record),
        scope="synthetic",
    )
