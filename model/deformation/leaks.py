"""What the encoder is trained against: everything that reads age from z or from D(z).

Every step the critics take a few steps of their own; then this says, of a batch,
- `critics`: squared correlations of what the critics read with the truth, in the half of the people
  from which a critic did not learn. They see whitened z and, beside it, the sizes of D(z);
- `straight`, `bent`: squared correlations with z and the sizes of D(z), with products of z, in all
  people of each kind of recording (`population.Moments`); `straight_within`, the first in groups
  of one sex, normal or not: what cancels between groups is back where their shares are others;
- `features`, `canonical_features`: what random features fitted to thousands of people of the other
  half read, from z and from z with the sizes of D(z) (`population.FeatureReader`);
- `kernel`: what kernel ridge regression explains within the batch (`dependence`), where positive;
- `canonical`, `canonical_linear`: the same of what D(z) looks like (`looks`), and squared
  correlations of targets with its looks;
- `linear`, `products`: squared correlations of targets with dimensions of z, with their products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from model.deformation import dependence
from model.deformation.config import TrainingConfig
from model.deformation.critics import Critics, split_halves, squared_correlation, whiten
from model.deformation.looks import LOOKS_OF_LEADS, looks, sizes, whitened
from model.deformation.network import DeformationNetwork
from model.deformation.population import FeatureReader, Moments, Whitening, products
from model.deformation.tables import Tables, View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightning_fabric import Fabric

CRITIC_BETAS = (0.5, 0.99)
OF_POPULATION = ("straight", "bent", "straight_within", "features", "canonical_features")


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


@dataclass(frozen=True)
class _People:
    """Of the same rows: targets (n, 3), kinds of recording and groups of people, both (n,)."""

    targets: Tensor
    kinds: Tensor
    groups: Tensor


class _Population:
    """Readers of the population, fitted to latents and sights (z with the sizes of D(z)) of all.

    Args:
        z, sight: no gradients. people, halves: of the same rows.
        most: people that random features are fitted to. wanted: weights; what has none is left out.
    """

    def __init__(
        self,
        z: Tensor,
        sight: Tensor,
        people: _People,
        halves: Tensor,
        *,
        chance: torch.Generator,
        most: int,
        wanted: Mapping[str, float],
    ) -> None:
        self.latents, self.sights = Whitening(z), Whitening(sight)
        z, sight = self.latents(z), self.sights(sight)
        self.moments, self.readers = {}, {}
        for name, columns, apart in (
            ("straight", sight, people.kinds),
            ("bent", products(z), people.kinds),
            ("straight_within", sight, people.groups),
        ):
            if wanted[name]:
                self.moments[name] = Moments(columns, people.targets, apart)
        few = torch.randperm(len(z), generator=chance)[:most].to(z.device)
        for name, columns in (("features", z), ("canonical_features", sight)):
            if wanted[name]:
                self.readers[name] = FeatureReader(
                    columns[few], people.targets[few], halves[few], chance
                )

    def leaks(self, z: Tensor, sight: Tensor, people: _People) -> dict[str, Tensor]:
        """What they read in a batch: people of the first half, then as many of the second."""
        z, sight = self.latents(z), self.sights(sight)
        columns = {"straight": (sight, people.kinds), "straight_within": (sight, people.groups)}
        if "bent" in self.moments:
            columns["bent"] = (products(z), people.kinds)
        found = {}
        for name, moments in self.moments.items():
            values, apart = columns[name]
            found[name] = moments.leak(values, people.targets, apart)
        inputs = {"features": z, "canonical_features": sight}
        return found | {n: r.leak(inputs[n], people.targets) for n, r in self.readers.items()}


class Leaks:
    """Critics with their optimiser, readers of the population, and kernel machines.

    Args:
        network: under training. tables: beats to fit. halves: rows of the two halves of the people.
    """

    def __init__(
        self,
        network: DeformationNetwork,
        tables: Tables,
        halves: Sequence[Tensor],
        config: TrainingConfig,
        fabric: Fabric,
    ) -> None:
        self.network, self.tables, self.halves = network, tables, halves
        self.config, self.fabric = config, fabric
        shown = tables.median_estimates if config.target == "estimate" else tables.ages
        self.targets = Targets(shown)
        inputs = network.config.latent + LOOKS_OF_LEADS * config.critics_see_sizes
        self.critics = Critics(config.critics, inputs, config.critic_hidden, Targets.count)
        optimiser = torch.optim.AdamW(
            self.critics.parameters(), lr=config.critic_rate, weight_decay=2e-2, betas=CRITIC_BETAS
        )
        self.readers, self.optimiser = fabric.setup(self.critics, optimiser)
        self.population: _Population | None = None

    def truth(self, rows: Tensor, view: View) -> Tensor:
        """Targets (n, 2) of the beats drawn for rows."""
        estimated = self.config.target == "estimate"
        years = view.estimates if estimated else self.tables.ages[rows]
        return self.targets.of(years).to(self.fabric.device)

    def train_critics(
        self, z: Tensor, canonical: Tensor, truth: Tensor, chance: torch.Generator
    ) -> None:
        """Steps of the critics: on this batch, then on other people."""
        if not self.config.weights["critics"]:
            return
        seen = self._sight(z.detach(), canonical.detach())
        for step in range(self.config.critic_steps):
            if step:
                seen, truth = self._others(len(truth) // 2, chance)
            halves = split_halves(seen.chunk(2), len(self.critics), False)
            facts = split_halves(truth.chunk(2), len(self.critics), False)
            errors = (self.readers(halves) - facts).square()
            self.optimiser.zero_grad()
            self.fabric.backward(errors.mean())
            self.optimiser.step()

    def fit_population(self, chance: torch.Generator) -> None:
        """Fit new readers of the population to z as it is now."""
        if not any(self.config.weights[name] for name in OF_POPULATION):
            return
        rows = torch.cat(list(self.halves))
        halves = torch.cat([torch.full((len(r),), h) for h, r in enumerate(self.halves)])
        view = self.tables.draw(rows, self.config.first_single_share, chance)
        z, canonical = self._encoded(view)
        self.population = _Population(
            z,
            self._with_sizes(z, canonical),
            self._people(rows, view),
            halves.to(z.device),
            chance=chance,
            most=self.config.population,
            wanted=self.config.weights,
        )

    def _people(self, rows: Tensor, view: View) -> _People:
        """Targets are `truth`, and age itself, which is noisier but has no bias."""
        ages, put = self.tables.ages, self.fabric.device
        age = ((ages[rows] - ages.mean()) / ages.std()).to(put)
        targets = torch.cat([self.truth(rows, view), age[:, None]], dim=1)
        return _People(targets, self.tables.kinds[rows].to(put), self.tables.groups[rows].to(put))

    def of(
        self, z: Tensor, canonical: Tensor, rows: Tensor, view: View, chance: torch.Generator
    ) -> dict[str, Tensor]:
        """The penalties whose weight is not zero, of z and of coordinates of D(z).

        Rows: people of the first half, then as many of the second. view: their beats.
        """
        truth = self.truth(rows, view)
        wanted, losses, white = self.config.weights, {}, whiten(z)
        self.critics.requires_grad_(False)
        seen = self._sight(z, canonical)
        if wanted["critics"]:
            halves = split_halves(seen.chunk(2), len(self.critics), crossed=self.config.crossed)
            facts = split_halves(truth.chunk(2), len(self.critics), crossed=self.config.crossed)
            read = squared_correlation(self.readers(halves), facts)
            losses["critics"] = read.sum(dim=1).mean()
        if wanted["kernel"]:
            features = self.critics.features(seen) if wanted["critics"] else None
            leak = dependence.explained(white, truth, chance, features)
            losses["kernel"] = leak.relu().sum()
        losses |= self._looks(canonical, truth, chance)
        if wanted["linear"]:
            losses["linear"] = squared_correlation(white.T[..., None], truth[None]).sum()
        if wanted["products"]:
            centred = truth - truth.mean(0)
            moments = torch.einsum("nt,ni,nj->tij", centred, white, white) / len(white)
            losses["products"] = moments.square().sum() / 2
        if self.population is not None:
            losses |= self.population.leaks(
                z,
                self._with_sizes(z, canonical),
                self._people(rows, view),
            )
        self.critics.requires_grad_(True)
        return losses

    def _looks(
        self, canonical: Tensor, truth: Tensor, chance: torch.Generator
    ) -> dict[str, Tensor]:
        wanted, losses = self.config.weights, {}
        if wanted["canonical"] or wanted["canonical_linear"]:
            seen = looks(canonical, self.network.components)
            if wanted["canonical"]:
                losses["canonical"] = dependence.explained(seen, truth, chance).relu().sum()
            if wanted["canonical_linear"]:
                correlations = squared_correlation(seen.T[..., None], truth[None])
                losses["canonical_linear"] = correlations.sum()
        return losses

    def _with_sizes(self, z: Tensor, canonical: Tensor) -> Tensor:
        return torch.cat([z, sizes(canonical, self.network.components)], dim=1)

    def _sight(self, z: Tensor, canonical: Tensor) -> Tensor:
        """What critics see."""
        if self.config.critics_see_sizes:
            return whitened(self._with_sizes(z, canonical))
        return whiten(z)

    @torch.no_grad()
    def _encoded(self, view: View) -> tuple[Tensor, Tensor]:
        """z and coordinates of D(z) of beats, as an audit would see them."""
        encoder = self.network.encoder.eval()
        z = encoder(view.coordinates.to(self.fabric.device))
        encoder.train()
        return z, self.network.decoder(z)

    @torch.no_grad()
    def _others(self, half: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """What critics see of other people, `half` of each half, and their targets."""
        drawn = [
            people[torch.randint(len(people), (half,), generator=chance)] for people in self.halves
        ]
        rows = torch.cat(drawn)
        view = self.tables.draw(rows, self.config.first_single_share, chance)
        return self._sight(*self._encoded(view)), self.truth(rows, view)

    def state_dict(self) -> dict[str, Any]:
        """Critics and their optimiser; readers of the population are fitted anew."""
        return {"critics": self.critics.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state again."""
        self.critics.load_state_dict(state["critics"])
        self.optimiser.load_state_dict(state["optimiser"])
