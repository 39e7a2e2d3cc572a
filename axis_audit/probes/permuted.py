"""A permutation test of the cross-validated linear probe, patients permuted, in about a second.

Least squares is linear in its target, so one factorisation of a fold's latents serves the target
and every permutation of it: a thousand permutations are one matrix product a fold. scikit-learn's
`permutation_test_score` refits for each, and with `groups=patient` it shuffles within a patient
only, where the target does not vary: p = 1 on a blatant leak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from axis_audit.errors import MeasurementError
from axis_audit.probes.linear import checked_target
from axis_audit.probes.whitening import fit_whitening
from axis_audit.statistics.permutation import p_value, permuted_rows

FloatArray = NDArray[np.float64]
BATCH = 100
"""Permuted targets predicted at a time."""


@dataclass(frozen=True)
class LinearPermutationTest:
    """What a permutation test of the linear probe found.

    Attributes:
        score: mean over folds of the out-of-fold R² of the target; far below 0 for weak leaks
            (about d/n is lost), so it is no estimate of the leak and `linear_leak` has that.
        permuted: of the permuted targets, shape (permutations,).
        p_value: (b + 1)/(m + 1), b the permuted scores at or above the score.
        fold: of each row, shape (n,).
    """

    score: float
    permuted: FloatArray
    p_value: float
    fold: NDArray[np.int64]


def linear_permutation_test(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    patient_ids: NDArray[np.str_] | None = None,
    folds: int = 5,
    permutations: int = 1000,
    seed: int = 0,
) -> LinearPermutationTest:
    """Test whether latents (n, d) tell a target (n,) by a line, by patient-level permutation.

    Args:
        latents, target: one row a record.
        patient_ids: shape (n,), or None when every row is its own patient. A patient's records
            share a fold; a patient trades all targets with one who has as many records (see
            `permuted_rows`).
        folds: of the cross-validation. permutations: permuted targets. seed: of folds and
            permutations.

    Raises:
        MeasurementError: constant latents or target, NaN, shapes that do not match, or no more
            fitting rows in a fold than directions of its latents.
        ValueError: fewer patients than folds, or no two patients with as many records.

    Source: Ojala & Garriga 2010, J. Mach. Learn. Res. 11:1833; p-value Phipson & Smyth 2010.
    """
    n = len(latents)
    y = checked_target(target, n)
    people: NDArray[np.str_] | int = n
    patient = np.arange(n)
    if patient_ids is not None:
        people = np.asarray(patient_ids)
        if people.shape != (n,):
            raise MeasurementError(f"patient ids need shape ({n},), got {people.shape}")
        patient = np.unique(people, return_inverse=True)[1]
    fold = _folds(patient, folds, seed)
    rows = np.concatenate([np.arange(n)[None], permuted_rows(people, permutations, seed)])
    scores = cross_validated_r_squared(latents, y, fold, rows)
    observed, permuted = float(scores[0]), scores[1:]
    return LinearPermutationTest(observed, permuted, p_value(observed, permuted), fold)


def cross_validated_r_squared(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    fold: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> FloatArray:
    """Mean over folds of the out-of-fold R² of `target[rows[i]]`, each i, by least squares.

    The statistic of scikit-learn's `cross_val_score(LinearRegression(), scoring="r2")`: R² against
    the mean of the fold's own targets, 0 where these are constant. Directions of the latents that
    do not vary among a fold's fitting rows are left out.

    Args:
        latents: shape (n, d). target: shape (n,). fold: of each row, shape (n,).
        rows: orders of the target, shape (T, n), as of `permuted_rows`.

    Returns:
        shape (T,).

    Raises:
        MeasurementError: as of `fit_whitening`, or no more fitting rows than directions.
    """
    # With the rows in the order of their folds, a fold's unseen rows are a slice of every target.
    order = np.argsort(fold, kind="stable")
    z, y = np.asarray(latents, np.float64)[order], np.asarray(target, np.float64)
    y = y - y.mean()
    targets = np.empty(rows.shape)
    for permuted, row in zip(targets, rows, strict=True):
        permuted[:] = y[row[order]]
    ends = np.flatnonzero(np.diff(fold[order], append=fold.max() + 1)) + 1
    total = np.zeros(len(rows))
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        total += _fold_r_squared(z, targets, slice(start, end))
    return np.asarray(total / len(ends))


def _fold_r_squared(z: FloatArray, targets: FloatArray, test: slice) -> FloatArray:
    """R² of targets (T, n) on the rows `test` of latents (n, d), fitted on all others."""
    before, after = slice(0, test.start), slice(test.stop, None)
    train = np.concatenate([z[before], z[after]])
    whitening = fit_whitening(train)
    if len(train) < whitening.rank + 2:
        raise MeasurementError(
            f"{len(train)} rows to fit {whitening.rank} directions of the latents in a fold"
        )
    # Whitened columns have unit mean square and no correlation: coefficients are projections.
    known, unseen = whitening.apply(train) / len(train), whitening.apply(z[test])
    first, rest = known[: test.start], known[test.start :]
    found = np.empty(len(targets))
    for some in range(0, len(targets), BATCH):
        batch = targets[some : some + BATCH]
        mean = (batch[:, before].sum(axis=1) + batch[:, after].sum(axis=1)) / len(train)
        coefficients = batch[:, before] @ first + batch[:, after] @ rest
        predicted = coefficients @ unseen.T + mean[:, None]
        found[some : some + BATCH] = _r_squared(batch[:, test], predicted)
    return found


def normal_scores(target: NDArray[np.floating]) -> FloatArray:
    """Normal quantiles of a target's ranks, shape (n,), tied values sharing theirs; of zero mean.

    A permutation test on them loses nothing to one on the target where that is Gaussian, and gains
    where it is not (bounded ages, say). They test a leak; they do not measure one.

    Source: van der Waerden 1952; Chernoff & Savage 1958, Ann. Math. Stat. 29:972.
    """
    ranks = stats.rankdata(np.asarray(target, np.float64))
    scores = stats.norm.ppf(ranks / (len(ranks) + 1))
    return np.asarray(scores - scores.mean())


def _r_squared(truth: FloatArray, predicted: FloatArray) -> FloatArray:
    """Of each row of truth (T, m)."""
    error = np.sum((truth - predicted) ** 2, axis=1)
    spread = np.sum((truth - truth.mean(axis=1, keepdims=True)) ** 2, axis=1)
    varies = np.ptp(truth, axis=1) > 0
    return np.where(varies, 1 - error / np.where(varies, spread, 1.0), 0.0)


def _folds(patient: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each row; patients are dealt out at random, each to one fold."""
    count = int(patient.max()) + 1
    if not 2 <= folds <= count:
        raise ValueError(f"{count} patients cannot be dealt into {folds} folds")
    dealt = np.random.default_rng([seed, 1]).permutation(np.arange(count) % folds)
    return np.asarray(dealt[patient], np.int64)
