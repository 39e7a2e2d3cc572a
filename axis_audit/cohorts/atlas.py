"""The embedded atlas: a small linear-Gaussian model of median beats, fitted on PTB-XL folds 1-8.

A beat of the eight independent leads is, in millivolts,

    x = mean + (age - centre_age) age_trend + s sex_effect + sum_k score_k component_k + noise

with s = +1/2 for women and -1/2 for men, independent Gaussian scores, and Gaussian noise that is
first-order autoregressive along each lead. Age enters nowhere else: the scores are independent of
it, so what an audit should find is known. The other four leads follow by Einthoven's law.

The atlas is for calibrating and demonstrating an audit, not for clinical statements: real beats
are not Gaussian, and real ageing is not linear. `Atlas.metadata` says how good the fit is.
See ATLAS-LICENSE.txt for the attribution of PTB-XL; `atlas_fit.py` makes the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort, FloatArray, make_cohort, waveform_hashes
from axis_audit.cohorts.beats import BEAT_RATE, BEAT_SAMPLES, R_INDEX, derive_twelve_leads
from axis_audit.errors import CohortError

ATLAS_FOLDS = tuple(range(1, 10))
AUDIT_FOLD = 9
"""Fold 9 plays the audited people, folds 1-8 those a model or probe may be fitted on."""
PATIENTS_PER_FOLD = {fold: 2000 if fold == AUDIT_FOLD else 1000 for fold in ATLAS_FOLDS}
ARRAYS = (
    "mean", "age_trend", "sex_effect", "components", "score_sd", "person_share",
    "noise_sd", "noise_lag1", "centre_age", "age_counts",
)  # fmt: skip


@dataclass(frozen=True)
class Atlas:
    """The model's parameters; millivolts, leads as `INDEPENDENT_LEADS`, 120 samples at 100 Hz.

    Attributes:
        mean: (8, 120), at `centre_age`, halfway between the sexes.
        age_trend: (8, 120), mV per year.
        sex_effect: (8, 120), women minus men.
        components: (k, 8, 120), orthonormal over the flattened beat.
        score_sd: (k,), standard deviations of the scores.
        person_share: (k,), share of a score's variance that is the person's in every record.
        noise_sd: (8, 120). noise_lag1: (8,), correlation of neighbouring samples of the noise.
        centre_age: years.
        age_counts: (2, 90), PTB-XL patients by sex (men, women) and age in whole years.
        metadata: how it was fitted and how well, see `atlas_fit`.
    """

    mean: FloatArray
    age_trend: FloatArray
    sex_effect: FloatArray
    components: FloatArray
    score_sd: FloatArray
    person_share: FloatArray
    noise_sd: FloatArray
    noise_lag1: FloatArray
    centre_age: float
    age_counts: NDArray[np.int64]
    metadata: dict[str, Any] = field(default_factory=dict)

    def draw(
        self,
        n_patients: int,
        seed: int,
        records_per_patient: int = 1,
        *,
        fold: int = AUDIT_FOLD,
        age_scale: float = 1.0,
        sex_scale: float = 1.0,
        score_scale: float = 1.0,
        noise_scale: float = 1.0,
    ) -> Cohort:
        """People who never lived, one or more beats each.

        Args:
            n_patients: how many; patient ids are atlas/<seed>/<fold>.<i>.
            seed: the same seed and fold give the same people; each fold has its own streams.
            records_per_patient: records of a person share age, sex and `person_share` of scores.
            fold: the fold number the rows carry.
            age_scale, sex_scale, score_scale, noise_scale: multiply that part of every beat;
                age_scale=0 gives beats that know nothing of age.

        Returns:
            scope "synthetic", kind "beat", rows of one patient next to each other.
        """
        female, age = self._people(n_patients, seed, fold)
        scores = self.scores(n_patients, seed, records_per_patient, fold=fold)
        rows = np.repeat(np.arange(n_patients), records_per_patient)
        shape = (len(rows), *self.mean.shape)
        beats = self._noise(shape, np.random.default_rng((seed, fold, 3)), noise_scale)
        beats += self.mean
        flat = beats.reshape(len(rows), -1)
        flat += score_scale * scores @ self.components.reshape(len(self.components), -1)
        effects = np.stack([self.age_trend.ravel(), self.sex_effect.ravel()])
        amounts = np.stack([age_scale * (age - self.centre_age), sex_scale * (female - 0.5)], 1)
        flat += (amounts.astype(np.float32) @ effects)[rows]
        patients = np.array([f"atlas/{seed}/{fold}.{i}" for i in range(n_patients)])[rows]
        visits = np.tile(np.arange(records_per_patient), n_patients)
        return make_cohort(
            "atlas",
            derive_twelve_leads(beats),
            rate=BEAT_RATE,
            kind="beat",
            r_index=R_INDEX,
            scope="synthetic",
            record_ids=np.array([f"{p}/{v}" for p, v in zip(patients, visits, strict=True)]),
            patient_ids=patients,
            age=age[rows],
            sex=np.where(female, "female", "male")[rows],
            fold=np.full(len(rows), fold),
            hashes=waveform_hashes(beats),
        )

    def scores(
        self, n_patients: int, seed: int, records_per_patient: int = 1, *, fold: int = AUDIT_FOLD
    ) -> FloatArray:
        """The component scores behind `draw` with the same arguments: (rows, k), mV norm."""
        k = len(self.score_sd)
        person = np.random.default_rng((seed, fold, 1)).standard_normal((n_patients, 1, k))
        visit_shape = (n_patients, records_per_patient, k)
        visit = np.random.default_rng((seed, fold, 2)).standard_normal(visit_shape)
        mixed = np.sqrt(self.person_share) * person + np.sqrt(1 - self.person_share) * visit
        scaled: FloatArray = (mixed * self.score_sd).reshape(-1, k).astype(np.float32)
        return scaled

    def covariance(self) -> NDArray[np.float64]:
        """Covariance of beats of one age and sex, (960, 960) mV², flattened (8, 120)."""
        loadings = (self.components * self.score_sd[:, None, None]).reshape(len(self.score_sd), -1)
        covariance: NDArray[np.float64] = loadings.T.astype(np.float64) @ loadings
        samples = self.mean.shape[1]
        lags = np.abs(np.subtract.outer(np.arange(samples), np.arange(samples)))
        for lead, (sd, lag1) in enumerate(zip(self.noise_sd, self.noise_lag1, strict=True)):
            block = slice(lead * samples, (lead + 1) * samples)
            covariance[block, block] += np.outer(sd, sd) * float(lag1) ** lags
        return covariance

    def linear_age_r2(self, age_scale: float = 1.0) -> float:
        """The true R² of age on the whole beat among people of one sex, who all age alike."""
        years = np.arange(self.age_counts.shape[1])
        share = self.age_counts.sum(axis=0) / self.age_counts.sum()
        variance = float(share @ years**2 - (share @ years) ** 2)
        trend = age_scale * self.age_trend.ravel().astype(np.float64)
        signal = variance * float(trend @ np.linalg.solve(self.covariance(), trend))
        return signal / (1.0 + signal)

    def _people(
        self, n: int, seed: int, fold: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Sex and age in whole years, from PTB-XL's joint distribution."""
        share = self.age_counts.ravel() / self.age_counts.sum()
        cell = np.random.default_rng((seed, fold, 0)).choice(share.size, n, p=share)
        female, age = np.divmod(cell, self.age_counts.shape[1])
        return female.astype(bool), age.astype(np.float32)

    def _noise(
        self, shape: tuple[int, ...], random: np.random.Generator, scale: float
    ) -> NDArray[np.float32]:
        """Stationary first-order autoregression of unit variance along samples, times the SD."""
        noise = random.standard_normal(shape, dtype=np.float32)
        lag1 = self.noise_lag1
        fresh = np.sqrt(1 - lag1**2)
        for t in range(1, shape[-1]):
            noise[..., t] = lag1 * noise[..., t - 1] + fresh * noise[..., t]
        noise *= np.float32(scale) * self.noise_sd
        return noise


@lru_cache(maxsize=1)
def load_atlas() -> Atlas:
    """The atlas that ships with the package.

    Raises:
        CohortError: the installed file is missing or damaged.
    """
    resource = files("axis_audit.cohorts") / "atlas.npz"
    try:
        with resource.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ARRAYS}
            metadata = json.loads(str(stored["metadata"]))
    except Exception as error:
        raise CohortError(
            "atlas.npz", f"cannot be read ({error})", "reinstall axis-audit"
        ) from error
    counts, centre = arrays.pop("age_counts"), float(arrays.pop("centre_age"))
    parameters = {name: values.astype(np.float32) for name, values in arrays.items()}
    for values in (*parameters.values(), counts):
        values.flags.writeable = False  # one copy serves every caller
    if parameters["mean"].shape[-1] != BEAT_SAMPLES:
        raise CohortError("atlas.npz", "holds beats of another length", "reinstall axis-audit")
    return Atlas(
        **parameters, centre_age=centre, age_counts=counts.astype(np.int64), metadata=metadata
    )


def open_atlas(
    folds: tuple[int, ...] | None = None,
    *,
    kind: str = "beat",
    patients: int | None = None,
    seed: int = 0,
) -> Cohort:
    """Draw folds of the atlas: fold 9 (the default) has 2000 people, folds 1-8 have 1000 each.

    The people of a fold are the same whichever folds are drawn with it.

    Args:
        patients: how many people instead, spread over the folds as evenly as can be.

    Raises:
        CohortError: a fold is not 1-9, or records or cycles are asked for.
    """
    if kind != "beat":
        raise CohortError(
            "atlas",
            f"it draws beats, not {kind}s",
            f"a model of {kind}s needs recordings: give a folder of PTB-XL, LUDB or CinC, or "
            "a .npz (--cohort PATH)",
        )
    chosen = tuple(dict.fromkeys(folds)) if folds is not None else (AUDIT_FOLD,)
    absent = [f for f in chosen if f not in PATIENTS_PER_FOLD]
    if absent or not chosen:
        raise CohortError(
            "atlas",
            f"folds {', '.join(map(str, absent)) or '(none)'} are not there; present: 1-9",
            "choose among the folds present",
        )
    sizes = [PATIENTS_PER_FOLD[f] for f in chosen]
    if patients is not None:
        share, rest = divmod(patients, len(chosen))
        sizes = [share + (i < rest) for i in range(len(chosen))]
    atlas = load_atlas()
    parts = [atlas.draw(n, seed, fold=f) for f, n in zip(chosen, sizes, strict=True) if n]
    return parts[0] if len(parts) == 1 else _together(parts)


def _together(parts: list[Cohort]) -> Cohort:
    names = ("record_ids", "patient_ids", "age", "sex", "fold", "hashes")
    columns: dict[str, Any] = {n: np.concatenate([getattr(p, n) for p in parts]) for n in names}
    return make_cohort(
        "atlas",
        np.concatenate([p.signals for p in parts]),
        rate=BEAT_RATE,
        kind="beat",
        r_index=R_INDEX,
        scope="synthetic",
        **columns,
    )
