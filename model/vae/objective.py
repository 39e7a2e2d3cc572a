"""What a VAE is trained for: squared error and KL divergence, weighted in so many words.

The loss of one cycle is

    1/2 * (sum over samples of (x - y)^2) + beta * (sum over dimensions of KL(N(mu, s^2), N(0, 1)))

and of a batch the mean over its cycles. The error is *summed* over the 400 samples, not averaged.
This is the negative evidence bound of noise of variance beta a sample, times beta: beta is the
variance, in units of a cycle's, that the decoder may leave unexplained. With the mean instead of
the sum, beta 1 here would read 1/400 there. "MSE + KL" with both weights 1 is a beta of 200 in this
formula; LUDB's cycles of lead II vary by about 140 about their mean, all 400 samples together, so
no dimension could repay its divergence and all 25 would collapse. beta .1 keeps 21 of them active.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SCALES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Widths of the kernels of `discrepancy`, in mean squared distances of two draws of the prior."""


@dataclass(frozen=True)
class Losses:
    """Means over a batch's cycles.

    Attributes:
        error: half the squared error, summed over samples. divergence: KL in nats, summed over
            dimensions. total: error + beta * divergence.
    """

    error: Tensor
    divergence: Tensor
    total: Tensor


def sampled(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z = mu + sigma * noise (Kingma and Welling 2014); all (n, latent)."""
    return mean + torch.exp(log_variance / 2) * noise


def divergences(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, 1)) in nats, a row and a dimension, shape (n, latent)."""
    return (mean.square() + log_variance.exp() - log_variance - 1) / 2


def losses(
    cycles: Tensor, decoded: Tensor, mean: Tensor, log_variance: Tensor, beta: float
) -> Losses:
    """The objective of a batch; cycles and decoded are (n, samples)."""
    error = (cycles - decoded).square().sum(dim=1).mean() / 2
    divergence = divergences(mean, log_variance).sum(dim=1).mean()
    return Losses(error, divergence, error + beta * divergence)


def warmed(beta: float, progress: float, warm_up: float) -> float:
    """beta at a share `progress` of the run, rising from 0 over its first `warm_up`."""
    return beta * min(1.0, progress / warm_up) if warm_up else beta


def discrepancy(latents: Tensor, prior: Tensor) -> Tensor:
    """Squared MMD of latents and draws of the prior, both (n, d): near 0 if they are alike.

    Unbiased, sum of inverse multiquadric kernels (Tolstikhin et al. 2018, Wasserstein
    auto-encoders). The KL divergence pulls every posterior towards the prior; this one pulls only
    their mixture, which is what sampling needs.
    """
    n, d = latents.shape
    others = 1 - torch.eye(n)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squares = (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T).clamp(min=0)
        return torch.stack([s * 2 * d / (s * 2 * d + squares) for s in SCALES]).sum(0)

    within = ((kernel(latents, latents) + kernel(prior, prior)) * others).sum() / (n * (n - 1))
    return within - 2 * kernel(latents, prior).mean()
