"""How much the cycles of another source look like those of the people to be audited.

Populations differ: in lead II the squared MMD of PTB-XL's cycles against those of LUDB's people is
.02-.03, where two halves of LUDB's people stay below .011 in 95 % of halvings, and a prior trained
on the mixture draws the mixture. With the weights below it is .005. Weighting the other source's
cycles by the ratio of densities makes them another sample of the first source's kind, so that a
few people need not be seen a hundred times as often. The ratio is a logistic regression's odds
(Sugiyama, Suzuki and Kanamori 2012, Density Ratio Estimation in Machine Learning) on few and smooth
features: first principal components and their squares.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor

COMPONENTS = 5
STRENGTH = 0.1
"""Inverse of the penalty on the regression's slopes."""
LARGEST_LOG_ODDS = 5.0
FITTED_ON = 5000
Array = NDArray[Any]


def resemblance(home: Tensor, shares: Tensor, others: Tensor, other_shares: Tensor) -> Tensor:
    """Weights (m,) of the cycles of another source, by their likeness to those of the first.

    Args:
        home, others: prepared cycles (n, samples) and (m, samples) of one lead. shares,
            other_shares: 1 / (cycles of the same person).
    """
    ours, theirs = home.numpy().astype(np.float64), others.numpy().astype(np.float64)
    mean = theirs.mean(axis=0)
    every = max(1, len(theirs) // FITTED_ON)
    _, _, axes = np.linalg.svd(theirs[::every] - mean, full_matrices=False)
    deviations = ((theirs - mean) @ axes[:COMPONENTS].T).std(axis=0) + 1e-12

    def features(cycles: Array) -> Array:
        scores = (cycles - mean) @ axes[:COMPONENTS].T / deviations
        return np.concatenate([scores, scores**2], axis=1)

    # Both sources weigh as much as there are people in the first: their number is the evidence.
    people = float(shares.sum())
    own, foreign = shares.numpy(), other_shares.numpy()
    model = LogisticRegression(C=STRENGTH, max_iter=2000)
    model.fit(
        np.concatenate([features(ours), features(theirs)]),
        np.concatenate([np.ones(len(ours)), np.zeros(len(theirs))]),
        sample_weight=np.concatenate([own, foreign * (people / foreign.sum())]),
    )
    odds = np.clip(model.decision_function(features(theirs)), -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
    return torch.from_numpy(np.exp(odds).astype(np.float32))
