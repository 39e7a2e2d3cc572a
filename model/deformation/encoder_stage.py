"""Training of encoder and decoder against what reads age from z and from D(z).

Every step encoder and decoder take one, down the sum of
- `reconstruction`: squared error of D(z + noise) + g(a)·B over twelve leads, over the variance of
  beats. The noise drowns directions that are too small to see;
- the leakage penalties of `leaks`, whose critics take a few steps of their own before;
- `covariance`: squared covariances between dimensions: no direction is left small;
- `consistency`: squared distance of z of two beats of one record. A z that is folded finely enough
  to hide age from critics moves from beat to beat; morphology does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from model import engine, training
from model.deformation.config import TrainingConfig
from model.deformation.leaks import Leaks
from model.deformation.network import Decoder, DeformationNetwork, Encoder
from model.deformation.tables import Tables

if TYPE_CHECKING:
    from lightning_fabric import Fabric

WARM_UP_EPOCHS, FLAT = 5, 0.6
"""Epochs until rates and leakage penalties are whole; share of the epochs until rates fall."""
LARGEST_GRADIENT = 5.0


class _Pair(nn.Module):
    """Encoder and decoder in one pass, so that gradients of several processes meet once."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, coordinates: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z of all rows; of the first len(noise), coordinates decoded from z and from z + noise."""
        z = self.encoder(coordinates)
        first = z[: len(noise)]
        plain, noisy = self.decoder(torch.cat([first, first + noise])).chunk(2)
        return z, plain, noisy


class EncoderStage:
    """Encoder and decoder with their optimiser, and what they are trained against.

    Args:
        network: its components, axis and age networks are ready. tables: beats to fit.
        halves: 0 or 1 for every record: which critics learn from its person.
    """

    def __init__(
        self,
        network: DeformationNetwork,
        tables: Tables,
        halves: Tensor,
        config: TrainingConfig,
        fabric: Fabric,
    ) -> None:
        self.tables, self.config, self.fabric = tables, config, fabric
        self.halves = [torch.nonzero(halves == half)[:, 0] for half in (0, 1)]
        if config.twelve_leads:
            network.begin()
        self.metric = _metric(network, config.twelve_leads).to(fabric.device)
        ageing = network.components.changes(network.ageing[None])
        self.ageing = (network.spline(tables.ages)[:, None] * ageing).detach()
        pair = _Pair(network.encoder, network.decoder)
        optimiser = torch.optim.AdamW(
            [
                {"params": list(network.encoder.parameters()), "weight_decay": config.decay},
                {"params": list(network.decoder.parameters()), "weight_decay": 1e-2},
            ],
            lr=0.0,
        )
        self.latent = network.config.latent
        self.pair, self.optimiser = fabric.setup(pair, optimiser)
        self.leaks = Leaks(network, tables, self.halves, config, fabric)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the records; the mean of every loss."""
        self.pair.train()
        config, rank = self.config, self.fabric.global_rank
        chance = training.generator(config.seed, "encoder", epoch, rank)
        half = config.batch // 2
        orders = [
            torch.split(rows[torch.randperm(len(rows), generator=self._order(epoch, i))], half)
            for i, rows in enumerate(self.halves)
        ]
        steps = max(1, min(len(rows) // half for rows in self.halves))
        sums: dict[str, float] = {}
        for step in range(steps):
            self._set_rate(epoch, step / steps)
            rows = [engine.own_rows(self.fabric, order[step]) for order in orders]
            even = min(len(r) for r in rows)
            losses = self._step(torch.cat([r[:even] for r in rows]), epoch, step, chance)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss / steps
        return sums

    def _order(self, epoch: int, half: int) -> torch.Generator:
        return training.generator(self.config.seed, "order", epoch, half)

    def _set_rate(self, epoch: int, within: float) -> None:
        progress = (epoch + within) / self.config.epochs
        warm = WARM_UP_EPOCHS / max(self.config.epochs, 2 * WARM_UP_EPOCHS)
        factor = training.rate_factor(progress, warm, FLAT)
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate * factor

    def _step(
        self, rows: Tensor, epoch: int, step: int, chance: torch.Generator
    ) -> dict[str, float]:
        """Rows: those of the first half of the people, then as many of the second."""
        config = self.config
        view = self.tables.draw(rows, config.first_single_share, chance)
        again = self.tables.draw(rows, config.second_single_share, chance)
        jittered = again.coordinates + config.jitter * self._normal(again.coordinates, chance)
        noise = torch.randn(len(rows), self.latent, generator=chance)
        z, canonical, drawn = self.pair(
            self._put(torch.cat([view.coordinates, jittered])), self._put(config.noise * noise)
        )
        first, second = z.split(len(rows))
        if step % config.population_every == 0:
            self.leaks.fit_population(chance)
        self.leaks.train_critics(first, canonical, self.leaks.truth(rows, view), chance)
        losses = self.leaks.of(first, canonical, rows, view, chance)
        away = drawn - self._put(view.coordinates - self.ageing[rows])
        losses["reconstruction"] = ((away @ self.metric) * away).sum(1).mean()
        covariance = torch.cov(first.T)
        off = covariance - torch.diag(torch.diagonal(covariance))
        losses["covariance"] = off.square().sum() / len(off)
        losses["consistency"] = (first - second).square().mean()
        ramp = min(1.0, epoch / WARM_UP_EPOCHS)
        whole = ("reconstruction", "covariance", "consistency")
        total = torch.stack(
            [config.weights[k] * (1.0 if k in whole else ramp) * v for k, v in losses.items()]
        ).sum()
        self.optimiser.zero_grad()
        self.fabric.backward(total)
        encoder = self.optimiser.param_groups[0]["params"]
        torch.nn.utils.clip_grad_norm_(encoder, LARGEST_GRADIENT)
        self.optimiser.step()
        return {k: float(v.detach()) for k, v in losses.items()}

    @staticmethod
    def _normal(like: Tensor, chance: torch.Generator) -> Tensor:
        return torch.randn(like.shape, generator=chance)

    def _put(self, values: Tensor) -> Tensor:
        return values.to(self.fabric.device)

    def state_dict(self) -> dict[str, Any]:
        """Optimisers and critics; encoder and decoder are their owner's to save."""
        return {"optimiser": self.optimiser.state_dict(), "leaks": self.leaks.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""
        self.optimiser.load_state_dict(state["optimiser"])
        self.leaks.load_state_dict(state["leaks"])


def _metric(network: DeformationNetwork, twelve: bool) -> Tensor:
    """M (k, k): c'Mc is the share of the variance of beats that a change c of coordinates is.

    Over the twelve leads, where the limbs count twice, or over the eight independent ones.
    """
    if twelve:
        metric = network.components.metric()
        return metric / metric.trace()
    variances = network.components.deviations.square()
    return torch.diag(variances / variances.sum())
