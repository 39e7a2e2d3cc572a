"""From an estimate over the audited people to a measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axis_audit.evidence import Evidence
from axis_audit.finding import Interval, Measurement
from axis_audit.statistics.levels import Estimate


def measured(estimate: Estimate, evidence: Evidence, **rest: Any) -> Measurement:
    """One row a patient, both intervals of the estimate; `rest` are other fields of Measurement."""
    return of_people(estimate, evidence.n, **rest)


def of_people(estimate: Estimate, n: int, **rest: Any) -> Measurement:
    """As `measured`, of n of the audited people."""
    return Measurement(
        estimate.value,
        estimate.interval,
        n,
        n,
        fail_interval=estimate.fail_interval,
        **rest,
    )


def largest(estimates: Sequence[Estimate]) -> Estimate:
    """The largest of several parameters.

    From the largest lower end to the largest upper end: the upper end holds the largest parameter
    as often as one interval does its own, the lower end where the level was shared among them.
    """

    def ends(of: str) -> Interval:
        intervals = [getattr(e, of) for e in estimates]
        return max(low for low, _ in intervals), max(high for _, high in intervals)

    return Estimate(max(e.value for e in estimates), ends("interval"), ends("fail_interval"))
