"""Power of the quadratic screen's permutation test: python tests/benchmarks/power_quadratic.py.

Gaussian latents, uniform ages, leaks along directions at right angles that are no axes. Prints how
many of the replicates have p <= .01 (none of 99 permuted targets scores as high), and how many
clean ones do. In-sample: no fitting people.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from axis_audit.probes.quadratic import extreme_eigenvalues, winsorised
from axis_audit.probes.whitening import whiten
from axis_audit.statistics.permutation import p_value, permuted_rows

Array = NDArray[np.float64]
ALPHA, PERMUTATIONS = 0.01, 99
LEAKS: dict[str, tuple[float, Callable[[Array, Array], Array]]] = {
    "none": (0.0, lambda u, v: u),
    "|u·z|, R² .10": (0.10, lambda u, v: np.abs(u)),
    "(u·z)(v·z), R² .20": (0.20, lambda u, v: u * v),
    "sign(u·z) sign(v·z), R² .20": (0.20, lambda u, v: np.sign(u * v)),
}


def found(n: int, d: int, leak: str, seed: int) -> bool:
    """Whether the permutation test sees the leak in one replicate."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, d))
    directions = np.linalg.qr(rng.standard_normal((d, 2)))[0]
    r, function = LEAKS[leak]
    member = function(*(z @ directions).T)
    target = np.sqrt(r) * (member - member.mean()) / member.std()
    target += np.sqrt(1 - r) * np.sqrt(3) * rng.uniform(-1, 1, n)
    target -= target.mean()
    columns = np.column_stack([target, target[permuted_rows(n, PERMUTATIONS, seed)].T])
    ends, _ = extreme_eigenvalues(winsorised(whiten(z)), columns, seed=seed)
    scores = np.sqrt(np.sum(ends**2, axis=1))
    return p_value(float(scores[0]), scores[1:]) <= ALPHA


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--replicates", type=int, default=36)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{options.people} people, {options.dimensions} dimensions, p <= {ALPHA}")
    for leak in LEAKS:
        started = time.perf_counter()
        seeds = range(options.seed, options.seed + options.replicates)
        hits = sum(found(options.people, options.dimensions, leak, s) for s in seeds)
        each = (time.perf_counter() - started) / options.replicates
        print(f"{leak:30} {hits:3d} of {options.replicates}  ({each:.2f} s each)", flush=True)


if __name__ == "__main__":
    main()
