"""Cycles bent in time: P comes earlier or later, T too, and R stays where it is."""

from __future__ import annotations

import torch
from torch import Tensor

from model.vae.network import standard


def warped(cycles: Tensor, r_index: int, spread: float, chance: torch.Generator) -> Tensor:
    """Cycles (n, samples) whose time is bent by a power law either side of R, and scaled again.

    Time from R to either end, as a share u of that side, becomes u^p with log p normal of SD
    `spread`; near R nothing moves. 0 gives the cycles as they are.
    """
    if not spread:
        return cycles
    n, samples = cycles.shape
    time = torch.arange(samples, dtype=torch.float32)
    powers = torch.exp(spread * torch.randn(n, 2, generator=chance))
    before = ((r_index - time) / max(r_index, 1)).clamp(min=0)
    after = ((time - r_index) / max(samples - 1 - r_index, 1)).clamp(min=0)
    source = (
        r_index
        - before ** powers[:, :1] * r_index
        + after ** powers[:, 1:] * (samples - 1 - r_index)
    )
    left = source.floor().clamp(0, samples - 2).long()
    part = source - left
    return standard(cycles.gather(1, left) * (1 - part) + cycles.gather(1, left + 1) * part)
