"""How often the interval of an area under the ROC curve misses, by tail: python auc_interval.py."""

from __future__ import annotations

import itertools
import sys

import numpy as np
from numpy.typing import NDArray
from scipy import special

from axis_audit.statistics.auc import auc
from axis_audit.statistics.levels import Levels

Scores = NDArray[np.float64]
PEOPLE = ((20, 20), (20, 200), (30, 108), (60, 200), (110, 1500), (250, 1500))
KINDS = ("equal", "wide ill", "wide well", "some ill are missed", "some well look ill")
LEVELS = Levels(0.025, 0.003)


def draw(kind: str, area: float, ill: int, well: int, rng: np.random.Generator) -> list[Scores]:
    """Scores whose true area is known."""
    x, y = rng.standard_normal(ill), rng.standard_normal(well)
    apart, missed = float(special.ndtri(area)), 2 * (1 - area)
    if kind == "equal":
        return [x + apart * 2**0.5, y]
    if kind == "wide ill":
        return [2 * x + apart * 5**0.5, y]
    if kind == "wide well":
        return [x + apart * 5**0.5, 2 * y]
    if kind == "some ill are missed":
        return [x + 8 * (rng.random(ill) > missed), y]
    return [x + 8, y + 8 * (rng.random(well) < missed)]


def misses(kind: str, area: float, ill: int, well: int, draws: int) -> Scores:
    """Share of draws in which the truth is below, and above, the interval; at both levels."""
    rng, found = np.random.default_rng(0), np.zeros(4)
    for _ in range(draws):
        scores = draw(kind, area, ill, well, rng)
        made = auc(np.concatenate(scores), np.arange(ill + well) < ill, LEVELS)
        ends = (made.interval, made.fail_interval)
        found += [miss for low, high in ends for miss in (low > area, high < area)]
    return found / draws


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for kind, area, people in itertools.product(KINDS, (0.85, 0.94, 0.985), PEOPLE):
        print(kind, area, people, misses(kind, area, *people, count), flush=True)
