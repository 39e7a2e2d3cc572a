"""Does the model use its axis: is a beat redrawn better with g(age)·B than without?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Deforms
from axis_audit.checks import figures
from axis_audit.checks.example_beats import example_beats
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Measurement
from axis_audit.measures.axis import squared_errors
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap

_RANDOM_DIRECTIONS = 8


@check(
    family="axis",
    claim="Beats are redrawn better with g(age)·B than without it or along a random direction",
    acceptable=Above(0.05, "of the squared error"),
    cause="the axis is decorative: D(z) redraws the beat, age included, and g(age)·B is not missed",
    cure="keep age out of z (see leakage), and reconstruct through the axis during training",
    source="intervention on B; paired patient bootstrap (Efron 1987)",
)
def use(model: Deforms, evidence: Evidence) -> Measurement:
    """Share of the squared error of x - D(z) that g(age)·B takes away.

    Against the smaller of two errors: without any deformation, and with g(age) along random
    directions of B's length (the mean over eight). An axis without noise or leak takes away the
    whole age trend; what it cannot take is what D leaves of the rest of the beat.
    """
    residual = (evidence.prepared - evidence.canonical).reshape(evidence.n, -1)
    g, direction = evidence.axis_values, evidence.direction
    without = squared_errors(residual, g, np.zeros_like(direction))
    through = squared_errors(residual, g, direction)
    astray = np.mean(
        [
            squared_errors(residual, g, other)
            for other in _random_directions(direction, evidence.rng("random directions"))
        ],
        axis=0,
    )

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        error, *others = (weights @ np.stack([through, without, astray], axis=1)).T
        return np.asarray(1 - error / np.minimum(*others))

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    return measured(
        estimate,
        evidence,
        figure=figures.attempted(lambda: example_beats(evidence, through)),
        details={
            "of the error without B": float(1 - through.sum() / without.sum()),
            "of the error with random B": float(1 - through.sum() / astray.sum()),
        },
    )


def _random_directions(
    direction: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    drawn = rng.standard_normal((_RANDOM_DIRECTIONS, direction.size))
    length = np.linalg.norm(direction)
    return np.asarray(drawn * (length / np.linalg.norm(drawn, axis=1, keepdims=True)))
