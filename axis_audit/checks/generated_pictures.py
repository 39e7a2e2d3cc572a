"""Pictures of what a generative model makes; they decide nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.checks import figures
from axis_audit.generated import Generated
from axis_audit.measures.principal import principal_directions

Float64Array = NDArray[np.float64]
_PLACES = (0.1, 0.5, 0.9)
"""Quantiles of the people's errors at which people are shown: well, ordinarily, badly redrawn."""
_MOST_DOTS = 250
_PAPER_RATE = 250.0
_TRAVERSED = 6
_OUT = 2.0
"""Standard deviations of the prior to which a dimension is moved."""


def clouds(made: Generated, series: Mapping[str, Float64Array]) -> dict[str, Any]:
    """Signals on the first two principal components of the real ones, one cloud a series."""
    centre, directions = principal_directions(made.real, 2)
    points = {}
    for name, rows in series.items():
        keep = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _MOST_DOTS)).astype(int))
        points[name] = (rows[keep] - centre) @ directions.T
    return figures.clouds(
        points,
        x_label="first principal component of the real signals",
        y_label="second",
        title=f"{' and '.join(series)} signals",
    )


def examples(made: Generated) -> dict[str, Any]:
    """Real and reconstructed signals of three people on ECG paper, in units of the RMS.

    Those whose error stands at a tenth, the middle and nine tenths of everybody's: nobody is shown
    for looking well.
    """
    error = np.sum((made.made - made.real) ** 2, axis=1)
    person_error = made.by_person(error)
    order = np.argsort(person_error)
    people = {}
    for place, word in zip(_PLACES, ("a tenth", "half", "nine tenths"), strict=True):
        who = order[round(place * (len(order) - 1))]
        row = int(np.flatnonzero(made.owners == who)[0])
        age, sex = made.rows.age[row], made.rows.sex[row]
        about = ", ".join(t for t in (f"{age:.0f} years" if age == age else "", str(sex)) if t)  # noqa: PLR0124
        name = f"{about or 'of unknown age'} ({word} are redrawn better)"
        people[name] = {
            "recorded": _on_paper(made, made.real, row),
            "reconstructed": _on_paper(made, made.made, row),
        }
    return figures.beats(
        made.rows.leads,
        people,
        rate=_PAPER_RATE,
        unit="RMS",
        title="signals as recorded and as reconstructed",
    )


def _on_paper(made: Generated, rows: Float64Array, row: int) -> Float64Array:
    """One row (leads, samples) at the paper's rate: a row of cycles has a rate of its own."""
    waves = rows[row].reshape(len(made.rows.leads), -1)
    seconds = made.seconds[row]
    times = np.arange(0.0, seconds, 1.0 / _PAPER_RATE)
    given = np.arange(waves.shape[1]) * seconds / waves.shape[1]
    return np.stack([np.interp(times, given, wave) for wave in waves])


def traversals(made: Generated) -> dict[str, Any]:
    """One panel a latent dimension: the mean latent with this dimension moved, all else alike.

    Those that change the signal most.
    """
    d = made.latents.shape[1]
    middle = np.repeat(made.latents.mean(axis=0)[None], d, axis=0)
    drawn = {
        word: made.decoded(middle + amount * np.eye(d))
        for word, amount in (("−2 SD", -_OUT), ("at the mean", 0.0), ("+2 SD", _OUT))
    }
    change = np.sum((drawn["+2 SD"] - drawn["−2 SD"]) ** 2, axis=1)
    shown = np.argsort(-change)[:_TRAVERSED]
    series = {word: made.one_lead(rows[shown]) for word, rows in drawn.items()}
    return figures.leads(
        [f"z{k + 1}" for k in shown],
        series,
        rate=made.rows.signals.shape[2] / float(np.median(made.seconds)),
        unit="RMS",
        title="what a latent dimension does: those that do most, each moved alone",
    )
