"""What probes calibrated by planted leaks share: the plants, the score, the way that counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from axis_audit.statistics.planting import PlantedLeak

FloatArray = NDArray[np.float64]
POWER_NEEDED = 0.9


def planted_targets(
    targets: FloatArray, members: FloatArray, planted: FloatArray, seed: int, audited: int
) -> FloatArray:
    """The targets, then sqrt(r)·f(z) + sqrt(1-r)·(the first permuted), shape (n, k + m).

    The first `audited` rows trade targets among themselves, and so do the others: the two sets of
    people may differ in age.

    Args:
        targets: shape (n, k). members: f(z) of zero mean and unit variance, shape (n, m).
        planted: leak R² r of each plant, shape (m,). audited: n where nobody else is fitted on.
    """
    standard = (targets - targets.mean(axis=0)) / targets.std(axis=0)
    rng = np.random.default_rng(seed + 1)
    noise = np.empty(members.shape)
    for part in (slice(0, audited), slice(audited, len(targets))):
        noise[part] = np.stack([rng.permutation(standard[part, 0]) for _ in planted], axis=1)
    plants = np.sqrt(planted) * members + np.sqrt(1 - planted) * noise
    return np.column_stack([standard, plants])


def held_out_score(
    predictions: NDArray[np.floating], targets: NDArray[np.floating], fold: NDArray[np.int_]
) -> FloatArray:
    """Fisher's z of the correlation of predictions and targets (n, T), shape (T,).

    Both are centred within each fold: a fold's mean prediction is made from everybody else.
    """
    p, y = np.array(predictions, np.float64), np.array(targets, np.float64)
    for k in np.unique(fold):
        rows = fold == k
        p[rows] -= p[rows].mean(axis=0)
        y[rows] -= y[rows].mean(axis=0)
    scale = np.sqrt(np.sum(p**2, axis=0) * np.sum(y**2, axis=0))
    # A prediction that does not vary reads nothing: its correlation is 0, not undefined.
    r = np.sum(p * y, axis=0) / np.where(scale > 0, scale, 1.0)
    return np.asarray(np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9)))


def counting_way(ways: Mapping[str, PlantedLeak], margin: float) -> str:
    """Name of the way that counts: the worse of those able to tell.

    Among ways that find at least 90 % of the leaks planted at the margin the one with the higher
    estimate. Where none does, or one that falls short still FAILs the margin, the one with the
    highest lower end; its power then keeps it from a PASS.
    """
    able = [w for w, leak in ways.items() if leak.power_at_margin >= POWER_NEEDED]
    failing = [w for w, leak in ways.items() if leak.fail_interval[0] > margin]
    if failing or not able:
        return max(failing or ways, key=lambda w: ways[w].fail_interval[0])
    return max(able, key=lambda w: ways[w].estimate)
