"""Layers with weights of their own for every lead, evaluated as one batched product.

Shapes are (leads, rows, ..., features). `leads` picks some of the weights: an index tensor, one
entry a lead that is given.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class LeadLinear(nn.Module):
    """One affine map a lead: (leads, ..., inputs) to (leads, ..., outputs)."""

    def __init__(self, leads: int, inputs: int, outputs: int, scale: float = 1.0) -> None:
        super().__init__()
        weight = torch.empty(leads, inputs, outputs).uniform_(-1.0, 1.0)
        self.weight = nn.Parameter(weight * scale * math.sqrt(3.0 / inputs))
        self.bias = nn.Parameter(torch.zeros(leads, 1, outputs))

    def forward(self, x: Tensor, leads: Tensor) -> Tensor:
        """Map (leads, ..., inputs) to (leads, ..., outputs)."""
        flat = x.reshape(len(x), -1, x.shape[-1])
        made = torch.baddbmm(self.bias[leads], flat, self.weight[leads])
        return made.reshape(*x.shape[:-1], -1)


class LeadNorm(nn.Module):
    """Layer normalisation with a scale and shift a lead."""

    def __init__(self, leads: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(leads, width))
        self.shift = nn.Parameter(torch.zeros(leads, width))

    def forward(self, x: Tensor, leads: Tensor) -> Tensor:
        """Normalise over the last axis."""
        shape = (len(x),) + (1,) * (x.ndim - 2) + (x.shape[-1],)
        plain = functional.layer_norm(x, x.shape[-1:])
        return plain * self.scale[leads].view(shape) + self.shift[leads].view(shape)


class Block(nn.Module):
    """A transformer block a lead: (leads, rows, tokens, width), normalised before each part."""

    def __init__(self, leads: int, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = LeadNorm(leads, width)
        self.attention_in = LeadLinear(leads, width, 3 * width)
        self.attention_out = LeadLinear(leads, width, width, scale=0.5)
        self.before_feed = LeadNorm(leads, width)
        self.feed_in = LeadLinear(leads, width, hidden)
        self.feed_out = LeadLinear(leads, hidden, width, scale=0.5)

    def forward(self, x: Tensor, leads: Tensor) -> Tensor:
        """Attend within each row, then feed forward."""
        x = x + self._attended(self.before_attention(x, leads), leads)
        inner = functional.gelu(self.feed_in(self.before_feed(x, leads), leads))
        return x + self.feed_out(inner, leads)

    def _attended(self, x: Tensor, leads: Tensor) -> Tensor:
        groups, rows, tokens, width = x.shape
        parts = self.attention_in(x, leads).view(groups * rows, tokens, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        made = functional.scaled_dot_product_attention(query, key, value)
        return self.attention_out(made.transpose(1, 2).reshape(groups, rows, tokens, width), leads)
