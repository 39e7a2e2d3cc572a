"""The MLP's leak: the probe's score calibrated by leaks planted in the very same latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.finding import Interval
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.planting import PlantedLeak

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class MlpLeak:
    """A leak that an MLP can read, on the R² scale.

    Attributes:
        estimate, interval, fail_interval, power_at_margin, null_at_zero, complaint,
            minimum_detectable: of the way that counts, as in `PlantedLeak`.
        way: "cross-validated" or "fitted", the way that counts.
        ways: every way that ran, by name.
        predictions: out-of-sample predictions of the target by the way that counts, shape (n,).
        converged: share of the fits (observed and planted) whose validation loss stopped falling,
            by way. epochs: mean epochs, by way.
        n: audited people. n_fit: people of the fitting set, 0 without one.
    """

    estimate: float
    interval: Interval
    fail_interval: Interval
    power_at_margin: float
    null_at_zero: bool
    complaint: str
    minimum_detectable: float | None
    way: str
    ways: Mapping[str, PlantedLeak]
    predictions: FloatArray
    converged: Mapping[str, float]
    epochs: Mapping[str, float]
    n: int
    n_fit: int


def mlp_leak(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    margin: float,
    levels: Levels,
    fit_latents: NDArray[np.floating] | None = None,
    fit_target: NDArray[np.floating] | None = None,
    seed: int = 0,
    plants: int = 96,
) -> MlpLeak:
    """Infer how much of a target (n,) an MLP can read from latents (n, d), one row a patient.

    Args:
        latents, target: the audited people.
        margin: leak R² above which the claim is broken. levels: tails.
        fit_latents, fit_target: other people, shapes (m, d) and (m,), on whom a second probe is
            fitted; it is scored on the audited people alone.
        seed: of plants, folds and initial weights. plants: planted targets.

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    raise NotImplementedError
