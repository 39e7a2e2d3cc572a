"""Two reports compared: every check, the overall verdict, and what else differs between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from axis_audit.comparison.changes import RANK, CheckChange, Side, change_of
from axis_audit.errors import InputError
from axis_audit.finding import AuditReport, Verdict
from axis_audit.report.reading import Record, report_of

BASELINE_GATE = "baseline.regression"
"""The gate that `--baseline` adds; it is about a pair of reports, so no pair is compared by it."""


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two reports.

    `overall` says that the audit as a whole got worse, where it did.
    """

    old: dict[str, Any]
    new: dict[str, Any]
    changes: tuple[CheckChange, ...]
    overall: str
    notes: tuple[str, ...]

    @property
    def regressions(self) -> list[str]:
        """One line a check; the overall verdict where it got worse and no check says why."""
        lines = [f"{c.id}: {'; '.join(c.losses)}" for c in self.changes if c.losses]
        return lines or ([self.overall] if self.overall else [])

    @property
    def record(self) -> dict[str, Any]:
        """As plain values: `comparison` in audit.schema.json."""
        return {
            "regressed": bool(self.regressions),
            "regressions": self.regressions,
            "old": self.old,
            "new": self.new,
            "same_people": self.old["fingerprint"] == self.new["fingerprint"],
            "notes": list(self.notes),
            "counts": dict(Counter(c.kind for c in self.changes)),
            "changes": [c.record for c in self.changes],
        }


def compare(
    old: Record, new: Record, *, old_path: str = "OLD", new_path: str = "NEW"
) -> Comparison:
    """Compare two audits' records (as `report.reading.read` or `report_record` gives them).

    Raises:
        InputError: one is of synthetic and the other of recorded people, or no check is in both.
    """
    comparable_scope(old, str(new["scope"]), old_path)
    first, second = report_of(old), report_of(new)
    before, after = _sides(first), _sides(second)
    if not before.keys() & after.keys():
        raise InputError(old_path, f"it has no check in common with {new_path}", "compare audits")
    gates = (set(first.gates) - {BASELINE_GATE}, set(second.gates) - {BASELINE_GATE})
    ids = dict.fromkeys([*after, *second.gates, *before, *first.gates])
    changes = tuple(
        change_of(i, before.get(i), after.get(i), in_force=(i in gates[0], i in gates[1]))
        for i in ids
        if i != BASELINE_GATE
    )
    return Comparison(
        old=_about(old, old_path),
        new=_about(new, new_path),
        changes=changes,
        overall=_overall(first, second),
        notes=tuple(_notes(old, new, first, second)),
    )


def comparable_scope(old: Record, scope: str, old_path: str = "OLD") -> None:
    """Refuse to hold synthetic people against recorded ones.

    Raises:
        InputError: the scopes differ.
    """
    if old["scope"] != scope:
        raise InputError(
            old_path,
            f"it is an audit of {old['scope']} people, and the other is of {scope} people",
            "compare audits of the same kind of people",
        )


def _sides(report: AuditReport) -> dict[str, Side]:
    gates = set(report.gates)
    return {f.id: Side(f, f.id in gates) for f in report.findings if f.id != BASELINE_GATE}


def _overall(old: AuditReport, new: AuditReport) -> str:
    if RANK[new.verdict] <= RANK[old.verdict]:
        return ""
    return f"overall verdict: {old.verdict} → {new.verdict}"


def _about(record: Record, path: str) -> dict[str, Any]:
    return {
        "path": path,
        "verdict": record["verdict"],
        "not_pass": [
            f["id"] for f in record["findings"] if f["gate"] and f["verdict"] != Verdict.PASS
        ],
        "missing": list(record["missing"]),
        "checkpoint": record["checkpoint"].get("path", ""),
        "sha256": record["checkpoint"].get("sha256", ""),
        "cohort": record["cohort"]["name"],
        "patients": record["cohort"]["patients"],
        "fingerprint": record["cohort"]["fingerprint"],
        "started": record["started"],
        "version": record["versions"].get("axis-audit", ""),
        "schema_version": record["schema_version"],
    }


def _notes(old: Record, new: Record, first: AuditReport, second: AuditReport) -> list[str]:
    """What a reader must know before believing a difference."""
    pairs = {
        "schema": (old["schema_version"], new["schema_version"]),
        "model kind": (old["model"]["kind"], new["model"]["kind"]),
        "claims": (", ".join(old["model"]["claims"]), ", ".join(new["model"]["claims"])),
        "people a probe may be fitted on": (
            old["cohort"]["fitting_people"],
            new["cohort"]["fitting_people"],
        ),
        "patients seen in training and kept": (
            old["cohort"]["seen_patients_kept"],
            new["cohort"]["seen_patients_kept"],
        ),
    }
    for package in sorted({*old["versions"], *new["versions"]}):
        pairs[f"version of {package}"] = (
            old["versions"].get(package, "none"),
            new["versions"].get(package, "none"),
        )
    for key in ("gate", "patients", "thorough", "seed", "allow_inconclusive"):
        pairs[f"setting {key}"] = (old["settings"].get(key), new["settings"].get(key))
    notes = [f"{name}: {a}, now {b}" for name, (a, b) in pairs.items() if a != b]
    for name, report in (("OLD", first), ("NEW", second)):
        if any(f.id == BASELINE_GATE for f in report.findings):
            notes.append(f"{name} was itself held against a baseline; that gate is not compared")
    if old["checkpoint"].get("sha256") and (
        old["checkpoint"].get("sha256") == new["checkpoint"].get("sha256")
    ):
        notes.append("both audits are of one checkpoint file")
    return notes
