"""What is minimised: triplets across leads, hidden patches, leads drawn from other leads.

As published, at a share p of the training the loss is sin(p·π/2)·align + cos(p·π/2)·reconstruct.
Chosen here: the floor under the second weight (`TrainingConfig.floor` says why), and that
reconstruction is of hidden patches and of leads drawn from another lead's tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SOFTENING = 0.03
"""mV²: records weigh by 1 / (their power + this), so that neither large nor silent ones rule."""


def curriculum(progress: float, floor: float) -> tuple[float, float]:
    """Weights of alignment and of reconstruction at a share `progress` of the training."""
    angle = min(max(progress, 0.0), 1.0) * math.pi / 2
    return math.sin(angle), max(math.cos(angle), floor)


def row_weights(windows: Tensor) -> Tensor:
    """Weights of windows (leads, rows, samples), in mV: shape (rows,)."""
    return 1.0 / (windows.var(dim=2, unbiased=False).mean(0) + SOFTENING)


def lead_weights(parts: Sequence[Tensor]) -> Tensor:
    """Weights of leads: the mean power of all leads over that of each, shape (leads,).

    Chest leads have four times the power of limb leads, and are not worth four times as much.

    Args:
        parts: records in mV, each (n, leads, samples).
    """
    power = torch.zeros(parts[0].shape[1], dtype=torch.float64)
    for part in parts:
        each = part.var(dim=2, unbiased=False)
        power += (each / (each.mean(1, keepdim=True) + SOFTENING)).sum(0).double()
    return (power.mean() / power).float()


def weighted_error(made: Tensor, true: Tensor, weights: Tensor, where: Tensor | None) -> Tensor:
    """Mean squared error over power.

    Args:
        made, true: mV, (leads, rows, samples). weights: (leads, rows).
        where: bool, the shape of `made`: what counts; None is all.
    """
    squares = (made - true).square() * weights[..., None]
    if where is None:
        return squares.mean()
    return (squares * where).sum() / where.sum().clamp(min=1)


def triplets(similarity: Tensor, margin: float) -> Tensor:
    """Triplet loss over every anchor, its positive and all negatives of the batch.

    Args:
        similarity: cosines (pairs of leads, records, records); the diagonal is of one recording.
        margin: by which a positive must be nearer than a negative.

    Returns:
        mean squared violation over the margin, among the triplets that are violated: those that
        are satisfied would only dilute it (Hermans et al. 2017, arXiv 1703.07737), and the square
        gives more weight to the hard ones.
    """
    own = similarity.diagonal(dim1=1, dim2=2)
    others = ~torch.eye(similarity.shape[1], dtype=torch.bool, device=similarity.device)
    total, count = similarity.new_zeros(()), similarity.new_zeros(())
    for anchored in (own[:, :, None], own[:, None, :]):  # by the first lead, then by the second
        violation = (margin + similarity - anchored).relu() * others
        total = total + violation.square().sum() / margin
        count = count + (violation > 0).sum()
    return total / count.clamp(min=1)


def alignment(first: Tensor, second: Tensor, margin: float, shifted_share: float) -> Tensor:
    """Alignment of leads: embeddings of two windows of the same records.

    Args:
        first, second: (leads, records, dimensions), unit norm.
        shifted_share: weight of triplets whose positive is of the other window.
    """
    leads = len(first)
    distinct = torch.nonzero(~torch.eye(leads, dtype=torch.bool, device=first.device)).T
    crossed = torch.einsum("ind,jmd->ijnm", first, second).flatten(0, 1)
    loss = shifted_share * triplets(crossed, margin)
    if shifted_share < 1 and leads > 1:
        upper = distinct[:, distinct[0] < distinct[1]]
        same = [torch.einsum("ind,jmd->ijnm", e, e)[upper[0], upper[1]] for e in (first, second)]
        loss = loss + (1 - shifted_share) * triplets(torch.cat(same), margin)
    return loss
