"""How much of age the latents tell by way of sex, site and device."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.checks.leak_measurements import measured_leak
from axis_audit.errors import NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.finding import Measurement, Region
from axis_audit.statistics.levels import Levels

SMALLEST_GROUP = 10
"""Fewer people than this of a site or device have no mean age worth its degree of freedom."""
COLUMNS = ("sex", "site", "device")


def inherited_leak(evidence: Evidence, region: Region) -> Measurement:
    """R² of age on metadata times R² of its fitted values on z, both with exact intervals.

    Raises:
        NotApplicable: the cohort says nothing of sex, site or device that differs.
    """
    import dataclasses

    from axis_audit.probes.linear import linear_leak
    from axis_audit.statistics.r_squared import detectable_r_squared, population_r_squared_interval

    tables = {name: groups(getattr(evidence.cohort, name)) for name in COLUMNS}
    known = [table for table in tables.values() if table.shape[1]]
    if not known:
        raise NotApplicable("the cohort does not tell people's sex, site or device apart")
    n, ages = evidence.n, evidence.ages
    told, fitted, rank = _explained(np.column_stack(known), ages)
    # Both ends hold at once when each has half the level.
    halved = Levels(evidence.levels.pass_tail / 2, evidence.levels.fail_tail / 2)
    leak = linear_leak(evidence.latents, fitted, region.high, halved, seed=evidence.seed)
    ends = [
        population_r_squared_interval(told, n, rank, tail)
        for tail in (halved.pass_tail, halved.fail_tail)
    ]
    interval, fail_interval = (
        (ours[0] * theirs[0], ours[1] * theirs[1])
        for ours, theirs in zip(ends, (leak.interval, leak.fail_interval), strict=True)
    )
    share = max(0.0, 1 - (1 - told) * (n - 1) / max(n - rank - 1, 1))
    detectable = None
    if share > region.high:
        inherited = region.high / share
        detectable = share * detectable_r_squared(n, leak.rank, inherited, halved.fail_tail)
    measurement = measured_leak(
        leak,
        n,
        details={
            **{f"R² of age on {k}": _explained(t, ages)[0] for k, t in tables.items() if t.size},
            "R² of age on all of them": told,
            "R² of what they tell, on z": leak.r2,
            "groups": rank + 1,
        },
    )
    # No plants: whether the metadata of this cohort tell age at all decides what can be inherited.
    return dataclasses.replace(
        measurement,
        estimate=share * leak.estimate,
        interval=interval,
        fail_interval=fail_interval,
        minimum_detectable=detectable,
        controls=dataclasses.replace(measurement.controls, power_at_margin=None),
    )


def groups(column: NDArray[np.str_]) -> NDArray[np.float64]:
    """Membership of each group but the first, shape (n, groups - 1); small groups are one group.

    No column at all where everybody is in one group.
    """
    values, group, counts = np.unique(column, return_inverse=True, return_counts=True)
    small = counts < SMALLEST_GROUP
    group = np.where(small[group], len(values), group)
    members = np.unique(group)
    return np.asarray(group[:, None] == members[None, 1:], np.float64)


def _explained(
    table: NDArray[np.float64], ages: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], int]:
    """In-sample R² of age (n,) on a table (n, k), the fitted values, and the table's rank."""
    centred, y = table - table.mean(axis=0), ages - ages.mean()
    slopes, _, rank, _ = np.linalg.lstsq(centred, y, rcond=None)
    fitted = centred @ slopes
    return float(np.clip(fitted @ fitted / (y @ y), 0, 1)), fitted, int(rank)
