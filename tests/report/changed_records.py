"""Changes of a record that keep it consistent with itself."""

from __future__ import annotations

import copy
from typing import Any

Record = dict[str, Any]


def finding(record: Record, check_id: str) -> Record:
    (found,) = [f for f in record["findings"] if f["id"] == check_id]
    return found


def judged(record: Record, check_id: str, verdict: str, **changes: Any) -> Record:
    """The record with another verdict of one gate, and the overall verdict that follows."""
    changed = copy.deepcopy(record)
    found = finding(changed, check_id)
    found["verdict"] = verdict
    found.update(changes)
    return settled(changed)


def without(record: Record, check_id: str, *, missing: bool) -> Record:
    """The record without a finding: a gate that did not run, or no gate any more."""
    changed = copy.deepcopy(record)
    changed["findings"] = [f for f in changed["findings"] if f["id"] != check_id]
    if missing:
        changed["missing"] = [*changed["missing"], check_id]
    else:
        changed["gates"] = [g for g in changed["gates"] if g != check_id]
    return settled(changed)


def settled(record: Record) -> Record:
    verdicts = {f["verdict"] for f in record["findings"] if f["gate"]}
    record["verdict"] = "PASS"
    if record["missing"] or "INCONCLUSIVE" in verdicts:
        record["verdict"] = "INCONCLUSIVE"
    if verdicts & {"FAIL", "ERROR"}:
        record["verdict"] = "FAIL"
    return record
