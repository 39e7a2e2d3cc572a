"""What the reference systems share in training: chance, splits, the epoch loop, the manifest.

All chance in an epoch is a pure function of (seed, epoch), so a run that was interrupted and
resumed gives, on the same machine with as many threads, the very weights of an uninterrupted one.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from axis_audit.checkpoint import Manifest, hash_ids, save
from axis_audit.cohort import Cohort
from axis_audit.errors import InputError

LAST_RATE = 0.005
"""Of the peak learning rate, at the end of a stage."""


def deterministic(threads: int) -> None:
    """Make torch repeat itself: deterministic kernels and a fixed number of threads."""
    torch.use_deterministic_algorithms(True)
    # Nothing here reads uninitialised memory; filling it costs 6 % of an epoch.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_num_threads(threads)


def derived_seed(seed: int, *purpose: object) -> int:
    """A seed for one purpose (an epoch, an initialisation), independent of all others."""
    text = repr((seed, *purpose)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "little")


def generator(seed: int, *purpose: object) -> torch.Generator:
    """A torch generator for one purpose."""
    return torch.Generator().manual_seed(derived_seed(seed, *purpose))


def batches(n: int, size: int, seed: int, epoch: int) -> list[Tensor]:
    """Row indices of an epoch's batches, a pure function of the arguments.

    The rows that do not fill a last batch sit this epoch out (others do in the next): statistics
    within a batch need a whole one. With fewer than `size` rows there is one batch of them all.
    """
    order = torch.randperm(n, generator=generator(seed, "order", epoch))
    return [order] if n <= size else list(torch.split(order[: n - n % size], size))


def rate_factor(progress: float, warm_up: float = 0.05, flat: float = 0.05) -> float:
    """Learning rate over its peak at a share `progress` of a stage: warm-up, plateau, cosine.

    Args:
        warm_up: share of the stage until the peak. flat: share until the cosine begins.
    """
    if progress < warm_up:
        return progress / warm_up
    if progress < flat:
        return 1.0
    cosine = math.cos(math.pi * (progress - flat) / (1 - flat))
    return LAST_RATE + (1 - LAST_RATE) * (1 + cosine) / 2


def selection_rows(
    patient_ids: NDArray[np.str_], share: float, purpose: str = "selection"
) -> NDArray[np.bool_]:
    """Rows of the patients held out to select a checkpoint, chosen by a hash of their ids.

    The hash, not a shuffle, decides: a patient stays on the same side whatever else the cohort
    holds. People of two purposes are drawn independently. Returns a boolean array of shape (n,).
    """
    unique, inverse = np.unique(patient_ids, return_inverse=True)
    digests = [hashlib.blake2b(f"{purpose}/{i}".encode(), digest_size=8).digest() for i in unique]
    drawn = np.array([int.from_bytes(d, "little") / 2.0**64 < share for d in digests], dtype=bool)
    return np.asarray(drawn[inverse])


def build_manifest(
    cohorts: Sequence[Cohort], selectors: NDArray[np.str_], **facts: Any
) -> Manifest:
    """The manifest of a training run.

    Args:
        cohorts: everything seen in training and selection; the first one names the data.
        selectors: ids of the patients who chose among the epochs.
        facts: plain values to record: folds, seed, epochs, what selected the checkpoint, ...
    """
    first = cohorts[0]
    data = {
        "name": first.name,
        "fingerprint": first.fingerprint,
        "scope": first.scope,
        "patients": len(np.unique(np.concatenate([c.patient_ids for c in cohorts]))),
        "records": len(np.unique(np.concatenate([c.record_ids for c in cohorts]))),
        "exclusions": dict(first.exclusions),
        **facts,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": str(torch.__version__),
        },
    }
    return Manifest(
        patients=hash_ids(np.concatenate([c.patient_ids for c in cohorts])),
        waveforms=np.unique(np.concatenate([c.hashes for c in cohorts])),
        selection=hash_ids(selectors),
        data=data,
    )


def write_checkpoint(
    path: Path,
    kind: str,
    described: Mapping[str, Mapping[str, Any]],
    weights: Mapping[str, Tensor],
    manifest: Manifest,
) -> None:
    """Write NAME.pth and NAME.config.json.

    Args:
        described: "network", which the checkpoint holds, and "training", as plain values.
    """
    save(path, kind=kind, config=described["network"], state=weights, manifest=manifest)
    path.with_suffix(".config.json").write_text(
        json.dumps({"kind": kind, **described}, indent=2) + "\n"
    )


class Trainee(Protocol):
    """A model with its optimiser and data, trained epoch by epoch by `run`."""

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """Train one epoch; return what to log."""

    def assess(self, epoch: int) -> Mapping[str, float]:
        """Judge on the selection patients; "score" (lower is better) selects, inf never does."""

    def weights(self) -> dict[str, Tensor]:
        """The state dict a checkpoint would hold now."""

    def state_dict(self) -> dict[str, Any]:
        """Everything the next epoch depends on: tensors and plain values."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state again."""


@dataclass(frozen=True)
class Plan:
    """A run of `run`.

    Attributes:
        epochs: how many in all. save_every: epochs between saved states.
        state_path: where the state lives until the run is complete.
        log_path: JSON lines, one an epoch.
        identity: plain values that a resumed run must share with the interrupted one.
        writes: whether this process writes files and shows progress: one of several does.
        stop: called after every epoch with its number; true interrupts (as ctrl-C would).
    """

    epochs: int
    state_path: Path
    log_path: Path
    identity: Mapping[str, Any]
    save_every: int = 5
    resume: bool = False
    progress: bool = True
    writes: bool = True
    stop: Callable[[int], bool] = lambda epoch: False


@dataclass
class Outcome:
    """Where a run stands: its best weights, the epoch they are of, and its history."""

    epoch: int = 0
    best_epoch: int = -1
    best_score: float = math.inf
    best_weights: dict[str, Tensor] | None = None
    history: list[dict[str, float]] | None = None


def run(trainee: Trainee, plan: Plan) -> Outcome:
    """Train epoch by epoch, keep the best weights, save the state as it goes.

    Raises:
        InputError: a state of an interrupted run is in the way, or does not fit this run.
        KeyboardInterrupt: interrupted; the last saved state can be resumed.
        RuntimeError: a loss or a selection error became NaN.
    """
    outcome = _begin(trainee, plan)
    history = outcome.history = outcome.history or []
    if plan.writes:
        plan.log_path.write_text("".join(json.dumps(line) + "\n" for line in history))
    remaining = range(outcome.epoch, plan.epochs)
    with tqdm(
        total=plan.epochs,
        initial=outcome.epoch,
        unit="epoch",
        disable=not (plan.progress and plan.writes),
    ) as bar:
        for epoch in remaining:
            line = {"epoch": epoch, **trainee.train_epoch(epoch), **trainee.assess(epoch)}
            if any(math.isnan(v) for v in line.values()):
                raise RuntimeError(f"training diverged in epoch {epoch}: {line}")
            score = line.get("score", math.inf)
            if score < outcome.best_score:
                outcome.best_epoch, outcome.best_score = epoch, score
                outcome.best_weights = copy.deepcopy(trainee.weights())
            history.append({k: _rounded(v) for k, v in line.items() if math.isfinite(v)})
            if plan.writes:
                with plan.log_path.open("a") as log:
                    log.write(json.dumps(history[-1]) + "\n")
            outcome.epoch = epoch + 1
            bar.update()
            bar.set_postfix({"score": f"{score:.3f}", "best": f"{outcome.best_score:.3f}"})
            interrupted = plan.stop(epoch)
            if interrupted or (epoch + 1) % plan.save_every == 0:
                _save_state(trainee, plan, outcome)
            if interrupted:
                raise KeyboardInterrupt
    return outcome


def finish(plan: Plan) -> None:
    """Remove the state of a run whose checkpoint is written."""
    plan.state_path.unlink(missing_ok=True)


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.5g}")


def _save_state(trainee: Trainee, plan: Plan, outcome: Outcome) -> None:
    if not plan.writes:
        return
    content = {
        "identity": dict(plan.identity),
        "trainee": trainee.state_dict(),
        "outcome": dict(vars(outcome)),
    }
    fresh = plan.state_path.with_name(plan.state_path.name + ".new")
    torch.save(content, fresh)
    os.replace(fresh, plan.state_path)


def _begin(trainee: Trainee, plan: Plan) -> Outcome:
    plan.state_path.parent.mkdir(parents=True, exist_ok=True)
    if not plan.state_path.exists():
        return Outcome()
    if not plan.resume:
        raise InputError(
            plan.state_path,
            "an interrupted run left its state there",
            "continue it with --resume, or delete the file to begin again",
        )
    content = torch.load(plan.state_path, weights_only=True)
    differing = [k for k, v in plan.identity.items() if content["identity"].get(k) != v]
    if differing:
        raise InputError(
            plan.state_path,
            f"it belongs to a run with other values of {differing}",
            "resume with the same options and data, or delete the file to begin again",
        )
    trainee.load_state_dict(content["trainee"])
    return Outcome(**content["outcome"])


def chunks(n: int, size: int) -> Iterator[slice]:
    """Slices that cover n rows, `size` at a time."""
    return (slice(i, min(i + size, n)) for i in range(0, n, size))
