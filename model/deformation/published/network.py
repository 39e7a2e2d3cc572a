"""The deformation network: x = D(z) + g(a)·B.

Published: x in R^(12×T), T = 120 at 100 Hz with R at sample 40, normalised a lead; z in R^256 from
a dilated temporal convolutional encoder with a derivative front end (x beside its first
differences); x50 = D(z) by transposed convolutions; Δ = g(a)·B with B in R^(1×12×T) normalised to
B_dir; predicted age = AgeHead(<x - x50, B_dir>), from the signal alone.

Chosen here, where the text is silent:
- a lead is normalised by its mean and SD over the beat (a mean is linear, so with one scale a
  record Einthoven's law survives); an SD below 1 µV counts as 1 µV, so a flat lead stays flat;
- two strided convolutions, and the dilated blocks run between them at 50 Hz: half the time of a
  stack at 100 Hz; z is a linear map of all positions, for a pooled one forgets where waves stand;
- B_dir has unit Euclidean norm over all leads and samples, and Δ = g·B_dir: g alone carries the
  size, in the same unit as the projection <x - x50, B_dir>;
- the age head is increasing, with 16 hidden units (positive weights): an older projection never
  gives a younger prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from model.deformation.published.config import DOWNSAMPLING, NetworkConfig
from model.deformation.spline import MonotoneSpline

FLAT_MILLIVOLTS = 1e-3
DILATIONS = (1, 2, 4, 8)
PROJECTION_SCALE = 10.0
"""Typical size of a projection; the age head works on numbers near one."""


class _Block(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.layers(x)
        return y


class Encoder(nn.Module):
    """x (n, leads, samples) -> z (n, latent)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.channels
        self.layers = nn.Sequential(
            nn.Conv1d(2 * len(config.leads), width, 6, stride=2, padding=2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            *(_Block(width, d) for d in DILATIONS),
            nn.Conv1d(width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(width * config.samples // 4, config.latent),
        )

    def forward(self, x: Tensor) -> Tensor:
        """z of prepared beats; channels are x and its first differences."""
        slope = torch.diff(x, dim=-1, prepend=x[..., :1])
        z: Tensor = self.layers(torch.cat([x, slope], dim=1))
        return z


class Decoder(nn.Module):
    """z (n, latent) -> x50 (n, leads, samples)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width, short = config.channels, config.samples // DOWNSAMPLING
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.Sequential(
            nn.Linear(config.latent, width * short),
            nn.Unflatten(1, (width, short)),
            nn.ReLU(),
            nn.ConvTranspose1d(width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.ConvTranspose1d(width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.ConvTranspose1d(width, len(config.leads), 4, stride=2, padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        """Canonical beats D(z)."""
        x50: Tensor = self.layers(self.dropout(z))
        return x50


class AgeHead(nn.Module):
    """Projection -> years, strictly increasing; its one input is a number made of the signal."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.inner = nn.Parameter(torch.linspace(-1.0, 1.0, hidden))
        self.shift = nn.Parameter(torch.linspace(-2.0, 2.0, hidden))
        self.outer = nn.Parameter(torch.full((hidden,), -2.0))
        self.slope = nn.Parameter(torch.tensor(0.0))
        self.offset = nn.Parameter(torch.tensor(5.5))

    def forward(self, projection: Tensor) -> Tensor:
        """Predicted ages in years, of the shape of `projection`."""
        p = projection / PROJECTION_SCALE
        bends = torch.tanh(p[..., None] * softplus(self.inner) + self.shift) * softplus(self.outer)
        decades = self.offset + p * softplus(self.slope) + bends.sum(-1)
        return decades * 10.0


@dataclass(frozen=True)
class Parts:
    """A beat taken apart: z (n, latent), x50 (n, leads, samples), <x - x50, B_dir> (n,)."""

    z: Tensor
    x50: Tensor
    projection: Tensor


class DeformationNetwork(nn.Module):
    """Encoder, decoder, axis and age head."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.spline = MonotoneSpline(config.knot_low, config.knot_high, config.knot_step)
        self.axis = nn.Parameter(torch.randn(1, len(config.leads), config.samples))
        self.age_head = AgeHead(config.age_hidden)

    def prepare(self, signals: Tensor) -> Tensor:
        """Millivolts to the model's units: x, shape (n, leads, samples). NaN stays NaN."""
        centred = signals - signals.mean(dim=-1, keepdim=True)
        over = (-2, -1) if self.config.normalisation == "record" else (-1,)
        scale = centred.square().mean(dim=over, keepdim=True).sqrt()
        return centred / scale.clamp(min=FLAT_MILLIVOLTS)

    def direction(self) -> Tensor:
        """B_dir, shape (leads, samples), of unit norm."""
        length: Tensor = torch.linalg.vector_norm(self.axis)
        return self.axis[0] / length

    def deformation(self, ages: Tensor) -> Tensor:
        """Δ = g(a)·B_dir for ages (n,), shape (n, leads, samples)."""
        g: Tensor = self.spline(ages)
        return g[:, None, None] * self.direction()

    def project(self, x: Tensor, x50: Tensor, direction: Tensor | None = None) -> Tensor:
        """<x - x50, B_dir>, shape (n,)."""
        direction = self.direction() if direction is None else direction
        return ((x - x50) * direction).sum(dim=(-2, -1))

    def forward(self, x: Tensor) -> Parts:
        """Take prepared beats apart; ages play no part, and B_dir gets no gradient here."""
        z = self.encoder(x)
        x50 = self.decoder(z)
        return Parts(z, x50, self.project(x, x50, self.direction().detach()))

    def encode(self, x: Tensor) -> Tensor:
        """z (n, latent) of prepared beats."""
        z: Tensor = self.encoder(x)
        return z

    def canonical(self, z: Tensor) -> Tensor:
        """x50 = D(z), shape (n, leads, samples)."""
        x50: Tensor = self.decoder(z)
        return x50

    def predict_age(self, x: Tensor) -> Tensor:
        """Years (n,) of prepared beats, from <x - x50, B_dir>."""
        years: Tensor = self.age_head(self(x).projection)
        return years

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by what they are, for gradient routing and learning rates."""
        return {
            "encoder": list(self.encoder.parameters()),
            "decoder": list(self.decoder.parameters()),
            "axis": [self.axis],
            "spline": [self.spline.raw_increments],
            "neutral": [self.spline.neutral_age],
            "age_head": list(self.age_head.parameters()),
        }
