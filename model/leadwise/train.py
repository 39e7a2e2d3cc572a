"""Training of the lead-wise classifier: crops of records, masked focal loss, averaged weights.

Published: focal loss, AdamW with a cosine, heads for device and sex, selection on a validation
fold. Chosen here: one encoder and head for all diseases, crops, leads in millivolts, an auxiliary
head for single statements, a moving average of the weights, Platt's line on the validation fold.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from axis_audit.checkpoint import Manifest
from axis_audit.cohort import Cohort
from model import engine, training
from model.leadwise import ranking
from model.leadwise.config import KIND, NetworkConfig, TrainingConfig
from model.leadwise.data import NO_DEVICE, Labelled
from model.leadwise.network import LeadwiseNetwork, focal_loss, prepare
from model.leadwise.tracking import Tracker

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SELECTED_BY = "mean area under the ROC curve of the diseases, on the validation people"
WARM_UP = 0.05
LARGEST_GRADIENT = 1.0
CHUNK = 64
AUXILIARY = ("sex", "device", "statements")


class _Heads(nn.Module):
    """One pass through the network: every head's answer (one forward, as DDP wants)."""

    def __init__(self, network: LeadwiseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Logits of diseases, sex, devices and statements of prepared signals."""
        network, shared = self.network, self.network.shared(x)
        return (
            network.diseases(shared),
            network.sex(shared)[:, 0],
            None if network.device is None else network.device(shared),
            None if network.statements is None else network.statements(shared),
        )


class LeadwiseTraining:
    """The classifier with its data and optimiser: a `training.Trainee`."""

    def __init__(
        self,
        data: Labelled,
        chosen_on: Labelled,
        network: NetworkConfig,
        config: TrainingConfig,
        *,
        fabric: Fabric,
        progress: bool = True,
        tracker: Tracker = lambda epoch, numbers: None,
    ) -> None:
        torch.manual_seed(training.derived_seed(config.seed, "weights"))
        self.model = LeadwiseNetwork(network, config.dropout)
        self.averaged = copy.deepcopy(self.model).eval().to(fabric.device)
        self.data, self.chosen_on, self.config, self.fabric = data, chosen_on, config, fabric
        self.progress = progress and fabric.is_global_zero
        self.tracker = tracker
        self.last: dict[str, float] = {}
        self.logits = np.zeros((len(chosen_on), len(network.names)))
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        rest = [p for p in self.model.parameters() if p.ndim <= 1]
        optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": config.decay},
             {"params": rest, "weight_decay": 0.0}],
            lr=0.0,
        )  # fmt: skip
        self.heads, self.optimiser = fabric.setup(_Heads(self.model), optimiser)
        self.steps = 0

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """Every record once, in random order; the mean of every loss."""
        self.heads.train()
        config = self.config
        steps = training.batches(len(self.data), config.batch, config.seed, epoch)
        chance = training.generator(config.seed, "crops", epoch, self.fabric.global_rank)
        torch.manual_seed(training.derived_seed(config.seed, "dropout", epoch))
        sums: dict[str, float] = {}
        bar = tqdm(steps, f"epoch {epoch + 1}", leave=False, unit="step", disable=not self.progress)
        for step, rows in enumerate(bar):
            factor = training.rate_factor((epoch + step / len(steps)) / config.epochs, WARM_UP)
            for group in self.optimiser.param_groups:
                group["lr"] = config.rate * factor
            losses = self._step(engine.own_rows(self.fabric, rows), chance)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss / len(steps)
        self.last = sums
        return sums

    def _step(self, rows: Tensor, chance: torch.Generator) -> dict[str, float]:
        put = self.fabric.to_device
        x = put(self._augmented(self.data.crops(rows, self.config.crop, chance), chance))
        diseases, sex, device, statements = self.heads(prepare(x, self.model.config))
        config, data = self.config, self.data
        losses = {"disease": focal_loss(diseases, put(data.diseases[rows]), config.focus)}
        total = losses["disease"]
        if config.sex_weight:
            losses["sex"] = focal_loss(sex[:, None], put(data.sex[rows])[:, None], 0.0)
            total = total + config.sex_weight * losses["sex"]
        if device is not None and config.device_weight and (data.device[rows] != NO_DEVICE).any():
            losses["device"] = functional.cross_entropy(
                device, put(data.device[rows]), ignore_index=NO_DEVICE
            )
            total = total + config.device_weight * losses["device"]
        if statements is not None and config.statement_weight:
            losses["statements"] = functional.binary_cross_entropy_with_logits(
                statements, put(data.statements[rows])
            )
            total = total + config.statement_weight * losses["statements"]
        self.optimiser.zero_grad()
        self.fabric.backward(total)
        nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST_GRADIENT)
        self.optimiser.step()
        self._average()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _augmented(self, crops: Tensor, chance: torch.Generator) -> Tensor:
        config, n = self.config, len(crops)
        spread = math.log(config.largest_gain)
        gain = (spread * (2 * torch.rand(n, 1, 1, generator=chance) - 1)).exp()
        level = config.noise * torch.rand(n, 1, 1, generator=chance)
        x = gain * crops + level * torch.randn(crops.shape, generator=chance)
        silent = torch.rand(n, crops.shape[1], 1, generator=chance) < config.lead_dropout
        return x.masked_fill(silent, 0.0)

    @torch.no_grad()
    def _average(self) -> None:
        """The moving average follows; early on it forgets faster, or it would keep chance."""
        self.steps += 1
        decay = min(self.config.average, (1 + self.steps) / (10 + self.steps))
        current = self.model.state_dict()
        for name, value in self.averaged.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name].to(value.device), 1 - decay)
            else:
                value.copy_(current[name])

    def assess(self, epoch: int) -> Mapping[str, float]:
        """Areas under the ROC curves of the validation people; the score is one less their mean.

        Every `look_every` epochs and the last: whole records take a fifth of an epoch's time.
        """
        if (epoch + 1) % self.config.look_every and epoch + 1 < self.config.epochs:
            self.tracker(epoch, self.last)
            return {"score": math.inf}
        self.logits = raw_logits(self.averaged, self.chosen_on.signals, self.fabric.device)
        found = ranking.areas(self.logits, self.chosen_on.diseases.double().numpy())
        names = self.model.config.names
        areas = {f"auc_{n}": float(a) for n, a in zip(names, found, strict=True)}
        self.tracker(epoch, {**self.last, **areas})
        return {**areas, "score": 1.0 - float(np.nanmean(found))}

    def weights(self) -> dict[str, Tensor]:
        """The averaged weights with Platt's line on the validation people, as last assessed."""
        scale, shift = ranking.platt(self.logits, self.chosen_on.diseases.double().numpy())
        state = {k: v.detach().cpu().clone() for k, v in self.averaged.state_dict().items()}
        state["scale"] = torch.from_numpy(scale).float()
        state["shift"] = torch.from_numpy(shift).float()
        return state

    def state_dict(self) -> dict[str, Any]:
        """Weights, their average and the optimiser."""
        return {
            "model": {k: v.cpu() for k, v in self.model.state_dict().items()},
            "averaged": {k: v.cpu() for k, v in self.averaged.state_dict().items()},
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps = int(state["steps"])


@torch.no_grad()
def raw_logits(
    network: LeadwiseNetwork, signals: Tensor, device: torch.device
) -> NDArray[np.float64]:
    """Logits before Platt's line, (n, diseases), of whole records in mV."""
    network.eval()
    parts = []
    for rows in training.chunks(len(signals), CHUNK):
        x = prepare(signals[rows].to(device), network.config)
        parts.append(network.diseases(network.shared(x)).cpu())
    return torch.cat(parts).double().numpy()


@dataclass(frozen=True)
class Request:
    """What `train` is asked for: where the checkpoint goes, and how the run behaves."""

    checkpoint: Path
    folds: tuple[int, ...] = ()
    threads: int = 1
    resume: bool = False
    progress: bool = True
    save_every: int = 2
    engine: engine.EngineOptions = field(default_factory=engine.EngineOptions)
    tracker: Tracker = lambda epoch, numbers: None
    stop: Callable[[int], bool] = lambda epoch: False


@dataclass(frozen=True)
class People:
    """Cohorts of a run, and the same with labels: to fit on, and to choose on."""

    fitted: Cohort
    chosen_on: Cohort
    fitted_labels: Labelled
    chosen_labels: Labelled


def train(
    people: People, network: NetworkConfig, config: TrainingConfig, request: Request
) -> Manifest:
    """Train, and write `NAME.pth`, `NAME.config.json` and `NAME.log.jsonl`.

    Raises:
        InputError: an interrupted run is in the way or does not fit this one, or no such device.
    """
    training.deterministic(request.threads)
    fabric = engine.start(request.engine)
    trainee = LeadwiseTraining(
        people.fitted_labels, people.chosen_labels, network, config,
        fabric=fabric, progress=request.progress, tracker=request.tracker,
    )  # fmt: skip
    described = {"network": network.as_dict(), "training": config.as_dict()}
    cohorts = [people.fitted, people.chosen_on]
    plan = training.Plan(
        epochs=config.epochs,
        state_path=request.checkpoint.with_suffix(".state.partial"),
        log_path=request.checkpoint.with_suffix(".log.jsonl"),
        identity={
            **described,
            "fingerprints": [c.fingerprint for c in cohorts],
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
        raise RuntimeError("no epoch was finished")
    manifest = training.build_manifest(
        cohorts,
        np.unique(people.chosen_on.patient_ids),
        folds=list(request.folds),
        seed=config.seed,
        epoch=outcome.best_epoch,
        selected_by=SELECTED_BY,
        selection=outcome.history[outcome.best_epoch],
        training=described["training"],
    )
    if fabric.is_global_zero:
        weights = {k: v.half() if v.is_floating_point() else v
                   for k, v in outcome.best_weights.items()}  # fmt: skip
        training.write_checkpoint(request.checkpoint, KIND, described, weights, manifest)
        training.finish(plan)
    fabric.barrier()
    return manifest
