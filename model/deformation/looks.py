"""What a canonical beat looks like to a probe: its coordinates, and size and peaks of every lead.

x50 = D(z) holds no more of age than z. But whitened, its small bends and its peaks are functions of
z that a probe of z itself is slow to find, and that a probe of x50 reads at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.deformation.beats import twelve_leads
from model.deformation.components import Components
from model.deformation.critics import whiten

LOOKS_OF_LEADS = 36
"""RMS, largest and smallest value of twelve leads."""
RIDGE = 1e-3
"""Of the covariance of standardised looks, which are nearly collinear."""


def sizes(coordinates: Tensor, components: Components) -> Tensor:
    """RMS, largest and smallest value of every lead, (n, 36), of beats given by coordinates."""
    beats = twelve_leads(components.beats(coordinates))
    size = beats.square().mean(dim=2).add(1e-12).sqrt()
    return torch.cat([size, beats.amax(dim=2), beats.amin(dim=2)], dim=1)


def looks(coordinates: Tensor, components: Components) -> Tensor:
    """Whitened looks (n, k + 36) of beats given by their coordinates (n, k); differentiable."""
    return whitened(torch.cat([coordinates, sizes(coordinates, components)], dim=1))


def whitened(columns: Tensor) -> Tensor:
    """Standardised and whitened columns (n, k), which may be nearly collinear; differentiable."""
    return whiten((columns - columns.mean(0)) / (columns.std(0) + 1e-6), RIDGE)
