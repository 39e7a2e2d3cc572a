"""What alignment checks share: embeddings lead by lead, and what is drawn of twelve leads from one.

Of what is drawn only squared errors are kept: twelve leads from each of twelve leads of two
thousand records would be 14 GB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort
from axis_audit.errors import MeasurementError
from axis_audit.evidence import Evidence, batched, finite
from axis_audit.measures import gaps, lead_filters
from axis_audit.measures.einthoven import einthoven_residuals
from axis_audit.measures.lead_filters import Correlations

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]
MOST_PEOPLE = 2000
"""Of those audited, at random: retrieval compares everybody with everybody."""
BATCH = 128
RIDGE_REACH = 0.4
"""Seconds before and after a sample in which the ridge sees the source lead: a whole P-QRS-T."""
FOLDS = 5
PATCH = 0.2
"""Seconds of a hidden patch: wide enough for any QRS complex."""
HIDDEN = 0.25
"""Share of patches that is hidden."""


@dataclass(frozen=True)
class Drawn:
    """All leads drawn from each lead, person by person.

    Attributes:
        errors: squared errors (n, leads, leads): person, source lead, target lead.
        unlawful: (n, leads), by source: how far drawn limb leads are from Einthoven's law, of their
            size (the mean over III, aVR, aVL, aVF); NaN without limb leads or of silence.
    """

    errors: Float64Array
    unlawful: Float64Array


@dataclass(frozen=True)
class Completed:
    """Squared errors (n, leads) on hidden samples: of the model, a straight line, the mean record.

    `power`: sums of squares of the hidden samples.
    """

    model: Float64Array
    line: Float64Array
    mean: Float64Array
    power: Float64Array


@dataclass
class Aligned:
    """Audited people and what a model that aligns leads makes of them (`AlignsLeads`)."""

    evidence: Evidence

    @cached_property
    def people(self) -> Cohort:
        """The audited people, one recording each, at most `MOST_PEOPLE`."""
        return self.evidence.cohort.subset(self._chosen)

    @cached_property
    def _chosen(self) -> NDArray[np.int64]:
        n = self.evidence.n
        if n <= MOST_PEOPLE:
            return np.arange(n)
        order = self.evidence.rng("people whose leads are compared").permutation(n)
        return np.sort(order[:MOST_PEOPLE])

    @property
    def n(self) -> int:
        """People compared."""
        return len(self.people)

    @property
    def leads(self) -> tuple[str, ...]:
        """Their leads, as the model calls them: a cohort may write AVR for aVR."""
        return tuple(self.evidence.model.input_spec.leads)

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """Embeddings (n, d) of one lead of any signals, all finite.

        Raises:
            MeasurementError: another shape, or no numbers.
        """

        def embed(rows: FloatArray) -> FloatArray:
            return np.asarray(self.evidence.model.embed(rows, lead))

        found = np.asarray(batched(embed, signals))
        if found.ndim != 2:
            raise MeasurementError(f"embed gave shape {found.shape} for lead {lead}")
        return finite(found, f"embeddings of lead {lead}").astype(np.float32, copy=False)

    def draw(self, signals: FloatArray, lead: str) -> FloatArray:
        """All leads drawn from one lead of any signals, (n, leads, samples), all finite.

        Raises:
            MeasurementError: another shape, or no numbers.
        """
        found = np.asarray(self.evidence.model.reconstruct_leads(signals.copy(), lead))
        return _as_signals(found, signals.shape, f"reconstruct_leads from {lead}")

    @cached_property
    def embeddings(self) -> FloatArray:
        """Embeddings of every lead of the people, (leads, n, d)."""
        return self.embedded(self.people.signals)

    def embedded(self, signals: FloatArray) -> FloatArray:
        """Embeddings (leads, n, d) of any signals.

        Raises:
            MeasurementError: leads with embeddings of different dimensions share no space.
        """
        found = [self.embed(signals, lead) for lead in self.leads]
        if len({rows.shape for rows in found}) > 1:
            raise MeasurementError(f"embed gave shapes {sorted({r.shape for r in found})}")
        return np.stack(found)

    @cached_property
    def prepared(self) -> FloatArray:
        """x of the people, (n, leads, samples)."""
        found = np.asarray(self.evidence.prepare(self.people.signals))
        return _as_signals(found, self.people.signals.shape, "prepare")

    @cached_property
    def power(self) -> Float64Array:
        """Mean over people of each lead's sum of squares, (leads,): what an error is a share of.

        Raises:
            MeasurementError: a lead is silent in everybody.
        """
        found = np.einsum("nlt,nlt->l", self.prepared, self.prepared, dtype=np.float64) / self.n
        if not np.all(found > 0):
            raise MeasurementError("prepare makes a lead silent in everybody")
        return np.asarray(found, np.float64)

    @cached_property
    def drawn(self) -> Drawn:
        """Errors of all leads drawn from each lead."""
        leads = len(self.leads)
        errors, unlawful = np.empty((self.n, leads, leads)), np.full((self.n, leads), np.nan)
        lawful = {"I", "II", "III"} <= set(self.leads)
        for rows in _batches(self.n):
            signals, x = self.people.signals[rows], self.prepared[rows]
            for a, lead in enumerate(self.leads):
                waves = self.draw(signals, lead)
                off = waves - x
                errors[rows, a] = np.einsum("nlt,nlt->nl", off, off, dtype=np.float64)
                if lawful:
                    laws = einthoven_residuals(waves, self.leads)
                    unlawful[rows, a] = np.mean(list(laws.values()), axis=0)
        return Drawn(errors, unlawful)

    @cached_property
    def ridge(self) -> Float64Array:
        """Squared errors (n, leads, leads) of a ridge regression from each lead in a window.

        Fitted on the first `MOST_PEOPLE` fitting people, or cross-fitted where there are none. Like
        the model it knows nothing but the source lead: in millivolts, or over its own size,
        whichever of the two fits better.
        """
        fit = self.evidence.fit_cohort
        if fit is not None:
            signals = fit.signals[:MOST_PEOPLE]
            prepared = np.asarray(self.evidence.prepare(signals))
            found = self._correlations(signals, _as_signals(prepared, signals.shape, "prepare"))
            return self._ridge_errors(found, slice(None))
        fold = self.evidence.rng("folds of the ridge").permutation(np.arange(self.n) % FOLDS)
        parts = [
            self._correlations(self.people.signals[fold == k], self.prepared[fold == k])
            for k in range(FOLDS)
        ]
        errors = np.empty((self.n, len(self.leads), len(self.leads)))
        for k in range(FOLDS):
            others = [part for j, part in enumerate(parts) if j != k]
            together = {u: _sum(part[u] for part in others) for u in others[0]}
            errors[fold == k] = self._ridge_errors(together, fold == k)
        return errors

    @property
    def _reach(self) -> int:
        return max(1, round(RIDGE_REACH * self.people.rate))

    def _correlations(self, signals: FloatArray, prepared: FloatArray) -> dict[str, Correlations]:
        parts: dict[str, list[Correlations]] = {}
        for rows in _batches(len(signals)):
            for unit, source in lead_filters.of_one_lead_alone(signals[rows]).items():
                found = lead_filters.correlations(source, prepared[rows], self._reach)
                parts.setdefault(unit, []).append(found)
        return {unit: _sum(some) for unit, some in parts.items()}

    def _ridge_errors(
        self, found: dict[str, Correlations], who: slice | NDArray[np.bool_]
    ) -> Float64Array:
        """Errors of these people, of the filters fitted to these correlations."""
        units, fits = list(found), [lead_filters.fit_filters(c) for c in found.values()]
        # Fitted errors, each target lead's over its power, of all targets: one unit a source lead.
        best = np.argmin([left.sum(axis=1) for _, left in fits], axis=0)
        weights = np.stack([fits[best[a]][0][a] for a in range(len(self.leads))])
        signals, prepared = self.people.signals[who], self.prepared[who]
        parts = []
        for rows in _batches(len(signals)):
            sources = lead_filters.of_one_lead_alone(signals[rows])
            source = np.stack([sources[units[best[a]]][:, a] for a in range(len(self.leads))], 1)
            parts.append(lead_filters.filter_errors(source, prepared[rows], weights))
        return np.concatenate(parts)

    @cached_property
    def mean_record(self) -> Float64Array:
        """The mean of the people's records, (leads, samples)."""
        return np.asarray(self.prepared.mean(axis=0, dtype=np.float64))

    @cached_property
    def mean_errors(self) -> Float64Array:
        """Squared errors (n, leads) of the mean record of everybody else."""
        off = (self.prepared - self.mean_record) * (self.n / (self.n - 1))
        return np.asarray(np.einsum("nlt,nlt->nl", off, off))

    @cached_property
    def completed(self) -> Completed:
        """Errors of hidden patches, completed by the model and by what costs nothing.

        The model is given signals whose hidden samples are drawn over by a straight line: it cannot
        look. Other patches are hidden in every lead, and in every batch of people.

        Raises:
            MeasurementError: another shape, or no numbers.
        """
        n, leads, samples = self.people.signals.shape
        length = max(2, round(PATCH * self.people.rate))
        if samples < 2 * length:
            raise MeasurementError(f"{samples} samples hold no two patches of {length}")
        rng = self.evidence.rng("hidden patches")
        found = {name: np.zeros((n, leads)) for name in ("model", "line", "mean", "power")}
        for rows in _batches(n):
            hidden = gaps.hidden_patches(leads, samples, length, HIDDEN, rng)
            signals = self.people.signals[rows]
            bridged = gaps.bridged(signals, hidden)
            x = _as_signals(np.asarray(self.evidence.prepare(bridged)), bridged.shape, "prepare")
            completed = self.evidence.model.complete(bridged.copy(), hidden.copy())
            completed = _as_signals(np.asarray(completed), bridged.shape, "complete")
            real = gaps.in_units_of(signals, bridged, x)
            wanted = self.prepared[rows] if real is None else real
            nothing = np.zeros(1, np.float32)
            tries = {"model": completed, "line": x, "mean": self.mean_record, "power": nothing}
            for name, guess in tries.items():
                off = np.where(hidden, np.asarray(guess, np.float64) - wanted, 0.0)
                found[name][rows] = np.einsum("nlt,nlt->nl", off, off, dtype=np.float64)
        return Completed(**found)


def aligned(evidence: Evidence) -> Aligned:
    """The one `Aligned` of this evidence."""
    found: Aligned = evidence.shared.setdefault("aligned", Aligned(evidence))
    return found


def _batches(n: int) -> Iterator[slice]:
    return (slice(start, min(start + BATCH, n)) for start in range(0, n, BATCH))


def _sum(parts: Iterator[Correlations] | list[Correlations]) -> Correlations:
    first, *others = parts
    for other in others:
        first = first + other
    return first


def _as_signals(rows: NDArray[np.floating], shape: tuple[int, ...], what: str) -> FloatArray:
    if rows.shape != shape:
        raise MeasurementError(f"{what} gave shape {rows.shape}; {shape} was expected")
    return np.asarray(finite(rows, f"what {what} gave"), np.float32)
