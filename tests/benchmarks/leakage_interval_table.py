"""The table that decides how a leak is inferred: python tests/benchmarks/leakage_interval_table.py.

How often three rules call a leak of known R² PASS, INCONCLUSIVE or FAIL at a margin of .05, with
Gaussian latents of 256 dimensions, uniform ages, 2,150 patients, and the leak along one direction:

- the obvious rule: the out-of-fold R² of a cross-validated ridge, its bootstrap interval over
  patients, PASS if the upper end is below the margin. It is wrong, and is nowhere in axis_audit: a
  fitted probe recovers less than the leak, and a bootstrap of fixed predictions does not know it;
- the same ridge calibrated by leaks planted in the very latents (axis_audit.statistics.planting);
- the exact interval of the population R² by ordinary least squares (axis_audit.probes.linear).

Every replicate draws its own patients; its four leaks share latents and ages. Rates come with
95 % Clopper-Pearson intervals.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import RidgeCV

from axis_audit.decision import PASS_TAIL, fail_tail
from axis_audit.probes.linear import linear_leaks
from axis_audit.probes.planted import planting_levels
from axis_audit.probes.whitening import whiten
from axis_audit.registry import statistical_gates
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.planting import PlantedCurve, invert

Array = NDArray[np.float64]
TRUE = (0.0, 0.02, 0.05, 0.10)
PENALTIES = (300, 2_000, 12_000, 70_000)
"""Of latents of unit variance: from the best for a leak of .4 to predictions of the mean."""
CLAIMS = frozenset({"axis", "leakage", "invariance", "leads", "prediction", "integrity"})
"""Of the model whose audit is imitated: they fix the level of a FAIL."""
VERDICTS = ("PASS", "INCONCLUSIVE", "FAIL")
RULES = {
    "obvious": "bootstrap of the out-of-fold R² (wrong)",
    "planted": "planted calibration of the ridge",
    "exact": "exact interval, least squares",
}


def out_of_fold(latents: Array, targets: Array, fold: NDArray[np.int_]) -> Array:
    """Ridge predictions (n, T) of targets (n, T) by the other folds, a penalty for each target."""
    predictions = np.empty(targets.shape)
    for k in np.unique(fold):
        train = fold != k
        ridge = RidgeCV(PENALTIES, alpha_per_target=True).fit(latents[train], targets[train])
        predictions[~train] = np.asarray(ridge.predict(latents[~train])).reshape(-1, len(targets.T))
    return predictions


def bootstrap_weights(n: int, seed: int) -> Array:
    """How often each of n patients is drawn, shape (1000, n)."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), 1000).astype(float)


def obvious_rule(
    target: Array, predictions: Array, weights: Array, margin: float, levels: Levels
) -> str:
    """The counter-example: percentile bootstrap over patients of R² with fixed predictions."""
    n = len(target)
    columns = np.column_stack([(target - predictions) ** 2, target**2, target])
    error, square, mean = (weights @ columns / n).T
    tails = (levels.fail_tail, 1 - levels.pass_tail)
    low, high = np.quantile(1 - error / (square - mean**2), tails)
    return verdict(float(low), float(high), margin)


def verdict(low: float, high: float, margin: float) -> str:
    """Of an interval whose low end is at the level of a FAIL and whose high end at that of PASS."""
    if high <= margin:
        return "PASS"
    return "FAIL" if low > margin else "INCONCLUSIVE"


def fold_scores(targets: Array, predictions: Array, fold: NDArray[np.int_]) -> Array:
    """Fisher's z of prediction and target, both centred in each fold, shape (T,)."""
    p, y = predictions.copy(), targets.copy()
    for k in np.unique(fold):
        p[fold == k] -= p[fold == k].mean(axis=0)
        y[fold == k] -= y[fold == k].mean(axis=0)
    r = np.sum(p * y, axis=0) / np.sqrt(np.sum(p**2, axis=0) * np.sum(y**2, axis=0))
    return np.asarray(np.arctanh(r))


def replicate(options: argparse.Namespace, levels: Levels, seed: int) -> dict[str, list[str]]:
    """Verdicts of each rule, in the order of `TRUE`."""
    rng = np.random.default_rng([options.seed, seed])
    n, d, margin = options.patients, options.dimensions, options.margin
    latents = rng.standard_normal((n, d))
    noise = np.sqrt(3) * rng.uniform(-1, 1, n)
    direction = rng.standard_normal(d)
    signal = latents @ direction / np.linalg.norm(direction)
    fold = rng.permutation(np.arange(n) % 5)
    planted = planting_levels(margin, options.plants)
    members = whiten(latents) @ rng.standard_normal((d, len(planted)))
    members /= members.std(axis=0)
    columns = []
    for true in TRUE:
        target = np.sqrt(true) * signal + np.sqrt(1 - true) * noise
        target = (target - target.mean()) / target.std()
        permuted = np.stack([rng.permutation(target) for _ in planted], axis=1)
        columns += [target[:, None], np.sqrt(planted) * members + np.sqrt(1 - planted) * permuted]
    targets = np.concatenate(columns, axis=1)
    predictions = out_of_fold(latents, targets, fold)
    scores = fold_scores(targets, predictions, fold).reshape(len(TRUE), -1)
    own_targets = {f"{true:g}": targets[:, i * len(scores.T)] for i, true in enumerate(TRUE)}
    exact = linear_leaks(latents, own_targets, margin, levels, permutations=0)
    found: dict[str, list[str]] = {rule: [] for rule in RULES}
    weights = bootstrap_weights(n, seed)
    for i, own in enumerate(scores):
        first = i * len(own)
        y, p = targets[:, first], predictions[:, first]
        found["obvious"].append(obvious_rule(y, p, weights, margin, levels))
        curve = invert(PlantedCurve(planted, own[1:], float(own[0])), margin, levels)
        for rule, leak in (("planted", curve), ("exact", exact[f"{TRUE[i]:g}"])):
            found[rule].append(verdict(leak.fail_interval[0], leak.interval[1], margin))
    return found


def summarise(found: list[dict[str, list[str]]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Counts and Clopper-Pearson intervals by rule, true R² and verdict."""
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for rule in RULES:
        rows[rule] = {}
        for i, true in enumerate(TRUE):
            counts = Counter(one[rule][i] for one in found)
            rows[rule][f"{true:g}"] = {}
            for name in VERDICTS:
                ends = stats.binomtest(counts[name], len(found)).proportion_ci()
                rows[rule][f"{true:g}"][name] = {
                    "count": counts[name],
                    "interval": [float(ends.low), float(ends.high)],
                }
    return rows


def markdown(rates: dict[str, dict[str, dict[str, Any]]], n: int) -> str:
    """The table: PASS with its interval, then INCONCLUSIVE and FAIL, in percent."""
    lines = [
        "| true R² |" + "".join(f" {name}: PASS / INC. / FAIL |" for name in RULES.values()),
        "| --- |" + " --- |" * len(RULES),
    ]
    for true in TRUE:
        cells = []
        for rule in RULES:
            row = rates[rule][f"{true:g}"]
            percent = [100 * row[name]["count"] / n for name in VERDICTS]
            low, high = (100 * end for end in row["PASS"]["interval"])
            cells.append(
                f"{percent[0]:.1f} [{low:.1f}, {high:.1f}] / {percent[1]:.1f} / {percent[2]:.1f} %"
            )
        lines.append(f"| {true:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the replicates, print the table, write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--patients", type=int, default=2150)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--margin", type=float, default=0.05)
    parser.add_argument("--plants", type=int, default=96, help="planted leaks of each calibration")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="where the JSON record goes")
    options = parser.parse_args()
    levels = Levels(PASS_TAIL, fail_tail(statistical_gates(CLAIMS)))
    started, found = time.process_time(), []
    for seed in range(options.replicates):
        found.append(replicate(options, levels, seed))
        if (seed + 1) % 20 == 0:
            print(f"{seed + 1} of {options.replicates}", file=sys.stderr, flush=True)
    rates = summarise(found)
    print(markdown(rates, options.replicates))
    if options.output:
        settings = {k: v for k, v in vars(options).items() if k != "output"}
        record = {
            "what": "verdicts of three rules on a planted linear leak",
            "settings": settings | {"pass_tail": levels.pass_tail, "fail_tail": levels.fail_tail},
            "rules": RULES,
            "rates": rates,
            "cpu_seconds": round(time.process_time() - started, 1),
        }
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
