"""Leading principal components, by way of the smaller Gram matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

FloatArray = NDArray[np.float64]
SMALLEST = 1e-6
"""Of the largest singular value: below it lies float32 rounding, not signal."""


def principal_directions(rows: NDArray[np.floating], count: int) -> tuple[FloatArray, FloatArray]:
    """Mean and leading principal directions of rows (n, x), fewer where the rank is smaller.

    An eigendecomposition of the smaller Gram matrix for its largest eigenvalues alone: for a
    thousand beats of 1,440 numbers some twenty times faster than a full SVD.

    Returns:
        mean (x,), orthonormal directions (k, x) with k <= count, largest variance first.
    """
    mean = np.asarray(rows, np.float64).mean(axis=0)
    centred = np.asarray(rows, np.float64) - mean
    n, x = centred.shape
    wide = x > n
    gram = centred @ centred.T if wide else centred.T @ centred
    size = len(gram)
    values, vectors = eigh(gram, subset_by_index=[max(0, size - count), size - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = values > SMALLEST**2 * max(float(values[0]), 1e-300)
    directions = vectors[:, kept].T
    if wide:
        directions = directions @ centred / np.sqrt(values[kept])[:, None]
    return mean, np.asarray(directions)
