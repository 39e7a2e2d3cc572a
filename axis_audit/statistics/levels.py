"""The two error rates of every interval, and an estimate that carries both intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from axis_audit.finding import Interval


@dataclass(frozen=True)
class Levels:
    """Tail probabilities of one side of an interval.

    Attributes:
        pass_tail: each tail of the interval that decides PASS.
        fail_tail: each tail of the interval that decides FAIL (.05 / m, see `decision.fail_tail`).
    """

    pass_tail: float = 0.025
    fail_tail: float = 0.05

    def __post_init__(self) -> None:
        for name in ("pass_tail", "fail_tail"):
            if not 0 < getattr(self, name) < 0.5:
                raise ValueError(f"{name} must lie between 0 and .5, got {getattr(self, name)}")


@dataclass(frozen=True)
class Estimate:
    """A point estimate with the interval for PASS and the interval for FAIL."""

    value: float
    interval: Interval
    fail_interval: Interval

    @classmethod
    def undefined(cls) -> Estimate:
        """The estimate of a statistic that the data do not define (verdict ERROR)."""
        nothing = (math.nan, math.nan)
        return cls(math.nan, nothing, nothing)
