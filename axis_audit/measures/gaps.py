"""Gaps in leads: which samples are hidden, and the straight line over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hidden_patches(
    leads: int, samples: int, length: int, share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A mask (leads, samples) that hides a share of the patches of each lead, each lead others.

    Args:
        length: of a patch in samples. share: of the patches, in (0, 1); one at least is hidden and
            one at least is not.

    Raises:
        ValueError: a lead has no two patches.
    """
    patches = samples // length
    if patches < 2:
        raise ValueError(f"{samples} samples hold no two patches of {length}")
    count = min(max(1, round(share * patches)), patches - 1)
    chosen = rng.permuted(np.tile(np.arange(patches), (leads, 1)), axis=1)[:, :count]
    hidden = np.zeros((leads, samples), bool)
    for lead, places in enumerate(chosen):
        for place in places:
            hidden[lead, place * length : (place + 1) * length] = True
    return hidden


def bridged(signals: NDArray[np.floating], hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Signals (n, leads, samples) whose hidden samples lie on lines between the visible ones.

    Before the first and after the last visible sample the line is level.
    """
    bridge = np.array(signals, np.float32)
    times = np.arange(hidden.shape[1])
    for lead, mask in enumerate(hidden):
        seen, gap = times[~mask], times[mask]
        after = np.clip(np.searchsorted(seen, gap), 0, len(seen) - 1)
        before = np.clip(np.searchsorted(seen, gap) - 1, 0, len(seen) - 1)
        apart = np.maximum(seen[after] - seen[before], 1)
        share = np.clip((gap - seen[before]) / apart, 0.0, 1.0).astype(np.float32)
        left, right = bridge[:, lead, seen[before]], bridge[:, lead, seen[after]]
        bridge[:, lead, gap] = left + share * (right - left)
    return bridge


def in_units_of(
    signals: NDArray[np.float32], bridged: NDArray[np.float32], x: NDArray[np.float32]
) -> NDArray[np.float64] | None:
    """Signals in the units that `prepare` gave their bridged selves, where it only scales leads.

    None where it does more (a filter): there is no such thing then.
    """
    centre = bridged.mean(axis=2, keepdims=True, dtype=np.float64)
    level = x.mean(axis=2, keepdims=True, dtype=np.float64)
    power = np.sum((bridged - centre) ** 2, axis=2, keepdims=True)
    product = np.sum((bridged - centre) * (x - level), axis=2, keepdims=True)
    factor = np.divide(product, power, out=np.zeros_like(power), where=power > 0)
    off = np.abs((bridged - centre) * factor + level - x).max()
    if off > 1e-3 * float(np.abs(x).max()):
        return None
    return np.asarray((signals - centre) * factor + level)
