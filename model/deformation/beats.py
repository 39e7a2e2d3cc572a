"""From millivolts to the model's units, and from eight independent leads to twelve.

One scale a record, so that Einthoven's and Goldberger's laws survive (design: the published scale a
lead breaks them for everybody). The model works on the eight independent leads and derives the
other four, so every beat it draws could come from three limb electrodes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from axis_audit.cohort import INDEPENDENT_LEADS, LEADS

FLAT_MILLIVOLTS = 1e-3
"""A record whose RMS is below this counts as this: silence stays silence."""
INDEPENDENT = tuple(LEADS.index(lead) for lead in INDEPENDENT_LEADS)


def prepare(signals: Tensor) -> Tensor:
    """x (n, 12, samples): leads without their means, over the RMS of the record. NaN stays NaN."""
    centred = signals - signals.mean(dim=-1, keepdim=True)
    scale = eight_leads(centred).square().mean(dim=(-2, -1), keepdim=True).sqrt()
    return centred / scale.clamp(min=FLAT_MILLIVOLTS)


def eight_leads(beats: Tensor) -> Tensor:
    """The independent leads (n, 8, samples) of twelve."""
    return beats[..., INDEPENDENT, :]


def twelve_leads(eight: Tensor) -> Tensor:
    """Twelve leads (n, 12, samples), of which four follow by Einthoven's and Goldberger's laws."""
    one, two = eight[..., 0, :], eight[..., 1, :]
    limbs = (one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2)
    return torch.cat([torch.stack(limbs, dim=-2), eight[..., 2:, :]], dim=-2)
