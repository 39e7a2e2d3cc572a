"""One check in two reports: what it lost, what it gained, what is merely different."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from axis_audit.comparison.rule import (
    Move,
    Reading,
    common_region,
    compare_estimates,
    lost_half_its_distance,
)
from axis_audit.finding import Finding, Region, Verdict
from axis_audit.report.records import finding_record, number

RANK = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2, Verdict.ERROR: 3}
"""Verdicts from best to worst; ERROR is worst, for nothing was measured."""
_SHOWN = ("verdict", "gate", "estimate", "interval", "fail_interval", "acceptable", "unit", "exact")
_DEFINITION = ("claim", "exact", "source", "default_acceptable", "unit")


@dataclass(frozen=True)
class Side:
    """A check in one report. `in_force`: it is among the gates that the report names."""

    finding: Finding
    in_force: bool

    @property
    def decides(self) -> bool:
        """Whether it decides: a gate, or a screen that FAILs."""
        return self.finding.gate

    @property
    def passes(self) -> bool:
        """Whether it decides and is PASS."""
        return self.finding.gate and self.finding.verdict is Verdict.PASS

    @property
    def record(self) -> dict[str, Any]:
        """What a table of the comparison shows."""
        whole = finding_record(self.finding)
        return {key: whole[key] for key in _SHOWN}


@dataclass
class CheckChange:
    """What happened to one check from OLD to NEW.

    Attributes:
        losses: why it is a regression. worse: what got worse but decides nothing.
        gains: what got better. remarks: what is different.
        verdict_move, estimate_move: the two comparisons by themselves.
    """

    id: str
    old: Side | None
    new: Side | None
    losses: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    gains: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    verdict_move: Move = Move.UNKNOWN
    estimate_move: Move = Move.UNKNOWN

    @property
    def kind(self) -> str:
        """One word: new, gone, worse, better, different or same."""
        if self.old is None or self.new is None:
            return "gone" if self.new is None else "new"
        if self.losses or self.worse:
            return "worse"
        return "better" if self.gains else "different" if self.remarks else "same"

    @property
    def record(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "id": self.id,
            "change": self.kind,
            "regression": bool(self.losses),
            "reasons": [*self.losses, *self.worse, *self.gains, *self.remarks],
            "verdict_change": str(self.verdict_move),
            "estimate_change": str(self.estimate_move),
            "old": None if self.old is None else self.old.record,
            "new": None if self.new is None else self.new.record,
        }


def change_of(
    check_id: str, old: Side | None, new: Side | None, *, in_force: tuple[bool, bool]
) -> CheckChange:
    """Compare one check of two reports.

    Args:
        old, new: the check in each; None where a report has no finding of it.
        in_force: whether OLD and NEW name it among their gates, though it may not have run.
    """
    change = CheckChange(check_id, old, new)
    if old is None or new is None:
        _come_or_gone(change, *in_force)
        return change
    _decides(change, old, new)
    _verdicts(change, old, new)
    _margins(change, old, new)
    _estimates(change, old, new)
    _definitions(change, old.finding, new.finding)
    return change


def _come_or_gone(change: CheckChange, gate_before: bool, gate_now: bool) -> None:
    old, new = change.old, change.new
    if new is None and gate_now:
        place = change.remarks if gate_before and old is None else change.losses
        place.append("a gate in force that did not run")
    elif new is not None and new.decides and not new.passes:
        change.losses.append(f"OLD says nothing about this gate, and it is {new.finding.verdict}")
    elif gate_before and (new is None or not new.decides):
        change.losses.append("a gate in force in OLD that decides nothing in NEW")
    elif old is not None and old.decides:
        change.losses.append(f"it decided in OLD ({old.finding.verdict}) and is not in NEW")
    else:
        change.remarks.append("not in OLD" if old is None else "not in NEW; decided nothing in OLD")


def _decides(change: CheckChange, old: Side, new: Side) -> None:
    verdict = new.finding.verdict
    if old.decides and not new.decides:
        # A screen decides only where it FAILs; one that no longer FAILs has not lost its office.
        mended = not old.in_force and verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
        if not mended:
            change.losses.append(f"it decided in OLD; in NEW it is {verdict} and decides nothing")
    elif new.decides and not old.decides:
        if new.passes:
            change.gains.append("decides in NEW, not in OLD")
        else:
            change.losses.append(f"decides in NEW, not in OLD, and it is {verdict}")


def _verdicts(change: CheckChange, old: Side, new: Side) -> None:
    before, after = old.finding.verdict, new.finding.verdict
    if before not in RANK or after not in RANK:
        if before is not after:
            change.remarks.append(f"{before} → {after}")
        return
    step = RANK[after] - RANK[before]
    change.verdict_move = Move.WORSE if step > 0 else Move.BETTER if step < 0 else Move.SAME
    if step:
        decides = old.decides or new.decides
        place = change.gains if step < 0 else change.losses if decides else change.worse
        place.append(f"{before} → {after}")


def _margins(change: CheckChange, old: Side, new: Side) -> None:
    before, after = old.finding.acceptable, new.finding.acceptable
    if (before.low, before.high) == (after.low, after.high):
        return
    if after.low < before.low or after.high > before.high:
        place = change.losses if old.decides or new.decides else change.worse
        place.append(f"its margin is looser: {before}, now {after}")
    else:
        change.remarks.append(f"its margin is tighter: {before}, now {after}")


def _estimates(change: CheckChange, old: Side, new: Side) -> None:
    decides = old.decides or new.decides
    before, after = old.finding, new.finding
    if before.estimate is not None and after.estimate is None and decides:
        change.losses.append("its estimate is gone")
    if before.acceptable.unit != after.acceptable.unit:
        return
    first, second = _reading(before), _reading(after)
    region = common_region(before.acceptable, after.acceptable)
    if first is None or second is None or region is None:
        return
    found = compare_estimates(first, second, region)
    change.estimate_move = found.move
    if found.move is Move.BETTER:
        change.gains.append(_moved(found.move, before, after, found.noise))
    elif found.move is Move.WORSE:
        exact = before.exact and after.exact
        counts = decides and (not exact or lost_half_its_distance(first, second, region))
        place = change.losses if counts else change.worse
        place.append(_moved(found.move, before, after, found.noise))


def _moved(move: Move, old: Finding, new: Finding, noise: float) -> str:
    text = f"estimate {move}: {number(old.estimate)} → {number(new.estimate)}"
    return text + (" (exact)" if old.exact and new.exact else f" (noise {number(noise)})")


def _reading(finding: Finding) -> Reading | None:
    interval = finding.fail_interval or finding.interval
    if finding.estimate is None or interval is None or not math.isfinite(finding.estimate):
        return None
    return Reading(finding.estimate, interval)


def _definitions(change: CheckChange, old: Finding, new: Finding) -> None:
    before, after = finding_record(old), finding_record(new)
    for key in _DEFINITION:
        if before[key] != after[key]:
            shown = (_shown(before[key]), _shown(after[key]))
            change.remarks.append(
                f"another definition ({key.replace('_', ' ')}): {shown[0]}, now {shown[1]}"
            )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        low, high = (math.inf if end is None else end for end in value)
        return str(Region(-math.inf if value[0] is None else low, high))
    return f"{value!r}" if isinstance(value, str) else str(value)
