"""Training of one age network, without a part of the people of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from axis_audit.checkpoint import hashed
from model import engine, training
from model.deformation.age_network import SPREAD, AgeNetwork
from model.deformation.augment import Augmentation
from model.deformation.beats import eight_leads, prepare
from model.deformation.config import TrainingConfig
from model.deformation.data import Beats

if TYPE_CHECKING:
    from lightning_fabric import Fabric

MISHAPS = Augmentation(lead_scale=0.15, noise=0.12, exchange=0.12, lost=0.12)
WARM_UP = 0.15
CHUNK = 1024


def parts_of(patient_ids: NDArray[np.str_], count: int) -> Tensor:
    """The part (0 to count - 1) of every row, by a hash of its patient's id."""
    return torch.from_numpy((hashed(patient_ids) % np.uint64(count)).astype(np.int64))


class AgeStage:
    """One age network and its optimiser.

    Args:
        network: to train. beats: of the people to fit. rows: those of them to learn from.
        number: of the network. config, fabric: how and where.
    """

    def __init__(
        self,
        network: AgeNetwork,
        beats: Beats,
        rows: Tensor,
        number: int,
        *,
        config: TrainingConfig,
        fabric: Fabric,
    ) -> None:
        self.beats, self.rows, self.number = beats, rows, number
        self.config, self.fabric = config, fabric
        optimiser = torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=config.age_decay)
        self.network = network
        self.module, self.optimiser = fabric.setup(network, optimiser)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the rows; the mean loss."""
        self.module.train()
        config, purpose = self.config, (f"age network {self.number}", epoch)
        torch.manual_seed(
            training.derived_seed(config.seed, *purpose, "dropout", self.fabric.global_rank)
        )
        chance = training.generator(config.seed, *purpose, "beats", self.fabric.global_rank)
        seed = training.derived_seed(config.seed, *purpose)
        order = training.batches(len(self.rows), config.age_batch, seed, epoch)
        total = 0.0
        for i, picked in enumerate(order):
            progress = (epoch + i / len(order)) / config.age_epochs
            for group in self.optimiser.param_groups:
                group["lr"] = config.age_rate * training.rate_factor(progress, WARM_UP, WARM_UP)
            loss = self._loss(self.rows[engine.own_rows(self.fabric, picked)], chance)
            self.optimiser.zero_grad()
            self.fabric.backward(loss)
            self.optimiser.step()
            total += float(loss.detach()) / len(order)
        return {"age_loss": total}

    def _loss(self, rows: Tensor, chance: torch.Generator) -> Tensor:
        signals = MISHAPS(self.beats.draw(rows, self.config.single_share, chance), chance)
        eight = eight_leads(prepare(signals)).to(self.fabric.device)
        ages = self.beats.ages[rows].to(self.fabric.device)
        return smooth_l1_loss(self.module(eight) / SPREAD, ages / SPREAD, beta=0.5)

    def state_dict(self) -> dict[str, Any]:
        """The optimiser; the network is its owner's to save."""
        return {"optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""
        self.optimiser.load_state_dict(state["optimiser"])


@torch.no_grad()
def read_ages(network: AgeNetwork, signals: Tensor, device: torch.device) -> Tensor:
    """Years (n,) of beats in millivolts (n, 12, samples), on the processor."""
    network.eval()
    years = [
        network(eight_leads(prepare(signals[rows])).to(device)).cpu()
        for rows in training.chunks(len(signals), CHUNK)
    ]
    return torch.cat(years) if years else torch.zeros(0)
