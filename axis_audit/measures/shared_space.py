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
    right = np.diag(cosines)[:, None]
    behind, level = cosines < right - TIE, cosines <= right + TIE
    return np.asarray(0.5 * behind + 0.5 * level, np.float32)


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
    twice = np.zeros((n, n), np.uint16)
    nearer = np.zeros((leads, leads, n))
    for a in range(leads):
        for b in range(a + 1, leads):
            cosines = np.asarray(units[a], np.float32) @ np.asarray(units[b], np.float32).T
            right = np.diag(cosines).copy()
            for one, other, seen in ((a, b, cosines), (b, a, cosines.T)):
                behind, level = seen < right[:, None] - TIE, seen <= right[:, None] + TIE
                twice += behind
                twice += level
                # The right recording itself is level with itself.
                halves = np.count_nonzero(behind, axis=1) + np.count_nonzero(level, axis=1) - 1
                nearer[one, other] = 1.0 - halves / (2.0 * (n - 1))
    return np.asarray(twice / (2 * leads * (leads - 1)), np.float32), nearer


def cosines_of_pairs(units: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
    """Cosines between leads of recordings.

    Args:
        units: directions (leads, n, d).

    Returns:
        mean over ordered pairs of different leads of the cosine between recordings i and j, (n, n);
        and by pair of leads the mean cosine of one recording less that of two, (leads, leads), NaN
        on its diagonal.
    """
    u = np.asarray(units, np.float64)
    leads, n, _ = u.shape
    everywhere = u.sum(axis=0)
    total = everywhere @ everywhere.T
    for rows in u:
        total -= rows @ rows.T
    same = np.einsum("and,bnd->ab", u, u)
    sums = u.sum(axis=1)
    by_pair = same / n - (sums @ sums.T - same) / (n * (n - 1))
    np.fill_diagonal(by_pair, np.nan)
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


def share_farther(queries: NDArray[np.floating], galleries: NDArray[np.floating]) -> float:
    """Share of other recordings that are farther than the right one, mean over pairs of leads.

    Args:
        queries, galleries: unit directions (leads, n, d) of the same recordings.
    """
    leads, n, _ = queries.shape
    pairs = [(a, b) for a in range(leads) for b in range(leads) if a != b]
    found = [float(farther(queries[a], galleries[b]).sum(dtype=np.float64)) for a, b in pairs]
    # A recording is level with itself: half of one.
    return float((sum(found) / len(found) - n / 2) / (n * (n - 1)))


def spectra(leads: NDArray[np.floating], bins: int = 64) -> FloatArray:
    """An embedding that nobody trained: log spectra of leads, (leads, n, bins).

    Args:
        leads: signals (n, leads, samples). Each lead has its own size taken out, and each bin of
            each lead its mean and deviation over people. The lower half of the frequencies.
    """
    x = np.asarray(leads, np.float64)
    x = x - x.mean(axis=2, keepdims=True)
    size = np.sqrt(np.mean(x**2, axis=2, keepdims=True))
    x = np.divide(x, size, out=np.zeros_like(x), where=size > 0)
    power = np.log1p(np.abs(np.fft.rfft(x, axis=2)))[..., 1:]
    half = power[..., : max(bins, power.shape[2] // 2)]
    width = max(1, half.shape[2] // bins)
    kept = half[..., : width * (half.shape[2] // width)]
    binned = kept.reshape(*kept.shape[:2], -1, width).mean(axis=3)
    deviation = binned.std(axis=0)
    standard = (binned - binned.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.asarray(standard.transpose(1, 0, 2))
