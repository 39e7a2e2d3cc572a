"""The linear probe: the population R² of a target on the latents, with its exact interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.finding import Interval
from axis_audit.statistics.levels import Levels

FloatArray = NDArray[np.float64]


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

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    raise NotImplementedError


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
    raise NotImplementedError
