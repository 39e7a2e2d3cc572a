"""What encoder, decoder and critics train on: every beat in a few numbers, computed once.

The age networks' estimates are cross-fitted: what is said of a person comes from the network that
has not seen them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from model.deformation.age_stage import read_ages
from model.deformation.beats import eight_leads, prepare

if TYPE_CHECKING:
    from model.deformation.age_network import AgeNetwork
    from model.deformation.components import Components
    from model.deformation.data import Beats

CHUNK = 4096


@dataclass(frozen=True)
class View:
    """One beat of each of some records: coordinates (n, k) and estimated ages (n,)."""

    coordinates: Tensor
    estimates: Tensor


@dataclass(frozen=True)
class Tables:
    """Medians and single beats of the people to fit, in coordinates.

    Attributes:
        medians, singles: shapes (n, k) and (m, k). median_estimates, single_estimates: years.
        first, count: where a record's single beats are, as in `data.Beats`. ages: years, (n,).
        kinds: 1 for recordings set apart, else 0, (n,). groups: as in `data.Beats`.
    """

    medians: Tensor
    median_estimates: Tensor
    singles: Tensor
    single_estimates: Tensor
    first: Tensor
    count: Tensor
    ages: Tensor
    kinds: Tensor
    groups: Tensor

    def __len__(self) -> int:
        return len(self.medians)

    def draw(self, rows: Tensor, share: float, chance: torch.Generator) -> View:
        """Beats of rows: with probability `share` a random single one, else the median."""
        n = len(rows)
        single = torch.rand(n, generator=chance) < share
        which = (torch.rand(n, generator=chance) * self.count[rows]).long()
        single &= self.count[rows] > 0
        chosen = (self.first[rows] + which)[single]
        coordinates, estimates = self.medians[rows], self.median_estimates[rows]
        coordinates[single] = self.singles[chosen]
        estimates[single] = self.single_estimates[chosen]
        return View(coordinates, estimates)


def build(
    beats: Beats,
    parts: Tensor,
    networks: Sequence[AgeNetwork],
    components: Components,
    device: torch.device,
) -> Tables:
    """Coordinates and cross-fitted estimates of all beats of the people to fit.

    Args:
        parts: of every record, shape (n,): the number of the network that did not learn from it.
    """
    records = torch.repeat_interleave(torch.arange(len(beats)), beats.count)
    first = torch.cumsum(beats.count, 0) - beats.count
    own = beats.singles[beats.first[records] + torch.arange(len(records)) - first[records]]
    return Tables(
        medians=_coordinates(beats.medians, components),
        median_estimates=_cross_fitted(beats.medians, parts, networks, device),
        singles=_coordinates(own, components),
        single_estimates=_cross_fitted(own, parts[records], networks, device),
        first=first,
        count=beats.count,
        ages=beats.ages,
        kinds=(beats.shares == 0).long(),
        groups=beats.groups,
    )


def _coordinates(signals: Tensor, components: Components) -> Tensor:
    pieces = [
        components.coordinates(eight_leads(prepare(piece))) for piece in torch.split(signals, CHUNK)
    ]
    return torch.cat(pieces) if pieces else signals.new_zeros(0, len(components.deviations))


def _cross_fitted(
    signals: Tensor, parts: Tensor, networks: Sequence[AgeNetwork], device: torch.device
) -> Tensor:
    estimates = torch.zeros(len(signals))
    for number, network in enumerate(networks):
        rows = torch.nonzero(parts == number)[:, 0]
        estimates[rows] = read_ages(network, signals[rows], device)
    return estimates
