"""What describes a deformation network and its training, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from axis_audit.cohort import LEADS
from axis_audit.errors import CheckpointError
from model.config_fields import read_fields

KIND = "deformation-published"
DOWNSAMPLING = 8
"""The decoder doubles the time axis three times."""
STAGES = ("canonical", "axis", "joint")


@dataclass(frozen=True)
class NetworkConfig:
    """The network's shape; a checkpoint's `config` holds exactly these keys.

    Attributes:
        samples, rate, r_index: samples a lead, per second, and the sample of the R peak.
        normalisation: "lead" (published: every lead to unit SD) or "record" (one scale a record,
            which keeps Einthoven's law).
        channels, latent: width of the convolutions, dimensions of z.
        knot_low, knot_high, knot_step: knots of g, years.
        age_hidden: hidden units of the age head. dropout: share of z dropped in training.
    """

    leads: tuple[str, ...] = LEADS
    rate: float = 100.0
    samples: int = 120
    r_index: int = 40
    normalisation: Literal["lead", "record"] = "lead"
    channels: int = 32
    latent: int = 256
    knot_low: float = 15.0
    knot_high: float = 95.0
    knot_step: float = 5.0
    age_hidden: int = 16
    dropout: float = 0.05

    def problems(self) -> list[str]:
        """What makes these values no network, in words; empty when they are sound."""
        found = []
        if self.normalisation not in ("lead", "record"):
            found.append(f"normalisation is {self.normalisation!r}, not 'lead' or 'record'")
        if self.samples % DOWNSAMPLING or self.samples <= 0:
            found.append(f"samples is {self.samples}, not a positive multiple of {DOWNSAMPLING}")
        if not 0 <= self.r_index < self.samples:
            found.append(f"r_index {self.r_index} is not one of {self.samples} samples")
        if min(self.channels, self.latent, self.age_hidden, len(self.leads)) < 1:
            found.append("channels, latent, age_hidden and leads must not be empty")
        if len(set(self.leads)) != len(self.leads):
            found.append(f"lead names repeat: {self.leads}")
        if not self.rate > 0:
            found.append(f"rate is {self.rate}, not positive")
        if not 0 <= self.dropout < 1:
            found.append(f"dropout is {self.dropout}, not in [0, 1)")
        if not (self.knot_step > 0 and self.knot_high - self.knot_low >= 2 * self.knot_step):
            found.append("the knots of g need a positive step and at least two segments")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {**asdict(self), "leads": list(self.leads)}

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any], path: Path | str = "config") -> NetworkConfig:
        """Read a checkpoint's `config`.

        Raises:
            CheckpointError: keys are missing or unknown, or values make no network.
        """
        values, problems = read_fields(cls, config)
        problems = problems or cls(**values).problems()
        if problems:
            raise CheckpointError(
                path,
                f"its config does not describe a {KIND} network:\n    " + "\n    ".join(problems),
                "save it with `python -m model.deformation train-published`, which writes it",
            )
        return cls(**values)


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained.

    Attributes:
        epochs: passes over the records, all stages together.
        stage_shares: shares of `epochs` for canonical pretraining and axis learning; joint
            training has the rest.
        batch_size, seed: the order of beats is a pure function of seed and epoch.
        learning_rate: peak for the encoder, decoder and age head. axis_rate: for B, g and a0.
        selection_share: share of patients held out to select the checkpoint.
        single_share: how often a record is seen by a single beat instead of its median.
        weights: the weight of every loss.
    """

    epochs: int = 80
    stage_shares: tuple[float, float] = (0.08, 0.04)
    batch_size: int = 256
    seed: int = 0
    learning_rate: float = 2e-3
    axis_rate: float = 1e-2
    weight_decay: float = 5e-2
    selection_share: float = 0.08
    single_share: float = 0.6
    weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "reconstruction": 2.0,
            "age": 0.5,
            "neutral": 1.0,
            "smoothness": 20.0,
            "axis_consistency": 1.0,
            "latent_leakage": 0.5,
            "canonical_leakage": 0.5,
            "transport": 1.0,
        }
    )

    def stage(self, epoch: int) -> tuple[str, int, int]:
        """The stage of an epoch: its name, first epoch, and the epoch after its last."""
        first = max(1, round(self.stage_shares[0] * self.epochs))
        second = first + max(1, round(self.stage_shares[1] * self.epochs))
        if epoch < first:
            return "canonical", 0, first
        if epoch < second:
            return "axis", first, second
        return "joint", second, max(self.epochs, second + 1)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        plain = asdict(self)
        return {**plain, "stage_shares": list(self.stage_shares), "weights": dict(self.weights)}
