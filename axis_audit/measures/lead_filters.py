"""Ridge regression of all leads on one lead in a window of time: linear filters.

Every sample of a lead is regressed on the samples of the source lead about it. With signals that
are zero outside the record the normal equations are Toeplitz, and hold only auto- and cross-
correlations, which a Fourier transform gives for all pairs of leads at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.linalg import solve_toeplitz

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complexfloating]
RIDGE = 1e-3
"""Of a source's power, added to the normal equations' diagonal."""


@dataclass(frozen=True)
class Correlations:
    """Sums over records of the correlations that normal equations need.

    Attributes:
        own: (leads, lags from 0 to 2·reach), of each source lead with itself.
        cross: (leads, leads, 2·reach + 1), of source a with target b, lags from -reach to reach.
        power: (leads,), sums of squares of the targets.
    """

    own: FloatArray
    cross: FloatArray
    power: FloatArray

    def __add__(self, other: Correlations) -> Correlations:
        return Correlations(
            self.own + other.own, self.cross + other.cross, self.power + other.power
        )

    def __sub__(self, other: Correlations) -> Correlations:
        return Correlations(
            self.own - other.own, self.cross - other.cross, self.power - other.power
        )


def transform_size(samples: int, reach: int) -> int:
    """Samples of a Fourier transform in which a filter does not wrap around."""
    return int(fft.next_fast_len(samples + 2 * reach, real=True))


def correlations(
    source: NDArray[np.floating], target: NDArray[np.floating], reach: int
) -> Correlations:
    """Correlations of source with target leads, both (n, leads, samples), summed over records."""
    size = transform_size(source.shape[2], reach)
    s, y = fft.rfft(source, size, axis=2), fft.rfft(target, size, axis=2)
    own = fft.irfft(np.sum(np.abs(s) ** 2, axis=0), size, axis=1)
    # One small matrix product a frequency.
    crossed = np.matmul(np.conj(s).transpose(2, 1, 0), y.transpose(2, 0, 1)).transpose(1, 2, 0)
    lags = fft.irfft(crossed, size, axis=2)
    cross = np.concatenate([lags[..., size - reach :], lags[..., : reach + 1]], axis=2)
    power = np.sum(np.asarray(target, np.float64) ** 2, axis=(0, 2))
    return Correlations(
        np.asarray(own[:, : 2 * reach + 1], np.float64), np.asarray(cross, np.float64), power
    )


def fit_filters(found: Correlations) -> tuple[FloatArray, FloatArray]:
    """Filters from each source lead to every lead.

    Returns:
        weights (leads, leads, 2·reach + 1) of source a, target b, lag; and the squared error of the
        fit over the target's power, (leads, leads). A silent source gets weights 0.
    """
    weights = np.zeros_like(found.cross)
    left = np.ones(found.cross.shape[:2])
    for a, own in enumerate(found.own):
        if own[0] <= 0.0:
            continue
        column = own.copy()
        column[0] += RIDGE * own[0]
        weights[a] = solve_toeplitz(column, found.cross[a].T).T
        explained = np.sum(weights[a] * found.cross[a], axis=1)
        left[a] = 1.0 - explained / np.where(found.power > 0, found.power, np.inf)
    return weights, left


def filter_errors(
    source: NDArray[np.floating], target: NDArray[np.floating], weights: FloatArray
) -> FloatArray:
    """Squared errors (n, leads, leads): record, source lead, target lead.

    Args:
        source, target: (n, leads, samples). weights: as `fit_filters` gives them.
    """
    n, leads, samples = target.shape
    reach = weights.shape[2] // 2
    size = transform_size(samples, reach)
    around = np.zeros((leads, leads, size), np.float32)
    around[..., : reach + 1] = weights[..., reach:]
    around[..., size - reach :] = weights[..., :reach]
    response = fft.rfft(around, axis=2)
    spectra = fft.rfft(np.asarray(source, np.float32), size, axis=2)
    wanted = np.asarray(target, np.float32)
    errors = np.empty((n, leads, leads))
    for a in range(leads):
        drawn = fft.irfft(spectra[:, a, None] * response[a], size, axis=2)[..., :samples]
        drawn -= wanted
        errors[:, a] = np.einsum("nlt,nlt->nl", drawn, drawn)
    return errors


def of_one_lead_alone(signals: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """What a lead of (n, leads, samples) tells alone: centred millivolts, and their shape."""
    centred = signals - signals.mean(axis=2, keepdims=True)
    size = np.sqrt(np.mean(centred**2, axis=2, keepdims=True))
    shape = np.divide(centred, size, out=np.zeros_like(centred), where=size > 0)
    return {"millivolts": centred, "its own size": shape}
