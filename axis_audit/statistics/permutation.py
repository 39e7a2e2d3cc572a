"""Permutation tests that permute patients."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def p_value(observed: float, permuted: ArrayLike) -> float:
    """Upper-tail p-value (b + 1)/(m + 1), b the permuted statistics >= the observed one.

    NaN when the observed or any permuted statistic is NaN.

    Source: Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9:39.
    """
    drawn = np.asarray(permuted, np.float64).ravel()
    if np.isnan(observed) or np.isnan(drawn).any():
        return math.nan
    return float((np.count_nonzero(drawn >= observed) + 1) / (drawn.size + 1))


def permuted_rows(
    patient_ids: NDArray[np.str_] | int, draws: int, seed: int = 0
) -> NDArray[np.int64]:
    """Row orders that hand each patient's target to another patient.

    Args:
        patient_ids: patients, shape (n,), or n when every row is its own patient. Patients trade
            places with patients who have as many rows, so that a target constant in a patient
            stays so; the rows of one patient are never shuffled among themselves only.
        draws: permutations. seed: of the generator.

    Returns:
        index array, shape (draws, n): `target[rows[i]]` is the i-th permuted target.

    Raises:
        ValueError: no patient could trade places (each has a number of rows of its own).
    """
    rng = np.random.default_rng(seed)
    if isinstance(patient_ids, int):
        rows = np.empty((draws, patient_ids), np.int64)
        for draw in rows:
            draw[:] = rng.permutation(patient_ids)
        return rows
    ids = np.asarray(patient_ids)
    order = np.argsort(ids, kind="stable")
    _, starts, counts = np.unique(ids[order], return_index=True, return_counts=True)
    blocks = [
        order[starts[counts == size][:, None] + np.arange(size)] for size in np.unique(counts)
    ]
    if all(len(block) < 2 for block in blocks):
        raise ValueError("no two patients have the same number of rows: use one row a patient")
    rows = np.empty((draws, ids.size), np.int64)
    for draw in rows:
        for block in blocks:
            draw[block] = block[rng.permutation(len(block))]
    return rows
