"""Training of encoder and decoder against critics that try to read age from z.

Every step the critics take a few steps of their own on whitened, slightly noisy z. Then encoder and
decoder take one, down the sum of
- `reconstruction`: squared error of D(z + noise) + g(a)·B, over the variance of beats. The noise
  drowns directions that are too small to see;
- `critics`: squared correlations of what the critics read with the truth, in the half of the people
  from which a critic did not learn;
- `kernel`: what kernel ridge regression explains within the batch (`dependence`), where positive;
- `canonical`, `canonical_linear`: the same of what D(z) looks like (`looks`), and squared
  correlations of targets with its looks;
- `linear`, `products`: squared correlations of targets with dimensions of z, with their products;
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
from model.deformation import dependence
from model.deformation.config import TrainingConfig
from model.deformation.critics import Critics, split_halves, squared_correlation, whiten
from model.deformation.looks import looks
from model.deformation.network import Decoder, DeformationNetwork, Encoder
from model.deformation.tables import Tables, View

if TYPE_CHECKING:
    from lightning_fabric import Fabric

WARM_UP_EPOCHS, FLAT = 5, 0.6
"""Epochs until rates and leakage penalties are whole; share of the epochs until rates fall."""
LARGEST_GRADIENT = 5.0
CRITIC_BETAS = (0.5, 0.99)


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


class Targets:
    """What z must not tell: years (age, or the estimate of it) and their distance from the median.

    Args:
        years: of the median beats, shape (n,), to standardise by.
    """

    count = 2

    def __init__(self, years: Tensor) -> None:
        away = (years - years.median()).abs()
        self.median, self.mean, self.deviation = years.median(), years.mean(), years.std()
        self.away_mean, self.away_deviation = away.mean(), away.std()

    def of(self, years: Tensor) -> Tensor:
        """Standardised targets, shape (n, 2)."""
        away = (years - self.median).abs()
        columns = (
            (years - self.mean) / self.deviation,
            (away - self.away_mean) / self.away_deviation,
        )
        return torch.stack(columns, dim=1)


class EncoderStage:
    """Encoder, decoder, critics and their optimisers.

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
        shown = tables.median_estimates if config.target == "estimate" else tables.ages
        self.targets = Targets(shown)
        variances = network.components.deviations.square()
        self.shares = (variances / variances.sum()).to(fabric.device)
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
        critics = Critics(
            config.critics, network.config.latent, config.critic_hidden, Targets.count
        )
        critic_optimiser = torch.optim.AdamW(
            critics.parameters(), lr=config.critic_rate, weight_decay=2e-2, betas=CRITIC_BETAS
        )
        self.components, self.latent = network.components, network.config.latent
        self.critics = critics
        self.pair, self.optimiser = fabric.setup(pair, optimiser)
        self.readers, self.critic_optimiser = fabric.setup(critics, critic_optimiser)

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
            losses = self._step(torch.cat([r[:even] for r in rows]), epoch, chance)
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

    def _step(self, rows: Tensor, epoch: int, chance: torch.Generator) -> dict[str, float]:
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
        white, truth = whiten(first), self._truth(rows, view)
        if config.weights["critics"]:
            self._train_critics(white.detach(), truth, chance)
        losses = self._leaks(white, canonical, truth, chance)
        expected = self._put(view.coordinates - self.ageing[rows])
        error = (drawn - expected).square() @ self.shares
        losses["reconstruction"] = error.mean()
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
        self.critics.requires_grad_(True)
        encoder = self.optimiser.param_groups[0]["params"]
        torch.nn.utils.clip_grad_norm_(encoder, LARGEST_GRADIENT)
        self.optimiser.step()
        return {k: float(v.detach()) for k, v in losses.items()}

    def _leaks(
        self, white: Tensor, canonical: Tensor, truth: Tensor, chance: torch.Generator
    ) -> dict[str, Tensor]:
        """The leakage penalties whose weight is not zero, of whitened z and coordinates of D(z)."""
        wanted, losses = self.config.weights, {}
        self.critics.requires_grad_(False)
        if wanted["critics"]:
            halves = split_halves(white.chunk(2), len(self.critics), crossed=self.config.crossed)
            facts = split_halves(truth.chunk(2), len(self.critics), crossed=self.config.crossed)
            read = squared_correlation(self.readers(halves), facts)
            losses["critics"] = read.sum(dim=1).mean()
        if wanted["kernel"]:
            features = self.critics.features(white) if wanted["critics"] else None
            leak = dependence.explained(white, truth, chance, features)
            losses["kernel"] = leak.relu().sum()
        if wanted["canonical"] or wanted["canonical_linear"]:
            seen = looks(canonical, self.components)
            if wanted["canonical"]:
                losses["canonical"] = dependence.explained(seen, truth, chance).relu().sum()
            if wanted["canonical_linear"]:
                losses["canonical_linear"] = squared_correlation(
                    seen.T[..., None], truth[None]
                ).sum()
        if wanted["linear"]:
            each = squared_correlation(white.T[..., None], truth[None])  # (latent, targets)
            losses["linear"] = each.sum()
        if wanted["products"]:
            centred = truth - truth.mean(0)
            moments = torch.einsum("nt,ni,nj->tij", centred, white, white) / len(white)
            losses["products"] = moments.square().sum() / 2
        return losses

    def _train_critics(self, white: Tensor, truth: Tensor, chance: torch.Generator) -> None:
        for step in range(self.config.critic_steps):
            if step:
                white, truth = self._others(len(truth) // 2, chance)
            halves = split_halves(white.chunk(2), len(self.critics), False)
            facts = split_halves(truth.chunk(2), len(self.critics), False)
            errors = (self.readers(halves) - facts).square()
            self.critic_optimiser.zero_grad()
            self.fabric.backward(errors.mean())
            self.critic_optimiser.step()

    @torch.no_grad()
    def _others(self, half: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """Whitened z and targets of other people, `half` of each half."""
        rows = torch.cat(
            [
                people[torch.randint(len(people), (half,), generator=chance)]
                for people in self.halves
            ]
        )
        view = self.tables.draw(rows, self.config.first_single_share, chance)
        encoder = self.pair.module.encoder.eval()
        z = encoder(self._put(view.coordinates))
        encoder.train()
        return whiten(z), self._truth(rows, view)

    def _truth(self, rows: Tensor, view: View) -> Tensor:
        estimated = self.config.target == "estimate"
        return self._put(self.targets.of(view.estimates if estimated else self.tables.ages[rows]))

    @staticmethod
    def _normal(like: Tensor, chance: torch.Generator) -> Tensor:
        return torch.randn(like.shape, generator=chance)

    def _put(self, values: Tensor) -> Tensor:
        return values.to(self.fabric.device)

    def state_dict(self) -> dict[str, Any]:
        """Critics and optimisers; encoder and decoder are their owner's to save."""
        return {
            "critics": self.critics.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""
        self.critics.load_state_dict(state["critics"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.critic_optimiser.load_state_dict(state["critic_optimiser"])
