"""Pairs of recordings so alike that they are one recording under two names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLES = 256
"""Samples a lead that are compared: copies are alike in any of them."""
_SKETCH = 128
_SLACK = 0.03
"""The sketch's correlation errs by (1 - r²)/sqrt(128), .002 at r = .99: fifteen times less."""
_BLOCK = 512


def unit_rows(signals: NDArray[np.floating]) -> NDArray[np.float32]:
    """Signals (n, leads, samples) centred as a whole and of unit norm, shape (n, m).

    Row products are then correlations, whatever the gain. A constant record becomes zeros.
    """
    every = -(-signals.shape[2] // SAMPLES)
    rows = np.asarray(signals[:, :, ::every], np.float32).reshape(len(signals), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)


def near_duplicates(
    ours: NDArray[np.float32], others: NDArray[np.float32] | None, threshold: float
) -> list[tuple[int, int, float]]:
    """Pairs (i, j, r) of rows that correlate by more than a threshold, most alike first.

    Args:
        ours, others: `unit_rows`; with others None, pairs i < j among ours.
        threshold: smallest r that counts, in (0, 1).

    All pairs are compared in a random projection to 128 numbers (Johnson & Lindenstrauss 1984);
    those near the threshold or above it are compared in full.
    """
    theirs = ours if others is None else others
    rng = np.random.default_rng(0)
    axes = rng.standard_normal((ours.shape[1], min(_SKETCH, ours.shape[1])), dtype=np.float32)
    sketch, other_sketch = _normalised(ours @ axes), _normalised(theirs @ axes)
    found = []
    for start in range(0, len(ours), _BLOCK):
        alike = sketch[start : start + _BLOCK] @ other_sketch.T
        for i, j in np.argwhere(alike > threshold - _SLACK):
            if others is not None or start + i < j:
                r = float(ours[start + i] @ theirs[j])
                if r > threshold:
                    found.append((int(start + i), int(j), r))
    return sorted(found, key=lambda pair: -pair[2])


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)
