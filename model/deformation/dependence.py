"""How much of age a kernel machine explains from z within a batch: a critic that is always ready.

Networks that are trained beside an encoder lag behind it: the encoder slips away from what they
have just learned and hides age where they do not look yet. A kernel machine is solved exactly for
every batch, so there is nothing to slip away from. Its weakness is the other way round: a batch is
few people, so only what is smooth enough shows. The two together do what neither does alone.

The kernel is half the neural tangent kernel of a network with two hidden layers (Jacot, Gabriel &
Hongler 2018; arc-cosine recursion of Cho & Saul 2009), which is what a small network of ReLUs can
learn, and half a Gaussian of the median distance. What critics have learned may join it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

RIDGE = 2e-3
"""Ridge penalty over the number of rows, for a kernel with a diagonal near one."""
PERMUTATIONS = 8
LEARNED = 0.25
"""Share of the kernel that critics' features have, where there are critics."""
_DEPTH, _BIAS, _CLOSEST = 2, 0.1, 1 - 1e-5


def kernel(z: Tensor, features: Tensor | None = None) -> Tensor:
    """Kernel matrix (n, n) of whitened latents (n, d) and, perhaps, features (n, k) of them."""
    products = z @ z.T / z.shape[1]
    sizes = products.diagonal()
    distances = (sizes[:, None] + sizes[None] - 2 * products).clamp(min=0.0)
    tangent = _neural_tangent(products + _BIAS)
    smooth = tangent / (2 * tangent.diagonal().mean()) + torch.exp(-distances / 2) / 2
    if features is None:
        return smooth
    learned = features @ features.T / features.shape[1]
    return (1 - LEARNED) * smooth + LEARNED * learned


def _neural_tangent(products: Tensor) -> Tensor:
    tangent = products
    for _ in range(_DEPTH):
        sizes = products.diagonal()
        norm = (sizes[:, None] * sizes[None]).clamp(min=1e-6).sqrt()
        cosine = (products / norm).clamp(-_CLOSEST, _CLOSEST)
        angle = torch.arccos(cosine)
        slopes = (math.pi - angle) / math.pi
        products = norm * (torch.sqrt(1 - cosine**2) + (math.pi - angle) * cosine) / math.pi
        tangent = products + tangent * slopes
    return tangent


def explained(
    z: Tensor, targets: Tensor, chance: torch.Generator, features: Tensor | None = None
) -> Tensor:
    """Share of each target that kernel ridge regression on z explains, beyond permuted targets.

    Args:
        z: whitened latents (n, d), carrying gradients. targets: (n, k), none.
        chance: draws the permutations. features: of z, (n, k), that a network has learned: its
            last layer is then always the best one, and the encoder cannot slip away from it.

    Returns:
        shape (k,), about 0 for what z does not tell; its gradient with respect to z is exact. That
        of y'K(K + cI)⁻¹y is c·a'(dK)a with a = (K + cI)⁻¹y, so nothing is solved backwards.
    """
    n, count = targets.shape
    y = (targets - targets.mean(0)) / targets.std(0)
    orders = [torch.randperm(n, generator=chance) for _ in range(PERMUTATIONS)]
    columns = torch.cat([y, *(y[order] for order in orders)], dim=1)
    matrix, penalty = kernel(z, features), RIDGE * n
    with torch.no_grad():
        factor = torch.linalg.cholesky(
            matrix + penalty * torch.eye(n, dtype=z.dtype, device=z.device)
        )
        solved = torch.cholesky_solve(columns, factor)
        value = (columns.square().sum(0) - penalty * (columns * solved).sum(0)) / n
    carrier = penalty * (solved * (matrix @ solved)).sum(0) / n
    shares = value + carrier - carrier.detach()
    own, permuted = shares[:count], shares[count:].reshape(PERMUTATIONS, count)
    return own - permuted.mean(0)
