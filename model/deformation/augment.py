"""Amplitude-only augmentations of beats in millivolts: what an age axis must not depend on.

Published: gain, per-lead scale, baseline drift; nothing that moves a wave in time. The sizes are
chosen here. Normalisation per lead removes the first two exactly; drift it removes only in part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """Sizes of the augmentations.

    Attributes:
        gain: one factor a beat, log-uniform in [1 / gain, gain].
        lead_scale: SD of the log of one factor a lead.
        drift: SD, in mV, of the end-to-end slope and of the half-wave of the baseline, a lead.
    """

    gain: float = 2.0
    lead_scale: float = 0.1
    drift: float = 0.03

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Augmented copies of beats (n, leads, samples) in mV; all chance is the generator's."""
        n, leads, samples = signals.shape

        def normal() -> Tensor:
            return torch.randn(n, leads, 1, generator=generator, dtype=signals.dtype)

        log_gain = math.log(self.gain) * (2 * torch.rand(n, 1, 1, generator=generator) - 1)
        scaled = signals * torch.exp(log_gain + self.lead_scale * normal())
        time = torch.linspace(-0.5, 0.5, samples, dtype=signals.dtype)
        baseline = normal() * time + normal() * torch.cos(math.pi * time)
        return scaled + self.drift * baseline
