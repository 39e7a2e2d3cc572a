"""Random functions of the families that fitted probes stand for: what a planted leak looks like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def random_members(
    whitened: NDArray[np.floating], count: int, seed: int = 0, *, hidden: int = 4
) -> NDArray[np.float64]:
    """Random small networks of whitened latents (n, d), each of zero mean and unit variance.

    f(z) = Σ a_j tanh(s_j (u_j·z) + b_j) over `hidden` units, u_j uniform on the sphere, so that
    every direction counts alike however small its variance was; gains s_j log-uniform in [.2, 3],
    from nearly linear to nearly a step; b_j standard normal, so that f has an even part.

    Returns:
        f(z), shape (n, count), standardised over the rows given.
    """
    z = np.asarray(whitened, np.float64)
    n, d = z.shape
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((d, count * hidden))
    directions /= np.linalg.norm(directions, axis=0)
    gains = np.exp(rng.uniform(np.log(0.2), np.log(3.0), count * hidden))
    offsets = rng.standard_normal(count * hidden)
    amplitudes = rng.standard_normal((count, hidden))
    units = np.tanh(z @ (directions * gains) + offsets)
    units -= units.mean(axis=0)
    members = np.einsum("nkh,kh->nk", units.reshape(n, count, hidden), amplitudes)
    return _standardised(members)


def random_tree_members(
    features: NDArray[np.floating], count: int, seed: int = 0, *, depth: int = 2
) -> NDArray[np.float64]:
    """Random shallow regression trees on features (n, k), each of zero mean and unit variance.

    Every node splits a feature drawn at random at a quantile drawn from [.2, .8] of all rows, so
    that the scale of a feature does not matter; leaves have standard normal values.

    Returns:
        f(features), shape (n, count), standardised over the rows given.
    """
    x = np.asarray(features, np.float64)
    n, k = x.shape
    rng = np.random.default_rng(seed)
    members = np.empty((n, count))
    for member in range(count):
        place = np.zeros(n, int)  # of each row among the nodes of a level
        for level in range(depth):
            columns = x[:, rng.integers(k, size=2**level)]
            quantiles = rng.uniform(0.2, 0.8, 2**level)
            cuts = np.array([np.quantile(c, q) for c, q in zip(columns.T, quantiles, strict=True)])
            place = 2 * place + (columns > cuts)[np.arange(n), place]
        members[:, member] = rng.standard_normal(2**depth)[place]
    return _standardised(members)


def quadratic_members(
    whitened: NDArray[np.float64], count: int, seed: int = 0
) -> NDArray[np.float64]:
    """Random |u·z| and (u·z)(v·z) by turns, shape (n, count), of zero mean and unit variance.

    u and v are uniform on the sphere and at right angles (with a single direction: |z| and z²).
    """
    first, second = _places(whitened, count, seed)
    members = np.where(np.arange(count) % 2 == 0, np.abs(first), first * second)
    return _standardised(members)


def sign_product_members(
    whitened: NDArray[np.float64], count: int, seed: int = 0
) -> NDArray[np.float64]:
    """Random sign(u·z)·sign(v·z), shape (n, count), of zero mean and unit variance.

    u and v as in `quadratic_members`. A single direction has no such product: zeros.
    """
    first, second = _places(whitened, count, seed)
    return _standardised(np.sign(first) * np.sign(second))


def _places(
    whitened: NDArray[np.float64], count: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """u·z and v·z of random directions at right angles, shapes (n, count)."""
    rng = np.random.default_rng(seed + 1)
    u, v = (_unit(rng.standard_normal((whitened.shape[1], count))) for _ in range(2))
    if len(u) > 1:
        v = _unit(v - u * np.sum(u * v, axis=0))
    return whitened @ u, whitened @ v


def _unit(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(columns / np.linalg.norm(columns, axis=0))


def _standardised(members: NDArray[np.float64]) -> NDArray[np.float64]:
    members = members - members.mean(axis=0)
    return np.asarray(members / np.maximum(members.std(axis=0), 1e-12))
