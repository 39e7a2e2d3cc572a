"""Whether latents have collapsed: how many directions they use, how much of the beats they know."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.measures.principal import SMALLEST, principal_directions

FloatArray = NDArray[np.float64]


def participation_ratio(latents: NDArray[np.floating]) -> float:
    """(Σλ)²/Σλ² of the eigenvalues of the correlation matrix of latents (n, d).

    Between 1 and d; 0 for constant latents, NaN for NaN. Columns are standardised first, so that
    one loud column does not hide the others.

    Source: Gao et al. 2017, bioRxiv 214262.
    """
    standard = _standardised(np.asarray(latents, np.float64))
    if np.isnan(standard).any():
        return math.nan
    eigenvalues = np.linalg.eigvalsh(standard.T @ standard)
    total = eigenvalues.sum()
    return float(total**2 / np.sum(eigenvalues**2)) if total > 0 else 0.0


@dataclass(frozen=True)
class Explained:
    """Cross-validated share of the beats' leading components that the latents explain.

    Attributes:
        value: 1 - Σ error / Σ total. error, total: each patient's squared error and squared
            distance from the training mean, summed over components, shape (n,).
    """

    value: float
    error: FloatArray
    total: FloatArray

    def weighted(self, weights: FloatArray) -> FloatArray:
        """The share under multiplicities (k, n): the statistic of a patient bootstrap, (k,)."""
        return np.asarray(1 - (weights @ self.error) / (weights @ self.total))


def explained_by_latents(
    beats: NDArray[np.floating],
    latents: NDArray[np.floating],
    *,
    components: int = 16,
    folds: int = 5,
    seed: int = 0,
) -> Explained:
    """R² of the beats' leading principal components from the latents, variance-weighted.

    Args:
        beats: one a patient, shape (n, ...), flattened. latents: shape (n, d).
        components: principal components of the beats. folds, seed: of the cross-validation.

    Returns:
        ordinary least squares on the latents' standardised columns (a ridge would not look at
        directions of tiny variance); a negative share means that d is too large for n.

    Raises:
        ValueError: fewer rows than folds, rows that do not match, or beats that do not vary.
    """
    x, z = np.asarray(beats, np.float64), np.asarray(latents, np.float64)
    if len(x) != len(z) or z.ndim != 2 or len(x) < max(folds, 3):
        raise ValueError(f"beats {x.shape} and latents {z.shape} do not make {folds} folds")
    targets = _leading_components(x.reshape(len(x), -1), components)
    regressors = np.column_stack([np.ones(len(z)), _standardised(z)])
    fold = np.random.default_rng(seed).permutation(np.arange(len(x)) % folds)
    error, total = np.zeros(len(x)), np.zeros(len(x))
    for k in range(folds):
        test, train = fold == k, fold != k
        fitted = _fit(regressors[train], targets[train])
        error[test] = np.sum((targets[test] - regressors[test] @ fitted) ** 2, axis=1)
        total[test] = np.sum((targets[test] - targets[train].mean(axis=0)) ** 2, axis=1)
    return Explained(float(1 - error.sum() / total.sum()), error, total)


def _fit(regressors: FloatArray, targets: FloatArray) -> FloatArray:
    """Least squares by the eigendecomposition of the Gram matrix; null directions get nothing."""
    values, vectors = np.linalg.eigh(regressors.T @ regressors)
    kept = values > SMALLEST**2 * max(float(values[-1]), 1e-300)
    basis = vectors[:, kept]
    return np.asarray(basis @ ((basis.T @ (regressors.T @ targets)) / values[kept, None]))


def _standardised(columns: FloatArray) -> FloatArray:
    mean, deviation = columns.mean(axis=0), columns.std(axis=0)
    # What varies less than float32 resolves around its own mean is constant.
    constant = deviation <= 2e-7 * np.abs(mean)
    return np.where(constant, 0.0, (columns - mean) / np.where(constant, 1.0, deviation))


def _leading_components(x: FloatArray, components: int) -> FloatArray:
    mean, directions = principal_directions(x, components)
    if not len(directions):
        raise ValueError("the beats do not vary: there is nothing to explain")
    return np.asarray((x - mean) @ directions.T)
