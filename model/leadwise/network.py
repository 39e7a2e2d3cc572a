"""The classifier: one convolutional encoder that every lead goes through, and a head over all.

Published: four residual blocks of kernel 7, 256 features a lead, 3,072 of all leads side by side,
a fully connected head. One encoder and one head serve all diseases here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.leadwise.config import NetworkConfig

LEADS = 12
FLATTEST = 1e-3
"""mV of SD below which a lead is flat: rounding must not be blown up to a signal."""
HEADS = 4


def prepare(signals: Tensor, config: NetworkConfig) -> Tensor:
    """What the encoder sees of signals in mV, (n, 12, samples); flat leads are zero."""
    centred = signals - signals.mean(2, keepdim=True)
    if config.normalisation == "none":
        return centred / config.unit
    flat = centred.std(2, keepdim=True, unbiased=False) < FLATTEST
    centred = centred.masked_fill(flat, 0.0)
    if config.normalisation in ("record", "both"):
        spread = centred.std((1, 2), keepdim=True, unbiased=False)
        centred = centred / spread.masked_fill(spread == 0, 1.0)
    if config.normalisation in ("lead", "both"):
        spread = centred.std(2, keepdim=True, unbiased=False)
        centred = centred / spread.masked_fill(flat, 1.0)
    return centred


class ResidualBlock(nn.Module):
    """Two convolutions and a way round them; the first halves time if asked."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        pad = kernel // 2
        self.first = nn.Conv1d(inputs, outputs, kernel, stride, pad, bias=False)
        self.first_norm = nn.BatchNorm1d(outputs)
        self.second = nn.Conv1d(outputs, outputs, kernel, 1, pad, bias=False)
        self.second_norm = nn.BatchNorm1d(outputs)
        self.around: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            pool = nn.AvgPool1d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
            self.around = nn.Sequential(
                pool, nn.Conv1d(inputs, outputs, 1, bias=False), nn.BatchNorm1d(outputs)
            )
        self.relu_1, self.relu_2 = nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, time) -> (n, outputs, time / stride)."""
        inner = self.relu_1(self.first_norm(self.first(x)))
        return self.relu_2(self.second_norm(self.second(inner)) + self.around(x))  # type: ignore[no-any-return]


class LeadEncoder(nn.Module):
    """One lead -> features: a stem, four residual blocks, the mean over time."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(1, config.stem, config.kernel, 2, config.kernel // 2, bias=False),
            nn.BatchNorm1d(config.stem),
            nn.ReLU(),
            nn.AvgPool1d(2, ceil_mode=True),
        )
        blocks, inputs = [], config.stem
        for number, outputs in enumerate(config.widths):
            blocks.append(ResidualBlock(inputs, outputs, config.kernel, 2 if number else 1))
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(n, samples) -> (n, features)."""
        return self.blocks(self.stem(x[:, None])).mean(2)  # type: ignore[no-any-return]


class CrossLead(nn.Module):
    """Lets leads look at one another: one layer of attention over their features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.place = nn.Parameter(0.02 * torch.randn(LEADS, width))
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, HEADS, batch_first=True)

    def forward(self, features: Tensor) -> Tensor:
        """(n, 12, width) -> the same shape."""
        seen = self.norm(features + self.place)
        return features + self.attention(seen, seen, seen, need_weights=False)[0]  # type: ignore[no-any-return]


class LeadwiseNetwork(nn.Module):
    """signals as `prepare` gives them -> logits."""

    scale: Tensor
    shift: Tensor

    def __init__(self, config: NetworkConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        width = config.widths[-1]
        self.encoder = LeadEncoder(config)
        self.cross_lead = CrossLead(width) if config.cross_lead == "attention" else nn.Identity()
        inputs = width if config.cross_lead == "mean" else LEADS * width
        self.drop = nn.Dropout(dropout)
        self.hidden = nn.Sequential(nn.Linear(inputs, config.hidden), nn.ReLU())
        self.diseases = nn.Linear(config.hidden, len(config.names))
        self.sex = nn.Linear(config.hidden, 1)
        self.device = nn.Linear(config.hidden, config.devices) if config.devices else None
        self.statements = nn.Linear(config.hidden, config.statements) if config.statements else None
        # Platt's line from the trained logits to calibrated ones, fitted after training.
        self.register_buffer("scale", torch.ones(len(config.names)))
        self.register_buffer("shift", torch.zeros(len(config.names)))

    def lead_features(self, x: Tensor) -> Tensor:
        """(n, 12, samples) -> what the encoder says of every lead, (n, 12, width)."""
        n, leads, samples = x.shape
        return self.encoder(x.reshape(n * leads, samples)).reshape(n, leads, -1)  # type: ignore[no-any-return]

    def head(self, features: Tensor) -> Tensor:
        """(n, 12, width) -> (n, hidden), which every output reads."""
        features = self.cross_lead(features)
        flat = features.mean(1) if self.config.cross_lead == "mean" else features.flatten(1)
        return self.drop(self.hidden(self.drop(flat)))  # type: ignore[no-any-return]

    def shared(self, x: Tensor) -> Tensor:
        """(n, 12, samples) -> (n, hidden)."""
        return self.head(self.lead_features(x))

    def from_features(self, features: Tensor) -> Tensor:
        """Calibrated logits (n, diseases) of leads' features, (n, 12, width)."""
        return self.diseases(self.head(features)) * self.scale + self.shift  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Calibrated logits (n, diseases) of prepared signals (n, 12, samples)."""
        return self.from_features(self.lead_features(x))


def fused(network: LeadwiseNetwork) -> LeadwiseNetwork:
    """A trained network with every normalisation folded into its convolution: a fifth faster.

    Changes the network it is given, and returns it; logits stay the same up to rounding.
    """
    network.eval()
    encoder = network.encoder
    pairs = [(encoder.stem, "0", "1")]
    for block in encoder.blocks:
        pairs += [(block, "first", "first_norm"), (block, "second", "second_norm")]  # type: ignore[list-item]
        if isinstance(block.around, nn.Sequential):
            pairs.append((block.around, "1", "2"))
    for holder, convolution, norm in pairs:
        folded = fuse_conv_bn_eval(getattr(holder, convolution), getattr(holder, norm))
        setattr(holder, convolution, folded)
        setattr(holder, norm, nn.Identity())
    return network


def focal_loss(logits: Tensor, targets: Tensor, focus: float) -> Tensor:
    """Mean focal loss over the labels that are there (Lin et al. 2017, arXiv 1708.02002).

    Args:
        logits, targets: (n, k); a target of NaN is no label.
    """
    known = ~targets.isnan()
    truth = targets.nan_to_num()
    loss = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    right = torch.exp(-loss)
    return ((1 - right) ** focus * loss)[known].sum() / known.sum().clamp_min(1)
