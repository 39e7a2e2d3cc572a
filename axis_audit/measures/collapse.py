"""Whether latents have collapsed: how many directions they use, how much of the beats they know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def participation_ratio(latents: NDArray[np.floating]) -> float:
    """(Σλ)²/Σλ² of the eigenvalues of the correlation matrix of latents (n, d).

    Between 1 and d; 0 for constant latents. Columns are standardised first, so that one loud
    column does not hide the others.

    Source: Gao et al. 2017, bioRxiv 214262.
    """
    raise NotImplementedError


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
        return 1 - (weights @ self.error) / (weights @ self.total)


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

    Raises:
        ValueError: fewer rows than folds, or rows that do not match.
    """
    raise NotImplementedError
