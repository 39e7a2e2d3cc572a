"""The MLP's leak: the probe's score calibrated by leaks planted in the very same latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.finding import Interval
from axis_audit.probes.linear import checked_target
from axis_audit.probes.mlp import ProbeScores, cross_validated, fitted
from axis_audit.probes.plants import counting_way, planted_targets
from axis_audit.probes.random_members import random_members
from axis_audit.probes.whitening import whiten
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.planting import PlantedCurve, PlantedLeak, invert

FloatArray = NDArray[np.float64]
CROSS_VALIDATED, FITTED = "cross-validated", "fitted"


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

    Both ways run where there are people to fit on. Among ways that find at least 90 % of the leaks
    planted at the margin the one with the higher estimate counts. Where none does, or one that
    falls short still FAILs the margin, the one with the highest lower end counts; its power then
    keeps it from a PASS.

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    fit_targets = None if fit_target is None else {"target": fit_target}
    return mlp_leaks(
        latents,
        {"target": target},
        margin=margin,
        levels=levels,
        fit_latents=fit_latents,
        fit_targets=fit_targets,
        seed=seed,
        plants=plants,
    )["target"]


def mlp_leaks(
    latents: NDArray[np.floating],
    targets: Mapping[str, NDArray[np.floating]],
    *,
    margin: float,
    levels: Levels,
    fit_latents: NDArray[np.floating] | None = None,
    fit_targets: Mapping[str, NDArray[np.floating]] | None = None,
    seed: int = 0,
    plants: int = 96,
) -> dict[str, MlpLeak]:
    """`mlp_leak` for several targets of one distribution, at the price of one set of plants.

    The plants permute the first target, so the others must be distributed like it: replicates of
    one experiment, not age beside |age - median|. Other arguments and errors are `mlp_leak`'s.
    """
    z = np.asarray(latents, np.float64)
    own = np.column_stack([checked_target(y, len(z)) for y in targets.values()])
    planted = planting_levels(margin, plants)

    def plant(targets: FloatArray, latents: FloatArray) -> FloatArray:
        members = random_members(whiten(latents), len(planted), seed)
        return planted_targets(targets, members, planted, seed, len(z))

    scores = {CROSS_VALIDATED: cross_validated(z, plant(own, z), seed=seed)}
    units, n_fit = {CROSS_VALIDATED: own}, 0
    if fit_latents is not None and fit_targets is not None:
        known = np.asarray(fit_latents, np.float64)
        n_fit = len(known)
        known_own = np.column_stack([checked_target(fit_targets[k], n_fit) for k in targets])
        units[FITTED] = np.concatenate([own, known_own])
        both = plant(units[FITTED], np.concatenate([z, known]))
        scores[FITTED] = fitted(known, both[len(z) :], z, both[: len(z)], seed=seed)
    return {
        name: _leak(
            i, scores, units, planted=planted, margin=margin, levels=levels, counts=(len(z), n_fit)
        )
        for i, name in enumerate(targets)
    }


def _leak(
    i: int,
    scores: Mapping[str, ProbeScores],
    units: Mapping[str, FloatArray],
    *,
    planted: FloatArray,
    margin: float,
    levels: Levels,
    counts: tuple[int, int],
) -> MlpLeak:
    """The leak of the i-th target; its plants stand behind the targets."""
    # Any way may FAIL, so they share the level of a FAIL; a PASS takes the worse of them.
    shared = Levels(levels.pass_tail, levels.fail_tail / len(scores))
    ways = {
        way: invert(
            PlantedCurve(planted, s.score[-len(planted) :], float(s.score[i])), margin, shared
        )
        for way, s in scores.items()
    }
    way = counting_way(ways, margin)
    leak, unit = ways[way], units[way][:, i]
    return MlpLeak(
        estimate=leak.estimate,
        interval=leak.interval,
        fail_interval=leak.fail_interval,
        power_at_margin=leak.power_at_margin,
        null_at_zero=leak.null_at_zero,
        complaint=leak.complaint,
        minimum_detectable=leak.minimum_detectable,
        way=way,
        ways=ways,
        predictions=scores[way].predictions[:, i] * unit.std() + unit.mean(),
        converged={w: float(s.converged.mean()) for w, s in scores.items()},
        epochs={w: s.epochs for w, s in scores.items()},
        n=counts[0],
        n_fit=counts[1],
    )


def planting_levels(margin: float, plants: int) -> FloatArray:
    """Leak R² of each plant, shape (about `plants`,): most at 0 and, as many, at the margin.

    The rest lie between and beyond, so that the curve can be drawn and a large leak be sized.

    Raises:
        ValueError: fewer than 60 plants, or a margin outside (0, .35].
    """
    if plants < 60 or not 0 < margin <= 0.35:
        raise ValueError(f"needs 60 plants and a margin in (0, .35], got {plants}, {margin}")
    beyond = [r for r in (2 * margin, 4 * margin, 0.4, 0.9) if r > 1.5 * margin]
    between = [margin / 4, *sorted({round(r, 12) for r in beyond if r <= 0.9})]
    each = max(5, plants // 4 // len(between))
    most = (plants - each * len(between)) // 2
    return np.concatenate([np.zeros(most), np.full(most, margin), np.repeat(between, each)])
