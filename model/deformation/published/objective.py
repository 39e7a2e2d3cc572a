"""The eight losses. Each returns one number; `routing.ROUTES` says which parameters it may reach.

Published: the names, reconstruction of x by D(z) + Δ, the age head's regression, and both leakage
terms as correlation penalties within a batch (dimensions of z with age; |x50| with age).

Chosen here:
- The axis is fitted to the beats, not to what the decoder leaves over. `axis_consistency` is the
  residual of x - mean(x) = (g(a) - mean(g))·B_dir. For a given g its minimum is the ordinary
  regression of beats on g, and for a given B_dir it makes g the mean projection at every age; so
  B is in the units in which beats change with g. It sees median beats, every patient with the same
  weight: single beats are noisier, a noisy lead's SD is larger, and normalised by it an age trend
  comes out shorter (by 9 % in training data). Reconstruction sends no gradient into B or g,
  or decoder and axis could agree on an arbitrary one.
- `transport` asks that the projection <x - x50, B_dir> of augmented beats rises by one per unit of
  g: what the network takes out of a beat is then, on average, as long as Δ, and the canonical
  beat keeps no linear age trend along B. Plain reconstruction shrinks that slope to about R².
- `canonical_leakage` penalises the correlation of age with x50 as well as with |x50|.
- `neutral` holds a0 near 50 y. Reconstruction may move a0, but a constant along B can stand in g as
  well as in D: the data hardly say where the deformation is zero, and a0 stays close to 50.
- `smoothness` is the mean square of what exceeds 0.004 per year² in the second differences of g
  over its range. A penalty on all of them makes g straight; in the data g rises faster in the
  young, and a straight one makes Δ too short for them and too long for the old.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from model.deformation.published.network import DeformationNetwork, Parts

NEUTRAL_AGE = 50.0
ROUGHNESS_SCALE = 0.01
"""The audit's limit for second differences, per year²."""
FREE_ROUGHNESS = 0.004


def correlation(columns: Tensor, ages: Tensor) -> Tensor:
    """Pearson correlation of every column with age, within the batch.

    Args:
        columns: shape (n, ...). ages: shape (n,).
    """
    centred = columns.flatten(1) - columns.flatten(1).mean(0)
    a = ages - ages.mean()
    norm = (centred.square().sum(0) * a.square().sum()).clamp(min=1e-12).sqrt()
    return (a @ centred) / norm


def latent_leakage(z: Tensor, ages: Tensor) -> Tensor:
    """Mean squared correlation of the dimensions of z with age."""
    return correlation(z, ages).square().mean()


def canonical_leakage(x50: Tensor, ages: Tensor) -> Tensor:
    """Mean squared correlation of x50, and of |x50|, with age."""
    return (correlation(x50, ages).square() + correlation(x50.abs(), ages).square()).mean()


def axis_consistency(model: DeformationNetwork, x: Tensor, ages: Tensor, shares: Tensor) -> Tensor:
    """Mean squared residual of beats regressed on Δ, rows weighted by `shares` (n,)."""
    weight = shares / shares.sum()
    g: Tensor = model.spline.unanchored(ages)
    explained = (g - weight @ g)[:, None, None] * model.direction()
    residual: Tensor = x - torch.tensordot(weight, x, 1) - explained
    loss: Tensor = (weight * residual.square().mean(dim=(1, 2))).sum()
    return loss


def transport(projection: Tensor, g: Tensor) -> Tensor:
    """Squared distance from one of the projection's slope on g."""
    centred = g - g.mean()
    slope = (projection * centred).sum() / centred.square().sum().clamp(min=1e-12)
    return (slope - 1.0).square()


def smoothness(model: DeformationNetwork) -> Tensor:
    """Mean squared excess of g's second differences, in units of the audit's limit."""
    excess = (model.spline.roughness().abs() - FREE_ROUGHNESS).relu()
    return (excess / ROUGHNESS_SCALE).square().mean()


def neutral(model: DeformationNetwork) -> Tensor:
    """Squared distance of a0 from 50 y, in decades."""
    return ((model.spline.neutral_age - NEUTRAL_AGE) / 10.0).square()


def age_error(model: DeformationNetwork, projection: Tensor, ages: Tensor) -> Tensor:
    """Mean squared error of predicted age, in decades²."""
    return mse_loss(model.age_head(projection) / 10.0, ages / 10.0)


@dataclass(frozen=True)
class Rows:
    """A training batch: prepared beats, two views of the same records.

    Attributes:
        x: single or median beats, shape (n, leads, samples). medians: median beats, likewise.
        ages: years, shape (n,). shares: weight of every row in its patient, shape (n,).
    """

    x: Tensor
    medians: Tensor
    ages: Tensor
    shares: Tensor


def stage_losses(model: DeformationNetwork, rows: Rows, stage: str) -> dict[str, Tensor]:
    """The losses of a training stage ("canonical", "axis" or "joint") on a batch.

    Returns:
        loss by name, unweighted, each a 0-dimensional tensor.
    """
    x, ages = rows.x, rows.ages
    if stage == "axis":
        with torch.no_grad():
            parts: Parts = model(x)
        return {
            "axis_consistency": axis_consistency(model, rows.medians, ages, rows.shares),
            "smoothness": smoothness(model),
            "neutral": neutral(model),
            "age": age_error(model, parts.projection, ages),
        }
    parts = model(x)
    if stage == "canonical":
        return {"reconstruction": mse_loss(parts.x50, x)}
    g = model.spline(ages, frozen_rise=True)
    delta = g[:, None, None] * model.direction().detach()
    return {
        "reconstruction": mse_loss(parts.x50 + delta, x),
        "age": age_error(model, parts.projection, ages),
        "neutral": neutral(model),
        "smoothness": smoothness(model),
        "axis_consistency": axis_consistency(model, rows.medians, ages, rows.shares),
        "latent_leakage": latent_leakage(parts.z, ages),
        "canonical_leakage": canonical_leakage(parts.x50, ages),
        "transport": transport(parts.projection, g.detach()),
    }
