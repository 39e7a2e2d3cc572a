"""Embeddings of one recording's leads in one space: are they near, and nearer than others'?

Everything goes by the angle between embeddings. Angles that float32 cannot tell apart are ties, and
a tie is worth half: a constant embedding finds the right recording no oftener than chance.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
TIE = 2e-6
"""Cosines of float32 embeddings nearer than this are one."""
NEXT_TO_NOTHING = 1e-4
"""Spread of embeddings over their size, below which they are constant up to rounding."""


def directions(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """Embeddings (..., d) at unit length; those of length 0 stay 0."""
    z = np.asarray(embeddings, np.float64)
    length = np.linalg.norm(z, axis=-1, keepdims=True)
    return np.asarray(np.divide(z, length, out=np.zeros_like(z), where=length > 0), np.float32)


def centred_directions(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """Unit directions from the mean of all embeddings (leads, n, d); all 0 where nothing varies.

    One mean for all leads: what tells leads apart is not taken out.
    """
    z = np.asarray(embeddings, np.float64)
    centred = z - z.reshape(-1, z.shape[-1]).mean(axis=0)
    spread, size = math.sqrt(np.mean(centred**2)), math.sqrt(np.mean(z**2))
    if spread <= NEXT_TO_NOTHING * size:
        return np.zeros(z.shape, np.float32)
    return directions(centred)


def farther(queries: NDArray[np.floating], gallery: NDArray[np.floating]) -> NDArray[np.float32]:
    """Matrix (n, n): whether recording j is farther from query i than recording i is; ties .5.

    Args:
        queries, gallery: unit directions (n, d) of two leads of the same recordings.
    """
    cosines = np.asarray(queries, np.float32) @ np.asarray(gallery, np.float32).T
    return _behind(cosines, np.diag(cosines)[:, None])


def farther_everywhere(units: NDArray[np.floating]) -> tuple[NDArray[np.float32], FloatArray]:
    """`farther` of all ordered pairs of leads.

    Args:
        units: (leads, n, d).

    Returns:
        its mean over pairs of leads (n, n), whose mean off the diagonal is the share of other
        recordings that are farther away than the right one; and, for each pair of leads and each
        query, the share of others that are not, (leads, leads, n), 0 for a right first guess.
    """
    leads, n, _ = units.shape
    total = np.zeros((n, n), np.float32)
    nearer = np.zeros((leads, leads, n))
    for a in range(leads):
        for b in range(a + 1, leads):
            cosines = np.asarray(units[a], np.float32) @ np.asarray(units[b], np.float32).T
            right = np.diag(cosines)
            for one, other, seen in ((a, b, cosines), (b, a, cosines.T)):
                behind = _behind(seen, right[:, None])
                total += behind
                # The right recording itself is a tie with itself: half of one.
                others = (behind.sum(axis=1, dtype=np.float64) - 0.5) / (n - 1)
                nearer[one, other] = 1.0 - others
    return total / np.float32(leads * (leads - 1)), nearer


def _behind(cosines: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    lead = right - cosines
    found = (lead > TIE).astype(np.float32)
    found += np.float32(0.5) * (np.abs(lead) <= TIE)
    return found


def cosines_of_pairs(units: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
    """Cosines between leads of recordings.

    Args:
        units: directions (leads, n, d).

    Returns:
        mean over ordered pairs of different leads of the cosine between recordings i and j, (n, n);
        and by pair of leads the mean cosine of one recording less that of two, (leads, leads), NaN
        on its diagonal.
    """
    leads, n, _ = units.shape
    total = np.zeros((n, n))
    by_pair = np.full((leads, leads), np.nan)
    for a in range(leads):
        for b in range(a + 1, leads):
            cosines = np.asarray(units[a] @ units[b].T, np.float64)
            same = float(np.trace(cosines))
            found = same / n - (float(cosines.sum()) - same) / (n * (n - 1))
            by_pair[a, b] = by_pair[b, a] = found
            total += cosines + cosines.T
    return total / (leads * (leads - 1)), by_pair


def crowding(units: NDArray[np.floating]) -> FloatArray:
    """exp(-2 |u - v|²) of each two recordings, (n, n), of unit directions (n, d) of one lead.

    The log of its mean is the uniformity of Wang & Isola 2020 (arXiv 2005.10242): 0 where all are
    one, -.69 on two opposite points, -1.57 on a circle, -2.08 on a sphere, towards -4 in many
    dimensions.
    """
    u = np.asarray(units, np.float64)
    squares = np.sum(u * u, axis=1)
    distance = squares[:, None] + squares[None] - 2.0 * u @ u.T
    return np.asarray(np.exp(-2.0 * np.maximum(distance, 0.0)))


def uniformity_of_sphere(dimensions: int) -> float:
    """Uniformity of points spread evenly over the unit sphere in so many dimensions."""
    from scipy.special import gammaln, ive

    if dimensions < 2:
        return math.log((1.0 + math.exp(-8.0)) / 2.0)
    # E exp(4 t) over the sphere is Γ(d/2) I_{d/2-1}(4) / 2^{d/2-1}; ive is I · exp(-4).
    order = dimensions / 2 - 1
    scaled = float(ive(order, 4.0))
    if scaled < 1e-290:  # hundreds of dimensions: cosines are normal with variance 1/d
        return -4.0 + 8.0 / dimensions
    return float(gammaln(dimensions / 2) - order * math.log(2.0) + math.log(scaled))
