"""Whole records through a network: windows, embeddings, drawn and completed leads.

Records are cut into windows as long as those of training; every function works on each record
alone. Signals are millivolts of shape (n, leads, samples).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from axis_audit.cohort import LEADS
from model.alignment.network import AlignmentNetwork, Encoded

LIMBS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0], [-0.5, -0.5], [1.0, -0.5], [-0.5, 1.0]])
"""I, II, III, aVR, aVL, aVF from I and II (Einthoven, Goldberger)."""
NUMBER = len(LEADS)


def prepare(signals: Tensor) -> Tensor:
    """Leads in mV about their means: one scale (1 mV) for all, so that the laws of leads hold."""
    return signals - signals.mean(dim=2, keepdim=True)


def to_windows(network: AlignmentNetwork, signals: Tensor) -> Tensor:
    """(leads, n, samples) to (leads, n · windows, window)."""
    return signals.unflatten(2, (-1, network.config.window)).flatten(1, 2)


def embed(network: AlignmentNetwork, lead: Tensor, leads: Tensor) -> Tensor:
    """Embeddings of single leads: of (leads, n, samples) in mV, (leads, n, d), unit norm."""
    encoded = network.encode(to_windows(network, prepare(lead)), leads)
    return _record_embedding(encoded, lead.shape[1])


def _record_embedding(encoded: Encoded, records: int) -> Tensor:
    each = encoded.embedding.unflatten(1, (records, -1))
    return functional.normalize(each.mean(2), dim=2)


def draw(network: AlignmentNetwork, signal: Tensor, source: int) -> Tensor:
    """All leads from one: of (n, samples) in mV, (n, leads, samples) in units of `prepare`.

    The source lead, too, is drawn from its tokens. Limb leads are moved to the nearest ones that
    obey Einthoven's and Goldberger's laws; the source lead stays where it was drawn.
    """
    x = prepare(signal[None])
    device = x.device
    encoded = network.encode(to_windows(network, x), torch.tensor([source], device=device))
    n, targets = len(signal), torch.arange(NUMBER, device=device)
    spread = Encoded(*(part.expand(NUMBER, *part.shape[1:]) for part in encoded))
    sources = torch.full((NUMBER,), source, device=device)
    drawn = network.decode(spread, sources, targets).unflatten(1, (n, -1)).flatten(2)
    drawn = drawn + network.filtered(
        x.expand(NUMBER, -1, -1), sources[:, None].expand(-1, n), targets[:, None].expand(-1, n)
    )
    return lawful(drawn, source).transpose(0, 1)


def lawful(drawn: Tensor, source: int) -> Tensor:
    """Drawn leads (leads, n, samples) that obey the limb laws; lead `source` is not moved."""
    limbs = LIMBS.to(drawn)
    made = drawn.clone()
    six = drawn[:6].flatten(1)
    two = torch.linalg.pinv(limbs) @ six
    if source < len(limbs):
        # The nearest pair (in the six leads) among those with limbs[source] @ pair = given.
        law = limbs[source]
        step = torch.linalg.solve(limbs.T @ limbs, law)
        two = two + step[:, None] * (six[source] - law @ two) / (law @ step)
    made[:6] = (limbs @ two).view_as(drawn[:6])
    return made


def complete(network: AlignmentNetwork, signals: Tensor, hidden: Tensor) -> Tensor:
    """Every lead completed from its own visible samples.

    Args:
        signals: mV, (n, leads, samples). hidden: bool, (leads, samples).

    Returns:
        (n, leads, samples): visible samples as they are, about the mean of the visible ones;
        the rest drawn.
    """
    n = len(signals)
    visible = (~hidden)[None]
    count = visible.sum(2, keepdim=True).clamp(min=1)
    # torch.where, not a product: a hidden sample may be NaN.
    shown = torch.where(visible, signals, 0.0)
    x = torch.where(visible, shown - shown.sum(2, keepdim=True) / count, 0.0).transpose(0, 1)
    mask = to_windows(network, hidden[:, None].expand(-1, n, -1))
    leads = torch.arange(NUMBER, device=x.device)
    encoded = network.encode(to_windows(network, x), leads, mask)
    made = network.decode(encoded, leads, leads) + encoded.base
    made = made.unflatten(1, (n, -1)).flatten(2)
    return torch.where(hidden[:, None], made, x).transpose(0, 1)
