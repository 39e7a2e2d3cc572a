"""Are a generative model's draws new, or recordings it was trained on?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from axis_audit.capabilities import Generates
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Controls, Interval, Measurement, Region
from axis_audit.generated import Generated, generated
from axis_audit.measures.principal import principal_directions
from axis_audit.people import MOST_ROWS
from axis_audit.registry import check
from axis_audit.statistics.intervals import proportion, quantile
from axis_audit.statistics.levels import Estimate, Levels
from axis_audit.statistics.worst import largest, shared

Float64Array = NDArray[np.float64]
COMPONENTS = 20
COPIES = 10_000
"""Draws that are compared with one another: of few, two are hardly of one person."""
QUARTILE = 0.25
MOST_ALIKE = 0.1
SEEN = 0.3
"""Share of draws that must be found near if all draws are copies, or nothing is certified."""
SMALLEST_NEAR = 0.02
"""Of the median distance between strangers: nearer rows of a person are one row twice."""


@dataclass(frozen=True)
class Way:
    """One way to find copies.

    Attributes:
        draws: distance of each draw to the nearest, (n,). people: the same of each audited person.
        counted: independent draws among n. full: share near of a model that only hands out copies.
    """

    draws: Float64Array
    people: Float64Array
    counted: int
    full: float


@check(
    family="generative",
    claim="Signals drawn from the model are not recordings that it was trained on",
    acceptable=Below(0.1, "of the draws"),
    cause="the model is larger than its training set and remembers it",
    cure="more people, a smaller model, an earlier stop",
    source="nearest neighbours within the distance of two cycles of one heart; Clopper & Pearson",
)
def memorisation(model: Generates, evidence: Evidence, acceptable: Region) -> Measurement:
    """Share of draws that are as near to a known signal as a heart's own next cycle.

    As near: the lower quartile over people of the median distance between two rows of one person,
    on the 20 leading principal components of people's signals: what is left out is mostly noise,
    which recordings have and draws have not. What is looked for: a training recording so near,
    where the cohort's source holds people whom the checkpoint saw; and always another of 10,000
    draws so near, for a model that hands out recordings of people must hand out some of them
    twice. The larger share counts.

    Both ways together must be able to see it: where a model that only hands out copies of the
    people in its manifest would show less than .3, where more than a tenth of the audited people
    have a stranger so near, or where nobody has two rows, it is INCONCLUSIVE. A model of which only
    some draws are copies shows less: the details say from what share on it would be a FAIL.
    """
    made = generated(evidence)
    centre, directions = principal_directions(made.real, COMPONENTS)

    def place(rows: Float64Array) -> Float64Array:
        return np.asarray((rows - centre) @ directions.T)

    own = _within_people(made, place(made.real))
    if len(own) < 2:
        nobody = Controls(complaint="nobody has two rows: how near is near cannot be told")
        return measured(Estimate(0.0, (0.0, 1.0), (0.0, 1.0)), evidence, controls=nobody)
    ways = _ways(made, place(made.draw(COPIES)), place)
    # Either way may FAIL, so they share its level; a PASS needs both.
    levels = shared(evidence.levels, len(ways))
    near = quantile(own, QUARTILE, levels, low=0.0)
    found = {name: _share(way, near, levels) for name, way in ways.items()}
    estimate = largest(list(found.values()))
    alike = max(float((way.people <= near.value).mean()) for way in ways.values())
    full = max(way.full for way in ways.values())
    copied = estimate.fail_interval[0] > acceptable.high
    strangers = float(np.median(ways["another draw"].people))
    complaint = _complaint(alike, full, near.value / strangers if strangers else 0.0)
    return measured(
        estimate,
        evidence,
        controls=Controls(complaint="" if copied and alike <= MOST_ALIKE else complaint),
        figure=figures.attempted(lambda: _distances(ways, near.value)),
        details={
            **{f"draws with {name} so near": e.value for name, e in found.items()},
            "audited people with a stranger so near, at most": alike,
            "training people at hand": 0 if made.training is None else _at_hand(made),
            "share near if all draws were copies": full,
            "share of copies that would be a FAIL, at least": min(
                1.0, float(np.sqrt(acceptable.high / full)) if full else 1.0
            ),
        },
    )


def _ways(
    made: Generated, draws: Float64Array, place: Callable[[Float64Array], Float64Array]
) -> dict[str, Way]:
    first = place(_one_row_each(made))
    manifest = made.evidence.manifest
    trained = 0 if manifest is None else int(manifest.patients.size)
    meeting = 1 - math.exp(-len(draws) / trained) if trained else 0.0
    ways = {
        # Two draws that meet are near each other: only half of them say something new.
        "another draw": Way(_nearest(draws), _nearest(first), len(draws) // 2, meeting)
    }
    if made.training is not None:
        known = place(made.training)
        ways["a training recording"] = Way(
            _nearest(draws, known),
            _nearest(first, known),
            len(draws),
            _at_hand(made) / max(trained, 1),
        )
    return ways


def _complaint(alike: float, full: float, near: float) -> str:
    if near < SMALLEST_NEAR:
        return "the rows of a person are the same row: how near is near cannot be told"
    if alike > MOST_ALIKE:
        return (
            f"{alike:.0%} of these people have a stranger as near as their own next signal: "
            "nearness cannot tell copies"
        )
    if full < SEEN:
        return (
            f"of a model that only hands out copies {full:.0%} of draws would be found near "
            f"({SEEN:.0%} needed): audit it with more of its training people in the cohort"
        )
    return ""


def _at_hand(made: Generated) -> int:
    training = made.evidence.training
    return 0 if training is None else training.n_patients


def _within_people(made: Generated, rows: Float64Array) -> Float64Array:
    """Median distance between two rows of one person, of everybody who has two."""
    found = []
    for person in range(made.evidence.n):
        theirs = rows[made.owners == person][:MOST_ROWS]
        if len(theirs) > 1:
            found.append(float(np.median(pdist(theirs))))
    return np.array(found)


def _one_row_each(made: Generated) -> Float64Array:
    """The first row of each person."""
    _, first = np.unique(made.owners, return_index=True)
    return made.real[first]


def _nearest(rows: Float64Array, others: Float64Array | None = None) -> Float64Array:
    """Distance to the nearest of the others, or of the other rows, (n,)."""
    these = rows if others is None else others
    sizes, found = np.sum(these**2, axis=1), np.empty(len(rows))
    step = max(1, 4_000_000 // max(1, len(these)))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        squared = sizes - 2.0 * part @ these.T + np.sum(part**2, axis=1)[:, None]
        if others is None:
            squared[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        found[start : start + step] = squared.min(axis=1)
    return np.sqrt(np.maximum(found, 0.0))


def _share(way: Way, near: Estimate, levels: Levels) -> Estimate:
    """Share of draws nearer than `near`, whose own uncertainty widens the interval."""

    def counted(limit: float) -> Estimate:
        share = float((way.draws <= limit).mean())
        return proportion(round(share * way.counted), way.counted, levels)

    def ends(interval: Interval, of: str) -> Interval:
        low, high = interval
        top = 1.0 if math.isinf(high) else getattr(counted(high), of)[1]
        return getattr(counted(low), of)[0], top

    return Estimate(
        float((way.draws <= near.value).mean()),
        ends(near.interval, "interval"),
        ends(near.fail_interval, "fail_interval"),
    )


def _distances(ways: dict[str, Way], near: float) -> dict[str, object]:
    shares = np.linspace(0.0, 1.0, 101)
    series = {f"draws to {name}": np.quantile(way.draws, shares) for name, way in ways.items()}
    series["people to a stranger"] = np.quantile(ways["another draw"].people, shares)
    figure = figures.line(
        shares,
        series,
        x_label="share of signals",
        y_label="distance to the nearest",
        title="how near the nearest is",
    )
    return {**figure, "levels": {"two cycles of one heart": near}}
