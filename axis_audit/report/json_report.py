"""audit.json: the product; everything else is drawn from it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from axis_audit.finding import AuditReport
from axis_audit.report.records import finding_record, plain

SCHEMA_VERSION = "1.1"
"""Rises in its first number when a reader of the old form would misread the new one."""

_NUMBERS = re.compile(r"\[\s*\n\s*(?:(?:-?\d[-+.eE\d]*|null),?\s+)+\]")


def report_record(report: AuditReport) -> dict[str, Any]:
    """An audit as a JSON object (see audit.schema.json beside this file)."""
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": str(report.verdict),
        "scope": report.scope,
        "gates": list(report.gates),
        "missing": list(report.missing),
        "finished": not report.stopped,
        "stopped": report.stopped,
        "not_run": plain(report.not_run),
        "checkpoint": plain(report.checkpoint),
        "model": plain(report.model),
        "cohort": plain(report.cohort),
        "settings": plain(report.settings),
        "versions": plain(report.versions),
        "started": report.started,
        "seconds": float(report.seconds),
        "findings": [finding_record(finding) for finding in report.findings],
        "baseline": None if report.baseline is None else plain(report.baseline),
    }


def write(report: AuditReport, path: Path) -> None:
    """Write audit.json atomically: a reader sees the old file, the new one, or none.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    text = json.dumps(report_record(report), indent=1, allow_nan=False, ensure_ascii=False)
    # Lists of numbers on one line halve the file. A string's line breaks are escaped: no match.
    text = _NUMBERS.sub(lambda found: re.sub(r"\s+", "", found[0]), text)
    partial.write_text(text + "\n", encoding="utf-8")
    os.replace(partial, path)
