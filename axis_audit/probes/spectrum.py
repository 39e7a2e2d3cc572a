"""The ends of the spectrum of E[t z zᵀ], for many targets t at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
STEPS = 24
"""Of Lanczos: the ends of a spectrum of 256 eigenvalues without gaps come out within 1 %."""
LARGEST_COORDINATE = 4.0
"""Standard deviations beyond which a whitened coordinate is winsorised."""
LARGEST_ROW = 2.0
"""Median row norms beyond which a whitened row is shortened: a wild person is one person."""


def winsorised(whitened: FloatArray) -> FloatArray:
    """Whitened latents (n, d) whose wild coordinates and rows are pulled in, so none rules A."""
    z = np.clip(whitened, -LARGEST_COORDINATE, LARGEST_COORDINATE)
    norms = np.linalg.norm(z, axis=1)
    limit = LARGEST_ROW * float(np.median(norms))
    return np.asarray(z * np.minimum(1.0, limit / np.maximum(norms, 1e-12))[:, None])


def extreme_eigenvalues(
    z: FloatArray, targets: FloatArray, *, steps: int = STEPS, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest eigenvalue of mean(t z zᵀ) for each column of targets.

    Lanczos from one random start for all targets at once, with full reorthogonalisation: two
    matrix products a step, in float32. Exact to its rounding when `steps` reaches d.

    Args:
        z: shape (n, d). targets: shape (n, T), centred. steps: Lanczos steps at most.

    Returns:
        eigenvalues, shape (T, 2), and their directions, shape (T, 2, d).
    """
    n, d = z.shape
    count, steps = targets.shape[1], min(steps, d)
    rows, weights = z.astype(np.float32), (targets / n).astype(np.float32)
    start = np.random.default_rng(seed).standard_normal((d,))
    vector = np.tile(start / np.sqrt(start @ start), (count, 1))
    basis = np.zeros((count, steps, d))
    tridiagonal = np.zeros((count, steps, steps))
    for k in range(steps):
        basis[:, k] = vector
        image = _apply(rows, weights, vector)[:, :, None]
        known = basis[:, : k + 1]
        tridiagonal[:, k, k] = (basis[:, k, None] @ image)[:, 0, 0]
        for _ in range(2):  # once leaves rounding that a long run amplifies
            image = image - known.transpose(0, 2, 1) @ (known @ image)
        length = np.sqrt(np.sum(image[:, :, 0] ** 2, axis=1, keepdims=True))
        # An invariant subspace: what is left is rounding.
        length[length < 1e-6] = 0.0
        if k + 1 < steps:
            tridiagonal[:, k, k + 1] = tridiagonal[:, k + 1, k] = length[:, 0]
            vector = image[:, :, 0] / np.where(length > 0, length, np.inf)
    values, combinations = np.linalg.eigh(tridiagonal)
    ends: FloatArray = np.asarray(combinations[:, :, [0, -1]], np.float64)
    directions = ends.transpose(0, 2, 1) @ basis
    return np.asarray(values[:, [0, -1]], np.float64), np.asarray(directions, np.float64)


def _apply(
    rows: NDArray[np.float32], weights: NDArray[np.float32], vectors: FloatArray
) -> FloatArray:
    """A·v for each target, shape (T, d)."""
    places = rows @ vectors.T.astype(np.float32)
    places *= weights
    return np.asarray(places.T @ rows, np.float64)
