"""audit.json read back: a file that is whole, of our schema, and does not contradict itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

from axis_audit.errors import InputError
from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.report.json_report import SCHEMA_VERSION
from axis_audit.report.records import finding_from_record

Record = Mapping[str, Any]
_AGAIN = "name the audit.json of a finished audit, or run that audit again"


def schema_text() -> str:
    """The JSON Schema of audit.json, as `axis-audit schema` prints it."""
    place = resources.files("axis_audit.report") / "audit.schema.json"
    return place.read_text(encoding="utf-8")


def read(path: Path) -> Record:
    """A report's record.

    Raises:
        InputError: the file cannot be read, is cut off, is no report, has another major version of
            the schema, does not follow the schema, or says what its own findings do not bear out.
    """
    record = _parse(path)
    version = record.get("schema_version") if isinstance(record, dict) else None
    if not isinstance(version, str) or not re.fullmatch(r"[0-9]{1,6}\.[0-9]{1,6}", version):
        raise InputError(path, "it is no audit report: it has no schema_version", _AGAIN)
    ours = SCHEMA_VERSION.partition(".")[0]
    if version.partition(".")[0] != ours:
        raise InputError(
            path,
            f"its schema is {version}, and this axis-audit reads {ours}.x",
            "audit the checkpoint anew with this version, or compare with the one that wrote it",
        )
    error = _first_error(record)
    if error:
        raise InputError(path, f"it does not follow the schema {ours}.x: {error}", _AGAIN)
    contradiction = _contradiction(record)
    if contradiction:
        raise InputError(path, f"it contradicts itself: {contradiction}", _AGAIN)
    return record  # type: ignore[no-any-return]


def read_audit(path: Path) -> AuditReport:
    """A report read back.

    Raises:
        InputError: see `read`.
    """
    return report_of(read(path))


def report_of(record: Record) -> AuditReport:
    """The findings and gates of a record, as an audit's report.

    Raises:
        KeyError, ValueError: a record that is not a report's.
    """
    return AuditReport(
        checkpoint=record["checkpoint"],
        cohort=record["cohort"],
        scope=record["scope"],
        gates=tuple(record["gates"]),
        findings=tuple(finding_from_record(finding) for finding in record["findings"]),
        missing=tuple(record["missing"]),
        settings=record["settings"],
        versions=record["versions"],
        started=record["started"],
        seconds=record["seconds"],
        model=record["model"],
        baseline=record.get("baseline"),
        stopped=record.get("stopped", ""),
        not_run=record.get("not_run", {}),
    )


def _parse(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(path, f"it cannot be read ({error.strerror})", _AGAIN) from None
    except UnicodeDecodeError:
        raise InputError(path, "it is not UTF-8 text", _AGAIN) from None
    try:
        return json.loads(
            text,
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_without_repeats,
        )
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"it is broken or cut off ({error})", _AGAIN) from None


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large for a number")
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key given twice: readers would differ about which one counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has one key twice")
    return found


@lru_cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(schema_text()))


def _first_error(record: Any) -> str:
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(record))
    if error is None:
        return ""
    message = error.message if len(error.message) < 200 else error.message[:200] + "..."
    return f"{error.json_path}: {message}"


def _contradiction(record: Record) -> str:
    ids = [finding["id"] for finding in record["findings"]]
    if len(ids) != len(set(ids)):
        return "two findings have one id"
    if len(record["gates"]) != len(set(record["gates"])):
        return "one gate is named twice"
    unexplained = sorted(set(record["gates"]) - set(ids) ^ set(record["missing"]))
    if unexplained:
        return f"missing gates and findings do not agree about {', '.join(unexplained)}"
    try:
        report = report_of(record)
    except (KeyError, ValueError, TypeError) as error:
        return str(error)
    for finding in report.findings:
        why = _finding_contradiction(finding, finding.id in record["gates"])
        if why:
            return f"{finding.id} {why}"
    if str(report.verdict) != record["verdict"]:
        return f"it says {record['verdict']}, its findings give {report.verdict}"
    return ""


def _finding_contradiction(finding: Finding, in_force: bool) -> str:
    if in_force and not finding.gate and finding.verdict is not Verdict.NOT_APPLICABLE:
        return "is a gate in force that does not decide"
    if finding.gate and finding.verdict is Verdict.NOT_APPLICABLE:
        return "decides and is not applicable"
    if finding.interval is not None and finding.interval[0] > finding.interval[1]:
        return "has a reversed interval"
    if finding.verdict is Verdict.PASS:
        if finding.estimate is None or finding.interval is None:
            return "is PASS without a number"
        if not finding.acceptable.contains(*finding.interval):
            return "is PASS with an interval that leaves its acceptable region"
    return ""
