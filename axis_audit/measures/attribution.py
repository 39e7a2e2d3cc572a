"""What maps of attribution are worth: where they point, what deleting by them does, how alike.

Maps are (n, leads, samples), signed, in units of a logit; masks are (n, samples), one answer for
all leads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.stats import rankdata

Float64Array = NDArray[np.float64]
Maps = NDArray[np.floating]
Masks = NDArray[np.bool_]
_EXPLAINED = 1e-6
"""Share of a variance that is none: rounding."""


def region_share(maps: Maps, masks: Masks) -> Float64Array:
    """Share of each map's magnitude that lies within its mask, (n,); 0 of a map that is silent."""
    by_time = np.abs(maps).sum(axis=1, dtype=np.float64)
    total = by_time.sum(axis=1)
    inside = np.sum(by_time, axis=1, where=masks)
    return np.asarray(np.divide(inside, total, out=np.zeros(len(maps)), where=total > 0))


def pointing(maps: Maps, masks: Masks, tolerance: int = 0) -> NDArray[np.bool_]:
    """Whether the largest magnitude of each map, over all leads, lies within its mask, (n,).

    Where several are largest, all must: a constant map does not point.

    Args:
        tolerance: samples by which masks are widened on either side.

    Source: Zhang et al. 2018, Int. J. Comput. Vis. 126:1084 (who widen by 15 pixels).
    """
    if tolerance:
        masks = maximum_filter1d(masks.astype(np.uint8), 2 * tolerance + 1, axis=1) > 0
    by_time = np.abs(maps).max(axis=1)
    highest = by_time.max(axis=1, keepdims=True)
    return np.asarray(np.all(masks | (by_time < highest), axis=1) & (highest[:, 0] > 0))


def by_chance(masks: Masks) -> Float64Array:
    """What any map whatever scores on average over all circular shifts of its mask, (n,).

    Shifts keep the mask's size and the rhythm of its beats; of all of them each sample is inside
    equally often, so that share and hits both average to the share of the record that is masked.
    """
    return np.asarray(masks.mean(axis=1), np.float64)


def ranked(maps: Maps, rng: np.random.Generator) -> NDArray[np.int64]:
    """Flat places (n, leads * samples) of each map, from what speaks most for the disease down.

    Ties in random order, so that a constant map ranks nothing.
    """
    found = []
    for row in np.asarray(maps, np.float64).reshape(len(maps), -1):
        ties = rng.permutation(row.size)
        found.append(ties[np.argsort(-row[ties], kind="stable")])
    return np.stack(found)


def exchanged(signals: Maps, others: Maps, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Signals (n, leads, samples) with the values of others at flat places (n, k)."""
    flat = np.array(signals, np.float32).reshape(len(signals), -1)
    rows = np.arange(len(flat))[:, None]
    flat[rows, places] = np.asarray(others, np.float32).reshape(len(flat), -1)[rows, places]
    return flat.reshape(np.shape(signals))


def edges(signals: Maps) -> Float64Array:
    """How steep each sample of signals (n, leads, samples) is: a map that asks no model."""
    return np.asarray(np.abs(np.gradient(np.asarray(signals, np.float64), axis=2)))


def coarse(maps: Maps, width: int) -> Float64Array:
    """Maps summed over windows of so many samples, (n, leads, windows); a rest is left out."""
    n, leads, samples = maps.shape
    windows = samples // width
    whole = np.asarray(maps[..., : windows * width], np.float64)
    return np.asarray(whole.reshape(n, leads, windows, width).sum(axis=3))


def cosines(ours: Maps, theirs: Maps) -> Float64Array:
    """Cosine of each map with its counterpart, (n,); 0 where one of the two is silent."""
    a, b = (np.asarray(m, np.float64).reshape(len(m), -1) for m in (ours, theirs))
    size = np.sqrt(np.sum(a * a, axis=1)) * np.sqrt(np.sum(b * b, axis=1))
    products = np.sum(a * b, axis=1)
    return np.asarray(np.divide(products, size, out=np.zeros(len(a)), where=size > 0))


def rank_correlations(ours: Maps, theirs: Maps, given: Maps, share: float = 0.1) -> Float64Array:
    """Spearman's partial correlation of magnitudes of maps, given those of the signals, (n,).

    Of the samples that are among the highest `share` of either map: elsewhere both may be silent,
    which is no likeness. A map that is input times gradient has the input's envelope whatever the
    weights are; what is left, once it is taken out, is what the weights say. A map that the signal
    tells wholly, or that is constant, says nothing else and counts as 1. NaN where `theirs` is
    silent: whatever the cause is, there is nothing to compare with.
    """
    found: list[float] = []
    for a, b, x in zip(ours, theirs, given, strict=True):
        if not np.any(b):
            found.append(np.nan)
            continue
        maps = [np.abs(np.asarray(m, np.float64)).ravel() for m in (a, b, x)]
        count = max(2, round(share * maps[0].size))
        highest = [m > 0 if np.count_nonzero(m) < count else m >= _nth(m, count) for m in maps[:2]]
        found.append(_partial(*(m[highest[0] | highest[1]] for m in maps)))
    return np.array(found)


def _nth(values: Float64Array, count: int) -> float:
    return float(np.partition(values, -count)[-count])


def _partial(a: Float64Array, b: Float64Array, x: Float64Array) -> float:
    """Rank correlation of a and b given x; 1 where x tells one of them."""
    if a.size < 3:
        return 1.0
    ranks = np.stack([rankdata(v) for v in (a, b, x)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    power = float(ranks[2] @ ranks[2])
    left = ranks[:2] - np.outer(ranks[:2] @ ranks[2] / power, ranks[2]) if power else ranks[:2]
    sizes, before = (np.sum(r**2, axis=1) for r in (left, ranks[:2]))
    if np.any(sizes <= _EXPLAINED * np.maximum(before, 1.0)):
        return 1.0
    return float(left[0] @ left[1] / np.sqrt(sizes[0] * sizes[1]))


def incompleteness(sums: Float64Array, differences: Float64Array) -> Float64Array:
    """How far maps are from summing to the differences of logits they explain, (n,).

    Over the difference, or over the median one where it is smaller: who is hardly told from the
    baseline has a small difference, of which rounding is a large share.

    Source: axiom of completeness, Sundararajan et al. 2017, ICML 70:3319.
    """
    size = np.abs(differences)
    return np.asarray(np.abs(sums - differences) / np.maximum(size, np.median(size)))
