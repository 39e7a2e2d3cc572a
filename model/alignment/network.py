"""Twelve one-dimensional masked autoencoders, one a lead, and a space that they share.

As published (Ibtehaz and Mortazavi, arXiv 2405.19359): an encoder and a decoder a lead, patches of
one lead as tokens, and lead embeddings that are aligned. The paper leaves most sizes open. Chosen
here: hidden patches stay in the sequence, filled with what the rhythm of the visible ones says; one
token more holds the lead's autocorrelation and size (`rhythm`); a decoder is a small perceptron a
token, which also gets the window's embedding and which lead the tokens are of; what a linear filter
can draw of one lead from another is solved in closed form (`filters`), and the decoders draw the
rest.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from axis_audit.cohort import LEADS
from model.alignment.config import NetworkConfig
from model.alignment.layers import Block, LeadLinear, LeadNorm
from model.alignment.rhythm import autocorrelation, guess, trend

USUAL_SIZE = 0.15
"""mV, a usual RMS of a lead: sizes are told to the encoders relative to it."""
SMALLEST_SIZE = 0.01
"""mV: a lead smaller than that is not blown up to the size of others."""
LARGEST_RELATIVE = 30.0
"""Samples beyond so many RMS are cut off: spikes."""
NUMBER = len(LEADS)


class Encoded(NamedTuple):
    """What the encoders make of windows.

    Attributes:
        tokens: (leads, rows, tokens, width). embedding: (leads, rows, embedding), unit norm.
        size: mV, RMS of what was seen, (leads, rows, 1).
        base: mV, (leads, rows, window): the mean of what was seen, and in hidden patches what
            the rhythm says. The networks draw what is missing to the lead.
    """

    tokens: Tensor
    embedding: Tensor
    size: Tensor
    base: Tensor

    def pick(self, leads: Tensor, rows: Tensor) -> Encoded:
        """Entries (leads, rows): index tensors that broadcast."""
        return Encoded(*(part[leads, rows] for part in self))


class AlignmentNetwork(nn.Module):
    """All encoders and decoders."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        c, width = config, config.width
        self.patches = LeadLinear(NUMBER, c.patch, width)
        self.places = nn.Parameter(0.1 * torch.randn(NUMBER, 1, c.tokens, width))
        self.unseen = nn.Parameter(0.1 * torch.randn(NUMBER, 1, 1, width))
        self.rhythm = LeadLinear(NUMBER, c.window // 2, width)
        self.sizes = LeadLinear(NUMBER, 1, width, scale=0.2)
        self.blocks = nn.ModuleList(
            Block(NUMBER, width, c.heads, c.hidden) for _ in range(c.blocks)
        )
        self.last_norm = LeadNorm(NUMBER, width)
        self.pool_norm = LeadNorm(NUMBER, 3 * width)
        self.pool = LeadLinear(NUMBER, 3 * width, c.embedding)
        self.from_tokens = LeadLinear(NUMBER, width, c.decoder_hidden)
        self.from_embedding = LeadLinear(NUMBER, c.embedding, c.decoder_hidden)
        self.pairs = nn.Parameter(torch.zeros(NUMBER, NUMBER, c.decoder_hidden))
        self.drawn = LeadLinear(NUMBER, c.decoder_hidden, c.patch, scale=0.1)
        self.register_buffer("filters", torch.zeros(NUMBER, NUMBER, c.taps))
        self.filters: Tensor

    def encode(self, windows: Tensor, leads: Tensor, hidden: Tensor | None = None) -> Encoded:
        """Encode windows of some leads, each alone.

        Args:
            windows: mV, (leads, rows, window), centred.
            hidden: bool, (leads, rows, window): samples that must not be seen. A patch with one
                is told to be hidden.
        """
        c = self.config
        windows = windows.float()  # spectra and sums want it, whatever the networks' precision
        patched = (len(leads), windows.shape[1], c.tokens, c.patch)
        seen = torch.ones_like(windows) if hidden is None else (~hidden).to(windows.dtype)
        count = seen.sum(2, keepdim=True).clamp(min=1.0)
        # Centred on what is seen of this window: a drifting baseline is nobody's morphology.
        middle = (windows * seen).sum(2, keepdim=True) / count
        x = (windows - middle) * seen
        size = (x.square().sum(2, keepdim=True) / count + SMALLEST_SIZE**2).sqrt()
        slow = trend(x, seen, c.rate)
        quick = (x - slow) * seen
        rhythm = autocorrelation(quick, seen, c.window // 2)
        if not c.rhythm:  # no peak: no period, and a guess of strength 0
            rhythm = torch.zeros_like(rhythm)
        missing = torch.zeros_like(x)
        if hidden is not None:
            some = hidden.flatten(1).any(1)
            guessed = guess(quick[some], seen[some], rhythm[some], c.rate)
            missing[some] = guessed + slow[some] * (1 - seen[some])
        relative = ((x + missing) / size).clamp(-LARGEST_RELATIVE, LARGEST_RELATIVE)
        tokens = self.patches(relative.view(patched), leads) + self.places[leads]
        if hidden is not None:
            tokens = tokens + self.unseen[leads] * hidden.view(patched).any(3, keepdim=True)
        summary = self.rhythm(rhythm, leads) + self.sizes((size / USUAL_SIZE).log(), leads)
        tokens = torch.cat([tokens, summary[:, :, None]], dim=2)
        for block in self.blocks:
            tokens = block(tokens, leads)
        tokens = self.last_norm(tokens, leads)
        tokens, summary = tokens[:, :, :-1], tokens[:, :, -1]
        pooled = torch.cat([tokens.mean(2), tokens.amax(2), summary], dim=2)
        embedding = self.pool(self.pool_norm(pooled, leads), leads)
        return Encoded(tokens, functional.normalize(embedding, dim=2), size, middle + missing)

    def decode(self, encoded: Encoded, sources: Tensor, targets: Tensor) -> Tensor:
        """Draw leads from tokens: mV, (leads, rows, window), without `base` and `filters`.

        Args:
            encoded: entry i of its first axis is what lead `targets[i]` is drawn from.
            sources: which lead that is, (leads,) or (leads, rows).
            targets: which leads are drawn, (leads,).
        """
        pair = self.pairs[targets[:, None], sources.view(len(sources), -1)]  # (leads, rows or 1, h)
        told = self.from_embedding(encoded.embedding, targets) + pair
        inner = functional.gelu(self.from_tokens(encoded.tokens, targets) + told[:, :, None])
        return self.drawn(inner, targets).flatten(2) * encoded.size

    def filtered(self, signals: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
        """What the linear filters draw: mV, the shape of `signals` (leads, rows, samples).

        Args:
            sources, targets: (leads, rows): which lead each row is, and which is drawn.
        """
        signals = signals.float()
        samples, reach = signals.shape[2], self.config.taps // 2
        length = samples + 2 * reach  # nothing wraps around
        kernels = self.filters[sources, targets].flip(2)
        # By spectra: ten times as fast on a CPU as a convolution with a kernel a row.
        spectrum = torch.fft.rfft(signals, n=length) * torch.fft.rfft(kernels, n=length)
        return torch.fft.irfft(spectrum, n=length)[..., reach : reach + samples]
