"""What generative checks share: real signals of people, what a model made of them, and its draws.

Everything is centred lead by lead and divided by one number, the root mean square of the real
signals, so that a distance means the same whatever units a model prepares its signals in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort
from axis_audit.delineation import Waves, delineate
from axis_audit.errors import MeasurementError, NotApplicable
from axis_audit.evidence import Evidence, batched, finite
from axis_audit.measures.qrs_width import qrs_durations

Float64Array = NDArray[np.float64]
KEPT = (0.99, 0.95)
"""Least r² of prepared with recorded leads: of the median one, and of nine in ten."""
TALLEST_P = 500.0
"""Microvolts: twice what a tall P (P pulmonale) is."""
DRAWS = 1000
"""Signals drawn from the model: their own noise in an MMD is then small beside that of people."""
BANDWIDTH = 0.84
"""Of the kernel, over the root of the numbers in a signal: the median distance between cycles of
unit variance of different people, LUDB lead II, training people (tests/benchmarks/mmd_scale.py)."""


@dataclass
class Generated:
    """Real rows of the audited people and what the model generates (`Generates`).

    Rows are flattened to x = leads * samples numbers, in units of the real rows' RMS.
    """

    evidence: Evidence

    @cached_property
    def rows(self) -> Cohort:
        """All rows of the audited people, several a person where the cohort has them."""
        return self.evidence.cohort if self.evidence.rows is None else self.evidence.rows

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Each row's person, as an index into the audited people."""
        ids = self.evidence.cohort.patient_ids
        order = np.argsort(ids)
        return np.asarray(order[np.searchsorted(ids, self.rows.patient_ids, sorter=order)])

    @cached_property
    def seconds(self) -> Float64Array:
        """Physical duration of each row."""
        if self.rows.seconds is not None:
            return self.rows.seconds.astype(np.float64)
        return np.full(len(self.rows), self.rows.signals.shape[2] / self.rows.rate)

    @cached_property
    def _prepared(self) -> Float64Array:
        rows = finite(self.evidence.prepare(self.rows.signals), "prepared signals")
        centred = _centred(rows, self.rows.signals.shape, "prepare")
        _expect_shapes_kept(self.rows.signals.astype(np.float64), centred)
        return centred

    @cached_property
    def scale(self) -> float:
        """Root mean square of the real rows, in the model's units."""
        size = float(np.sqrt(np.mean(self._prepared**2)))
        if size == 0.0:
            raise MeasurementError("prepare makes all signals constant")
        return size

    @cached_property
    def real(self) -> Float64Array:
        """The real rows, (rows, x)."""
        return self._flat(self._prepared)

    @cached_property
    def latents(self) -> Float64Array:
        """Posterior means of all rows, (rows, d)."""
        found = finite(self.evidence.encode(self.rows.signals), "latents")
        if found.ndim != 2:
            raise MeasurementError(f"encode gave shape {found.shape}")
        return found.astype(np.float64)

    @cached_property
    def made(self) -> Float64Array:
        """Reconstructions of the real rows, (rows, x), in the units of `real`."""
        return self.decoded(self.latents)

    def decoded(self, latents: NDArray[np.floating]) -> Float64Array:
        """What the decoder makes of any latents (n, d), (n, x)."""
        given = np.asarray(latents, np.float32)
        # A decoder that remembers what was last encoded must not be helped by it.
        self.evidence.encode(self.rows.signals[:1])
        shape = (len(given), *self.rows.signals.shape[1:])
        made = finite(batched(self.evidence.model.decode, given), "reconstructions")
        return self._flat(_centred(made, shape, "decode"))

    @cached_property
    def draws(self) -> Float64Array:
        """Signals drawn from the model, (`DRAWS`, x)."""
        return self.draw(DRAWS)

    def draw(self, count: int) -> Float64Array:
        """So many signals drawn from the model, (count, x)."""
        drawn = np.asarray(self.evidence.model.sample(count, self.evidence.seed))
        shape = (count, *self.rows.signals.shape[1:])
        return self._flat(_centred(finite(drawn, "draws of the model"), shape, "sample"))

    @cached_property
    def from_prior(self) -> Float64Array:
        """What the decoder makes of latents from N(0, I), (`DRAWS`, x).

        What `sample` should be; a model with another source of draws must not pass by it.
        """
        rng = self.evidence.rng("latents of the prior")
        return self.decoded(rng.standard_normal((DRAWS, self.latents.shape[1])))

    @cached_property
    def training(self) -> Float64Array | None:
        """Rows that the model was trained on, (m, x), where the cohort's source holds them."""
        seen = self.evidence.training
        if seen is None:
            return None
        rows = finite(self.evidence.prepare(seen.signals), "prepared training signals")
        return self._flat(_centred(rows, seen.signals.shape, "prepare"))

    @property
    def bandwidth(self) -> float:
        """σ of the Gaussian kernel, fixed beforehand."""
        return BANDWIDTH * float(np.sqrt(self.real.shape[1]))

    @cached_property
    def microvolts(self) -> Float64Array:
        """Microvolts of one unit of `real` in the looked-at lead, of each row.

        Models that normalise rows forget it.
        """
        signals = self.rows.signals[:, self.lead].astype(np.float64)
        recorded = signals.std(axis=1)
        prepared = self.one_lead(self.real).std(axis=1)
        return np.asarray(1000.0 * recorded / np.maximum(prepared, 1e-12))

    def by_person(self, values: NDArray[np.floating]) -> Float64Array:
        """Mean over each person's rows of values (rows, ...), NaN left out, (people, ...)."""
        known = np.isfinite(values)
        shape = (self.evidence.n, *values.shape[1:])
        total, count = np.zeros(shape), np.zeros(shape)
        np.add.at(total, self.owners, np.where(known, values, 0.0))
        np.add.at(count, self.owners, known.astype(np.float64))
        return np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)

    @property
    def lead(self) -> int:
        """The lead whose waves are looked at: II, or the first."""
        names = [name.upper() for name in self.rows.leads]
        return names.index("II") if "II" in names else 0

    def one_lead(self, flat: Float64Array) -> Float64Array:
        """The looked-at lead of flattened rows, (n, samples)."""
        samples = self.rows.signals.shape[2]
        return flat.reshape(len(flat), -1, samples)[:, self.lead]

    @cached_property
    def waves(self) -> tuple[Waves, Waves]:
        """P, QRS and T of the real rows and of their reconstructions, found by one delineator.

        A P taller than `TALLEST_P` is none: delineators take a pacemaker's spike for one.

        Raises:
            NotApplicable: rows are strips of many beats.
        """
        if self.rows.kind == "record":
            raise NotApplicable("strips of many beats are not delineated, beats and cycles are")
        r_index = self.rows.r_index
        real = delineate(self.one_lead(self.real), self.seconds, r_index)
        made = delineate(self.one_lead(self.made), self.seconds, r_index)
        spike = np.abs(real.amplitude[:, 0]) * self.microvolts > TALLEST_P
        for of in (real.onset, real.offset, real.amplitude):
            of[spike, 0] = np.nan
        return real, made

    def qrs_durations(self, flat: Float64Array) -> Float64Array:
        """Duration of the QRS complex of flattened rows of the same people, ms, (rows,)."""
        return qrs_durations(self.one_lead(flat), self.seconds, self.rows.r_index)

    def _flat(self, rows: Float64Array) -> Float64Array:
        return np.asarray(rows.reshape(len(rows), -1) / self.scale)


def generated(evidence: Evidence) -> Generated:
    """The one `Generated` of this evidence."""
    found: Generated = evidence.shared.setdefault("generated", Generated(evidence))
    return found


def _expect_shapes_kept(signals: Float64Array, prepared: Float64Array) -> None:
    """Preparing may shift and scale a lead; what it smooths away could never be missed again."""
    x = signals - signals.mean(axis=2, keepdims=True)
    size = np.sum(x * x, axis=2) * np.sum(prepared * prepared, axis=2)
    product = np.sum(x * prepared, axis=2)
    alike = (product**2 / np.where(size > 0, size, 1.0))[size > 0]
    if alike.size and (np.median(alike) < KEPT[0] or np.quantile(alike, 0.1) < KEPT[1]):
        raise MeasurementError(
            f"prepare changes the shape of signals (r² {np.median(alike):.2f} with what was "
            "recorded): what it takes away cannot be judged; it may only shift and scale leads"
        )


def _centred(rows: NDArray[np.floating], shape: tuple[int, ...], what: str) -> Float64Array:
    if isinstance(rows, np.ma.MaskedArray) or rows.dtype.kind not in "fiu":
        raise MeasurementError(f"{what} gave {rows.dtype} values that are not all plain numbers")
    if rows.shape != shape:
        raise MeasurementError(f"{what} gave shape {rows.shape}; {shape} was expected")
    found = np.asarray(rows, np.float64)
    return np.asarray(found - found.mean(axis=-1, keepdims=True))
