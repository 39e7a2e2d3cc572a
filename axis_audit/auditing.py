"""One audit: a model and a cohort in, findings out. The plugin and `audit()` both come here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from axis_audit.capabilities import InputSpec, ModelUnderAudit
from axis_audit.checkpoint import Manifest, seen_rows
from axis_audit.cohort import Cohort
from axis_audit.decision import PASS_TAIL, decide, fail_tail
from axis_audit.errors import CohortError, InputError, MeasurementError
from axis_audit.evidence import Evidence
from axis_audit.finding import AuditReport, Finding, Region, Verdict
from axis_audit.registry import FAMILIES, Check, all_checks, statistical_gates
from axis_audit.statistics.levels import Levels

SMALLEST_COHORT = 20
"""Fewer people than this make no interval worth printing."""


@dataclass
class Audit:
    """A prepared audit: which checks, with which regions and gates, on which evidence."""

    evidence: Evidence
    checks: tuple[Check, ...]
    regions: Mapping[str, Region]
    gates: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    def run(self, check: Check) -> Finding:
        """Measure one check and judge it; a crash inside becomes an ERROR finding."""
        started = time.perf_counter()
        finding = self._judge(check)
        return dataclasses.replace(finding, seconds=round(time.perf_counter() - started, 3))

    def _judge(self, check: Check) -> Finding:
        model, region = self.evidence.model, self.regions[check.id]
        base = Finding(
            id=check.id,
            claim=check.claim,
            family=check.family,
            gate=check.id in self.gates,
            verdict=Verdict.ERROR,
            reason="",
            acceptable=region,
            default_acceptable=check.acceptable,
            exact=check.exact,
            likely_cause=check.cause,
            next_step=check.cure,
            source=check.source,
            n=self.evidence.n,
        )
        if not isinstance(model, check.requires):
            return _without_capability(base, check, model)
        try:
            measurement = check.measure(model, self.evidence, region)
            verdict, reason = decide(measurement, region)
        except MeasurementError as error:
            return dataclasses.replace(base, reason=str(error))
        except Exception as error:  # a check or model that crashes must not take the audit along
            where = _where(error)
            return dataclasses.replace(base, reason=f"{type(error).__name__} {where}: {error}")
        wide = measurement.fail_interval or measurement.interval
        return dataclasses.replace(
            base,
            verdict=verdict,
            reason=reason,
            estimate=measurement.estimate,
            interval=measurement.interval,
            fail_interval=wide,
            n=measurement.n,
            n_patients=measurement.n_patients,
            exact=measurement.exact,
            minimum_detectable=measurement.minimum_detectable,
            patients_needed=measurement.patients_needed,
            figure=measurement.figure,
            details=measurement.details,
        )

    def report(self, findings: Sequence[Finding], seconds: float, started: str) -> AuditReport:
        """Put findings together; gates in force without a finding are named as missing."""
        order = {c.id: i for i, c in enumerate(self.checks)}
        present = {f.id for f in findings}
        return AuditReport(
            checkpoint=self.about.get("checkpoint", {}),
            cohort=describe_cohort(self.evidence),
            scope=self.evidence.cohort.scope,
            gates=self.gates,
            findings=tuple(sorted(findings, key=lambda f: order.get(f.id, len(order)))),
            missing=tuple(g for g in self.gates if g not in present),
            settings=self.about.get("settings", {}),
            versions=versions(),
            started=started,
            seconds=round(seconds, 2),
            model={"kind": self.evidence.model.kind, "claims": sorted(self.evidence.model.claims)},
        )


def prepare(
    model: ModelUnderAudit,
    cohort: Cohort,
    *,
    fit_cohort: Cohort | None = None,
    manifest: Manifest | None = None,
    reload: Callable[[], Any] | None = None,
    patients: str = "unseen",
    gate: Sequence[str] = (),
    margins: Mapping[str, Any] | None = None,
    leakage_margin: float | None = None,
    seed: int = 0,
    about: Mapping[str, Any] | None = None,
) -> Audit:
    """Make a model and a cohort ready to be audited.

    Raises:
        InputError: unknown gates or margins, a model without claims.
        CohortError: leads or beats that do not fit the model; nobody left to audit.
    """
    checks = all_checks()
    _check_model(model)
    audited, removed, seen = _audited_people(conform(cohort, model.input_spec), manifest, patients)
    if fit_cohort is not None:
        fit_cohort = _fitting_people(conform(fit_cohort, model.input_spec), audited)
    evidence = Evidence(
        model=model,
        cohort=audited,
        fit_cohort=fit_cohort,
        levels=Levels(PASS_TAIL, fail_tail(statistical_gates(model.claims))),
        manifest=manifest,
        seen_patients=seen,
        removed_patients=removed,
        reload=reload,
        seed=seed,
    )
    return Audit(
        evidence=evidence,
        checks=checks,
        regions=_regions(checks, margins or {}, leakage_margin),
        gates=_gates(checks, model, gate),
        about=about or {},
    )


def audit(
    model: ModelUnderAudit,
    cohort: Cohort,
    *,
    fit_cohort: Cohort | None = None,
    manifest: Manifest | None = None,
    gate: Sequence[str] = (),
    margins: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Callable[[Finding], None] | None = None,
) -> AuditReport:
    """Audit a model that is already in memory; the findings equal those of `pytest --checkpoint`.

    Args:
        model: implements `ModelUnderAudit` and the capabilities it has.
        cohort: the people to audit on. fit_cohort: people on whom probes may be fitted.
        manifest: who was in training; without it split integrity is INCONCLUSIVE.
        gate: families or check ids that decide; default every gate of the model's claims.
        progress: called with each finding as it is made.

    Raises:
        InputError: see `prepare`.
    """
    prepared = prepare(
        model,
        cohort,
        fit_cohort=fit_cohort,
        manifest=manifest,
        gate=gate,
        margins=margins,
        seed=seed,
    )
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    findings = []
    for check in prepared.checks:
        findings.append(prepared.run(check))
        if progress:
            progress(findings[-1])
    return prepared.report(findings, time.perf_counter() - clock, started)


def conform(cohort: Cohort, spec: InputSpec) -> Cohort:
    """Put a cohort's leads into the model's order and check rate, length and R position.

    Raises:
        CohortError: what does not fit, and what the model takes.
    """
    import numpy as np

    subject = f"cohort {cohort.name!r}"
    by_name = {lead.upper(): i for i, lead in enumerate(cohort.leads)}
    missing = [lead for lead in spec.leads if lead.upper() not in by_name]
    if missing:
        raise CohortError(subject, f"the model needs leads {missing}", "add them to the cohort")
    ours = (cohort.kind, float(cohort.rate), cohort.signals.shape[2], cohort.r_index)
    theirs = (spec.kind, float(spec.rate), spec.samples, spec.r_index)
    if spec.kind == "record":
        ours, theirs = (*ours[:3], 0), (*theirs[:3], 0)
    if ours != theirs:
        words = "(kind, rate in Hz, samples, R at sample)"
        raise CohortError(
            subject, f"it holds {ours} but the model takes {theirs} {words}", "prepare it so"
        )
    order = np.array([by_name[lead.upper()] for lead in spec.leads])
    if tuple(order) == tuple(range(len(cohort.leads))):
        return cohort
    signals = np.ascontiguousarray(cohort.signals[:, order])
    return dataclasses.replace(cohort, signals=signals, leads=spec.leads)


def describe_cohort(evidence: Evidence) -> dict[str, Any]:
    """The cohort as the report prints it."""
    cohort = evidence.cohort
    fit = evidence.fit_cohort
    return {
        "name": cohort.name,
        "fingerprint": cohort.fingerprint,
        "records": len(cohort),
        "patients": cohort.n_patients,
        "exclusions": dict(cohort.exclusions),
        "seen_patients_removed": evidence.removed_patients,
        "seen_patients_kept": evidence.seen_patients,
        "fitting_people": 0 if fit is None else len(fit),
        "fitting_fingerprint": None if fit is None else fit.fingerprint,
    }


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("axis-audit", "torch", "numpy", "scipy", "scikit-learn", "pytest"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _check_model(model: Any) -> None:
    if not isinstance(model, ModelUnderAudit):
        raise InputError(
            type(model).__name__,
            "it is not a model under audit: kind, input_spec and claims are needed",
            "see axis_audit.capabilities.ModelUnderAudit",
        )
    unknown = sorted(set(model.claims) - set(FAMILIES))
    if unknown:
        raise InputError(
            type(model).__name__, f"unknown claims {unknown}", f"choose from {FAMILIES}"
        )


def _audited_people(
    cohort: Cohort, manifest: Manifest | None, patients: str
) -> tuple[Cohort, int, int]:
    known = cohort.with_known_age()
    removed = seen = 0
    if manifest is not None:
        rows = seen_rows(known.patient_ids, known.hashes, manifest)
        overlap = known.subset(rows).n_patients if rows.any() else 0
        if patients == "unseen" and overlap:
            if rows.all():
                raise CohortError(
                    f"cohort {cohort.name!r}",
                    f"all {overlap} patients were in the checkpoint's training or selection",
                    "audit other folds or people (or use --patients all, which FAILs integrity)",
                )
            known, removed = known.excluding(rows, "record of a patient seen in training"), overlap
        else:
            seen = overlap
    people = known.one_per_patient()
    if len(people) < SMALLEST_COHORT:
        raise CohortError(
            f"cohort {cohort.name!r}",
            f"only {len(people)} unseen patients with a known age are left",
            f"give at least {SMALLEST_COHORT}; thousands decide a leakage gate",
        )
    return people, removed, seen


def _fitting_people(cohort: Cohort, audited: Cohort) -> Cohort | None:
    """Everybody with a known age who is not audited: by patient id and by waveform."""
    import numpy as np

    known = cohort.with_known_age()
    repeats = np.isin(known.patient_ids, audited.patient_ids) | np.isin(
        known.hashes, audited.hashes
    )
    if repeats.all():
        raise CohortError(
            f"fitting cohort {cohort.name!r}",
            "everybody in it is also audited",
            "fit on other folds than those audited",
        )
    return known.excluding(repeats, "also audited").one_per_patient()


def _regions(
    checks: Sequence[Check], margins: Mapping[str, Any], leakage_margin: float | None
) -> dict[str, Region]:
    unknown = sorted(set(margins) - {c.id for c in checks})
    if unknown:
        raise InputError("margins", f"there are no checks {unknown}", "see `axis-audit checks`")
    regions = {}
    for check in checks:
        region = check.acceptable
        if check.family == "leakage" and leakage_margin is not None and region.unit == "R²":
            region = dataclasses.replace(region, high=leakage_margin)
        if check.id in margins:
            region = _with_margin(check, margins[check.id])
        regions[check.id] = region
    return regions


def _with_margin(check: Check, margin: Any) -> Region:
    import math

    region = check.acceptable
    try:
        if isinstance(margin, list | tuple):
            low, high = (float(x) for x in margin)
            return dataclasses.replace(region, low=low, high=high)
        if math.isinf(region.low):
            return dataclasses.replace(region, high=float(margin))
        if math.isinf(region.high):
            return dataclasses.replace(region, low=float(margin))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"margin of {check.id}", str(error), "give a number or [low, high]"
        ) from None
    raise InputError(f"margin of {check.id}", "its region has two sides", "give [low, high]")


def _gates(
    checks: Sequence[Check], model: ModelUnderAudit, asked: Sequence[str]
) -> tuple[str, ...]:
    ids = {c.id for c in checks}
    unknown = [g for g in asked if g not in ids and g not in FAMILIES]
    if unknown:
        raise InputError(
            "--gate",
            f"{unknown} are neither families nor checks",
            f"families: {', '.join(FAMILIES)}",
        )
    if asked:
        chosen = [c for c in checks if (c.family in asked and c.gate) or c.id in asked]
        if not chosen:
            raise InputError("--gate", f"no gate belongs to {list(asked)}", "name another family")
        return tuple(c.id for c in chosen)
    return tuple(c.id for c in checks if c.gate and c.family in model.claims)


def _without_capability(base: Finding, check: Check, model: ModelUnderAudit) -> Finding:
    missing = check.requires.__name__
    reason = f"{type(model).__name__} lacks the capability {missing}"
    if base.gate:
        return dataclasses.replace(
            base, verdict=Verdict.FAIL, reason=f"{reason}, which its claims or --gate require"
        )
    return dataclasses.replace(base, verdict=Verdict.NOT_APPLICABLE, reason=reason)


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f"in {code.co_name} ({code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})"
