"""Are a generative model's draws new, or recordings it was trained on?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from axis_audit.capabilities import Generates
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Controls, Interval, Measurement
from axis_audit.generated import DRAWS, Generated, generated
from axis_audit.measures.principal import principal_directions
from axis_audit.registry import check
from axis_audit.statistics.intervals import proportion, quantile
from axis_audit.statistics.levels import Estimate, Levels

_MOST_ALIKE = 0.1
COMPONENTS = 20


@check(
    family="generative",
    claim="Signals drawn from the model are not recordings that it was trained on",
    acceptable=Below(0.1, "of the draws"),
    cause="the model is larger than its training set and remembers it",
    cure="more people, a smaller model, an earlier stop",
    source="nearest neighbours within the distance of two cycles of one heart; Clopper & Pearson",
)
def memorisation(model: Generates, evidence: Evidence) -> Measurement:
    """Share of 1,000 draws that are as near to a known signal as a heart's own next cycle.

    As near: the median over people of the median distance between two rows of one person, on the 20
    leading principal components of people's signals: what is left out is mostly noise, which
    recordings have and draws have not. What is looked for: a training recording so near, where the
    cohort's source holds people whom the checkpoint saw; and always another draw so near, for a
    model that hands out recordings of a few thousand people must hand out some of them twice. The
    larger share counts.

    A model that remembers more people than the second way can see, audited without any of them,
    goes unnoticed: the details say which ways were open. Where more than a tenth of people have a
    stranger so near, nearness proves nothing: INCONCLUSIVE.
    """
    made = generated(evidence)
    centre, directions = principal_directions(made.real, COMPONENTS)

    def place(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((rows - centre) @ directions.T)

    own = _within_people(made, place(made.real))
    if len(own) < 2:
        nobody = Controls(complaint="nobody has two rows: how near is near cannot be told")
        return measured(_nothing(), evidence, controls=nobody)
    draws = place(made.draws)
    ways = {"another draw": _nearest_other(draws)}
    if made.training is not None:
        ways["a training recording"] = _nearest(draws, place(made.training))
    # Either way may FAIL, so they share its level; a PASS needs both.
    levels = replace(evidence.levels, fail_tail=evidence.levels.fail_tail / len(ways))
    near = quantile(own, 0.5, levels, low=0.0)
    found = {name: _share(distances, near, levels) for name, distances in ways.items()}
    estimate = Estimate(
        max(e.value for e in found.values()),
        _largest([e.interval for e in found.values()]),
        _largest([e.fail_interval for e in found.values()]),
    )
    strangers = _nearest_other(place(_one_row_each(made)))
    alike = float((strangers < near.value).mean())
    complaint = ""
    if alike > _MOST_ALIKE:
        complaint = (
            f"{alike:.0%} of these people have a stranger as near as their own next signal: "
            "nearness cannot tell copies"
        )
    return measured(
        estimate,
        evidence,
        controls=Controls(complaint=complaint),
        figure=figures.attempted(lambda: _distances(ways, strangers, near.value)),
        details={
            **{f"draws with {name} so near": e.value for name, e in found.items()},
            "audited people with a stranger so near": alike,
            "training recordings at hand": 0 if made.training is None else len(made.training),
            "draws": DRAWS,
        },
    )


def _within_people(made: Generated, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median distance between two rows of one person, of everybody who has two."""
    found = []
    for person in range(made.evidence.n):
        theirs = rows[made.owners == person]
        if len(theirs) > 1:
            found.append(float(np.median(pdist(theirs))))
    return np.array(found)


def _one_row_each(made: Generated) -> NDArray[np.float64]:
    """The first row of each person, of as many people as there are draws at most."""
    _, first = np.unique(made.owners, return_index=True)
    return made.real[first[:DRAWS]]


def _nearest(rows: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    step = max(1, 4_000_000 // max(1, len(others)))
    parts = [cdist(rows[i : i + step], others).min(axis=1) for i in range(0, len(rows), step)]
    return np.concatenate(parts)


def _nearest_other(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    distances = cdist(rows, rows)
    np.fill_diagonal(distances, np.inf)
    return np.asarray(distances.min(axis=1))


def _share(distances: NDArray[np.float64], near: Estimate, levels: Levels) -> Estimate:
    """Share of draws nearer than `near`, whose own uncertainty widens the interval."""

    def counted(limit: float) -> Estimate:
        within = int(np.count_nonzero(distances < limit))
        return proportion(within, len(distances), levels)

    def ends(interval: Interval, of: str) -> Interval:
        low, high = interval
        top = 1.0 if math.isinf(high) else getattr(counted(high), of)[1]
        return getattr(counted(low), of)[0], top

    return Estimate(
        counted(near.value).value,
        ends(near.interval, "interval"),
        ends(near.fail_interval, "fail_interval"),
    )


def _largest(intervals: list[Interval]) -> Interval:
    return max(low for low, _ in intervals), max(high for _, high in intervals)


def _nothing() -> Estimate:
    return Estimate(0.0, (0.0, 1.0), (0.0, 1.0))


def _distances(
    ways: dict[str, NDArray[np.float64]], strangers: NDArray[np.float64], near: float
) -> dict[str, object]:
    shares = np.linspace(0.0, 1.0, 101)
    series = {f"draws to {name}": np.quantile(d, shares) for name, d in ways.items()}
    series["real signals to another person's"] = np.quantile(strangers, shares)
    figure = figures.line(
        shares,
        series,
        x_label="share of signals",
        y_label="distance to the nearest",
        title="how near the nearest is",
    )
    return {**figure, "levels": {"two cycles of one heart": near}}
