"""A lead's trend and autocorrelation, and what its rhythm says of samples that are hidden.

The autocorrelation does not depend on where the beats fall, and tells people apart (Plataniotis,
Hatzinakos & Lee 2006, "ECG biometric recognition without fiducial detection"). Its peak is the
beat's period: a hidden sample is first guessed from visible ones whole periods away, as speech
codecs conceal lost packets. A network that has to find that out by itself needs far more epochs.
"""

from __future__ import annotations

import torch
from torch import Tensor

SHORTEST_PERIOD = 0.3
"""Seconds: 200 beats a minute."""
FARTHEST = 3
"""Periods, to either side."""
TREND_REACH = 1.0
"""Seconds to either side that a trend is a mean over."""
BELIEVED = 0.6
"""Of what other periods show: beats do not fall exactly a period apart."""
TINY = 1e-6


def trend(x: Tensor, seen: Tensor, rate: float) -> Tensor:
    """Mean of the visible samples around each sample, weighted by a Hann window: shape of `x`.

    Args:
        x: (leads, rows, samples), centred, 0 where hidden. seen: 1 where visible, else 0.
        rate: samples per second.
    """
    reach = round(TREND_REACH * rate)
    kernel = torch.hann_window(2 * reach + 1, periodic=False, device=x.device, dtype=x.dtype)
    samples = x.shape[2]
    length = samples + 2 * reach  # nothing wraps around
    window = torch.fft.rfft(kernel, n=length)
    sums, weights = (
        torch.fft.irfft(torch.fft.rfft(a, n=length) * window, n=length)[..., reach:][..., :samples]
        for a in (x, seen)
    )
    return sums / (weights.clamp(min=0.0) + 1.0)


def autocorrelation(x: Tensor, seen: Tensor, lags: int) -> Tensor:
    """Normalised autocorrelation over visible samples: (leads, rows, lags), 1 at lag 0.

    Args:
        x: (leads, rows, samples), centred, 0 where hidden. seen: 1 where visible, else 0.
    """
    samples = x.shape[2]
    length = samples + lags  # nothing wraps around
    spectrum = torch.fft.rfft(x, n=length)
    power, mask = torch.fft.rfft(x.square(), n=length), torch.fft.rfft(seen, n=length)
    products = torch.fft.irfft(spectrum.abs().square(), n=length)[..., :lags]
    crossed = power.conj() * mask
    before = torch.fft.irfft(crossed, n=length)[..., :lags].relu()
    after = torch.fft.irfft(crossed.conj(), n=length)[..., :lags].relu()
    floor = TINY + 1e-3 * x.square().sum(2, keepdim=True)
    return products / ((before + floor) * (after + floor)).sqrt()


def guess(x: Tensor, seen: Tensor, correlation: Tensor, rate: float) -> Tensor:
    """Hidden samples from visible ones whole periods away; 0 where visible, or where none is.

    Args:
        x, seen: as in `autocorrelation`, without trend. correlation: what it returns.
        rate: samples per second.
    """
    shortest = min(max(1, round(SHORTEST_PERIOD * rate)), correlation.shape[2] - 1)
    strength, period = correlation[..., shortest:].max(2, keepdim=True)
    period = period + shortest
    here = torch.arange(x.shape[2], device=x.device)
    total, weight = torch.zeros_like(x), torch.zeros_like(x)
    for away in range(1, FARTHEST + 1):
        for side in (-away, away):
            there = here + side * period
            inside = (there >= 0) & (there < x.shape[2])
            there = there.clamp(0, x.shape[2] - 1)
            share = seen.gather(2, there) * inside / away
            total += share * x.gather(2, there)
            weight += share
    return BELIEVED * total / weight.clamp(min=TINY) * strength.clamp(0, 1) * (1 - seen)
