"""Findings on disk as they are made, so that an audit that stops can go on.

One JSON line a finding in `findings.jsonl` of the report folder. Its key is of everything that a
finding depends on; a line with another key is never used again.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from axis_audit.finding import Finding, Verdict
from axis_audit.finished import Finished, settings_key
from axis_audit.report.records import finding_from_record, finding_record, plain

FILE = "findings.jsonl"
_NO_INFLUENCE = ("checkpoint", "report_dir", "check_timeout", "resume", "thorough",
                 "allow_inconclusive")  # fmt: skip
"""Settings that change no finding; a checkpoint is known by its hash, not by its path."""


@dataclass(frozen=True)
class Journal:
    """The journal of one audit."""

    finished: Finished

    @classmethod
    def of(cls, folder: Path, audit: Any) -> Journal:
        """The journal in a report folder, for a prepared audit."""
        return cls(Finished(folder / FILE, settings_key(audit_subject(audit, full=True))))

    def begin(self) -> None:
        """Start anew, without the findings of earlier runs.

        Raises:
            OSError: the folder cannot be written.
        """
        self.finished.path.unlink(missing_ok=True)

    def add(self, finding: Finding) -> None:
        """Append a finding.

        Raises:
            OSError: the folder cannot be written, the disk is full.
        """
        self.finished.add(finding.id, finding_record(finding))

    def resumable(self, ids: Iterable[str]) -> dict[str, Finding]:
        """Findings of an earlier run of this very audit, by id; an ERROR is to be tried again.

        Raises:
            InputError: the file cannot be read.
        """
        wanted = set(ids)
        found = {}
        for name, record in self.finished.read().items():
            try:
                finding = finding_from_record(record)
            except (KeyError, ValueError, TypeError):
                continue  # a line that we did not write
            if name == finding.id and name in wanted and finding.verdict is not Verdict.ERROR:
                found[name] = replace(finding, resumed=True)
        return found

    def why_nothing(self) -> str:
        """Why `resumable` is empty, for the terminal."""
        if not self.finished.path.exists():
            return f"there is no {self.finished.path}"
        return (
            f"{self.finished.path} holds no finding of this checkpoint, cohort, settings, code "
            "and versions"
        )

    def close(self) -> None:
        """Remove the file of an audit that is finished; one that cannot be removed stays."""
        try:
            self.finished.path.unlink(missing_ok=True)
        except OSError:
            return


def audit_subject(audit: Any, *, full: bool = False) -> dict[str, Any]:
    """What an audit is about: the checkpoint's bytes and everybody in it.

    Args:
        audit: a prepared audit.
        full: with the settings and the code of the model and of foreign checks, too.
    """
    evidence = audit.evidence
    fit = evidence.fit_cohort
    subject: dict[str, Any] = {
        "checkpoint": audit.about.get("checkpoint", {}).get("sha256"),
        "cohort": evidence.cohort.fingerprint,
        "fitting": None if fit is None else fit.fingerprint,
        "seen": [evidence.seen_patients, evidence.removed_patients],
    }
    if full:
        settings = audit.about.get("settings", {})
        subject["settings"] = {k: plain(v) for k, v in settings.items() if k not in _NO_INFLUENCE}
        subject["claims"] = sorted(evidence.model.claims)
        modules = {type(evidence.model).__module__, *(c.function.__module__ for c in audit.checks)}
        subject["code"] = _code_of(modules)
    return subject


def _code_of(modules: Iterable[str]) -> str:
    """Hash of the loaded source of the packages that modules belong to, other than this one."""
    roots = {name.partition(".")[0] for name in modules} - {"axis_audit"}
    digest = hashlib.sha256()
    for name in sorted(sys.modules):
        path = getattr(sys.modules[name], "__file__", None)
        if name.partition(".")[0] in roots and path and Path(path).is_file():
            digest.update(name.encode() + Path(path).read_bytes())
    return digest.hexdigest()
