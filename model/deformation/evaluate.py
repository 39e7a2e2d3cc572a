"""How a trained deformation system does on people it has not seen: point estimates only.

The audit proper, with intervals and verdicts, is axis-audit's; this is the trainer's own look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from axis_audit.capabilities import Batch, Deforms, PredictsAge
from axis_audit.checkpoint import Checkpoint, seen_rows
from axis_audit.checks.leak_measurements import MARGIN
from axis_audit.cohort import Cohort
from axis_audit.decision import PASS_TAIL
from axis_audit.errors import CohortError
from axis_audit.evidence import batched
from axis_audit.measures.canonical import canonical_features
from axis_audit.probes.linear import linear_leak
from axis_audit.statistics.levels import Levels
from model.deformation.augment import Augmentation
from model.training import generator

FEWEST_PATIENTS = 30


class DeformationModel(Deforms, PredictsAge, Protocol):
    """A deformation system of either recipe."""


def unseen(cohort: Cohort, checkpoint: Checkpoint) -> Cohort:
    """One record of known age from every patient that the checkpoint has not seen.

    Raises:
        CohortError: fewer than 30 such patients.
    """
    seen = seen_rows(cohort.patient_ids, cohort.hashes, checkpoint.manifest)
    if seen.sum() > len(cohort) - FEWEST_PATIENTS:
        raise CohortError(
            f"cohort {cohort.name!r}",
            f"the checkpoint was trained or selected on {int(seen.sum())} of {len(cohort)} records",
            "evaluate on other folds",
        )
    return cohort.excluding(seen, "seen in training").with_known_age().one_per_patient()


def evaluate(model: DeformationModel, cohort: Cohort) -> dict[str, float]:
    """Age, axis and leakage of a model on a cohort of one record a patient.

    Returns:
        plain numbers; "mae" and the like in years, ratios without unit.
    """
    x = model.prepare(cohort.signals)
    z = model.encode(cohort.signals)
    x50 = model.canonical(z)
    ages = cohort.age.astype(np.float64)
    numbers: dict[str, float] = {"patients": len(cohort)}
    numbers |= _prediction(model, cohort, ages)
    projection = ((x - x50) * model.axis_direction()).sum(axis=(1, 2))
    numbers["spearman_of_projection"] = float(spearmanr(projection, ages).statistic)
    numbers |= _axis(model, cohort, x)
    for name, direction in _directions(model).items():
        delta = model.axis_value(cohort.age)[:, None, None] * direction
        numbers[f"reconstruction_{name}"] = float(np.square(x - x50 - delta).mean())
    delta = model.axis_value(cohort.age)[:, None, None] * model.axis_direction()
    numbers["reconstruction_l1"] = float(np.abs(x - x50 - delta).mean())
    numbers["residual_share"] = numbers["reconstruction_with_b"] / float(x.var(axis=0).mean())
    numbers |= _leakage(z, x50, ages)
    return {k: float(f"{v:.5g}") for k, v in numbers.items()}


def leaks_of_groups(
    model: DeformationModel, cohort: Cohort, groups: Mapping[str, NDArray[np.bool_]]
) -> dict[str, dict[str, Any]]:
    """R² of age from z and from features of x50 by least squares, in groups of people.

    Args:
        cohort: one record a patient, ages known. groups: masks of it, shape (n,), by name.

    Returns:
        "NAME: z" and "NAME: x50" of every group: "people", "r2", "interval" (exact, 95 %).

    Raises:
        MeasurementError: too few people in a group.
    """
    z = batched(model.encode, cohort.signals)
    x50 = canonical_features(batched(model.canonical, z))
    columns = {"z": z.astype(np.float64), "x50": x50}
    levels = Levels(PASS_TAIL, PASS_TAIL)
    found = {}
    for name, rows in groups.items():
        ages = cohort.age[rows].astype(np.float64)
        for of, values in columns.items():
            leak = linear_leak(values[rows], ages, MARGIN, levels)
            found[f"{name}: {of}"] = {
                "people": int(rows.sum()),
                "r2": round(leak.estimate, 4),
                "interval": [round(end, 4) for end in leak.interval],
            }
    return found


def _prediction(model: DeformationModel, cohort: Cohort, ages: NDArray[Any]) -> dict[str, float]:
    def predict(signals: NDArray[np.float32]) -> NDArray[Any]:
        return model.predict_age(Batch(signals, {})).astype(np.float64)

    predicted = predict(cohort.signals)
    factors = np.exp(np.random.default_rng(0).uniform(np.log(0.5), np.log(2), len(ages)))
    gained = predict((cohort.signals * factors[:, None, None]).astype(np.float32))
    return {
        "mae": float(np.abs(predicted - ages).mean()),
        "mae_of_median": float(np.abs(np.median(ages) - ages).mean()),
        "calibration_slope": float(np.polyfit(predicted, ages, 1)[0]),
        "r2": float(np.corrcoef(predicted, ages)[0, 1] ** 2),
        "gain_age_shift_p95": float(np.quantile(np.abs(gained - predicted), 0.95)),
    }


def regressed_direction(x: NDArray[Any], g: NDArray[Any]) -> NDArray[Any]:
    """Slope of beats on g, shape (leads, samples): B as the data have it."""
    centred = g.astype(np.float64) - g.mean()
    return np.asarray(np.tensordot(centred, x - x.mean(axis=0), 1) / (centred**2).sum())


def _axis(model: DeformationModel, cohort: Cohort, x: NDArray[Any]) -> dict[str, float]:
    direction = model.axis_direction().astype(np.float64)
    g = model.axis_value(cohort.age.astype(np.float64))
    signals = torch.from_numpy(cohort.signals)
    augmented = Augmentation()(signals, generator(0, "evaluate")).numpy()
    estimate = regressed_direction(x, g)
    moved = regressed_direction(model.prepare(augmented), g)
    size = float((direction**2).sum())
    grid = model.axis_value(np.arange(15.0, 96.0))
    return {
        "direction_cosine": float((estimate * direction).sum() / np.linalg.norm(estimate)),
        "direction_ratio": float((estimate * direction).sum()) / size,
        "transport_cosine": float((moved * direction).sum() / np.linalg.norm(moved)),
        "transport_ratio": float((moved * direction).sum()) / size,
        "neutral_age": model.neutral_age,
        "g_at_20": float(model.axis_value(np.array(20.0))),
        "g_at_90": float(model.axis_value(np.array(90.0))),
        "roughness": float(np.abs(np.diff(grid, 2)).max() / np.ptp(grid)),
    }


def _directions(model: DeformationModel) -> dict[str, NDArray[Any]]:
    direction = model.axis_direction()
    random = np.random.default_rng(0).standard_normal(direction.shape).astype(np.float32)
    return {
        "with_b": direction,
        "without": np.zeros_like(direction),
        "with_random_b": random / np.linalg.norm(random),
    }


def _leakage(z: NDArray[Any], x50: NDArray[Any], ages: NDArray[Any]) -> dict[str, float]:
    beats = x50.reshape(len(x50), -1).astype(np.float64)
    correlations = {}
    for name, columns in (("z", z.astype(np.float64)), ("x50", beats), ("abs_x50", np.abs(beats))):
        centred, a = columns - columns.mean(0), ages - ages.mean()
        norm = np.sqrt((centred**2).sum(0) * (a**2).sum())
        correlations[f"largest_correlation_{name}"] = float(
            np.abs(a @ centred / np.maximum(norm, 1e-12)).max()
        )
    probe = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 4, 11)))
    guessed = cross_val_predict(probe, z, ages, cv=KFold(5, shuffle=True, random_state=0))
    leak = 1 - np.square(ages - guessed).sum() / np.square(ages - ages.mean()).sum()
    return correlations | {"ridge_r2_of_age_from_z": float(leak)}
