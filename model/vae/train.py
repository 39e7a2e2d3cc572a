"""Training: leads at random out of all twelve, as published, then the model's own lead.

Published (Kuznetsov et al. 2021): single leads drawn at random out of twelve, 720 epochs. Chosen
here: a second source may join; the last `home_epochs` draw the audited lead, from the first source
and from people of the second that resemble it (`resemblance`), because what the prior draws is then
that lead and such people, and not a mixture of all.
Nothing selects a checkpoint: it is the last epoch of a fixed schedule, and the held-out people are
only watched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from axis_audit.checkpoint import Manifest
from axis_audit.cohort import LEADS
from model import training
from model.vae import conditions, objective
from model.vae.augment import warped
from model.vae.config import KIND, NetworkConfig, TrainingConfig
from model.vae.data import Cycles, TrainingData
from model.vae.evaluate import reconstructed
from model.vae.network import VariationalNetwork, prepare
from model.vae.resemblance import resemblance

SELECTED_BY = "nothing: the last epoch of a fixed schedule; held-out people were only watched"
WARM_RATE, FLAT_RATE = 0.02, 0.3
"""Shares of the epochs until the learning rate peaks, and until it falls."""
LARGEST_GRADIENT = 5.0
WATCH_EVERY = 20


class VariationalTraining:
    """A network with its data and optimiser: a `training.Trainee`."""

    def __init__(self, data: TrainingData, network: NetworkConfig, config: TrainingConfig) -> None:
        torch.manual_seed(training.derived_seed(config.seed, "weights"))
        self.model = VariationalNetwork(network)
        self.data, self.config = data, config
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=0.0, weight_decay=config.decay
        )
        self.resembling = self._resembling() if config.home_epochs else []

    def _resembling(self) -> list[Tensor | None]:
        """Of every source, weights by likeness to the first in the audited lead."""
        lead = LEADS.index(self.model.config.lead)
        first, *others = self.data.fit
        home = prepare(first.signals[:, lead])
        return [None] + [
            resemblance(home, first.shares, prepare(other.signals[:, lead]), other.shares)
            for other in others
        ]

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """`epoch_cycles` cycles; the mean of every loss."""
        self.model.train()
        chance = training.generator(self.config.seed, "epoch", epoch)
        steps = max(1, self.config.epoch_cycles // self.config.batch)
        sums: dict[str, float] = {}
        for step in range(steps):
            progress = (epoch + step / steps) / self.config.epochs
            for name, loss in self._step(self._at_home(epoch), progress, chance).items():
                sums[name] = sums.get(name, 0.0) + loss / steps
        return sums

    def _at_home(self, epoch: int) -> bool:
        return epoch >= self.config.epochs - self.config.home_epochs

    def _step(self, home: bool, progress: float, chance: torch.Generator) -> dict[str, float]:
        config = self.config
        factor = training.rate_factor(progress, WARM_RATE, FLAT_RATE)
        for group in self.optimiser.param_groups:
            group["lr"] = config.rate * factor
        cycles, told = self._draw(home, chance)
        mean, log_variance = self.model.encode(cycles, told)
        noise = torch.randn(mean.shape, generator=chance)
        latents = objective.sampled(mean, log_variance, noise)
        decoded = self.model.decode(latents, told)
        beta = objective.warmed(config.beta, progress, config.warm_up)
        losses = objective.losses(cycles, decoded, mean, log_variance, beta)
        total, seen = losses.total, {"error": losses.error, "divergence": losses.divergence}
        if config.aggregate:
            prior = torch.randn(latents.shape, generator=chance)
            seen["aggregate"] = objective.discrepancy(latents, prior)
            total = total + config.aggregate * seen["aggregate"]
        self.optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST_GRADIENT)
        self.optimiser.step()
        return {name: float(value.detach()) for name, value in seen.items()}

    def _draw(self, home: bool, chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """A batch of prepared cycles (n, samples) and their conditions (n, CONDITIONS)."""
        config, sources = self.config, self.data.fit
        first = config.batch
        if len(sources) > 1:
            first = round(config.batch * (config.home_home if home else config.general_home))
        counts = [first, *_parts(config.batch - first, [len(s) for s in sources[1:]])]
        cycles, told = [], []
        weights = self.resembling if home else [None] * len(sources)
        for source, count, resembling in zip(sources, counts, weights, strict=True):
            rows = source.draw(count, chance, resembling)
            leads = (
                torch.full((count,), LEADS.index(self.model.config.lead))
                if home
                else torch.randint(len(LEADS), (count,), generator=chance)
            )
            cycles.append(source.lead(rows, leads))
            people = conditions.blanked(source.people[rows], config.blank, chance)
            told.append(torch.cat([conditions.of_leads(leads), people], dim=1))
        r_index = self.model.config.r_index
        return warped(torch.cat(cycles), r_index, config.warp, chance), torch.cat(told)

    def assess(self, epoch: int) -> Mapping[str, float]:
        """What the watched people show; the score only says which epoch is the last."""
        done = epoch + 1 == self.config.epochs
        seen = {}
        if done or (epoch + 1) % WATCH_EVERY == 0:
            seen = watched(self.model, self.data.watched)
        return {**seen, "score": 0.0 if done else math.inf}

    def weights(self) -> dict[str, Tensor]:
        """The network's state dict."""
        return self.model.state_dict()

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimiser."""
        return {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])


def _parts(count: int, sizes: list[int]) -> list[int]:
    """`count` divided in proportion to `sizes`; the first get what is left over."""
    parts = [count * size // sum(sizes) for size in sizes]
    for i in range(count - sum(parts)) if sizes else ():
        parts[i % len(parts)] += 1
    return parts


@torch.no_grad()
def watched(model: VariationalNetwork, cycles: Cycles) -> dict[str, float]:
    """Error as a share of variance, KL in nats and active units of watched people, own lead."""
    model.eval()
    leads = torch.full((len(cycles),), LEADS.index(model.config.lead))
    x = cycles.lead(torch.arange(len(cycles)), leads)
    told = conditions.lead_alone(model.config.lead, len(x))
    mean, log_variance = model.encode(x, told)
    found = reconstructed(
        x.numpy(), model.decode(mean, told).numpy(), mean.numpy(), log_variance.numpy(),
        cycles.shares.numpy(),
    )  # fmt: skip
    return {f"watched_{name}": value for name, value in found.items()}


@dataclass(frozen=True)
class Request:
    """What `train` is asked for: where the checkpoint goes, and how the run behaves.

    `sources` are the sources in words, for the manifest.
    """

    checkpoint: Path
    sources: tuple[str, ...] = ()
    threads: int = 1
    resume: bool = False
    progress: bool = True
    save_every: int = 20
    stop: Callable[[int], bool] = lambda epoch: False


def train(
    data: TrainingData, network: NetworkConfig, config: TrainingConfig, request: Request
) -> Manifest:
    """Train, and write `NAME.pth`, `NAME.config.json` and `NAME.log.jsonl`.

    Raises:
        InputError: an interrupted run is in the way or does not fit this one, or the config makes
            no network or no training.
    """
    network = NetworkConfig.from_mapping(network.as_dict())
    config = TrainingConfig.from_mapping(config.as_dict())
    training.deterministic(request.threads)
    trainee = VariationalTraining(data, network, config)
    described = {"network": network.as_dict(), "training": config.as_dict()}
    plan = training.Plan(
        epochs=config.epochs,
        state_path=request.checkpoint.with_suffix(".state.partial"),
        log_path=request.checkpoint.with_suffix(".log.jsonl"),
        identity={**described, "fingerprints": [c.fingerprint for c in data.cohorts]},
        save_every=request.save_every,
        resume=request.resume,
        progress=request.progress,
        stop=request.stop,
    )
    outcome = training.run(trainee, plan)
    if outcome.best_weights is None or outcome.history is None:
        raise RuntimeError("the last epoch was not reached")
    manifest = training.build_manifest(
        data.cohorts,
        data.watchers,
        sources=list(request.sources),
        fingerprints=[c.fingerprint for c in data.cohorts],
        people=[c.n_patients for c in data.cohorts],
        people_set_apart=data.set_apart,
        seed=config.seed,
        selected_by=SELECTED_BY,
        watched=outcome.history[-1],
        training=described["training"],
    )
    training.write_checkpoint(request.checkpoint, KIND, described, outcome.best_weights, manifest)
    training.finish(plan)
    return manifest
