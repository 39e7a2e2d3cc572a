"""What was audited, how, and what the instrument knows of itself, as terms and plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axis_audit.finding import AuditReport
from axis_audit.report import instrument, words


def facts(report: AuditReport) -> list[tuple[str, str]]:
    """Terms and what there is to say of them; a reader needs all of these to judge a verdict."""
    settings = report.settings
    found = [
        ("Checkpoint", str(report.checkpoint.get("path", "a model in memory"))),
        ("SHA-256", str(report.checkpoint.get("sha256", "none: a model in memory"))),
        ("Kind", str(report.model.get("kind", "unknown"))),
        ("Claims", _list(report.model.get("claims"))),
        *_people(report.cohort),
        ("Gates", _gates(report)),
        ("Margins", _margins(report)),
        ("Options", _options(settings)),
        ("Seed", str(settings.get("seed", "0"))),
        ("Started", f"{report.started or 'unknown'}; took {report.seconds:.0f} s"),
        ("Versions", ", ".join(f"{k} {v}" for k, v in report.versions.items()) or "unknown"),
    ]
    return [(term, text) for term, text in found if text]


def _people(cohort: Mapping[str, Any]) -> list[tuple[str, str]]:
    seen = f"{cohort.get('seen_patients_removed', 0)} left out as seen by the checkpoint"
    kept = cohort.get("seen_patients_kept", 0)
    if kept:
        seen += f"; {kept} who were seen are audited all the same"
    exclusions = cohort.get("exclusions") or {}
    left_out = ", ".join(f"{reason}: {n}" for reason, n in exclusions.items() if n)
    fitting = cohort.get("fitting_people", 0)
    return [
        ("Cohort", f"{cohort.get('name')}"),
        ("People", f"{cohort.get('patients')} patients, {cohort.get('records')} records; {seen}"),
        ("Left out or altered", left_out),
        ("Fitting people", f"{fitting}, never scored" if fitting else "none: probes are "
         "cross-fitted on the audited"),
    ]  # fmt: skip


def _gates(report: AuditReport) -> str:
    narrowed = report.settings.get("gate") or []
    text = f"{len(report.gates)} in force"
    if narrowed:
        text += f", narrowed by the user to {_list(narrowed)}: claims outside do not decide"
    else:
        text += ": every gate of the model's claims"
    return text


def _margins(report: AuditReport) -> str:
    changed = [f for f in report.findings if f.acceptable != f.default_acceptable]
    if not changed:
        return "all at their defaults"
    parts = [
        f"{f.id} {'loosened' if f.loosened else 'changed'} from {f.default_acceptable} to "
        f"{f.acceptable}"
        for f in changed
    ]
    return "; ".join(parts)


def _options(settings: Mapping[str, Any]) -> str:
    """What was asked for beside checkpoint, cohort, gates, margins and seed."""
    told = {
        "folds": "folds {}",
        "fit_folds": "fitted on folds {}",
        "checkpoint_adapter": "adapter {}",
        "patients": "patients: {}",
    }
    parts = [words_.format(settings[key]) for key, words_ in told.items() if settings.get(key)]
    if settings.get("thorough"):
        parts.append("with the checks that take minutes")
    if settings.get("allow_inconclusive"):
        parts.append("INCONCLUSIVE gates were allowed not to fail the run")
    return "; ".join(parts)


def kill_families() -> list[tuple[str, int, int]]:
    """Title of a family, defects planted for its checks, and how many of them were caught."""
    totals: dict[str, tuple[int, int]] = {}
    for check, counts in instrument.kill_summary()["checks"].items():
        family = check.partition(".")[0]
        defects, killed = totals.get(family, (0, 0))
        totals[family] = (defects + counts["defects"], killed + counts["killed"])
    return [(words.family_words(f)[0], d, k) for f, (d, k) in totals.items()]


def uncovered(report: AuditReport) -> list[str]:
    """Checks of this audit that the kill matrix does not know."""
    known = instrument.kill_summary()["checks"]
    return [f.id for f in report.findings if f.id not in known]


def percent(share: float) -> str:
    """A share for people."""
    return (
        f"{100 * share:.1f}\N{NO-BREAK SPACE}%"
        if 0 < share < 1
        else f"{100 * share:.0f}\N{NO-BREAK SPACE}%"
    )


def spaced(verdict: str) -> str:
    """A verdict's word for people."""
    return str(verdict).replace("_", " ")


def _list(values: Any) -> str:
    return ", ".join(str(v) for v in values) if values else "none"
