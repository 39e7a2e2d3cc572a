"""Critics: networks that try to read age from z, trained while the encoder learns to deny them.

All are one batch of matrix products. Half of them learn from one half of the people and judge the
encoder on the other: a critic that has learned its people by heart gives no false alarm there. What
they read is the age networks' estimate for people those had not seen, and its distance from the
median: a target without the noise of age itself, which shows a leak with far fewer people.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

LEAK = 0.1
LAST_GAIN = 0.3


class Critics(nn.Module):
    """Independent networks with two hidden layers: z (critics, n, latent) -> (critics, n, targets).

    Args:
        count: critics. latent: dimensions of z. hidden: widths. targets: what each reads.
    """

    def __init__(self, count: int, latent: int, hidden: tuple[int, int], targets: int) -> None:
        super().__init__()
        sizes = (latent, *hidden, targets)
        pairs = list(pairwise(sizes))
        self.weights = nn.ParameterList(nn.Parameter(torch.empty(count, *p)) for p in pairs)
        self.biases = nn.ParameterList(nn.Parameter(torch.empty(count, 1, o)) for _, o in pairs)
        for critic in range(count):
            self.restart(critic)

    def __len__(self) -> int:
        return len(self.weights[0])

    @torch.no_grad()
    def restart(self, critic: int) -> None:
        """Give one critic fresh weights (He et al. 2015)."""
        for weight in self.weights:
            fan_in = weight.shape[1]
            weight[critic] = torch.randn(weight.shape[1:]) * (2 / fan_in) ** 0.5
        self.weights[-1][critic] *= LAST_GAIN
        for bias in self.biases:
            bias[critic] = 0.0

    def features(self, z: Tensor) -> Tensor:
        """Last hidden layers of all critics on the same rows (n, latent), standardised.

        Returns:
            shape (n, critics * hidden), for a kernel machine whose weights are solved exactly.
        """
        hidden = z.expand(len(self), *z.shape)
        for weight, bias in list(zip(self.weights, self.biases, strict=True))[:-1]:
            hidden = leaky_relu(torch.baddbmm(bias, hidden, weight), LEAK)
        rows = hidden.transpose(0, 1).flatten(1)
        return (rows - rows.mean(0)) / (rows.std(0) + 1e-4)

    def forward(self, z: Tensor) -> Tensor:
        """What each critic reads from its own rows."""
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = torch.baddbmm(bias, z, weight)
            z = z if i == last else leaky_relu(z, LEAK)
        return z


def split_halves(halves: Sequence[Tensor], count: int, crossed: bool) -> Tensor:
    """Rows for every critic: even critics belong to the first half of the people.

    Args:
        halves: rows of the two halves, each (n, k). count: critics.
        crossed: give each critic the half that it does not learn from.

    Returns:
        shape (count, n, k).
    """
    return torch.stack([halves[(critic + crossed) % 2] for critic in range(count)])


def squared_correlation(read: Tensor, truth: Tensor) -> Tensor:
    """Squared correlation over rows, (..., n, k) -> (..., k); 0 for what does not vary."""
    a, b = read - read.mean(-2, keepdim=True), truth - truth.mean(-2, keepdim=True)
    norm = a.square().mean(-2) * b.square().mean(-2)
    return (a * b).mean(-2).square() / (norm + 1e-8)


def whiten(z: Tensor, ridge: float = 1e-4) -> Tensor:
    """z (n, d) with the identity for its covariance over these rows, by Cholesky; differentiable.

    Critics look here: age hidden in directions of tiny variance is as plain as any other.
    """
    covariance = torch.cov(z.T) + ridge * torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
    factor = torch.linalg.cholesky(covariance)
    centred = (z - z.mean(0)).T
    white: Tensor = torch.linalg.solve_triangular(factor, centred, upper=False).T
    return white
