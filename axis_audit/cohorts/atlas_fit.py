"""Fits the atlas: `python -m axis_audit.cohorts.atlas_fit --cohort PATH --folds 1-8`.

Ordinary least squares of every sample on age and sex, principal components of what is left, and
the rest as noise; one record a patient of known age and sex. Least squares makes the component
scores exactly uncorrelated with age in the fitted people. Nothing is random.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort
from axis_audit.cohorts import open_cohort, parse_folds
from axis_audit.cohorts.beats import independent_rows

COMPONENTS = 64
AGES = 90
"""Whole years 0-89; older people are coded 300 in PTB-XL and have no age here."""
RIDGE_MV2 = 10.0
"""Without a penalty a few grotesque beats decide the score; from 3 to 100 it hardly matters."""
Float64Array = NDArray[np.float64]


def fit_atlas(cohort: Cohort) -> dict[str, Any]:
    """The arrays of `Atlas` from median beats; see the module's text for the method.

    Args:
        cohort: beats of shape (n, 12, 120); several records a patient inform `person_share` only.
    """
    known = cohort.with_known_age()
    known = known.subset(known.sex != "")
    first = known.one_per_patient()
    beats, design = _flat(first), _design(first)
    centre = float(design[:, 1].mean())
    design[:, 1] -= centre
    effects = np.asarray(np.linalg.lstsq(design, beats, rcond=None)[0], np.float64)
    residuals = beats - design @ effects
    components, variances = _principal_components(residuals)
    scores = residuals @ components.T
    rest = (residuals - scores @ components).reshape(len(beats), 8, -1)
    freedom = len(beats) - design.shape[1]
    noise_sd = np.sqrt(np.sum(rest**2, axis=0) / freedom)
    lag1 = _lag_one(rest / noise_sd)
    shape = (8, beats.shape[1] // 8)
    share = _person_share(known, centre, effects, components)
    quality = _quality(beats, residuals, variances, rest)
    quality["held_out_ridge_age_r2_of_people"] = _held_out_age_r2(beats, first.age.astype(float))
    return {
        "mean": effects[0].reshape(shape),
        "age_trend": effects[1].reshape(shape),
        "sex_effect": effects[2].reshape(shape),
        "components": components.reshape(-1, *shape).astype(np.float16),
        "score_sd": np.sqrt(variances[:COMPONENTS] * len(beats) / freedom),
        "person_share": share,
        "noise_sd": noise_sd,
        "noise_lag1": lag1,
        "centre_age": np.float32(centre),
        "age_counts": _age_counts(first),
        "metadata": {
            "fitted_on": cohort.name,
            "folds": sorted({int(f) for f in first.fold}),
            "patients": len(first),
            **quality,
        },
    }


def _flat(cohort: Cohort) -> Float64Array:
    return cohort.signals[:, independent_rows(cohort.leads)].reshape(len(cohort), -1).astype(float)


def _design(cohort: Cohort) -> Float64Array:
    """Columns: one, age in years, +1/2 for women and -1/2 for men."""
    sex = np.where(cohort.sex == "female", 0.5, -0.5)
    return np.column_stack([np.ones(len(cohort)), cohort.age.astype(float), sex])


def _principal_components(residuals: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Leading components (k, p), signs fixed by their largest entry, and all p variances."""
    variances, vectors = np.linalg.eigh(residuals.T @ residuals / len(residuals))
    components = vectors[:, ::-1][:, :COMPONENTS].T
    largest = components[np.arange(COMPONENTS), np.abs(components).argmax(axis=1)]
    return components * np.sign(largest)[:, None], variances[::-1]


def _lag_one(standardised: Float64Array) -> Float64Array:
    products = np.mean(standardised[..., 1:] * standardised[..., :-1], axis=(0, 2))
    lag1: Float64Array = np.clip(products / np.mean(standardised**2, axis=(0, 2)), 0.0, 0.99)
    return lag1


def _person_share(
    cohort: Cohort, centre: float, effects: Float64Array, components: Float64Array
) -> Float64Array:
    """Intraclass correlation of each score over the last two records of a patient, in [0, 1].

    Ones where nobody has two: then nothing is known of how records of a person differ.
    """
    order = np.argsort(cohort.patient_ids, kind="stable")
    ids = cohort.patient_ids[order]
    same = ids[1:] == ids[:-1]
    same[1:] &= ids[2:] != ids[:-2]  # a third record would count its patient twice
    pair = np.flatnonzero(same)
    if pair.size == 0:
        return np.ones(len(components))
    design = _design(cohort)
    design[:, 1] -= centre
    scores = (_flat(cohort) - design @ effects) @ components.T
    one, two = scores[order[pair]], scores[order[pair + 1]]
    half = np.mean((one - two) ** 2, axis=0) / 2
    both = np.concatenate([one, two]).var(axis=0)
    share: Float64Array = np.clip(1 - half / both, 0.0, 1.0)
    return share


def _age_counts(cohort: Cohort) -> NDArray[np.int32]:
    female = (cohort.sex == "female").astype(int)
    years = np.clip(np.rint(cohort.age).astype(int), 0, AGES - 1)
    return np.bincount(female * AGES + years, minlength=2 * AGES).reshape(2, AGES).astype(np.int32)


def _quality(
    beats: Float64Array, residuals: Float64Array, variances: Float64Array, rest: NDArray[Any]
) -> dict[str, float]:
    total = float(np.var(beats, axis=0).sum())
    return {
        "variance_mv2": round(total, 4),
        "explained_by_age_and_sex": round(1 - float(np.sum(residuals**2)) / len(beats) / total, 4),
        "explained_by_components": round(float(variances[:COMPONENTS].sum() / variances.sum()), 4),
        "noise_rms_mv": round(float(np.sqrt(np.mean(rest**2))), 4),
    }


def _held_out_age_r2(beats: Float64Array, age: Float64Array) -> float:
    """R² of a ridge of age on the whole beat, fitted on even rows and scored on odd ones.

    It says how readable age is in people, to lay beside `Atlas.linear_age_r2`.
    """
    x, y = beats[::2] - beats[::2].mean(axis=0), age[::2] - age[::2].mean()
    weights = np.linalg.solve(x.T @ x + RIDGE_MV2 * np.eye(x.shape[1]), x.T @ y)
    error = (age[1::2] - age[::2].mean()) - (beats[1::2] - beats[::2].mean(axis=0)) @ weights
    return round(float(1 - np.mean(error**2) / age[1::2].var()), 4)


def save_atlas(parameters: dict[str, Any], path: Path) -> None:
    """Write the arrays as .npz: float16 components, float32 the rest, metadata as JSON."""
    arrays = {
        name: values.astype(np.float32) if values.dtype == np.float64 else values
        for name, values in parameters.items()
        if name != "metadata"
    }
    metadata = np.array(json.dumps(parameters["metadata"], sort_keys=True))
    np.savez_compressed(path, allow_pickle=False, metadata=metadata, **arrays)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit on a cohort's folds and write the atlas."""
    parser = argparse.ArgumentParser(description="Fit the embedded atlas on PTB-XL.")
    parser.add_argument("--cohort", required=True, help="folder of PTB-XL")
    parser.add_argument("--folds", default="1-8")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("atlas.npz"))
    options = parser.parse_args(arguments)
    parameters = fit_atlas(open_cohort(options.cohort, folds=parse_folds(options.folds)))
    save_atlas(parameters, options.out)
    print(json.dumps(parameters["metadata"], indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
