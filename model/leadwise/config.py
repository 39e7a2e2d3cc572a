"""What describes a lead-wise classifier and its training, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from model.config_fields import described

KIND = "leadwise"
NORMALISATIONS = ("none", "record", "lead", "both")
CROSS_LEAD = ("concatenation", "attention", "mean")


@dataclass(frozen=True)
class NetworkConfig:
    """The classifier's shape; a checkpoint's `config` holds exactly these keys. Twelve leads.

    Attributes:
        diseases: comma-separated names out of `axis_audit.diseases`, one logit each.
        rate, samples: samples per second and a lead.
        normalisation: "none" (leads about their means, in units of `unit` mV), "record" (z-score
            over the record), "lead" (z-score of each lead), "both" (the record's, then each lead's:
            as published; in exact arithmetic it is the lead's alone).
        unit: mV that are 1 under "none".
        stem, widths: channels of the first convolution and of the four residual blocks.
        kernel: of every convolution.
        cross_lead: how the head sees leads: their features side by side (as published), after a
            layer of attention among leads, or their mean.
        hidden: width of the head.
        statements, devices: outputs of auxiliary heads, used in training alone.
    """

    diseases: str = "MI,STTC,CD,HYP"
    rate: float = 100.0
    samples: int = 1000
    normalisation: Literal["none", "record", "lead", "both"] = "none"
    unit: float = 0.2
    stem: int = 32
    width_1: int = 32
    width_2: int = 64
    width_3: int = 128
    width_4: int = 256
    kernel: int = 7
    cross_lead: Literal["concatenation", "attention", "mean"] = "concatenation"
    hidden: int = 256
    statements: int = 0
    devices: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Diseases, in the order of the logits."""
        return tuple(self.diseases.split(","))

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the residual blocks."""
        return (self.width_1, self.width_2, self.width_3, self.width_4)

    def problems(self) -> list[str]:
        """What makes these values no classifier, in words; empty when they are sound."""
        found = []
        if min(self.stem, *self.widths, self.hidden, self.samples) < 1:
            found.append("stem, widths, hidden and samples must be positive")
        if self.kernel < 1 or self.kernel % 2 == 0:
            found.append(f"kernel is {self.kernel}, not odd and positive")
        if not self.rate > 0 or not self.unit > 0:
            found.append("rate and unit must be positive")
        if self.normalisation not in NORMALISATIONS:
            found.append(f"normalisation is {self.normalisation!r}, not one of {NORMALISATIONS}")
        if self.cross_lead not in CROSS_LEAD:
            found.append(f"cross_lead is {self.cross_lead!r}, not one of {CROSS_LEAD}")
        if not all(self.names) or len(set(self.names)) < len(self.names):
            found.append(f"diseases are {self.diseases!r}: name each once")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any], path: Path | str = "config") -> NetworkConfig:
        """Read a checkpoint's `config`.

        Raises:
            CheckpointError: keys are missing or unknown, or values make no classifier.
        """
        return described(cls, config, path, KIND, "model.leadwise")


@dataclass(frozen=True)
class TrainingConfig:
    """How a classifier is trained.

    Attributes:
        seed: of everything drawn.
        epochs: how many. crop: samples of each record that an epoch sees, at a random place.
        batch: records a step. rate, decay: peak learning rate and weight decay of AdamW.
        focus: γ of the focal loss (Lin et al. 2017); 0 is cross-entropy.
        device_weight, sex_weight: of the auxiliary heads that tell device and sex, as published.
        statement_weight: of an auxiliary head for PTB-XL's single statements; not published. It
            gives the features more to learn from than four families do.
        dropout: before and within the head. lead_dropout: chance that a lead is silent.
        noise: largest SD of white noise, mV. largest_gain: records are scaled by up to this.
        look_every: epochs between looks at the validation people; the last is always looked at.
        average: decay of the moving average of weights, which is what is kept.
    """

    seed: int = 0
    epochs: int = 12
    crop: int = 250
    batch: int = 64
    rate: float = 3e-3
    decay: float = 5e-2
    focus: float = 2.0
    device_weight: float = 0.03
    sex_weight: float = 0.01
    statement_weight: float = 1.0
    dropout: float = 0.3
    lead_dropout: float = 0.05
    noise: float = 0.02
    largest_gain: float = 1.2
    average: float = 0.998
    look_every: int = 4

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        return asdict(self)
