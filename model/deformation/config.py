"""What describes a deformation system and its training, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from model.config_fields import described

KIND = "deformation"
POOLED = 4
"""An age network halves the time axis twice."""


@dataclass(frozen=True)
class NetworkConfig:
    """The system's shape; a checkpoint's `config` holds exactly these keys. Twelve leads.

    Attributes:
        rate, samples, r_index: samples per second and a lead, and the sample of the R peak.
        age_networks: how many read age, each trained without a part of the people of its own.
        age_channels, age_hidden: width of their convolutions and of their last layer.
        components: principal components that encoder and decoder work in.
        latent: dimensions of z. encoder_hidden, decoder_hidden: widths. An encoder so narrow cannot
            fold z finely enough to hide age from its critics; decoder_hidden 0 is a linear decoder.
        knot_low, knot_high, knot_step: knots of g, years.
    """

    rate: float = 100.0
    samples: int = 120
    r_index: int = 40
    age_networks: int = 3
    age_channels: int = 40
    age_hidden: int = 96
    components: int = 96
    latent: int = 14
    encoder_hidden: int = 64
    decoder_hidden: int = 0
    knot_low: float = 15.0
    knot_high: float = 95.0
    knot_step: float = 5.0

    def problems(self) -> list[str]:
        """What makes these values no system, in words; empty when they are sound."""
        found = []
        if self.samples % POOLED or self.samples <= 0:
            found.append(f"samples is {self.samples}, not a positive multiple of {POOLED}")
        if not 0 <= self.r_index < self.samples:
            found.append(f"r_index {self.r_index} is not one of {self.samples} samples")
        if not 2 <= self.age_networks <= 10:
            found.append(f"age_networks is {self.age_networks}, not from 2 to 10")
        widths = ("age_channels", "age_hidden", "latent", "encoder_hidden")
        if min(getattr(self, width) for width in widths) < 1:
            found.append(f"{', '.join(widths)} must not be empty")
        if self.decoder_hidden < 0:
            found.append(f"decoder_hidden is {self.decoder_hidden}, not 0 or more")
        if not self.latent <= self.components <= 8 * self.samples:
            found.append(
                f"components is {self.components}, not from latent ({self.latent}) to the "
                f"{8 * self.samples} numbers of a beat"
            )
        if not self.rate > 0:
            found.append(f"rate is {self.rate}, not positive")
        if not (self.knot_step > 0 and self.knot_high - self.knot_low >= 2 * self.knot_step):
            found.append("the knots of g need a positive step and at least two segments")
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
        return described(cls, config, path, KIND, "model.deformation")


def _default_weights() -> dict[str, float]:
    return {
        "reconstruction": 5.0,
        "critics": 5.0,
        "kernel": 10.0,
        "canonical": 0.0,
        "canonical_linear": 0.0,
        "linear": 1.0,
        "products": 3.0,
        "straight": 10.0,
        "bent": 2.0,
        "straight_within": 10.0,
        "features": 10.0,
        "canonical_features": 10.0,
        "covariance": 0.5,
        "consistency": 2.0,
    }


@dataclass(frozen=True)
class TrainingConfig:
    """How a system is trained; `python -m model.deformation train --help` says it in words.

    Attributes:
        seed: of everything drawn. single_share: how often an age network sees a record by a single
            beat.
        held_share: share of people held out: nothing is fitted on them; they choose the start.
        apart: devices whose recordings have no share in g and B. PTB-XL's CS100 recordings are of
            one site and other people (a third women, ages two thirds as widely spread, hardly any
            report validated by a human); with them B is short for everybody else. What z tells is
            judged in them and in the others, not in the mixture (tests/benchmarks/ptbxl_facts.py).
        age_epochs, age_batch, age_rate, age_decay: of each age network.
        starts: encoders and decoders trained one after another, each from a start of its own; kept
            is the one that tells a kernel machine least of held-out people (training swings).
        epochs, batch, rate, decay: of each encoder and decoder; `decay` is the encoder's.
        first_single_share, second_single_share: how often a record's first view, in which age must
            not show, and its second, which must have the same z, are a single beat. What is audited
            is medians, and a leak of theirs stays unseen in a mixture with single beats.
        noise: SD of noise on z before decoding. jitter: SD of noise on the second view's
            coordinates.
        critics, critic_hidden, critic_rate, critic_steps: how many, how wide, how fast, and how
            many steps they take for one of the encoder.
        critics_see_sizes: beside z, RMS and peaks of every lead of D(z).
        crossed: critics judge the half of the people that they do not learn from.
        population, population_every: people that random features are fitted to, and after how many
            steps again.
        twelve_leads: errors count over twelve leads, not eight, and the encoder begins there.
        target: what z must not tell: "estimate", the age networks' for people they have not seen,
            or "age". The encoder cannot learn by heart the ages of people if it is not shown them.
        weights: of every loss.
    """

    seed: int = 0
    single_share: float = 0.5
    held_share: float = 0.08
    apart: tuple[str, ...] = ("CS100    3",)
    age_epochs: int = 20
    age_batch: int = 256
    age_rate: float = 3e-3
    age_decay: float = 5e-2
    starts: int = 3
    epochs: int = 70
    batch: int = 1024
    rate: float = 1e-3
    decay: float = 5e-2
    first_single_share: float = 0.0
    second_single_share: float = 1.0
    noise: float = 0.2
    jitter: float = 0.1
    critics: int = 4
    critic_hidden: tuple[int, int] = (256, 128)
    critic_rate: float = 2e-3
    critic_steps: int = 4
    critics_see_sizes: bool = True
    crossed: bool = True
    population: int = 6000
    population_every: int = 2
    twelve_leads: bool = True
    target: Literal["estimate", "age"] = "estimate"
    weights: Mapping[str, float] = field(default_factory=_default_weights)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        plain = asdict(self)
        return {
            **plain,
            "apart": list(self.apart),
            "critic_hidden": list(self.critic_hidden),
            "weights": dict(self.weights),
        }
