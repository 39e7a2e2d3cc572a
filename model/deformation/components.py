"""Principal components of eight-lead beats: the plain coordinates that encoder and decoder work in.

Fitted without ages. Coordinates have unit variance in the people fitted on; what is left over is
mostly noise (96 components leave 4 % of the variance of PTB-XL's median beats).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.deformation.beats import twelve_leads


class Components(nn.Module):
    """Linear coordinates of prepared eight-lead beats, as buffers.

    Attributes:
        mean: shape (8 * samples,). directions: (k, 8 * samples), orthonormal.
        deviations: (k,), SD along each direction.
    """

    mean: Tensor
    directions: Tensor
    deviations: Tensor

    def __init__(self, count: int, samples: int) -> None:
        super().__init__()
        self.samples = samples
        self.register_buffer("mean", torch.zeros(8 * samples))
        self.register_buffer("directions", torch.zeros(count, 8 * samples))
        self.register_buffer("deviations", torch.ones(count))

    @torch.no_grad()
    def fit(self, eight: Tensor) -> None:
        """Fit on prepared beats (n, 8, samples), n greater than the number of components.

        Signs are fixed by each direction's largest entry, so that a fit repeats itself.
        """
        flat = eight.flatten(1).double()
        mean = flat.mean(0)
        _, values, directions = torch.linalg.svd(flat - mean, full_matrices=False)
        kept = directions[: len(self.deviations)]
        peaks = kept.abs().argmax(dim=1, keepdim=True)
        self.mean.copy_(mean)
        self.directions.copy_(kept * kept.gather(1, peaks).sign())
        self.deviations.copy_(values[: len(kept)] / len(flat) ** 0.5)

    def coordinates(self, eight: Tensor) -> Tensor:
        """Coordinates (n, k) of beats (n, 8, samples), or (n, 12, ...) cut to eight leads."""
        return ((eight.flatten(1) - self.mean) @ self.directions.T) / self.deviations

    def changes(self, beats: Tensor) -> Tensor:
        """Coordinates (n, k) of differences of beats (n, 8, samples): nothing is centred."""
        return (beats.flatten(1) @ self.directions.T) / self.deviations

    def metric(self) -> Tensor:
        """M (k, k): c'Mc is the squared size over twelve leads of the beat's change c, (k,)."""
        one_each = torch.diag(self.deviations) @ self.directions
        flat = twelve_leads(one_each.reshape(len(one_each), 8, self.samples)).flatten(1)
        return flat @ flat.T

    def beats(self, coordinates: Tensor) -> Tensor:
        """Beats (n, 8, samples) of coordinates (n, k)."""
        flat = (coordinates * self.deviations) @ self.directions + self.mean
        return flat.reshape(len(flat), 8, self.samples)
