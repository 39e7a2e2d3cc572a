"""Boosted trees: what a probe of thresholds reads, calibrated by random trees planted in z.

Trees do not see rotations: a leak along one dimension of z is a step to them, the same leak spread
over all dimensions is nothing. So they are given z twice, as the model made it and whitened (its
principal directions, however small), and the plants are trees on either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.probes.linear import checked_target
from axis_audit.probes.planted import CROSS_VALIDATED, FITTED, planting_levels
from axis_audit.probes.plants import counting_way, held_out_score, planted_targets
from axis_audit.probes.random_members import random_tree_members
from axis_audit.probes.whitening import fit_whitening
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.planting import PlantedCurve, PlantedLeak, invert

FloatArray = NDArray[np.float64]
PLANTS = 60
"""Fewest that make an interval: a fit takes over a second on 17,000 people of 256 dimensions."""
FOLDS = 5
_TREES = {
    "max_iter": 40,
    "learning_rate": 0.1,
    "max_leaf_nodes": 4,
    "min_samples_leaf": 20,
    "max_bins": 32,
    "max_features": 0.3,
    "early_stopping": False,
}
"""A weak leak supports few small trees; most of the time of such a fit goes into binning."""


@dataclass(frozen=True)
class TreeLeak:
    """A leak that boosted trees can read, on the R² scale.

    Attributes:
        leak: of the way that counts. way: "cross-validated" or "fitted". ways: every way that ran.
        n: audited people. n_fit: people of the fitting set, 0 without one.
    """

    leak: PlantedLeak
    way: str
    ways: Mapping[str, PlantedLeak]
    n: int
    n_fit: int


def tree_leak(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    margin: float,
    levels: Levels,
    fit_latents: NDArray[np.floating] | None = None,
    fit_target: NDArray[np.floating] | None = None,
    plants: int = PLANTS,
    seed: int = 0,
) -> TreeLeak:
    """Infer how much of a target (n,) boosted trees can read from latents (n, d), a row a patient.

    Arguments, the two ways and the choice between them are those of `probes.planted.mlp_leak`.

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    n = len(latents)
    y = checked_target(target, n)
    planted = planting_levels(margin, plants)
    own = _features(latents, latents)
    fold = np.random.default_rng(seed).permutation(np.arange(n) % FOLDS)
    targets = planted_targets(
        y[:, None], random_tree_members(own, len(planted), seed), planted, seed, n
    )
    scores = {CROSS_VALIDATED: _cross_validated(own, targets, fold, seed)}
    n_fit = 0
    if fit_latents is not None and fit_target is not None:
        n_fit = len(fit_latents)
        known = checked_target(fit_target, n_fit)
        both = np.concatenate(
            [_features(latents, fit_latents), _features(fit_latents, fit_latents)]
        )
        members = random_tree_members(both, len(planted), seed)
        targets = planted_targets(np.concatenate([y, known])[:, None], members, planted, seed, n)
        predictions = _predict(both[n:], targets[n:], both[:n], seed)
        scores[FITTED] = held_out_score(predictions, targets[:n], np.zeros(n, int))
    # Any way may FAIL, so they share the level of a FAIL; a PASS takes the worse of them.
    shared = Levels(levels.pass_tail, levels.fail_tail / len(scores))
    ways = {
        way: invert(PlantedCurve(planted, s[1:], float(s[0])), margin, shared)
        for way, s in scores.items()
    }
    way = counting_way(ways, margin)
    return TreeLeak(ways[way], way, ways, n, n_fit)


def _features(latents: NDArray[np.floating], reference: NDArray[np.floating]) -> FloatArray:
    """Latents beside their whitened selves, shape (n, d + rank); whitened like the reference."""
    whitening = fit_whitening(reference)
    return np.column_stack([np.asarray(latents, np.float64), whitening.apply(latents)])


def _cross_validated(
    features: FloatArray, targets: FloatArray, fold: NDArray[np.int_], seed: int
) -> FloatArray:
    predictions = np.empty(targets.shape)
    for k in range(FOLDS):
        test, train = fold == k, fold != k
        predictions[test] = _predict(features[train], targets[train], features[test], seed + k)
    return held_out_score(predictions, targets, fold)


def _predict(known: FloatArray, targets: FloatArray, unseen: FloatArray, seed: int) -> FloatArray:
    """Predictions of each column of targets, shape (unseen, T): one boosting each."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    known, unseen = known.astype(np.float32), unseen.astype(np.float32)
    columns = [
        HistGradientBoostingRegressor(**_TREES, random_state=seed + i).fit(known, y).predict(unseen)
        for i, y in enumerate(targets.T)
    ]
    return np.column_stack(columns)
