"""How old a heart looks: a small dilated convolutional network from the prepared beat to years.

It reads the signal alone and shares nothing with the encoder: that z must not tell age then costs
the prediction of age nothing. Several are trained, each on another two thirds of the people
(cross-fitting, Chernozhukov et al. 2018, Econom. J. 21:C1): what a network says of people it has
not seen is what the latents are cleaned of, and the mean of all is the predicted age.

Chosen here: channels are the eight independent leads and their first differences; two strided
convolutions with residual dilated blocks between them at 50 Hz, no pooling (it would forget where
waves stand).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.deformation.config import NetworkConfig

CENTRE, SPREAD = 60.0, 15.0
"""Ages are learned as (years - CENTRE) / SPREAD."""
DILATIONS = (1, 2, 4, 8)
DROPOUT = 0.3
SLOPE_GAIN = 2.0
"""First differences are about half as large as the signal."""


class _Block(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Dropout1d(0.05),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.layers(x)
        return y


class AgeNetwork(nn.Module):
    """Eight prepared leads (n, 8, samples) -> years (n,)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.age_channels
        self.layers = nn.Sequential(
            nn.Conv1d(16, width, 6, stride=2, padding=2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            *(_Block(width, d) for d in DILATIONS),
            nn.Conv1d(width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(DROPOUT),
            nn.Linear(width * (config.samples // 4), config.age_hidden),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(config.age_hidden, 1),
        )

    def forward(self, eight: Tensor) -> Tensor:
        """Years, shape (n,), of prepared beats (n, 8, samples)."""
        slope = torch.diff(eight, dim=-1, prepend=eight[..., :1])
        standard: Tensor = self.layers(torch.cat([eight, SLOPE_GAIN * slope], dim=1))[:, 0]
        return CENTRE + SPREAD * standard
