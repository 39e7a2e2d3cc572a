"""A trainer's look at held-out people: what it says of z and D(z) chooses among encoders."""

from __future__ import annotations

import torch

from model.deformation import dependence
from model.deformation.age_stage import read_ages
from model.deformation.beats import prepare
from model.deformation.critics import whiten
from model.deformation.data import Beats
from model.deformation.looks import sizes, whitened
from model.deformation.network import DeformationNetwork
from model.training import generator

MOST = 2048
"""Rows at most: the kernel machine's cost grows with their cube."""


@torch.no_grad()
def watched(model: DeformationNetwork, beats: Beats, device: torch.device) -> dict[str, float]:
    """Error of age and of reconstruction, and what a kernel machine reads of age from z.

    Returns:
        "held_mae" in years; "held_residual", squared error of D(z) + g(a)·B over the variance of
        beats; "held_kernel", the share of age that kernel ridge regression explains in sample
        beyond permuted ages; "held_leak", the same from z with the sizes of D(z), as critics see
        them, of age and of its distance from the median, summed. Records weigh alike.
    """
    model.eval()
    few = slice(0, MOST)
    signals, ages = beats.medians[few], beats.ages[few]
    years = torch.stack([read_ages(n, signals, device) for n in model.readers()]).mean(0)
    x = prepare(signals).to(device)
    z = model.encode(x)
    delta = model.spline(ages.to(device))[:, None, None] * model.direction()
    squares = (model.canonical(z) + delta - x).square().sum()
    leak = dependence.explained(whiten(z).cpu(), ages[:, None], generator(0, "watch"))
    seen = torch.cat([z, sizes(model.decoder(z), model.components)], dim=1)
    targets = torch.stack([ages, (ages - ages.median()).abs()], dim=1)
    leaks = dependence.explained(whitened(seen).cpu(), targets, generator(0, "choose"))
    return {
        "held_mae": float((years - ages).abs().mean()),
        "held_residual": float(squares / (x - x.mean(0)).square().sum()),
        "held_kernel": float(leak[0]),
        "held_leak": float(leaks.sum()),
    }
