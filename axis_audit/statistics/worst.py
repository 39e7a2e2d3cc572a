"""The worst of several estimates of the same people, with an interval that allows for the choice.

The largest of some true values lies between the largest of the lower ends and the largest of the
upper ends whenever each value lies within its own. For PASS no correction is needed: all must be
inside the region (intersection-union). For FAIL the estimates share the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from axis_audit.statistics.levels import Estimate, Levels


def shared(levels: Levels, count: int) -> Levels:
    """Levels at which each of `count` estimates is to be made, for the worst of them."""
    return replace(levels, fail_tail=levels.fail_tail / count)


def largest(estimates: Sequence[Estimate]) -> Estimate:
    """The largest of estimates made at `shared` levels."""
    return Estimate(
        max(e.value for e in estimates),
        (max(e.interval[0] for e in estimates), max(e.interval[1] for e in estimates)),
        (max(e.fail_interval[0] for e in estimates), max(e.fail_interval[1] for e in estimates)),
    )


def smallest(estimates: Sequence[Estimate]) -> Estimate:
    """The smallest of estimates made at `shared` levels."""
    return Estimate(
        min(e.value for e in estimates),
        (min(e.interval[0] for e in estimates), min(e.interval[1] for e in estimates)),
        (min(e.fail_interval[0] for e in estimates), min(e.fail_interval[1] for e in estimates)),
    )
