"""What describes an alignment system and its training, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.config_fields import described

KIND = "alignment"


@dataclass(frozen=True)
class NetworkConfig:
    """The system's shape; a checkpoint's `config` holds exactly these keys. Twelve leads.

    Attributes:
        rate, samples: samples per second and a lead of the records that the audit gives.
        window: samples that the networks see at once; records are cut into such windows.
        patch: samples a token.
        width, blocks, heads, hidden: of every lead's transformer; `hidden` is the width within its
            feed-forward layers.
        embedding: dimensions of the space that all leads share.
        decoder_hidden: width of every lead's decoder.
        taps: length of the linear filters from lead to lead, samples, odd.
        rhythm: whether encoders are told a lead's autocorrelation, and hidden patches are filled
            with what it says.
    """

    rate: float = 100.0
    samples: int = 1000
    window: int = 500
    patch: int = 25
    width: int = 64
    blocks: int = 2
    heads: int = 4
    hidden: int = 128
    embedding: int = 128
    decoder_hidden: int = 128
    taps: int = 81
    rhythm: bool = True

    @property
    def tokens(self) -> int:
        """Tokens a window."""
        return self.window // self.patch

    def problems(self) -> list[str]:
        """What makes these values no system, in words; empty when they are sound."""
        names = ("samples", "window", "patch", "width", "blocks", "heads", "hidden", "embedding")
        small = [n for n in (*names, "decoder_hidden", "taps") if getattr(self, n) < 1]
        if small:
            return [f"{', '.join(small)} must be positive"]
        found = []
        if self.window % self.patch:
            found.append(f"window is {self.window}, not a multiple of patch ({self.patch})")
        if self.samples % self.window:
            found.append(f"samples is {self.samples}, not a multiple of window ({self.window})")
        if self.width % self.heads:
            found.append(f"width is {self.width}, not a multiple of heads ({self.heads})")
        if self.taps % 2 == 0:
            found.append(f"taps is {self.taps}, not odd")
        if not self.rate > 0:
            found.append(f"rate is {self.rate}, not positive")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any], path: Path | str = "config") -> NetworkConfig:
        """Read a checkpoint's `config`.

        Files that do not name `rhythm` are older than that choice, and have it.

        Raises:
            CheckpointError: keys are missing or unknown, or values make no system.
        """
        return described(cls, {"rhythm": True, **config}, path, KIND, "model.alignment")


@dataclass(frozen=True)
class TrainingConfig:
    """How a system is trained; `python -m model.alignment train --help` says it in words.

    Attributes:
        seed: of everything drawn.
        held_share: share of people who are only watched: nothing is fitted or selected on them.
        epochs, epoch_records: how many, and how many records each draws.
        batch: records a step; of each two windows are seen.
        rate, decay: peak learning rate and weight decay.
        visible_leads: leads a step that are seen whole: they are aligned, and others drawn from
            them. The rest have patches hidden, and are reconstructed.
        fewest_hidden, most_hidden: share of a window's patches that is hidden.
        shifted_share: how often a lead's positive is of the recording's other window, not of the
            same seconds. Two leads of the same seconds are matched by the moments of their beats
            alone, which say nothing of the person.
        margin: of the triplets, in cosine.
        drawing: weight of a lead drawn from another lead's tokens, against 1 for hidden patches.
        floor: least weight of reconstruction. As published it is cos(i/N · π/2), which is 0 at the
            end: what the decoders know is then given up for alignment, while the encoders still
            move; with a floor the last epochs keep both.
        noise: largest SD of white noise on the input, mV; what is to be drawn has none.
        largest_gain: records are scaled by up to this or its inverse.
        linear: whether the filters from lead to lead are solved beforehand; else they are 0, and
            the networks draw everything.
    """

    seed: int = 0
    held_share: float = 0.08
    epochs: int = 24
    epoch_records: int = 2400
    batch: int = 24
    rate: float = 2.5e-3
    decay: float = 2e-2
    visible_leads: int = 6
    fewest_hidden: float = 0.5
    most_hidden: float = 0.75
    shifted_share: float = 0.5
    margin: float = 0.6
    drawing: float = 1.0
    floor: float = 0.5
    noise: float = 0.02
    largest_gain: float = 1.25
    linear: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        return asdict(self)
