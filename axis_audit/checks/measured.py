"""From an estimate over the audited people to a measurement."""

from __future__ import annotations

from typing import Any

from axis_audit.evidence import Evidence
from axis_audit.finding import Measurement
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
