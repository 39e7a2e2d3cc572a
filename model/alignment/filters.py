"""The linear filters from lead to lead, solved in closed form.

None leads from a lead to itself: what is a lead's own must come back from its tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.alignment.objective import SOFTENING
from model.training import chunks

CHUNK = 256
RIDGE = 1e-4
"""Of a lead's power: filters stay small enough for half precision."""


def fit_filters(parts: list[Tensor], taps: int) -> Tensor:
    """Least-squares filters, shape (source, target, taps): y[t] = sum_k h[k] x[t + k - taps // 2].

    Args:
        parts: records in mV, each (n, leads, samples) centred, of any length each.
        taps: odd.
    """
    reach = taps // 2
    leads = parts[0].shape[1]
    products = torch.zeros(leads, leads, 2 * taps - 1, dtype=torch.float64)
    for part in parts:
        length = part.shape[2] + taps
        for rows in chunks(len(part), CHUNK):
            x = part[rows] - part[rows].mean(2, keepdim=True)
            scale = (x.var(2, unbiased=False).mean(1) + SOFTENING).rsqrt()
            spectrum = torch.fft.rfft(x * scale[:, None, None], n=length).permute(2, 1, 0)
            crossed = torch.bmm(spectrum.conj(), spectrum.transpose(1, 2))  # (frequency, t, s)
            lags = torch.fft.irfft(crossed.permute(1, 2, 0), n=length).double()
            products += torch.cat([lags[..., -(taps - 1) :], lags[..., :taps]], dim=2)
    zero = taps - 1  # products[t, s, zero + l] = sum x_t[i] x_s[i + l]
    steps = torch.arange(taps)
    filters = torch.empty(leads, leads, taps, dtype=torch.float64)
    for s in range(leads):
        own = products[s, s][zero + steps[:, None] - steps]
        own = own + RIDGE * products[s, s, zero] * torch.eye(taps, dtype=torch.float64)
        right = products[:, s, zero - reach : zero + reach + 1]  # (targets, taps)
        filters[s] = torch.linalg.solve(own, right.T).T
        filters[s, s] = 0.0
    return filters.float()
