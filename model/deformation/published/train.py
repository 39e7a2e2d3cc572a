"""Training: canonical pretraining, axis learning, joint training.

Published: the three stages, and gradient-routing assertions between losses and parameters. Chosen
here: each stage has its own AdamW with warm-up and cosine decay; routing is asserted on the first
batch of every stage; the checkpoint is the joint epoch with the least sum of reconstruction error
and age error on the selection patients, each relative to knowing nothing (the mean beat, the
median age).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from axis_audit import checkpoint as checkpoints
from model import training
from model.deformation.augment import Augmentation
from model.deformation.data import Beats, TrainingData
from model.deformation.published.config import KIND, NetworkConfig, TrainingConfig
from model.deformation.published.network import DeformationNetwork
from model.deformation.published.objective import Rows, stage_losses
from model.deformation.published.routing import ROUTES, assert_routes, trained_groups

AXIS_GROUPS = frozenset({"axis", "spline", "neutral"})
LARGEST_GRADIENT = 5.0
SELECTED_BY = (
    "least (reconstruction MSE / beat variance) + (age MAE / MAE of the median age), "
    "median beats of the selection patients, joint stage"
)


class DeformationTraining:
    """A network with its data and optimiser: a `training.Trainee`."""

    def __init__(self, data: TrainingData, network: NetworkConfig, config: TrainingConfig) -> None:
        torch.manual_seed(training.derived_seed(config.seed, "weights"))
        self.model = DeformationNetwork(network)
        self.data, self.config = data, config
        self.augment = Augmentation()
        self.stage = ""
        self.optimiser: torch.optim.Optimizer
        self._enter("canonical")

    def _enter(self, stage: str) -> None:
        self.stage = stage
        trained = trained_groups(stage)
        options = []
        for name, parameters in self.model.groups().items():
            for p in parameters:
                p.requires_grad_(name in trained)
            if name in trained:
                on_axis = name in AXIS_GROUPS
                peak = self.config.axis_rate if on_axis else self.config.learning_rate
                decay = 0.0 if on_axis or name == "age_head" else self.config.weight_decay
                options.append({"params": parameters, "peak": peak, "weight_decay": decay})
        self.optimiser = torch.optim.AdamW(options, lr=0.0)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the fitting records; mean of every loss."""
        stage, first, after = self.config.stage(epoch)
        if epoch == first:
            self._enter(stage)
        # Frozen layers keep their running statistics too.
        self.model.train(stage != "axis")
        torch.manual_seed(training.derived_seed(self.config.seed, "dropout", epoch))
        chance = training.generator(self.config.seed, "beats", epoch)
        order = training.batches(
            len(self.data.fit), self.config.batch_size, self.config.seed, epoch
        )
        sums: dict[str, float] = dict.fromkeys(ROUTES[stage], 0.0)
        for i, rows in enumerate(order):
            self._set_rate((epoch - first + i / len(order)) / (after - first))
            losses = self._losses(rows, chance)
            if epoch == first and i == 0:
                assert_routes(losses, self.model.groups(), ROUTES[stage])
            self._step(losses)
            for name, loss in losses.items():
                sums[name] += float(loss.detach()) / len(order)
        return sums

    def _losses(self, rows: Tensor, chance: torch.Generator) -> dict[str, Tensor]:
        fit = self.data.fit
        views = (fit.draw(rows, self.config.single_share, chance), fit.medians[rows])
        x, medians = (self.model.prepare(self.augment(v, chance)) for v in views)
        batch = Rows(x, medians, fit.ages[rows], fit.shares[rows])
        return stage_losses(self.model, batch, self.stage)

    def _step(self, losses: Mapping[str, Tensor]) -> None:
        total = torch.stack([self.config.weights[n] * loss for n, loss in losses.items()]).sum()
        self.optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        for group in self.optimiser.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], LARGEST_GRADIENT)
        self.optimiser.step()

    def _set_rate(self, progress: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * training.rate_factor(progress)

    def assess(self, epoch: int) -> Mapping[str, float]:
        """Errors on the selection patients' median beats; "score" only in the joint stage."""
        errors = selection_errors(self.model, self.data.selection)
        joint = self.config.stage(epoch)[0] == "joint"
        score = errors["reconstruction_ratio"] + errors["mae_ratio"]
        return {f"selection_{k}": v for k, v in errors.items()} | {
            "score": score if joint else math.inf,
            "neutral_age": float(self.model.spline.neutral_age.detach()),
        }

    def weights(self) -> dict[str, Tensor]:
        """The network's state dict."""
        return self.model.state_dict()

    def state_dict(self) -> dict[str, Any]:
        """Weights, stage and optimiser."""
        return {
            "model": self.model.state_dict(),
            "stage": self.stage,
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""
        self._enter(state["stage"])
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])


@torch.no_grad()
def selection_errors(model: DeformationNetwork, beats: Beats) -> dict[str, float]:
    """Errors of reconstruction and age on median beats; records weigh alike."""
    model.eval()
    squares, predicted = [], []
    x_all = model.prepare(beats.medians)
    delta = model.deformation(beats.ages)
    for rows in training.chunks(len(beats), 512):
        parts = model(x_all[rows])
        squares.append((parts.x50 + delta[rows] - x_all[rows]).square().mean(dim=(1, 2)))
        predicted.append(model.age_head(parts.projection))
    variance = (x_all - x_all.mean(0)).square().mean()
    ages_predicted = torch.cat(predicted)
    mae = (ages_predicted - beats.ages).abs().mean()
    covariance = torch.cov(torch.stack([ages_predicted, beats.ages]))
    return {
        "calibration_slope": float(covariance[0, 1] / covariance[0, 0]),
        "reconstruction_ratio": float(torch.cat(squares).mean() / variance),
        "mae": float(mae),
        "mae_ratio": float(mae / (beats.ages - beats.ages.median()).abs().mean()),
    }


@dataclass(frozen=True)
class Request:
    """What `train` is asked for: where the checkpoint goes, and how the run behaves."""

    checkpoint: Path
    folds: tuple[int, ...] = ()
    threads: int = 2
    resume: bool = False
    progress: bool = True
    save_every: int = 5
    stop: Callable[[int], bool] = lambda epoch: False


def train(
    data: TrainingData, network: NetworkConfig, config: TrainingConfig, request: Request
) -> checkpoints.Manifest:
    """Train, and write `NAME.pth`, `NAME.config.json` and `NAME.log.jsonl`.

    Raises:
        InputError: an interrupted run is in the way, or does not fit this one.
        RoutingError: a loss reaches parameters that it must not.
    """
    training.deterministic(request.threads)
    trainee = DeformationTraining(data, network, config)
    described = {"network": network.as_dict(), "training": config.as_dict()}
    plan = training.Plan(
        epochs=config.epochs,
        state_path=request.checkpoint.with_suffix(".state.partial"),
        log_path=request.checkpoint.with_suffix(".log.jsonl"),
        identity={**described, "fingerprint": data.cohorts[0].fingerprint},
        save_every=request.save_every,
        resume=request.resume,
        progress=request.progress,
        stop=request.stop,
    )
    outcome = training.run(trainee, plan)
    if outcome.best_weights is None or outcome.history is None:
        raise RuntimeError("no epoch of joint training was assessed")
    manifest = training.build_manifest(
        data.cohorts,
        data.selectors,
        folds=list(request.folds),
        seed=config.seed,
        epochs=config.epochs,
        selected_by=SELECTED_BY,
        selected_epoch=outcome.best_epoch,
        selection=outcome.history[outcome.best_epoch],
        loss_weights=dict(config.weights),
        training=described["training"],
    )
    training.write_checkpoint(request.checkpoint, KIND, described, outcome.best_weights, manifest)
    training.finish(plan)
    return manifest
