"""Many small multilayer perceptrons trained as one batch, one a target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ProbeScores:
    """What the probes read out of rows they were not fitted on.

    Attributes:
        score: Fisher's z of the correlation of prediction and target, centred within each fold,
            shape (T,).
        predictions: in the targets' units, shape (n, T).
        converged: whether the validation loss stopped falling before training ended, shape (T,).
        epochs: epochs trained (mean over folds).
    """

    score: FloatArray
    predictions: FloatArray
    converged: NDArray[np.bool_]
    epochs: float


def cross_validated(
    latents: NDArray[np.floating],
    targets: NDArray[np.floating],
    *,
    folds: int = 5,
    seed: int = 0,
) -> ProbeScores:
    """Probe targets (n, T) by cross-validation over the rows, one a patient, of latents (n, d)."""
    raise NotImplementedError


def fitted(
    fit_latents: NDArray[np.floating],
    fit_targets: NDArray[np.floating],
    latents: NDArray[np.floating],
    targets: NDArray[np.floating],
    *,
    seed: int = 0,
) -> ProbeScores:
    """Fit on latents (m, d) and targets (m, T), score on unseen latents (n, d), targets (n, T)."""
    raise NotImplementedError
