"""Augmentations of beats in millivolts: what an age axis, or a predicted age, must not depend on.

Published: gain, per-lead scale, baseline drift; nothing that moves a wave in time. The sizes are
chosen here. Normalisation per lead removes the first two exactly; drift it removes only in part.
For age networks also what goes wrong at the bedside: noise, exchanged electrodes, a lead lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from axis_audit.cohort import LEADS


@dataclass(frozen=True)
class Augmentation:
    """Sizes of the augmentations.

    Attributes:
        gain: one factor a beat, log-uniform in [1 / gain, gain].
        lead_scale: SD of the log of one factor a lead.
        drift: SD, in mV, of the end-to-end slope and of the half-wave of the baseline, a lead.
        noise: SD of white noise over the record's RMS, at most; each beat has its own.
        exchange: share of beats with the arms, and of beats with V1 and V2, exchanged.
        lost: share of beats with one lead flat. The last two need all twelve leads.
    """

    gain: float = 2.0
    lead_scale: float = 0.1
    drift: float = 0.03
    noise: float = 0.0
    exchange: float = 0.0
    lost: float = 0.0

    def __call__(self, signals: Tensor, generator: torch.Generator) -> Tensor:
        """Augmented copies of beats (n, leads, samples) in mV; all chance is the generator's."""
        n, leads, samples = signals.shape

        def normal() -> Tensor:
            return torch.randn(n, leads, 1, generator=generator, dtype=signals.dtype)

        log_gain = math.log(self.gain) * (2 * torch.rand(n, 1, 1, generator=generator) - 1)
        scaled = signals * torch.exp(log_gain + self.lead_scale * normal())
        time = torch.linspace(-0.5, 0.5, samples, dtype=signals.dtype)
        baseline = normal() * time + normal() * torch.cos(math.pi * time)
        return self._mishaps(scaled + self.drift * baseline, generator)

    def _mishaps(self, beats: Tensor, generator: torch.Generator) -> Tensor:
        n = len(beats)
        if self.noise:
            size = beats.square().mean(dim=(1, 2), keepdim=True).sqrt()
            share = self.noise * torch.rand(n, 1, 1, generator=generator)
            beats = beats + size * share * torch.randn(beats.shape, generator=generator)
        if self.exchange:
            for exchanged in (exchange_arms, exchange_v1_v2):
                hit = torch.rand(n, generator=generator) < self.exchange
                beats[hit] = exchanged(beats[hit])
        if self.lost:
            hit = torch.nonzero(torch.rand(n, generator=generator) < self.lost)[:, 0]
            beats[hit, torch.randint(0, len(LEADS), (len(hit),), generator=generator)] = 0.0
        return beats


def exchange_arms(beats: Tensor) -> Tensor:
    """Left and right arm electrodes exchanged: I turns over, II and III, aVR and aVL change."""
    order = [LEADS.index(lead) for lead in ("I", "III", "II", "aVL", "aVR", "aVF")]
    exchanged = torch.cat([beats[:, order], beats[:, len(order) :]], dim=1)
    exchanged[:, 0] *= -1
    return exchanged


def exchange_v1_v2(beats: Tensor) -> Tensor:
    """The electrodes of V1 and V2 exchanged."""
    order = list(range(len(LEADS)))
    first, second = LEADS.index("V1"), LEADS.index("V2")
    order[first], order[second] = second, first
    return beats[:, order]
