"""A trained system in numbers for each person, so that two can be compared person by person.

The measures are the audit's own (`axis_audit.aligned`, `axis_audit.measures`). What is a mean over
pairs of people is kept as what each person brings to it (Hoeffding 1948).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from axis_audit.aligned import Aligned
from axis_audit.evidence import Evidence
from axis_audit.measures import shared_space
from axis_audit.statistics.pairs import influences
from model.alignment import inference, intervals
from model.alignment.adapter import AlignmentModel
from model.training import chunks

Array = NDArray[np.float64]
Values = Mapping[str, Array]
Statistic = Callable[[Values, Array], Array]
CHUNK = 64


@dataclass(frozen=True)
class Measure:
    """One column of a comparison.

    Attributes:
        words: what it is. better: 1 where more is better, -1 where less is.
        statistic: of people's values and multiplicities (k, n): k values.
    """

    words: str
    better: int
    statistic: Statistic


def _mean(name: str) -> Statistic:
    return lambda values, w: (w @ values[name]) / w.sum(axis=1)


def _over_ridge(values: Values, w: Array) -> Array:
    return np.asarray((w @ values["drawn"]) / (w @ values["ridge"]))


def _hidden(values: Values, w: Array) -> Array:
    best = np.minimum(w @ values["hidden_line"], w @ values["hidden_mean"])
    return np.asarray((w @ values["hidden"]) / best)


MEASURES: Mapping[str, Measure] = {
    "farther": Measure("retrieval: others farther", 1, _mean("farther")),
    "first": Measure("retrieval: first of all", 1, _mean("first")),
    "later": Measure("another 5 s: others farther", 1, _mean("later")),
    "later_first": Measure("another 5 s: first of all", 1, _mean("later_first")),
    "correlation": Measure("correlation", 1, _mean("correlation")),
    "uniformity": Measure(
        "uniformity (log)", -1, lambda v, w: np.log(w @ v["crowding"] / w.sum(axis=1))
    ),
    "drawn": Measure(
        "drawn, of the ridge's error", -1, lambda v, w: _over_ridge(v, w).mean(axis=1)
    ),
    "drawn_worst": Measure(
        "drawn from the worst lead", -1, lambda v, w: _over_ridge(v, w).max(axis=1)
    ),
    "hidden": Measure("hidden patches, of a simple guess's error", -1, _hidden),
}


def ridge_of_people(found: Aligned) -> Array:
    """What a ridge leaves of the other leads, (n, source leads), whatever was trained."""
    return _others(found, found.ridge)


def _others(found: Aligned, errors: Array) -> Array:
    shares = errors / found.power
    total = shares.sum(axis=2) - np.einsum("naa->na", shares)
    return np.asarray(total / (len(found.leads) - 1))


def values_of_people(model: AlignmentModel, evidence: Evidence) -> dict[str, Array]:
    """What each person brings to every measure, all (n,) but "drawn": (n, source leads).

    Retrieval is by whole records; "another 5 s" asks with a record's first half for its second.
    """
    found = Aligned(evidence)
    units = shared_space.directions(found.embeddings)
    farther, nearer = shared_space.farther_everywhere(units)
    off = ~np.eye(len(units), dtype=bool)
    centred = shared_space.centred_directions(found.embeddings)
    cosines, _ = shared_space.cosines_of_pairs(centred)
    crowding = np.mean([shared_space.crowding(rows) for rows in units], axis=0)
    later, later_first = _later(model, found.people.signals)
    hidden = found.completed
    power = hidden.power.mean(axis=0)
    return {
        "farther": influences(farther),
        "first": (nearer[off] <= 0).mean(axis=0),
        "later": influences(later),
        "later_first": later_first,
        "correlation": np.diag(cosines) - influences(cosines),
        "crowding": influences(crowding),
        "drawn": _others(found, found.drawn.errors),
        "hidden": (hidden.model / power).mean(axis=1),
        "hidden_line": (hidden.line / power).mean(axis=1),
        "hidden_mean": (hidden.mean / power).mean(axis=1),
    }


def _later(model: AlignmentModel, signals: NDArray[np.float32]) -> tuple[Array, Array]:
    """Of all pairs of leads: who is farther than the right one, (n, n), and how often nobody is."""
    window = model.network.config.window
    queries, gallery = (
        _embedded(model, signals[..., part]) for part in (slice(0, window), slice(-window, None))
    )
    leads, n, _ = queries.shape
    total, first = np.zeros((n, n)), np.zeros(n)
    for a in range(leads):
        for b in range(leads):
            if a != b:
                behind = shared_space.farther(queries[a], gallery[b])
                total += behind
                first += behind.sum(axis=1) >= n - 0.5  # level with itself alone: half
    pairs = leads * (leads - 1)
    return total / pairs, first / pairs


def _embedded(model: AlignmentModel, signals: NDArray[np.float32]) -> NDArray[np.float32]:
    leads = torch.arange(signals.shape[1])
    with torch.inference_mode():
        parts = [
            inference.embed(
                model.network, torch.from_numpy(signals[rows].copy()).transpose(0, 1), leads
            ).numpy()
            for rows in chunks(len(signals), CHUNK)
        ]
    return shared_space.directions(np.concatenate(parts, axis=1))


def judged(values: Values) -> dict[str, Any]:
    """Every measure with its 95 % interval over people."""
    return {name: intervals.interval(partial(m.statistic, values), _people(values))
            for name, m in MEASURES.items()}  # fmt: skip


def differences(values: Values, others: Values) -> dict[str, Any]:
    """Every measure less that of another system on the same people, with its interval."""
    found = {}
    for name, measure in MEASURES.items():

        def less(w: Array, ask: Statistic = measure.statistic) -> Array:
            return np.asarray(ask(values, w) - ask(others, w))

        found[name] = intervals.interval(less, _people(values))
    return found


def _people(values: Values) -> int:
    return len(values["first"])
