"""What checks share about one model and one cohort, computed once, lazily and in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit import perturbations
from axis_audit.capabilities import Batch
from axis_audit.checkpoint import Manifest
from axis_audit.cohort import Cohort
from axis_audit.errors import MeasurementError
from axis_audit.measures.canonical import canonical_features
from axis_audit.statistics.levels import Levels

FloatArray = NDArray[np.float32]
Array = NDArray[Any]
BATCH = 512


@dataclass
class Evidence:
    """Model outputs on the audited people, one row a patient with a known age.

    Attributes:
        model: the model under audit; the properties below need the capability they name.
        cohort: one record a patient, in the model's lead order and rate, ages known.
        fit_cohort: people on whom probes may be fitted (never scored), or None.
        levels: tails of the intervals.
        manifest: what the checkpoint says about its training, or None.
        seen_patients: audited people who were also in training (with `--patients all`).
        removed_patients: people left out because the checkpoint had seen them.
        reload: makes a fresh model from the file, or None for a model without one.
        rows: every row of the audited people (beats or cycles of theirs); None: `cohort` itself.
        training: rows that the checkpoint had seen, where the source holds them; never scored.
        shared: what modules of checks keep here to compute once.
    """

    model: Any
    cohort: Cohort
    levels: Levels = field(default_factory=Levels)
    fit_cohort: Cohort | None = None
    manifest: Manifest | None = None
    seen_patients: int = 0
    removed_patients: int = 0
    reload: Callable[[], Any] | None = None
    seed: int = 0
    rows: Cohort | None = None
    training: Cohort | None = None
    shared: dict[str, Any] = field(default_factory=dict, repr=False)
    _perturbed: dict[str, FloatArray] = field(default_factory=dict, repr=False)

    @property
    def n(self) -> int:
        """Audited people."""
        return len(self.cohort)

    @property
    def ages(self) -> NDArray[np.float64]:
        """Ages in years, shape (n,), all known."""
        return self.cohort.age.astype(np.float64)

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator that depends on the audit's seed and the purpose alone."""
        return perturbations.generator(self.seed, purpose)

    def encode(self, signals: FloatArray) -> FloatArray:
        """Latents (n, d) of any signals; may hold NaN if the model makes them."""
        return np.asarray(batched(self.model.encode, signals))

    def predict(self, signals: FloatArray, **covariates: Array) -> FloatArray:
        """Predicted ages (n,); covariates not given are the cohort's own."""
        columns: dict[str, Array] = {
            name: getattr(self.cohort, name) for name in ("age", "sex", "site", "device")
        }
        columns.update(covariates)
        parts = []
        for start in range(0, len(signals), BATCH):
            rows = slice(start, start + BATCH)
            batch = Batch(signals[rows].copy(), {k: v[rows].copy() for k, v in columns.items()})
            ages = np.asarray(self.model.predict_age(batch), dtype=np.float32)
            if ages.size != len(batch.signals):
                raise MeasurementError(
                    f"predict_age gave shape {ages.shape} for {len(batch.signals)} signals"
                )
            parts.append(ages.reshape(-1))
        return np.concatenate(parts)

    @cached_property
    def raw_latents(self) -> FloatArray:
        """Latents as the model gave them (Encodes), finite or not."""
        latents = self.encode(self.cohort.signals)
        if latents.ndim != 2 or len(latents) != self.n:
            raise MeasurementError(f"encode gave shape {latents.shape} for {self.n} signals")
        return latents

    @cached_property
    def latents(self) -> FloatArray:
        """Latents (n, d), all finite (Encodes)."""
        return finite(self.raw_latents, "latents")

    @cached_property
    def fit_latents(self) -> FloatArray | None:
        """Latents of the fitting people, or None."""
        if self.fit_cohort is None:
            return None
        return finite(self.encode(self.fit_cohort.signals), "latents of the fitting people")

    @cached_property
    def posterior_scale(self) -> FloatArray:
        """log σ² of the posterior, shape (n, d'), all finite (EncodesPosterior)."""
        return self._posterior_scale(self.cohort)

    @cached_property
    def fit_posterior_scale(self) -> FloatArray | None:
        """log σ² of the fitting people, or None (EncodesPosterior)."""
        return None if self.fit_cohort is None else self._posterior_scale(self.fit_cohort)

    def _posterior_scale(self, people: Cohort) -> FloatArray:
        scale = np.asarray(batched(self.model.encode_scale, people.signals))
        if scale.ndim != 2 or len(scale) != len(people):
            raise MeasurementError(f"encode_scale gave {scale.shape} for {len(people)} signals")
        return finite(scale, "log variances of the posterior")

    @property
    def fit_ages(self) -> NDArray[np.float64] | None:
        """Ages of the fitting people, or None."""
        return None if self.fit_cohort is None else self.fit_cohort.age.astype(np.float64)

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Signals in the model's own units (Prepares)."""
        return np.asarray(batched(self.model.prepare, signals))

    @cached_property
    def prepared(self) -> FloatArray:
        """x, shape (n, leads, samples) (Prepares)."""
        return finite(self.prepare(self.cohort.signals), "prepared signals")

    def prepared_under(self, name: str) -> FloatArray:
        """x after an amplitude perturbation of the raw millivolts (Prepares), computed once."""
        if name not in self._perturbed:
            rng = self.rng(f"perturbation {name}")
            signals = perturbations.AMPLITUDE[name](self.cohort.signals, rng)
            self._perturbed[name] = finite(self.prepare(signals), f"signals prepared under {name}")
        return self._perturbed[name]

    @cached_property
    def canonical(self) -> FloatArray:
        """x50 = D(z), shape (n, leads, samples) (DecodesCanonical)."""
        return finite(np.asarray(batched(self.model.canonical, self.latents)), "canonical beats")

    @cached_property
    def fit_canonical(self) -> FloatArray | None:
        """x50 of the fitting people, or None (DecodesCanonical)."""
        if self.fit_latents is None:
            return None
        return finite(np.asarray(batched(self.model.canonical, self.fit_latents)), "canonical")

    @cached_property
    def canonical_features(self) -> NDArray[np.float64]:
        """Features of x50 for probing, shape (n, k) (DecodesCanonical)."""
        return canonical_features(self.canonical)

    @cached_property
    def fitted_canonical_features(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Features of x50, of the audited (n, k) and of the fitting people (m, k), or None.

        Their principal components are those of the fitting people (DecodesCanonical).
        """
        fit = self.fit_canonical
        if fit is None:
            return None
        ours = canonical_features(self.canonical, reference=fit)
        return ours, canonical_features(fit, reference=fit)

    @cached_property
    def direction(self) -> NDArray[np.float64]:
        """B flattened, shape (leads * samples,) (HasAgeAxis)."""
        return finite(np.asarray(self.model.axis_direction(), np.float64), "B").reshape(-1)

    @cached_property
    def axis_values(self) -> NDArray[np.float64]:
        """g(age) of the audited people, shape (n,) (HasAgeAxis)."""
        return finite(np.asarray(self.model.axis_value(self.ages), np.float64), "g(age)")

    @cached_property
    def projections(self) -> NDArray[np.float64]:
        """<x - x50, B/|B|>, shape (n,): how far along the axis the signal itself lies (Deforms)."""
        norm = float(np.linalg.norm(self.direction))
        if norm == 0.0:
            raise MeasurementError("B is zero: there is no axis to project on")
        residual = (self.prepared - self.canonical).reshape(self.n, -1)
        return residual.astype(np.float64) @ (self.direction / norm)

    @cached_property
    def raw_predictions(self) -> FloatArray:
        """Predicted ages as the model gave them (PredictsAge), finite or not."""
        return self.predict(self.cohort.signals)

    @cached_property
    def predictions(self) -> NDArray[np.float64]:
        """Predicted ages in years, shape (n,), all finite (PredictsAge)."""
        return finite(self.raw_predictions, "predicted ages").astype(np.float64)


def batched(function: Callable[[FloatArray], FloatArray], rows: FloatArray) -> FloatArray:
    """A model's function of rows, asked for `BATCH` of them at a time.

    Raises:
        MeasurementError: it gave another number of rows.
    """
    parts = []
    for start in range(0, len(rows), BATCH):
        # A copy: a model that writes to its input must not rewrite the people.
        given = rows[start : start + BATCH].copy()
        part = np.asarray(function(given))
        if part.ndim == 0 or len(part) != len(given):
            name = getattr(function, "__name__", "the model")
            raise MeasurementError(f"{name} gave shape {part.shape} for {len(given)} signals")
        parts.append(part)
    return np.concatenate(parts)


def finite(values: Array, what: str) -> Array:
    """The values, if all of them are numbers; MeasurementError otherwise."""
    bad = int(np.size(values) - np.count_nonzero(np.isfinite(values)))
    if bad:
        raise MeasurementError(f"{bad} of {np.size(values)} values of {what} are NaN or infinite")
    return values
