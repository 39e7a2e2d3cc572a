"""What z tells of age in all people at once: readers that are never behind.

What is solved within a batch (`dependence`) sees a thousand people; an audit fits its probes on all
of them, and finds leaks that drown in a batch. Here readers are fitted to all people, or to
thousands, every few steps:

- `Moments`: mean products of targets with whitened columns. Nothing is fitted but one number a
  column: the sharpest eye for leaks that are straight, or bent once (products of z). Recordings of
  different kinds are judged apart: what cancels in their mixture leaks in each.
- `FeatureReader`: ridge regression on random features (Rahimi & Recht 2007), drawn anew every time,
  so that no feature lasts long enough for the encoder to bend around it. It is fitted to one half
  of the people and judges the other: nobody is read by what was fitted on them.

A reader is a few steps old when it judges. What it misses by that the critics see, who follow every
step.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.deformation.critics import squared_correlation

COSINES, UNITS = 256, 256
FREQUENCIES = (0.7, 2.1)
"""Frequencies over the root of the dimensions, from each feature's own range."""
GAIN = 1.4
RIDGE = 3e-4
"""Of the ridge regression, for every feature, over the rows; features have unit variance."""
WHITENING_RIDGE = 1e-5
FARTHEST = 4.0
"""Whitened z is cut here in products, which one wild beat must not rule."""
FEWEST = 20
"""Fewer recordings of a kind in a batch are not judged."""


class Whitening:
    """Columns made standard and uncorrelated as those of the people it was fitted on.

    Args:
        columns: of people, shape (n, d).
    """

    def __init__(self, columns: Tensor) -> None:
        self.mean, self.deviation = columns.mean(0), columns.std(0) + 1e-6
        covariance = torch.cov(((columns - self.mean) / self.deviation).T.double())
        covariance.diagonal().add_(WHITENING_RIDGE)
        self.factor = torch.linalg.cholesky(covariance).float()

    def __call__(self, columns: Tensor) -> Tensor:
        """Whitened columns, shape (n, d)."""
        standard = ((columns - self.mean) / self.deviation).T
        white: Tensor = torch.linalg.solve_triangular(self.factor, standard, upper=False).T
        return white


def products(white: Tensor) -> Tensor:
    """Products of every two dimensions and squares, (n, d) -> (n, d (d + 1) / 2)."""
    one, two = torch.triu_indices(white.shape[1], white.shape[1], device=white.device)
    cut = white.clamp(-FARTHEST, FARTHEST)
    return cut[:, one] * cut[:, two]


class Moments:
    """Mean products of targets with columns, in all people of each kind of recording.

    Args:
        columns: of people, shape (n, d). targets: (n, k). kinds: of recordings, (n,).
    """

    def __init__(self, columns: Tensor, targets: Tensor, kinds: Tensor) -> None:
        masks = {kind: kinds == kind for kind in kinds.unique().tolist()}
        self.share = {kind: float(rows.float().mean()) for kind, rows in masks.items()}
        self.known = {kind: _moments(columns[rows], targets[rows]) for kind, rows in masks.items()}

    def leak(self, columns: Tensor, targets: Tensor, kinds: Tensor) -> Tensor:
        """Squared moments, summed: those of all people times those of a batch of them.

        In the mean over batches this is the square of the people's moments, and so is its gradient
        the gradient of that; the square of a batch's own moments is mostly noise.

        Args:
            columns: (n, d), carrying gradients. targets: (n, k). kinds: (n,).
        """
        total = columns.new_zeros(())
        for kind, share in self.share.items():
            rows = kinds == kind
            if rows.sum() >= FEWEST:
                here = _moments(columns[rows], targets[rows])
                total = total + share * (self.known[kind] * here).sum()
        return total


def _moments(columns: Tensor, targets: Tensor) -> Tensor:
    return columns.T @ (targets - targets.mean(0)) / len(targets)


class FeatureReader:
    """Ridge regressions of targets on random features: the inputs, cosines, a random network.

    Args:
        inputs: whitened, of people, shape (n, d). targets: (n, k).
        halves: 0 or 1, shape (n,): one regression for each. chance: draws the features.
    """

    def __init__(
        self, inputs: Tensor, targets: Tensor, halves: Tensor, chance: torch.Generator
    ) -> None:
        d, device = inputs.shape[1], inputs.device

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=chance).to(device)

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=chance).to(device)

        low, high = FREQUENCIES
        self.frequencies = normal(d, COSINES) * (low + (high - low) * uniform(1, COSINES))
        self.frequencies /= math.sqrt(d)
        self.phases = 2 * math.pi * uniform(COSINES)
        self.first, self.offsets = normal(d, UNITS) * (GAIN / math.sqrt(d)), normal(UNITS)
        self.second = normal(UNITS, UNITS) * (GAIN / math.sqrt(UNITS))
        raw = self._raw(inputs)
        self.mean, self.deviation = raw.mean(0), raw.std(0) + 1e-3
        features = (raw - self.mean) / self.deviation
        self.weights = [_ridge(features[halves == h], targets[halves == h]) for h in (0, 1)]

    def _raw(self, inputs: Tensor) -> Tensor:
        hidden = torch.relu(inputs @ self.first + self.offsets)
        waves = torch.cos(inputs @ self.frequencies + self.phases)
        return torch.cat([inputs, waves, torch.relu(hidden @ self.second)], dim=1)

    def leak(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Squared correlations of targets with what the other half's regression says, summed.

        Args:
            inputs: whitened, (n, d), carrying gradients: n / 2 people of the first half, then of
                the second. targets: (n, k).
        """
        features = ((self._raw(inputs) - self.mean) / self.deviation).chunk(2)
        read = torch.stack([features[h] @ self.weights[1 - h] for h in (0, 1)])
        return squared_correlation(read, torch.stack(targets.chunk(2))).mean(0).sum()


def _ridge(features: Tensor, targets: Tensor) -> Tensor:
    n, count = features.shape
    matrix = features.T @ features
    matrix.diagonal().add_(RIDGE * n * count)
    return torch.linalg.solve(matrix, features.T @ (targets - targets.mean(0)))
