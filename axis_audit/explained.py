"""What attribution checks share: who is ill, the maps of why a model says so, and their regions.

Attribution is expensive: the ill are thinned to `MOST_MAPS` a disease, and what needs several maps
or curves of a person looks at `FEW` of them. All of it is computed disease by disease, when it is
first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from axis_audit import perturbations
from axis_audit.cohort import Cohort
from axis_audit.diseases import BY_NAME, Disease, labels
from axis_audit.errors import MeasurementError
from axis_audit.evidence import Evidence, batched, finite
from axis_audit.regions import masks

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]
MOST_MAPS = 60
"""People of a disease whose maps are made, at random of those who have it."""
FEW = 24
"""Of these, people whose other maps and curves are made."""
BOTH = 48
"""Of these, people with another disease whose map of it is made, too: one map a person."""
FEWEST = 15
"""People with a disease; fewer say nothing of its maps."""
BATCH = 16
DECIBELS = 20.0
"""Of the noise under which a map is to stand still."""
_SAME_MODEL = 0.95
"""Correlation of logits from which on a model is no other one."""
_T = TypeVar("_T")


@dataclass
class Case:
    """The ill of one disease.

    Attributes:
        disease: of `diseases.py`. cohort: the audited people. found: how many have it.
        rows: of these people in the cohort, at most `MOST_MAPS`, in random order. logits: (n,).
        others: other diseases that each of them has, too.
        made: maps and curves of these people, by what they are.
    """

    disease: Disease
    cohort: Cohort = field(repr=False)
    found: int
    rows: NDArray[np.int64]
    logits: Float64Array
    others: tuple[tuple[str, ...], ...]
    made: dict[object, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def people(self) -> Cohort:
        """The ill; there must be some."""
        return self.cohort.subset(self.rows)

    @cached_property
    def masks(self) -> NDArray[np.bool_]:
        """The waves where it shows, (n, samples); a row without a usable beat is False."""
        return masks(self.people, self.disease.waves)

    @cached_property
    def few(self) -> FloatArray:
        """Signals of the first `FEW` people."""
        return self.people.signals[:FEW]

    @cached_property
    def both(self) -> NDArray[np.int64]:
        """Rows of the first `BOTH` people who have another disease, too."""
        return np.flatnonzero([bool(others) for others in self.others])[:BOTH]

    def once(self, what: object, make: Callable[[], _T]) -> _T:
        """`make()`, called the first time alone."""
        if what not in self.made:
            self.made[what] = make()
        found: _T = self.made[what]
        return found


@dataclass
class Explained:
    """The audited people with a disease, and what a model says of why (`Explains`)."""

    evidence: Evidence

    @property
    def model(self) -> Any:
        """The model under audit."""
        return self.evidence.model

    @cached_property
    def diseases(self) -> tuple[str, ...]:
        """Diseases of the model that `diseases.py` knows.

        Raises:
            MeasurementError: none is known, or a name stands there twice.
        """
        named = tuple(self.model.diseases)
        if len(set(named)) < len(named):
            raise MeasurementError(f"the model names a disease twice: {named}")
        known = tuple(name for name in named if name in BY_NAME)
        if not known:
            raise MeasurementError(f"of the model's diseases {named} none is in {tuple(BY_NAME)}")
        return known

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Names of its methods; the first is the one that is claimed."""
        named = tuple(self.model.explanations)
        if not named or len(set(named)) < len(named):
            raise MeasurementError(f"the model's methods of explanation are {named}")
        return named

    @cached_property
    def logits(self) -> Float64Array:
        """Logits of all audited people, (n, diseases of the model)."""
        return self.classified(self.evidence.cohort.signals)

    def classified(self, signals: FloatArray, model: Any = None) -> Float64Array:
        """Logits (n, diseases of the model) of any signals, all finite.

        Raises:
            MeasurementError: another shape, or no numbers.
        """
        asked = self.model if model is None else model
        found = np.asarray(batched(asked.classify, signals))
        if found.shape != (len(signals), len(tuple(self.model.diseases))):
            raise MeasurementError(f"classify gave shape {found.shape} for {len(signals)} signals")
        return finite(found, "logits").astype(np.float64)

    def column(self, name: str) -> int:
        """Where a disease stands in the logits."""
        return tuple(self.model.diseases).index(name)

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        """The ill of each disease, whatever the model says of them."""
        cohort, found = self.evidence.cohort, {}
        ill = {name: labels(cohort, BY_NAME[name]) == 1 for name in self.diseases}
        for name in self.diseases:
            rows = np.flatnonzero(ill[name])
            count = len(rows)
            rows = self.evidence.rng(f"people with {name}").permutation(rows)[:MOST_MAPS]
            others = tuple(
                tuple(other for other in self.diseases if other != name and ill[other][row])
                for row in rows
            )
            logits = self.logits[rows, self.column(name)]
            found[name] = Case(BY_NAME[name], cohort, count, rows, logits, others)
        return found

    def separation(self, name: str) -> float:
        """Median logit of the ill less that of the well.

        Raises:
            MeasurementError: the ill have no higher one.
        """
        found = labels(self.evidence.cohort, BY_NAME[name])
        of_ill, of_well = (self.logits[found == k, self.column(name)] for k in (1, 0))
        apart = float(np.median(of_ill) - np.median(of_well)) if of_well.size else np.nan
        if not apart > 0:
            raise MeasurementError(f"those with {name} get no higher logits than those without")
        return apart

    def baselines(self, signals: FloatArray) -> FloatArray:
        """What signals are compared with, all finite."""
        return _as_maps(batched(self.model.baseline, signals), signals.shape, "baseline")

    def explained(
        self, signals: FloatArray, name: str, method: str | None = None, model: Any = None
    ) -> FloatArray:
        """Maps of any signals by a method, the claimed one by default, all finite.

        Raises:
            MeasurementError: another shape, or no numbers.
        """
        asked = self.model if model is None else model
        way = self.methods[0] if method is None else method
        parts = [
            np.asarray(asked.explain(signals[rows].copy(), name, way))
            for rows in _batches(len(signals))
        ]
        return _as_maps(np.concatenate(parts), signals.shape, f"maps of {name} by {way}")

    def maps(self, name: str) -> FloatArray:
        """Claimed maps of everybody in a case."""
        case = self.cases[name]
        return case.once("maps", lambda: self.explained(case.people.signals, name))

    def other_method(self, name: str, method: str) -> FloatArray:
        """Maps by another method of the first `FEWEST` people who have `both` diseases."""
        case = self.cases[name]
        # Hiding patch after patch takes ten times as long as integrating gradients.
        signals = case.people.signals[case.both[:FEWEST]]
        return case.once(("method", method), lambda: self.explained(signals, name, method))

    def other_diseases(self, name: str) -> tuple[FloatArray, NDArray[np.int64]]:
        """Claimed maps of every other disease of the people who have `both`, and their rows.

        Of diseases they do not have maps are of another sign, or silent, whatever they show.

        Returns:
            maps (pairs, leads, samples), and for each the place of its person in `both`.
        """
        case = self.cases[name]

        def make() -> tuple[FloatArray, NDArray[np.int64]]:
            maps, whose = [], []
            for other in self.diseases:
                places = np.flatnonzero([other in case.others[row] for row in case.both])
                if places.size:
                    maps.append(self.explained(case.people.signals[case.both[places]], other))
                    whose.append(places)
            return np.concatenate(maps), np.concatenate(whose)

        return case.once("other diseases", make)

    def noisy(self, name: str) -> FloatArray:
        """Claimed maps of a few people under white noise."""
        case = self.cases[name]

        def make() -> FloatArray:
            rng = self.evidence.rng(f"noise on people with {name}")
            return self.explained(perturbations.noise(case.few, rng, DECIBELS), name)

        return case.once("noisy", make)

    @cached_property
    def randomised(self) -> Any:
        """The model with weights drawn anew, checked to be another one.

        Raises:
            MeasurementError: it classifies as the audited model does, or has changed that.
        """
        signals = self.evidence.cohort.signals[:200]
        drawn = self.model.randomised(self.evidence.seed + 1)
        now, other = self.classified(signals), self.classified(signals, drawn)
        if not np.allclose(now, self.logits[: len(signals)], rtol=1e-3, atol=1e-3):
            raise MeasurementError("randomised changed the model that is audited")
        for name in self.diseases:
            a, b = now[:, self.column(name)], other[:, self.column(name)]
            if np.std(b) > 0 and abs(np.corrcoef(a, b)[0, 1]) > _SAME_MODEL:
                raise MeasurementError(
                    f"randomised gave a model whose logits of {name} are those of the audited one"
                )
        return drawn

    def of_randomised(self, name: str) -> FloatArray:
        """Claimed maps of a few people by the model with other weights."""
        case = self.cases[name]
        return case.once(
            "randomised", lambda: self.explained(case.few, name, model=self.randomised)
        )


def explained(evidence: Evidence) -> Explained:
    """The one `Explained` of this evidence."""
    found: Explained = evidence.shared.setdefault("explained", Explained(evidence))
    return found


def _batches(n: int) -> Iterator[slice]:
    return (slice(start, min(start + BATCH, n)) for start in range(0, n, BATCH))


def _as_maps(rows: NDArray[Any], shape: tuple[int, ...], what: str) -> FloatArray:
    if rows.shape != shape:
        raise MeasurementError(f"{what} have shape {rows.shape}; {shape} was expected")
    return np.asarray(finite(rows, what), np.float32)
