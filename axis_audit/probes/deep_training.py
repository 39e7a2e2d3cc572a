"""Training of the larger network of `probes.deep`: two hidden layers, dropout, a cosine schedule.

Measured on age from 48 latents cleaned by a conditional transport of 10 and of 60 layers (12,956
people to fit on, 1,852 scored, 25 epochs of batches of 256, R² read): SiLU on whitened and raw
inputs .32 and .17, on whitened ones alone .29 and .13, ReLU on both .29 and .13; ReLU with dropout
.4 on whitened ones at a constant rate .25 and .09. Fewer units, dropout of .4, a decay above .1 and
large initial weights all read less; batches of 512 read as much in less time.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

HIDDEN = (256, 128)
DROPOUT = 0.25
WEIGHT_DECAY = 0.1
INITIAL_GAIN = 0.5
WARM_UP = 0.1
HELD_OUT = 10
"""One in so many of the people fitted on chooses the epoch."""
_MANY = 8_000


def epochs_for(people: int) -> int:
    """Passes over the people: more of fewer people."""
    return int(np.clip(120_000 // max(people, 1), 20, 40))


def fit_predict(
    x: NDArray[np.float32],
    y: NDArray[np.floating],
    unseen: NDArray[np.float32],
    *,
    epochs: int,
    seed: int,
) -> tuple[NDArray[np.float64], int]:
    """Predictions for unseen rows (n, k) of a target (m,) known for rows (m, k), and the epoch.

    The epoch, from 1, is the one with the least squared error on a tenth of the rows, held out.
    """
    generator = torch.Generator().manual_seed(seed)
    mean, deviation = float(y.mean()), max(float(y.std()), 1e-12)
    rows, truth = torch.from_numpy(x), torch.from_numpy(((y - mean) / deviation).astype(np.float32))
    order = torch.randperm(len(rows), generator=generator)
    held, learners = order.tensor_split([max(len(rows) // HELD_OUT, 1)])
    network = _Network(rows.shape[1], generator)
    batch = min(len(learners), 512 if len(learners) > _MANY else 128)
    steps = len(learners) // batch
    optimiser = _AdamW(network.parameters, steps * epochs, 6e-3 if batch == 512 else 3e-3)
    best, chosen, kept = math.inf, 0, network.copied()
    for epoch in range(1, epochs + 1):
        shuffled = learners[torch.randperm(len(learners), generator=generator)]
        for chunk in shuffled[: steps * batch].view(steps, batch):
            loss = functional.mse_loss(network.training_output(rows[chunk]), truth[chunk])
            optimiser.descend(loss)
        with torch.no_grad():
            error = float(functional.mse_loss(network.output(rows[held]), truth[held]))
        if error < best:
            best, chosen, kept = error, epoch, network.copied()
    network.restore(kept)
    with torch.no_grad():
        read = network.output(torch.from_numpy(unseen)).double().numpy()
    return np.asarray(read * deviation + mean, np.float64), chosen


class _Network:
    """Two hidden layers of SiLU; its weights are drawn from a generator of its own."""

    def __init__(self, width: int, generator: torch.Generator) -> None:
        self._generator = generator
        sizes = (width, *HIDDEN, 1)
        self.parameters: list[Tensor] = []
        for inner, outer in pairwise(sizes):
            variance = (2.0 if outer > 1 else 0.3) / inner
            weight = torch.randn(outer, inner, generator=generator)
            weight *= INITIAL_GAIN * math.sqrt(variance)
            self.parameters += [weight, torch.zeros(outer)]
        for parameter in self.parameters:
            parameter.requires_grad_()

    def output(self, x: Tensor) -> Tensor:
        """Shape (b,)."""
        return self._forward(x, dropout=False)

    def training_output(self, x: Tensor) -> Tensor:
        """Shape (b,), with units dropped."""
        return self._forward(x, dropout=True)

    def _forward(self, x: Tensor, dropout: bool) -> Tensor:
        w1, b1, w2, b2, w3, b3 = self.parameters
        for weight, bias in ((w1, b1), (w2, b2)):
            x = functional.silu(functional.linear(x, weight, bias))
            if dropout:
                x = x * self._kept(x.shape)
        return functional.linear(x, w3, b3)[:, 0]

    def _kept(self, shape: torch.Size) -> Tensor:
        # Bytes of random words: drawing a float a unit costs more than the layer it is for.
        words = torch.empty(-(-shape.numel() // 8), dtype=torch.int64)
        words.random_(-(2**63), None, generator=self._generator)
        kept = words.view(torch.int8)[: shape.numel()] >= round(256 * DROPOUT) - 128
        return kept.view(shape) * (1 / (1 - DROPOUT))

    def copied(self) -> list[Tensor]:
        """The weights as they are now."""
        return [parameter.detach().clone() for parameter in self.parameters]

    def restore(self, weights: list[Tensor]) -> None:
        """Take weights back that were copied."""
        with torch.no_grad():
            for parameter, weight in zip(self.parameters, weights, strict=True):
                parameter.copy_(weight)


class _AdamW:
    """AdamW (Loshchilov & Hutter 2019, ICLR) under a linear warm-up and a cosine.

    Its few lines are here because the first step of `torch.optim` loads a compiler for seconds.
    """

    def __init__(self, parameters: list[Tensor], steps: int, rate: float) -> None:
        self._parameters, self._rate, self._steps, self._step = parameters, rate, steps, 0
        self._first = [torch.zeros_like(p) for p in parameters]
        self._second = [torch.zeros_like(p) for p in parameters]

    def descend(self, loss: Tensor) -> None:
        """One step down the gradient of a loss."""
        slopes = torch.autograd.grad(loss, self._parameters)
        self._step += 1
        rate = self._rate * self._share()
        bias1, bias2 = 1 - 0.9**self._step, 1 - 0.999**self._step
        moments = zip(self._parameters, slopes, self._first, self._second, strict=True)
        with torch.no_grad():
            for parameter, slope, first, second in moments:
                first.lerp_(slope, 0.1)
                second.mul_(0.999).addcmul_(slope, slope, value=0.001)
                size = (second / bias2).sqrt_().add_(1e-8)
                decayed = parameter.mul_(1 - rate * WEIGHT_DECAY)
                decayed.addcdiv_(first, size, value=-rate / bias1)

    def _share(self) -> float:
        done = self._step / self._steps
        if done < WARM_UP:
            return done / WARM_UP
        return 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))
