"""The deformation system: x = D(z) + g(a)·B, with z blind to age and age read elsewhere.

Published: the equation, z, x50 = D(z), a strictly increasing g with g(a0) = 0 exactly, one global
direction B. Chosen here:
- one scale a record; beats are drawn on eight leads and the other four derived (`beats`);
- encoder and decoder are small networks on principal components (`components`): cheap enough to
  train against critics for many epochs on two cores;
- z comes from the beat alone and is whitened by batch norm without a scale of its own, so that no
  direction of tiny variance is left to hide in;
- predicted age comes from networks of its own (`age_network`), not from <x - x50, B>: what z must
  not tell, they are free to read.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.deformation.age_network import AgeNetwork
from model.deformation.beats import eight_leads, prepare, twelve_leads
from model.deformation.components import Components
from model.deformation.config import NetworkConfig
from model.deformation.spline import MonotoneSpline


def _layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.GELU(),
        nn.Linear(hidden, hidden),
        nn.GELU(),
        nn.Linear(hidden, outputs),
    )


class Encoder(nn.Module):
    """Coordinates (n, components) -> z (n, latent): the leading components, bent."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.straight = nn.Linear(config.components, config.latent)
        self.bent = _layers(config.components, config.encoder_hidden, config.latent)
        self.standard = nn.BatchNorm1d(config.latent, affine=False, momentum=0.05)
        with torch.no_grad():
            self.straight.bias.zero_()
            self.straight.weight.copy_(torch.eye(config.latent, config.components))

    def forward(self, coordinates: Tensor) -> Tensor:
        """Latents z, each dimension of unit variance in the people trained on."""
        z: Tensor = self.standard(self.straight(coordinates) + self.bent(coordinates))
        return z


class Decoder(nn.Module):
    """z (n, latent) -> coordinates of the canonical beat (n, components).

    Its bends are functions of z in which a probe of x50 finds age that a probe of z does not, so it
    is trained against that (`looks`). A linear one, `decoder_hidden` 0, draws much worse.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.straight = nn.Linear(config.latent, config.components)
        self.bent = (
            _layers(config.latent, config.decoder_hidden, config.components)
            if config.decoder_hidden
            else None
        )
        with torch.no_grad():
            self.straight.weight.copy_(torch.eye(config.components, config.latent))
            self.straight.bias.zero_()

    def forward(self, z: Tensor) -> Tensor:
        """Coordinates of D(z)."""
        coordinates: Tensor = self.straight(z)
        return coordinates if self.bent is None else coordinates + self.bent(z)


class DeformationNetwork(nn.Module):
    """Age networks, encoder, decoder and axis.

    `ageing` is B on the eight independent leads, a buffer: it is fitted in closed form.
    """

    ageing: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.age_networks = nn.ModuleList(AgeNetwork(config) for _ in range(config.age_networks))
        self.components = Components(config.components, config.samples)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.spline = MonotoneSpline(config.knot_low, config.knot_high, config.knot_step)
        self.spline.requires_grad_(False)
        flat = torch.ones(8, config.samples)
        self.register_buffer("ageing", flat / torch.linalg.vector_norm(twelve_leads(flat)))

    @torch.no_grad()
    def begin(self) -> None:
        """Start encoder and decoder at the leading directions of twelve-lead beats.

        Coordinates are those of eight leads; an error counts in all twelve, limb leads twice.
        """
        _, directions = torch.linalg.eigh(self.components.metric().double())
        leading = directions.flip(1)[:, : self.config.latent].T.float()
        peaks = leading.abs().argmax(dim=1, keepdim=True)
        leading = leading * leading.gather(1, peaks).sign()
        self.encoder.straight.weight.copy_(leading)
        self.decoder.straight.weight.copy_(leading.T)

    def readers(self) -> list[AgeNetwork]:
        """The age networks."""
        return [network for network in self.age_networks if isinstance(network, AgeNetwork)]

    def direction(self) -> Tensor:
        """B, shape (12, samples), of unit norm as far as float32 goes."""
        return twelve_leads(self.ageing)

    def encode(self, x: Tensor) -> Tensor:
        """z (n, latent) of prepared beats (n, 12, samples); NaN stays NaN."""
        z: Tensor = self.encoder(self.components.coordinates(eight_leads(x)))
        return z

    def canonical(self, z: Tensor) -> Tensor:
        """x50 = D(z), shape (n, 12, samples)."""
        return twelve_leads(self.components.beats(self.decoder(z)))

    def predict_age(self, x: Tensor) -> Tensor:
        """Years (n,) of prepared beats: the mean over the age networks."""
        eight = eight_leads(x)
        return torch.stack([network(eight) for network in self.age_networks]).mean(dim=0)

    @staticmethod
    def prepare(signals: Tensor) -> Tensor:
        """Millivolts to the model's units (`beats.prepare`)."""
        return prepare(signals)
