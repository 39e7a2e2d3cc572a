"""The variational autoencoder: cycle -> N(mu, sigma^2) -> z -> cycle.

Published (Kuznetsov et al. 2021): a fully connected encoder to mu and log sigma^2 of 25 dimensions,
the reparameterisation, a mirrored decoder. Chosen here: widths, GELU, and that what is decoded is
centred and scaled as the cycles it was trained on are, so that no energy is lost to blur.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from model.vae.conditions import CONDITIONS
from model.vae.config import HALVED, NetworkConfig

FLAT_MILLIVOLTS = 1e-3
"""A cycle whose SD is below this counts as this: silence stays silence."""
LOG_VARIANCE_LIMITS = (-12.0, 6.0)
KERNEL = 7


def prepare(signals: Tensor) -> Tensor:
    """Cycles (..., samples) in mV, each centred and scaled to unit variance. NaN stays NaN."""
    return standard(signals, FLAT_MILLIVOLTS)


def standard(cycles: Tensor, least: float = 1e-6) -> Tensor:
    """Cycles (..., samples) without their mean, over their SD or `least`."""
    centred = cycles - cycles.mean(dim=-1, keepdim=True)
    return centred / centred.square().mean(dim=-1, keepdim=True).sqrt().clamp(min=least)


def dense_encoder(config: NetworkConfig, conditions: int) -> nn.Sequential:
    """(n, samples + conditions) -> (n, 2 latent)."""
    return nn.Sequential(
        nn.Linear(config.samples + conditions, config.hidden),
        nn.GELU(),
        nn.Linear(config.hidden, config.hidden_inner),
        nn.GELU(),
        nn.Linear(config.hidden_inner, 2 * config.latent),
    )


def dense_decoder(config: NetworkConfig, conditions: int) -> nn.Sequential:
    """(n, latent + conditions) -> (n, samples)."""
    return nn.Sequential(
        nn.Linear(config.latent + conditions, config.hidden_inner),
        nn.GELU(),
        nn.Linear(config.hidden_inner, config.hidden),
        nn.GELU(),
        nn.Linear(config.hidden, config.samples),
    )


def conv_encoder(config: NetworkConfig) -> nn.Sequential:
    """(n, samples) -> (n, 2 latent): four convolutions of stride 2, then a layer."""
    widths = [1, config.channels, 2 * config.channels, 4 * config.channels, 4 * config.channels]
    layers: list[nn.Module] = [nn.Unflatten(1, (1, config.samples))]
    for before, after in pairwise(widths):
        layers += [nn.Conv1d(before, after, KERNEL, stride=2, padding=KERNEL // 2), nn.GELU()]
    inner = widths[-1] * config.samples // HALVED
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inner, 2 * config.latent))


def conv_decoder(config: NetworkConfig) -> nn.Sequential:
    """(n, latent) -> (n, samples): the mirror; upsampling then convolution leaves no grid."""
    widths = [4 * config.channels, 4 * config.channels, 2 * config.channels, config.channels]
    shortest = config.samples // HALVED
    layers: list[nn.Module] = [
        nn.Linear(config.latent, widths[0] * shortest),
        nn.GELU(),
        nn.Unflatten(1, (widths[0], shortest)),
    ]
    for before, after in zip(widths, [*widths[1:], config.channels], strict=True):
        layers += [
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv1d(before, after, KERNEL, padding=KERNEL // 2),
            nn.GELU(),
        ]
    last = nn.Conv1d(config.channels, 1, KERNEL, padding=KERNEL // 2)
    return nn.Sequential(*layers, last, nn.Flatten())


class VariationalNetwork(nn.Module):
    """Encoder and decoder of one variant.

    `conditions` are what `conditions.encode` gives, shape (n, CONDITIONS); only the conditional
    variant looks at them.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.told = CONDITIONS if config.variant == "conditional" else 0
        if config.variant == "conv":
            self.encoder, self.decoder = conv_encoder(config), conv_decoder(config)
        else:
            self.encoder = dense_encoder(config, self.told)
            self.decoder = dense_decoder(config, self.told)

    def encode(self, cycles: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log sigma^2, each (n, latent), of prepared cycles (n, samples)."""
        mean, log_variance = self.encoder(self._with(cycles, conditions)).chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE_LIMITS)

    def decode(self, latents: Tensor, conditions: Tensor) -> Tensor:
        """Cycles (n, samples), each of mean 0 and variance 1, of latents (n, latent)."""
        return standard(self.decoder(self._with(latents, conditions)))

    def _with(self, values: Tensor, conditions: Tensor) -> Tensor:
        return torch.cat([values, conditions], dim=1) if self.told else values
