"""The direction of age in beats: re-estimated by regression and compared with the model's.

The regression of beats x_i on g_i gives B̂ = Σ w_i x_i, w_i = (g_i - ḡ)/Σ(g - ḡ)². Its squared norm
is too large by the noise of the estimate, so that the plain cosine of B̂ with B is too small. The
norm is debiased by the terms of a patient with herself: |B̂|² - Σ w_i²|r_i|², r_i the residual.
With bootstrap multiplicities m_i a patient drawn twice is still one source of noise, and what is
subtracted is Σ (m_i w_i)²|r_i|² (a U-statistic over distinct patients).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def regress_direction(
    beats: NDArray[np.floating],
    g: NDArray[np.floating],
    weights: NDArray[np.floating] | None = None,
) -> FloatArray:
    """Slope of beats (n, leads, samples) on axis values g (n,), optionally weighted (n,).

    Returns:
        B̂, shape (leads, samples), in units of the beats per unit of g; NaN where g is constant.

    Raises:
        ValueError: rows that do not match.
    """
    x, axis = _rows(beats, g)
    m = np.ones((1, len(axis))) if weights is None else np.asarray(weights, np.float64)[None]
    slope: FloatArray = _slope_weights(m, axis) @ x
    return slope.reshape(np.shape(beats)[1:])


def direction_similarity(
    weights: FloatArray,
    beats: NDArray[np.floating],
    g: NDArray[np.floating],
    direction: NDArray[np.floating],
) -> FloatArray:
    """Cosine of the re-estimated direction with the model's, its norm debiased.

    Args:
        weights: multiplicities of the patients, shape (k, n).
        beats: one beat a patient, shape (n, leads, samples) or (n, leads * samples).
        g: axis values, shape (n,). direction: the model's B, any shape of leads * samples.

    Returns:
        shape (k,); NaN where the debiased norm is not positive (nothing but noise was estimated).
        The debiased cosine can exceed 1 by the noise of the norm.

    Raises:
        ValueError: rows that do not match.
    """
    x, axis = _rows(beats, g)
    model = np.asarray(direction, np.float64).ravel()
    slopes = _slope_weights(np.asarray(weights, np.float64), axis)
    # The product of all resamples with all beats is the work: in the beats' own precision.
    own = np.float32 if np.asarray(beats).dtype == np.float32 else np.float64
    estimated = (slopes.astype(own) @ x.astype(own)).astype(np.float64)
    squared = np.einsum("kt,kt->k", estimated, estimated) - _own_terms(slopes, x, axis)
    projected = estimated @ model
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = projected / (np.linalg.norm(model) * np.sqrt(np.maximum(squared, 0)))
    return np.where(squared > 0, cosine, np.nan)


def transport_ratio(
    weights: FloatArray,
    beats: NDArray[np.floating],
    g: NDArray[np.floating],
    direction: NDArray[np.floating],
) -> FloatArray:
    """<B_aug, B>/<B, B>, B_aug re-estimated by regressing (augmented) beats on g.

    Arguments as in `direction_similarity`. Returns shape (k,); 1 when the axis is transported
    unchanged, NaN where g or B does not vary.
    """
    x, axis = _rows(beats, g)
    model = np.asarray(direction, np.float64).ravel()
    norm = float(model @ model)
    if norm == 0:
        return np.full(len(weights), np.nan)
    return _slope_weights(np.asarray(weights, np.float64), axis) @ (x @ (model / norm))


def squared_errors(
    residuals: NDArray[np.floating], g: NDArray[np.floating], direction: FloatArray
) -> FloatArray:
    """|r - g·B|² of each residual r of shape (leads * samples,), without making r - g·B.

    Args:
        residuals: shape (n, leads * samples). g: shape (n,). direction: B, (leads * samples,).
    """
    r = np.asarray(residuals)
    own = np.einsum("nt,nt->n", r, r, dtype=np.float64)
    axis = np.asarray(g, np.float64)
    across = (r @ direction.astype(r.dtype)).astype(np.float64)
    return np.asarray(own - 2 * axis * across + axis**2 * float(direction @ direction))


def _rows(beats: NDArray[np.floating], g: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
    x, axis = np.asarray(beats, np.float64), np.asarray(g, np.float64)
    if axis.ndim != 1 or len(x) != len(axis):
        raise ValueError(f"beats {x.shape} and axis values {axis.shape} need the same rows")
    return x.reshape(len(x), -1), axis


def _slope_weights(weights: FloatArray, axis: FloatArray) -> FloatArray:
    """m_i (g_i - ḡ)/Σ m (g - ḡ)² of each resample, shape (k, n); NaN where g is constant."""
    shares = weights / weights.sum(axis=1, keepdims=True)
    centred = axis - (shares @ axis)[:, None]
    scale = np.sum(shares * centred**2, axis=1, keepdims=True)
    floor = 1e-24 * max(float(np.max(axis**2, initial=0.0)), 1e-300)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > floor, shares * centred / scale, np.nan)


def _own_terms(slopes: FloatArray, x: FloatArray, axis: FloatArray) -> FloatArray:
    """Σ (m_i w_i)² |r_i|² of each resample, residuals of the fit to everybody.

    Residuals of the full sample serve every resample: the fit to a resample differs from it by
    1/n of a residual, and k x n residual norms would cost k times the beats.
    """
    full = _slope_weights(np.ones((1, len(axis))), axis) @ x
    residuals = x - x.mean(axis=0) - np.outer(axis - axis.mean(), full)
    # Two degrees of freedom a sample point went into the line.
    norms = np.einsum("nt,nt->n", residuals, residuals) * len(axis) / max(len(axis) - 2, 1)
    return np.asarray(slopes**2 @ norms)
