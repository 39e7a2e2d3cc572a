"""What an audit says: measurements, verdicts, findings and the report that holds them.

Plain frozen dataclasses in plain numbers; nothing here knows how a number was made or is shown.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class Verdict(StrEnum):
    """The five words an audit may say about a claim."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Region:
    """The acceptable region of a claim: a closed interval on the measurement's line."""

    low: float = -math.inf
    high: float = math.inf
    unit: str = ""

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise ValueError(
                f"an acceptable region needs low <= high, got [{self.low}, {self.high}]"
            )

    def contains(self, low: float, high: float) -> bool:
        """Whether the whole interval [low, high] lies inside the region."""
        return self.low <= low and high <= self.high

    def excludes(self, low: float, high: float) -> bool:
        """Whether the whole interval [low, high] lies outside the region."""
        return high < self.low or low > self.high

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.low == self.high:
            return f"= {self.low:g}{unit}"
        if math.isinf(self.low):
            return f"≤ {self.high:g}{unit}"
        if math.isinf(self.high):
            return f"≥ {self.low:g}{unit}"
        return f"in [{self.low:g}, {self.high:g}]{unit}"


def Below(margin: float, unit: str = "") -> Region:  # noqa: N802 - reads as a region, not a verb
    """The region of values at most `margin`."""
    return Region(high=margin, unit=unit)


def Above(margin: float, unit: str = "") -> Region:  # noqa: N802
    """The region of values at least `margin`."""
    return Region(low=margin, unit=unit)


def Within(low: float, high: float, unit: str = "") -> Region:  # noqa: N802
    """The region of values from `low` to `high`."""
    return Region(low=low, high=high, unit=unit)


def Exactly(value: float, unit: str = "") -> Region:  # noqa: N802
    """The region of one value: for exact checks."""
    return Region(low=value, high=value, unit=unit)


Interval = tuple[float, float]


@dataclass(frozen=True)
class Controls:
    """What the measurement's own controls showed (design: controls of fitted statistics).

    Attributes:
        power_at_margin: share of effects planted at the margin that were told apart from none;
            below .9 the check cannot PASS. None when the statistic is exact and needs no plant.
        null_at_zero: whether ages permuted by patient landed at zero; if not, the check can
            neither PASS nor FAIL.
        complaint: a broken assumption of the interval (a fitted tail that does not fit, too few
            patients); if set, the check can neither PASS nor FAIL.
    """

    power_at_margin: float | None = None
    null_at_zero: bool = True
    complaint: str = ""


@dataclass(frozen=True)
class Measurement:
    """One number with its uncertainty, before anybody judges it.

    Attributes:
        estimate: the point estimate, in the unit of the check's acceptable region.
        interval: the two-sided interval with 2.5 % on each side; decides PASS.
        fail_interval: the wider interval at the corrected level, .05 / m; decides FAIL.
            None for an exact measurement (no error rate) and where it equals `interval`.
        n: rows that entered the statistic. n_patients: people they come from.
        minimum_detectable: smallest true value on the region's line that would have been a FAIL
            with 90 % power; None for exact measurements.
        patients_needed: how many people would have decided, where that is known.
        figure: plain lists for the report's figure, keyed by series; "kind" names the drawing.
        details: further plain numbers worth printing.
    """

    estimate: float
    interval: Interval
    n: int
    n_patients: int
    fail_interval: Interval | None = None
    exact: bool = False
    minimum_detectable: float | None = None
    patients_needed: int | None = None
    controls: Controls = Controls()
    figure: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def exactly(
        cls,
        value: float,
        *,
        n: int,
        n_patients: int = 0,
        figure: Mapping[str, Any] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Measurement:
        """Measure without sampling error: the interval is the point."""
        value = float(value)
        return cls(
            value,
            (value, value),
            n,
            n_patients,
            exact=True,
            figure=figure or {},
            details=details or {},
        )


@dataclass(frozen=True)
class Finding:
    """One check's outcome on one model and cohort.

    `id` is family.check. `gate` says whether this finding decides the audit's exit status.
    `screen`: its PASS certifies nothing, its FAIL decides. `explanation` says how the number is
    computed. `loosened` says that the region is wider than the check's default. `resumed`: it was
    made by an earlier run of the same audit, which was interrupted.
    """

    id: str
    claim: str
    family: str
    gate: bool
    verdict: Verdict
    reason: str
    estimate: float | None = None
    interval: Interval | None = None
    fail_interval: Interval | None = None
    acceptable: Region = Region()
    default_acceptable: Region = Region()
    n: int = 0
    n_patients: int = 0
    exact: bool = False
    minimum_detectable: float | None = None
    patients_needed: int | None = None
    likely_cause: str = ""
    next_step: str = ""
    source: str = ""
    explanation: str = ""
    screen: bool = False
    figure: Mapping[str, Any] = field(default_factory=dict, repr=False)
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    resumed: bool = False

    @property
    def loosened(self) -> bool:
        """Whether the acceptable region reaches beyond the check's default."""
        ours, default = self.acceptable, self.default_acceptable
        return ours.low < default.low or ours.high > default.high


@dataclass(frozen=True, repr=False)
class AuditReport:
    """Everything one audit found. `verdict` counts the gates in force, and only them.

    `missing` names gates in force that left no finding (deselected, skipped, xfailed, crashed).
    `baseline` is what the comparison with an older report said, where one was asked for.
    `stopped` says why the audit ended before its end, "" if it did not; then it cannot PASS.
    `not_run` says of each check without a finding, gate or not, why it has none.
    """

    html_view: ClassVar[Callable[[AuditReport], str] | None] = None
    """How notebooks show it; set by `report.notebook`, a floor above."""

    checkpoint: Mapping[str, Any]
    cohort: Mapping[str, Any]
    scope: str
    gates: tuple[str, ...]
    findings: tuple[Finding, ...]
    missing: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    seconds: float = 0.0
    model: Mapping[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, Any] | None = None
    stopped: str = ""
    not_run: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        counts = Counter(str(f.verdict) for f in self.gate_findings)
        counts.update({"did not run": len(self.missing)} if self.missing else {})
        tally = ", ".join(f"{n} {word}" for word, n in counts.items()) or "no gate ran"
        people, name = self.cohort.get("patients", "?"), self.cohort.get("name", "")
        kind = self.model.get("kind", "model")
        return f"<AuditReport {self.verdict}: {kind!r} on {people} patients of {name!r}; {tally}>"

    def _repr_html_(self) -> str | None:
        view = type(self).html_view
        return None if view is None else view(self)

    @property
    def gate_findings(self) -> tuple[Finding, ...]:
        """The findings that decide."""
        return tuple(f for f in self.findings if f.gate)

    @property
    def verdict(self) -> Verdict:
        """FAIL beats INCONCLUSIVE beats PASS; an audit without a data-dependent gate cannot PASS.

        A finding of NOT_APPLICABLE is never a gate: a claimed capability that is lacking arrives
        as FAIL, and a claim that cannot be put to this model decides nothing.
        """
        verdicts = {f.verdict for f in self.gate_findings}
        if verdicts & {Verdict.FAIL, Verdict.ERROR}:
            return Verdict.FAIL
        data_dependent = [f for f in self.gate_findings if f.n_patients > 0]
        incomplete = self.missing or self.stopped
        if incomplete or Verdict.INCONCLUSIVE in verdicts or not data_dependent:
            return Verdict.INCONCLUSIVE
        return Verdict.PASS
