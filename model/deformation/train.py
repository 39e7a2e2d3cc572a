"""Training in three steps: age networks, the axis in closed form, encoder and decoder.

Published: the equation and its parts. Chosen here: everything about the order and the losses; see
`age_stage`, `axis_fit` and `encoder_stage`. Training swings: encoder and decoder are trained from
several starts, each to the last epoch of a fixed schedule, and the held-out people choose the one
that tells least of their ages (`watch`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit import checkpoint as checkpoints
from axis_audit.checkpoint import hashed
from axis_audit.errors import InputError
from model import engine, training
from model.deformation import tables
from model.deformation.age_stage import AgeStage, parts_of, read_ages
from model.deformation.axis_fit import fit_axis
from model.deformation.beats import eight_leads, prepare
from model.deformation.config import KIND, NetworkConfig, TrainingConfig
from model.deformation.data import Beats, TrainingData
from model.deformation.encoder_stage import EncoderStage
from model.deformation.network import Decoder, DeformationNetwork, Encoder
from model.deformation.watch import watched

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SELECTED_BY = (
    "what z and D(z) tell of the ages of held-out people, among {starts} encoders; "
    "each is the last epoch of a fixed schedule"
)
PEOPLE_OF_HALVES = 2


class DeformationTraining:
    """A system with its data and its stage of training: a `training.Trainee`.

    Args:
        people: patient ids of `data.fit`, shape (n,).
        age_networks: weights of networks trained with the same seed on the same people, or None.
    """

    def __init__(
        self,
        data: TrainingData,
        people: NDArray[np.str_],
        network: NetworkConfig,
        config: TrainingConfig,
        *,
        fabric: Fabric,
        age_networks: Mapping[str, Tensor] | None = None,
    ) -> None:
        torch.manual_seed(training.derived_seed(config.seed, "weights"))
        self.model = DeformationNetwork(network).to(fabric.device)
        self.age_epochs = config.age_epochs * network.age_networks
        if age_networks is not None:
            self.model.age_networks.load_state_dict(age_networks)
            self.age_epochs = 0
        self.data, self.config, self.fabric = data, config, fabric
        self.parts = parts_of(people, network.age_networks)
        self.halves = torch.from_numpy(
            (hashed(people) // np.uint64(997) % np.uint64(PEOPLE_OF_HALVES)).astype(np.int64)
        )
        self.number = -1
        self.stage: AgeStage | EncoderStage
        self._enter(0 if self.age_epochs else network.age_networks)

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return self.age_epochs + self.config.starts * self.config.epochs

    def _place(self, epoch: int) -> tuple[int, int]:
        """The stage that an epoch belongs to, and which epoch of it it is."""
        if epoch < self.age_epochs:
            return divmod(epoch, self.config.age_epochs)
        start, within = divmod(epoch - self.age_epochs, self.config.epochs)
        return self.model.config.age_networks + start, within

    def _enter(self, number: int) -> None:
        """Begin a stage: age network 0, 1, ..., then an encoder and decoder from start 0, 1, ..."""
        self.number = number
        networks = self.model.readers()
        if number < len(networks):
            rows = torch.nonzero(self.parts != number)[:, 0]
            self.stage = AgeStage(
                networks[number],
                self.data.fit,
                rows,
                number,
                config=self.config,
                fabric=self.fabric,
            )
            return
        config, device = self._of_start(number - len(networks)), self.fabric.device
        self.model.cpu()
        torch.manual_seed(training.derived_seed(config.seed, "critics"))
        fit_linear_parts(self.model, self.data.fit)
        for network in networks:
            network.to(device)
        known = tables.build(self.data.fit, self.parts, networks, self.model.components, device)
        self.stage = EncoderStage(self.model, known, self.halves, config, self.fabric)
        self.model.to(device)

    def _of_start(self, start: int) -> TrainingConfig:
        """Its configuration, which differs by the seed; the model's encoder and decoder are new."""
        if not start:
            return self.config
        config = replace(self.config, seed=training.derived_seed(self.config.seed, "start", start))
        torch.manual_seed(training.derived_seed(config.seed, "weights"))
        self.model.encoder = Encoder(self.model.config)
        self.model.decoder = Decoder(self.model.config)
        return config

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One epoch of the stage that it belongs to."""
        number, within = self._place(epoch)
        if number != self.number:
            self._enter(number)
        return self.stage.train_epoch(within)

    def assess(self, epoch: int) -> Mapping[str, float]:
        """What the held-out people show; the score is that of a start's last epoch, their leak."""
        within, score = self._place(epoch)[1] + 1, math.inf
        if self.number < self.model.config.age_networks:
            network = self.model.readers()[self.number]
            years = read_ages(network, self.data.selection.medians, self.fabric.device)
            seen = {"held_mae": float((years - self.data.selection.ages).abs().mean())}
        elif within == self.config.epochs or within % 10 == 0:
            seen = watched(self.model, self.data.selection, self.fabric.device)
            score = seen["held_leak"] if within == self.config.epochs else math.inf
        else:
            seen = {}
        return {**seen, "score": score}

    def weights(self) -> dict[str, Tensor]:
        """The system's state dict."""
        return {k: v.cpu() for k, v in self.model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Weights, stage, optimisers."""
        return {
            "model": self.weights(),
            "number": self.number,
            "stage": self.stage.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""
        self.model.load_state_dict(state["model"])
        if state["number"] != self.number:
            self._enter(state["number"])
            self.model.load_state_dict(state["model"])
        self.stage.load_state_dict(state["stage"])


def fit_linear_parts(model: DeformationNetwork, beats: Beats) -> None:
    """Fit principal components, g, B and a0 to median beats, in closed form."""
    x = prepare(beats.medians)
    model.components.fit(eight_leads(x))
    axis = fit_axis(x.numpy(), beats.ages.numpy(), beats.shares.numpy(), model.config)
    with torch.no_grad():
        model.ageing.copy_(eight_leads(torch.from_numpy(axis.direction)))
        model.spline.set_increments(torch.from_numpy(axis.increments))
        model.spline.neutral_age.copy_(torch.tensor(axis.neutral_age))


@dataclass(frozen=True)
class Request:
    """What `train` is asked for: where the checkpoint goes, and how the run behaves.

    `age_networks` is a checkpoint of the same people and seed whose age networks are taken over.
    """

    checkpoint: Path
    folds: tuple[int, ...] = ()
    threads: int = 2
    resume: bool = False
    progress: bool = True
    save_every: int = 5
    age_networks: Path | None = None
    engine: engine.EngineOptions = field(default_factory=engine.EngineOptions)
    stop: Callable[[int], bool] = lambda epoch: False


def train(
    data: TrainingData, network: NetworkConfig, config: TrainingConfig, request: Request
) -> checkpoints.Manifest:
    """Train, and write `NAME.pth`, `NAME.config.json` and `NAME.log.jsonl`.

    Raises:
        InputError: an interrupted run is in the way or does not fit this one, or no such device.
    """
    training.deterministic(request.threads)
    fabric = engine.start(request.engine)
    ready = _ready_networks(request.age_networks, data, config)
    trainee = DeformationTraining(
        data, data.fitters, network, config, fabric=fabric, age_networks=ready
    )
    described = {"network": network.as_dict(), "training": config.as_dict()}
    plan = training.Plan(
        epochs=trainee.epochs,
        state_path=request.checkpoint.with_suffix(".state.partial"),
        log_path=request.checkpoint.with_suffix(".log.jsonl"),
        identity={
            **described,
            "fingerprint": data.cohorts[0].fingerprint,
            "processes": fabric.world_size,
            "age_networks": ready is not None,
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
        folds=list(request.folds),
        seed=config.seed,
        selected_by=SELECTED_BY.format(starts=config.starts),
        watched=outcome.history[outcome.best_epoch],
        training=described["training"],
    )
    if fabric.is_global_zero:
        training.write_checkpoint(
            request.checkpoint, KIND, described, outcome.best_weights, manifest
        )
        training.finish(plan)
    fabric.barrier()
    return manifest


def _ready_networks(
    path: Path | None, data: TrainingData, config: TrainingConfig
) -> dict[str, Tensor] | None:
    if path is None:
        return None
    ready = checkpoints.load(path)
    manifest, prefix = ready.manifest.data, "age_networks."
    same = {
        "kind": (ready.kind, KIND),
        "seed": (manifest.get("seed"), config.seed),
        "data": (manifest.get("fingerprint"), data.cohorts[0].fingerprint),
    }
    differing = [name for name, (theirs, ours) in same.items() if theirs != ours]
    if differing:
        raise InputError(
            path,
            f"its {' and '.join(differing)} are not those of this run",
            "age networks of other people or parts are not cross-fitted here; train them anew",
        )
    return {k.removeprefix(prefix): v for k, v in ready.state.items() if k.startswith(prefix)}
