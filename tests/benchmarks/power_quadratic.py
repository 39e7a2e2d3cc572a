"""Power of the linear probe and the quadratic screen: python tests/benchmarks/power_quadratic.py.

Gaussian latents, uniform ages, leaks along directions at right angles that are no axes. Counts the
replicates with a permutation p <= .01 (99 permuted targets, 999 of the cheap linear probe), with
95 % Clopper-Pearson intervals, and of clean latents as well: those are the false alarms. In-sample:
no fitting people.

Of least squares the power for R² .02 is .929 by theory (statistics.r_squared.fail_probability), and
no test that is blind to linear maps of the latents has more if ages are Gaussian (5,300 people
would give .95). Where they are not, normal scores of their ranks may have.

Of sign(u·z) sign(v·z) only the share (2/π)² = .41 is quadratic, and no more of it is easily had:
see axis_audit/probes/quadratic.py, and extremes.py for what bounded ages add. --people takes
several numbers, to see how many it needs.

examples:
  python tests/benchmarks/power_quadratic.py --output tests/benchmarks/records/power.json
  python tests/benchmarks/power_quadratic.py --only xor --people 5000 7000 9000
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from axis_audit.probes.extremes import quadratic_permutation_test
from axis_audit.probes.permuted import normal_scores
from axis_audit.probes.quadratic import extreme_eigenvalues, winsorised
from axis_audit.probes.whitening import whiten
from axis_audit.statistics.permutation import p_value, permuted_rows

Array = NDArray[np.float64]
ALPHA = 0.01


class Leak(NamedTuple):
    """A leak, who looks for it (None: probes.extremes), and its R²."""

    title: str
    score: Callable[[Array, Array], Array] | None
    r: float
    member: Callable[[Array, Array], Array]
    permutations: int = 99
    normal_scores: bool = False


def linear_scores(whitened: Array, targets: Array) -> Array:
    """In-sample sums of squares of each target's regression, in the order of their R²."""
    return np.asarray(np.sum((whitened.T @ targets) ** 2, axis=0))


def quadratic_scores(whitened: Array, targets: Array) -> Array:
    """Root of the summed squares of the extreme eigenvalues, as in the screen."""
    ends, _ = extreme_eigenvalues(winsorised(whitened), targets)
    return np.asarray(np.sqrt(np.sum(ends**2, axis=1)))


LEAKS = {
    "none-linear": Leak("none, linear probe", linear_scores, 0.0, lambda u, v: u, 999),
    "linear": Leak("u·z, R² .02, linear probe", linear_scores, 0.02, lambda u, v: u, 999),
    "none-ranks": Leak("none, normal scores", linear_scores, 0.0, lambda u, v: u, 999, True),
    "ranks": Leak("u·z, R² .02, normal scores", linear_scores, 0.02, lambda u, v: u, 999, True),
    "none": Leak("none, quadratic screen", quadratic_scores, 0.0, lambda u, v: u),
    "even": Leak("|u·z|, R² .10", quadratic_scores, 0.10, lambda u, v: np.abs(u)),
    "product": Leak("(u·z)(v·z), R² .20", quadratic_scores, 0.20, lambda u, v: u * v),
    "none-ends": Leak("none, with the ends", None, 0.0, lambda u, v: u),
    "xor-ends": Leak("sign sign .20, with the ends", None, 0.20, lambda u, v: np.sign(u * v)),
    "xor": Leak("sign(u·z) sign(v·z), R² .20", quadratic_scores, 0.20, lambda u, v: np.sign(u * v)),
}


def found(n: int, d: int, leak: Leak, seed: int) -> bool:
    """Whether the permutation test sees the leak in one replicate."""
    rng = np.random.default_rng([seed, n])
    z = rng.standard_normal((n, d))
    directions = np.linalg.qr(rng.standard_normal((d, 2)))[0]
    member = leak.member(*(z @ directions).T)
    target = np.sqrt(leak.r) * (member - member.mean()) / member.std()
    target += np.sqrt(1 - leak.r) * np.sqrt(3) * rng.uniform(-1, 1, n)
    if leak.score is None:
        test = quadratic_permutation_test(z, target, permutations=leak.permutations, seed=seed)
        return test.p_value <= ALPHA
    target = normal_scores(target) if leak.normal_scores else target - target.mean()
    columns = np.column_stack([target, target[permuted_rows(n, leak.permutations, seed)].T])
    scores = leak.score(whiten(z), columns)
    return p_value(float(scores[0]), scores[1:]) <= ALPHA


def power(options: argparse.Namespace, n: int, name: str) -> dict[str, Any]:
    """Counted over the replicates."""
    started = time.process_time()
    seeds = range(options.seed, options.seed + options.replicates)
    hits = sum(found(n, options.dimensions, LEAKS[name], s) for s in seeds)
    ends = stats.binomtest(hits, options.replicates).proportion_ci()
    return {
        "leak": LEAKS[name].title,
        "people": n,
        "permutations": LEAKS[name].permutations,
        "found": hits,
        "replicates": options.replicates,
        "interval": [float(ends.low), float(ends.high)],
        "cpu_s_each": round((time.process_time() - started) / options.replicates, 3),
    }


def main() -> None:
    """Print the table, write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, nargs="+", default=[5000])
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--replicates", type=int, default=96)
    parser.add_argument("--only", nargs="+", choices=list(LEAKS), default=list(LEAKS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="where the JSON record goes")
    options = parser.parse_args()
    print(f"{options.dimensions} dimensions, p <= {ALPHA}, {options.replicates} replicates")
    rows = []
    for n in options.people:
        for name in options.only:
            row = power(options, n, name)
            low, high = row["interval"]
            print(f"{n:6} {row['leak']:30} {row['found']:3} [{low:.3f}, {high:.3f}]", flush=True)
            rows.append(row)
    if options.output:
        settings = {"dimensions": options.dimensions, "seed": options.seed}
        settings["alpha"] = ALPHA
        record = {"what": "power of permutation tests", "settings": settings, "rows": rows}
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
