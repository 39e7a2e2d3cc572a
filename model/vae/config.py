"""What describes a VAE of cardiac cycles and its training, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from axis_audit.cohort import LEADS
from axis_audit.errors import InputError
from model.config_fields import described, read_fields

KIND = "vae"
VARIANTS = ("mlp", "conv", "conditional")
SEXES = ("female", "male")
CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
"""PTB-XL's diagnostic superclasses (Wagner et al. 2020)."""
HALVED = 16
"""The convolutional encoder halves the time axis four times."""


@dataclass(frozen=True)
class NetworkConfig:
    """The system's shape; a checkpoint's `config` holds exactly these keys.

    Attributes:
        variant: "mlp", fully connected as published; "conv", convolutions on both sides;
            "conditional", fully connected, both sides told lead, sex, age and diagnosis class.
        lead: the one lead the model is audited on.
        samples, r_index: samples of a cycle, and which is the R peak.
        latent: dimensions of z.
        hidden, hidden_inner: widths of the fully connected layers, from the cycle inwards.
        channels: of the first convolution; the last has four times as many.
    """

    variant: str = "mlp"
    lead: str = "II"
    samples: int = 400
    r_index: int = 160
    latent: int = 25
    hidden: int = 512
    hidden_inner: int = 256
    channels: int = 16

    def problems(self) -> list[str]:
        """What makes these values no system, in words; empty when they are sound."""
        found = []
        if self.variant not in VARIANTS:
            found.append(f"variant is {self.variant!r}, not one of {', '.join(VARIANTS)}")
        if self.lead not in LEADS:
            found.append(f"lead is {self.lead!r}, not one of {', '.join(LEADS)}")
        if self.samples % HALVED or self.samples <= 0:
            found.append(f"samples is {self.samples}, not a positive multiple of {HALVED}")
        if not 0 <= self.r_index < self.samples:
            found.append(f"r_index {self.r_index} is not one of {self.samples} samples")
        widths = ("latent", "hidden", "hidden_inner", "channels")
        if min(getattr(self, width) for width in widths) < 1:
            found.append(f"{', '.join(widths)} must not be empty")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any], path: Path | str = "config") -> NetworkConfig:
        """Read a checkpoint's `config`.

        Raises:
            CheckpointError: keys are missing or unknown, or values make no system.
        """
        return described(cls, config, path, KIND, "model.vae")


@dataclass(frozen=True)
class TrainingConfig:
    """How a system is trained; `python -m model.vae train --help` says it in words.

    Attributes:
        seed: of everything drawn.
        audit_share: of the people of a source without folds, set apart for the audit.
        watched_share: of the first source's other people, only watched.
        epochs: in all. epoch_cycles, batch: cycles drawn an epoch, and a step.
        home_epochs: the last epochs, in which the model's own lead is drawn; before, a lead at
            random out of all twelve. 0 is the published training.
        general_home, home_home: the first source's share of what is drawn before and in them.
        beta: weight of the KL divergence (`objective`): a cycle's squared error is summed over
            its samples and halved.
        warm_up: share of the epochs over which beta rises from 0.
        aggregate: weight of the discrepancy between a batch's latents and the prior.
        rate, decay: peak learning rate and weight decay of AdamW.
        warp: SD of the log exponent by which time is bent either side of R (`augment`).
        blank: how often the conditional variant is not told sex, age or class.
    """

    seed: int = 0
    audit_share: float = 0.4
    watched_share: float = 0.1
    epochs: int = 720
    epoch_cycles: int = 4096
    batch: int = 256
    home_epochs: int = 432
    general_home: float = 0.2
    home_home: float = 0.25
    beta: float = 0.1
    warm_up: float = 0.1
    aggregate: float = 40.0
    rate: float = 1e-3
    decay: float = 1e-2
    warp: float = 0.05
    blank: float = 0.3

    def problems(self) -> list[str]:
        """What makes these values no training, in words; empty when they are sound."""
        found = []
        for share in ("audit_share", "watched_share", "general_home", "home_home", "warm_up",
                      "blank"):  # fmt: skip
            if not 0 <= getattr(self, share) <= 1:
                found.append(f"{share} is {getattr(self, share)}, not a share from 0 to 1")
        for count in ("epochs", "epoch_cycles", "batch"):
            if getattr(self, count) < 1:
                found.append(f"{count} is {getattr(self, count)}, not at least 1")
        if not 0 <= self.home_epochs <= self.epochs:
            found.append(f"home_epochs is {self.home_epochs}, not from 0 to {self.epochs} epochs")
        for weight in ("beta", "aggregate", "rate", "decay", "warp"):
            if not 0 <= getattr(self, weight) < float("inf"):
                found.append(f"{weight} is {getattr(self, weight)}, not a number of at least 0")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any], path: Path | str = "config") -> TrainingConfig:
        """Read what `as_dict` gave.

        Raises:
            InputError: keys are missing or unknown, or values make no training.
        """
        values, problems = read_fields(cls, config)
        problems = problems or cls(**values).problems()
        if problems:
            raise InputError(
                path,
                "it does not describe a training:\n    " + "\n    ".join(problems),
                "see `python -m model.vae train --help`",
            )
        return cls(**values)
