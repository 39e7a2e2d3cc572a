"""What an encoder that learned nothing knows of age: fixed random features, a ridge readout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEATURES = 64
FOLDS = 5
PENALTY = 0.1
"""Ridge penalty per training row, on standardised features."""


def random_features(
    signals: NDArray[np.floating], *, features: int = FEATURES, seed: int = 0
) -> NDArray[np.float64]:
    """ReLU(Wx + b) of signals (n, leads, samples), each of unit RMS; W and b Gaussian and fixed.

    Returns:
        shape (n, features); the same for a record whatever the others are.

    Source: Rahimi & Recht 2007 (random features as a baseline of what needs no learning).
    """
    x = np.asarray(signals, np.float32).reshape(len(signals), -1)
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((x.shape[1], features), dtype=np.float32)
    offsets = rng.standard_normal(features, dtype=np.float32)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    # Unit RMS over x.shape[1] numbers, and weights of variance 1 / x.shape[1], in one division.
    hidden = (x / np.where(norms > 0, norms, 1)) @ weights + offsets
    return np.maximum(hidden, 0).astype(np.float64)


def cross_fitted_ages(
    features: NDArray[np.float64], ages: NDArray[np.float64], *, seed: int = 0
) -> NDArray[np.float64]:
    """Ages (n,) predicted by a ridge regression that never saw the person, five folds of people.

    Args:
        features: shape (n, k), one row a person. ages: years, shape (n,).

    Raises:
        ValueError: fewer people than folds.
    """
    n, width = features.shape
    if n < FOLDS:
        raise ValueError(f"{n} people cannot be split into {FOLDS} folds")
    fold = np.random.default_rng(seed).permutation(np.arange(n) % FOLDS)
    predicted = np.empty(n)
    for k in range(FOLDS):
        train, test = features[fold != k], features[fold == k]
        centre, spread = train.mean(axis=0), train.std(axis=0)
        spread[spread == 0] = 1.0  # a feature that nobody switches on says nothing
        z, mean_age = (train - centre) / spread, ages[fold != k].mean()
        gram = z.T @ z + PENALTY * len(z) * np.eye(width)
        coefficients = np.linalg.solve(gram, z.T @ (ages[fold != k] - mean_age))
        predicted[fold == k] = (test - centre) / spread @ coefficients + mean_age
    return predicted
