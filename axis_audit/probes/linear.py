"""The linear probe: the population R² of a target on the latents, with its exact interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from axis_audit.errors import MeasurementError
from axis_audit.finding import Interval
from axis_audit.probes.whitening import whiten
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.permutation import permuted_rows
from axis_audit.statistics.r_squared import (
    detectable_r_squared,
    patients_needed,
    population_r_squared_interval,
    power_at_margin,
)

FloatArray = NDArray[np.float64]
SPARE_ROWS = 50
"""People beyond the number of directions, below which the interval is not trusted."""


@dataclass(frozen=True)
class LinearLeak:
    """A linear leak.

    Attributes:
        r2: in-sample R² of ordinary least squares. estimate: adjusted R², clipped at 0.
        interval, fail_interval: of the population R².
        rank: directions of the latents that vary. n: rows, one a patient.
        power_at_margin: probability that a leak at the margin is told from none.
        minimum_detectable: smallest population R² that would FAIL with 90 % power.
        patients_needed: people at which a latent without a leak would PASS with 90 %.
        null_at_zero: whether R² of permuted targets follows its exact null.
        complaint: why the interval cannot be trusted, or "".
        predictions: leave-one-out predictions of the target in its own units, shape (n,).
        permuted: R² of permuted targets, shape (permutations,).
    """

    r2: float
    estimate: float
    interval: Interval
    fail_interval: Interval
    rank: int
    n: int
    power_at_margin: float
    minimum_detectable: float
    patients_needed: int
    null_at_zero: bool
    complaint: str
    predictions: FloatArray
    permuted: FloatArray


def linear_leak(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    margin: float,
    levels: Levels,
    *,
    permutations: int = 1000,
    seed: int = 0,
) -> LinearLeak:
    """Infer the population R² of a target (n,) on latents (n, d), one row a patient.

    Ordinary least squares on whitened latents (a ridge does not look at directions of tiny
    variance), the exact interval of `statistics.r_squared`. Two controls: R² of permuted targets
    must follow its exact null (Kolmogorov-Smirnov, p > .001), and there must be `SPARE_ROWS` more
    people than directions.

    Args:
        latents, target: one row a patient; a binary or rank target is a target like any other.
        margin: R² above which the claim is broken. levels: tails of the two intervals.
        permutations: permuted targets of the null control. seed: of the permutations.

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    return linear_leaks(
        latents, {"target": target}, margin, levels, permutations=permutations, seed=seed
    )["target"]


def linear_leaks(
    latents: NDArray[np.floating],
    targets: Mapping[str, NDArray[np.floating]],
    margin: float,
    levels: Levels,
    *,
    permutations: int = 1000,
    seed: int = 0,
) -> dict[str, LinearLeak]:
    """`linear_leak` for several targets (n,) on the same latents, at one factorisation."""
    basis = whiten(latents)
    n, rank = basis.shape
    basis /= np.sqrt(n)  # whitened columns are orthonormal after this
    rows = permuted_rows(n, permutations, seed)
    rest = {
        "rank": rank,
        "n": n,
        "power_at_margin": power_at_margin(n, rank, margin, levels.pass_tail),
        "minimum_detectable": detectable_r_squared(n, rank, margin, levels.fail_tail),
        "patients_needed": patients_needed(rank, margin, levels.pass_tail),
    }
    return {
        name: _leak(basis, checked_target(target, n), rows, levels, rest)
        for name, target in targets.items()
    }


def checked_target(target: NDArray[np.floating], n: int) -> FloatArray:
    """The target (n,) in float64.

    Raises:
        MeasurementError: another shape, NaN or infinite values, or a constant.
    """
    y = np.asarray(target, np.float64)
    if y.shape != (n,):
        raise MeasurementError(f"the target needs shape ({n},) like the latents, got {y.shape}")
    if not np.isfinite(y).all():
        raise MeasurementError(f"{np.count_nonzero(~np.isfinite(y))} target values are not finite")
    if np.ptp(y) == 0:
        raise MeasurementError("the target is constant: nothing could leak it")
    return y


def _leak(
    basis: FloatArray,
    target: FloatArray,
    rows: NDArray[np.int64],
    levels: Levels,
    rest: Mapping[str, Any],
) -> LinearLeak:
    n, rank = basis.shape
    centred = target - target.mean()
    total = float(centred @ centred)
    r2 = float(np.clip(np.sum((basis.T @ centred) ** 2) / total, 0, 1))
    permuted = (
        np.concatenate([np.sum((centred[some] @ basis) ** 2, axis=1) for some in _batches(rows)])
        / total
    )
    spare = n - rank - 1
    adjusted = 1 - (1 - r2) * (n - 1) / spare if spare > 0 else 0.0
    complaint = ""
    if n < rank + SPARE_ROWS:
        complaint = f"{n} people for {rank} directions of the latents: at least {rank + SPARE_ROWS}"
    return LinearLeak(
        r2=r2,
        estimate=max(adjusted, 0.0),
        interval=population_r_squared_interval(r2, n, rank, levels.pass_tail),
        fail_interval=population_r_squared_interval(r2, n, rank, levels.fail_tail),
        null_at_zero=_null_at_zero(permuted, n, rank),
        complaint=complaint,
        predictions=_leave_one_out(basis, centred) + target.mean(),
        permuted=permuted,
        **rest,
    )


def _batches(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """A hundred permutations at a time: a thousand targets of 20,000 people would be 160 MB."""
    return np.array_split(rows, max(1, len(rows) // 100))


def _null_at_zero(permuted: FloatArray, n: int, rank: int) -> bool:
    spare = n - rank - 1
    if spare < 1 or permuted.size == 0:
        return True
    null = stats.beta(rank / 2, spare / 2)
    return bool(stats.kstest(permuted, null.cdf).pvalue > 0.001)


def _leave_one_out(basis: FloatArray, centred: FloatArray) -> FloatArray:
    """Predictions of each row by the fit to all others, through the hat matrix."""
    leverage = np.sum(basis**2, axis=1) + 1 / len(basis)
    fit = basis @ (basis.T @ centred)
    residual = (centred - fit) / np.maximum(1 - leverage, 1e-6)
    return np.asarray(centred - residual)
