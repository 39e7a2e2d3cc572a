"""Training: linear filters in closed form, then all twelve autoencoders at once.

Published: a masked autoencoder a lead, triplets across leads, the curriculum. Chosen here: the
rest; `config.TrainingConfig` says what and why. Nothing selects a checkpoint: it is the last epoch
of a fixed schedule, and the people set apart are only watched.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from axis_audit.checkpoint import Manifest
from model import engine, training
from model.alignment import objective
from model.alignment.config import KIND, NetworkConfig, TrainingConfig
from model.alignment.data import TrainingData, drawn_sources, hidden_patches
from model.alignment.network import NUMBER, AlignmentNetwork
from model.alignment.watch import watched

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SELECTED_BY = "nothing: the last epoch of a fixed schedule; held-out people were only watched"
WATCH_EVERY = 5
WARM_UP = 0.04
LARGEST_GRADIENT = 1.0


class _Views(nn.Module):
    """One pass through the network: what the losses need (one forward, as DDP wants)."""

    def __init__(self, network: AlignmentNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, noisy: Tensor, hidden: Tensor, masked: Tensor, sources: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden leads reconstructed, all leads drawn from others, and embeddings."""
        network, leads = self.network, torch.arange(NUMBER, device=noisy.device)
        encoded = network.encode(noisy, leads, hidden)
        rows = torch.arange(noisy.shape[1], device=noisy.device)
        own = encoded.pick(masked[:, None], rows)
        filled = network.decode(own, masked, masked) + own.base
        drawn = network.decode(encoded.pick(sources, rows), sources, leads)
        linear = network.filtered(noisy[sources, rows], sources, leads[:, None].expand_as(sources))
        return filled, drawn + linear, encoded.embedding


class AlignmentTraining:
    """The system with its data and optimiser: a `training.Trainee`."""

    def __init__(
        self,
        data: TrainingData,
        network: NetworkConfig,
        config: TrainingConfig,
        *,
        fabric: Fabric,
        progress: bool = True,
    ) -> None:
        torch.manual_seed(training.derived_seed(config.seed, "weights"))
        self.model = AlignmentNetwork(network)
        if config.linear:
            self.model.filters.copy_(data.filters(network.taps))
        self.lead_weights = objective.lead_weights(data.parts)[:, None].to(fabric.device)
        self.data, self.config, self.fabric = data, config, fabric
        self.progress = progress and fabric.is_global_zero
        optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=0.0, weight_decay=config.decay, betas=(0.9, 0.98)
        )
        self.views, self.optimiser = fabric.setup(_Views(self.model), optimiser)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """Draw `epoch_records` records in random order; the mean of every loss."""
        self.views.train()
        config = self.config
        passes = training.batches(len(self.data), config.batch, config.seed, epoch)
        steps = passes[: max(1, config.epoch_records // config.batch)]
        chance = training.generator(config.seed, "views", epoch, self.fabric.global_rank)
        sums: dict[str, float] = {}
        bar = tqdm(steps, f"epoch {epoch + 1}", leave=False, unit="step", disable=not self.progress)
        for step, rows in enumerate(bar):
            progress = (epoch + step / len(steps)) / config.epochs
            for group in self.optimiser.param_groups:
                group["lr"] = config.rate * training.rate_factor(progress, WARM_UP)
            losses = self._step(engine.own_rows(self.fabric, rows), progress, chance)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss / len(steps)
        return sums

    def _step(self, rows: Tensor, progress: float, chance: torch.Generator) -> dict[str, float]:
        config, shape = self.config, self.model.config
        size = shape.window
        first, second = (self.data.windows(rows, size, chance) for _ in range(2))
        gain = (
            math.log(config.largest_gain) * (2 * torch.rand(len(rows), generator=chance) - 1)
        ).exp()
        clean = torch.cat([first, second], 1) * gain.repeat(2)[:, None]
        n = clean.shape[1]
        level = config.noise * torch.rand(NUMBER, n, 1, generator=chance)
        noisy = clean + level * torch.randn(clean.shape, generator=chance)
        order = torch.randperm(NUMBER, generator=chance)
        visible, masked = order[: config.visible_leads], order[config.visible_leads :]
        shares = (config.fewest_hidden, config.most_hidden)
        hidden = hidden_patches(NUMBER, n, shape.tokens, shares, chance)
        hidden[visible] = False
        hidden = hidden.repeat_interleave(shape.patch, dim=2)
        sources = drawn_sources(visible, NUMBER, n, chance)
        put = self.fabric.to_device
        filled, drawn, embeddings = self.views(put(noisy), put(hidden), put(masked), put(sources))
        clean, where = put(clean), put(hidden[masked])
        weights = objective.row_weights(clean) * self.lead_weights
        losses = {
            "hidden": objective.weighted_error(
                filled, clean[put(masked)], weights[put(masked)], where
            ),
            "drawn": objective.weighted_error(drawn, clean, weights, None),
            "align": objective.alignment(
                *embeddings[put(visible)].float().chunk(2, dim=1),
                config.margin,
                config.shifted_share,
            ),
        }
        align, reconstruct = objective.curriculum(progress, config.floor)
        total = align * losses["align"] + reconstruct * (
            losses["hidden"] + config.drawing * losses["drawn"]
        )
        self.optimiser.zero_grad()
        self.fabric.backward(total)
        nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST_GRADIENT)
        self.optimiser.step()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def assess(self, epoch: int) -> Mapping[str, float]:
        """What the people set apart show; the score only says which epoch is the last."""
        done = epoch + 1 == self.config.epochs
        look = done or (epoch + 1) % WATCH_EVERY == 0
        seen = watched(self.model, self.data.held, self.fabric.device) if look else {}
        return {**seen, "score": 0.0 if done else math.inf}

    def weights(self) -> dict[str, Tensor]:
        """The system's state dict, in half precision: it keeps three digits of each weight."""
        return {k: v.detach().cpu().half() for k, v in self.model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimiser."""
        model = {k: v.cpu() for k, v in self.model.state_dict().items()}
        return {"model": model, "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])


@dataclass(frozen=True)
class Request:
    """What `train` is asked for: where the checkpoint goes, and how the run behaves."""

    checkpoint: Path
    folds: tuple[int, ...] = ()
    threads: int = 1
    resume: bool = False
    progress: bool = True
    save_every: int = 5
    engine: engine.EngineOptions = field(default_factory=engine.EngineOptions)
    stop: Callable[[int], bool] = lambda epoch: False


def train(
    data: TrainingData, network: NetworkConfig, config: TrainingConfig, request: Request
) -> Manifest:
    """Train, and write `NAME.pth`, `NAME.config.json` and `NAME.log.jsonl`.

    Raises:
        InputError: an interrupted run is in the way or does not fit this one, or no such device.
    """
    training.deterministic(request.threads)
    fabric = engine.start(request.engine)
    trainee = AlignmentTraining(data, network, config, fabric=fabric, progress=request.progress)
    described = {"network": network.as_dict(), "training": config.as_dict()}
    plan = training.Plan(
        epochs=config.epochs,
        state_path=request.checkpoint.with_suffix(".state.partial"),
        log_path=request.checkpoint.with_suffix(".log.jsonl"),
        identity={
            **described,
            "fingerprints": [c.fingerprint for c in data.cohorts],
            "processes": fabric.world_size,
        },
        save_every=request.save_every,
        resume=request.resume,
        progress=request.progress,
        writes=fabric.is_global_zero,
        stop=request.stop,
    )
    outcome = training.run(trainee, plan)
    if outcome.best_weights is None or outcome.history is None:
        raise RuntimeError("the last epoch was not reached")
    manifest = training.build_manifest(
        data.cohorts,
        data.selectors,
        sources=[c.name for c in data.cohorts],
        fingerprints=[c.fingerprint for c in data.cohorts],
        people=[c.n_patients for c in data.cohorts],
        exclusions=dict(sum((Counter(c.exclusions) for c in data.cohorts), Counter())),
        folds=list(request.folds),
        seed=config.seed,
        selected_by=SELECTED_BY,
        watched=outcome.history[-1],
        training=described["training"],
    )
    if fabric.is_global_zero:
        training.write_checkpoint(
            request.checkpoint, KIND, described, outcome.best_weights, manifest
        )
        training.finish(plan)
    fabric.barrier()
    return manifest
