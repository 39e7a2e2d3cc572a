"""A trainer's look at people set apart while the system trains; it decides nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from axis_audit.cohort import LEADS
from model.alignment import inference
from model.alignment.data import held_generator, hidden_patches
from model.alignment.network import NUMBER, AlignmentNetwork
from model.alignment.objective import SOFTENING
from model.training import chunks

MOST = 400
CHUNK = 32
SOURCES = ("I", "II", "V2")
"""Leads are drawn from these."""


@torch.no_grad()
def watched(network: AlignmentNetwork, held: Tensor, device: torch.device) -> dict[str, float]:
    """Hidden patches, drawn leads and retrieval among people set apart.

    Returns:
        "held_hidden", squared error of hidden patches over the power of the record;
        "held_drawn_I" and so on, the same of the other eleven leads; "held_rank1", how often a
        lead's nearest embedding of another lead is of its own recording (mean over all pairs),
        "held_uniformity", mean squared cosine of two people's embeddings (of one lead).
    """
    network.eval()
    held = held[:MOST]
    c = network.config
    hidden = hidden_patches(NUMBER, 1, c.samples // c.patch, (0.5, 0.5), held_generator(0))
    mask = hidden[:, 0].repeat_interleave(c.patch, dim=1).to(device)
    found: dict[str, list[Tensor]] = {}
    embeddings = []
    for rows in chunks(len(held), CHUNK):
        signals = held[rows].to(device)
        x = inference.prepare(signals)
        scale = 1.0 / (x.square().mean((1, 2)) + SOFTENING)
        done = (inference.complete(network, signals, mask) - x).square()
        found.setdefault("held_hidden", []).append(done[:, mask].mean(1) * scale)
        for lead in SOURCES:
            source = LEADS.index(lead)
            drawn = (inference.draw(network, signals[:, source], source) - x).square()
            share = drawn.mean(2).sum(1) / (NUMBER - 1) * scale
            found.setdefault(f"held_drawn_{lead}", []).append(share)
        leads = torch.arange(NUMBER, device=device)
        embeddings.append(inference.embed(network, signals.transpose(0, 1), leads))
    numbers = {name: float(torch.cat(parts).mean()) for name, parts in found.items()}
    return numbers | _retrieval(torch.cat(embeddings, dim=1))


def _retrieval(embeddings: Tensor) -> dict[str, float]:
    leads, n, _ = embeddings.shape
    right = torch.arange(n, device=embeddings.device)
    hits, crowding = [], []
    for a in range(leads):
        for b in range(leads):
            similar = embeddings[a] @ embeddings[b].T
            if a != b:
                hits.append((similar.argmax(1) == right).float().mean())
            else:
                off = similar[~torch.eye(n, dtype=torch.bool, device=similar.device)]
                crowding.append(off.square().mean())
    return {
        "held_rank1": float(torch.stack(hits).mean()),
        "held_uniformity": float(torch.stack(crowding).mean()),
    }
