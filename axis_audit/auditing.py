"""One audit: a model and a cohort in, findings out. The plugin and `audit()` both come here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from axis_audit.capabilities import ModelUnderAudit
from axis_audit.checkpoint import Manifest
from axis_audit.cohort import Cohort
from axis_audit.containment import CheckTimeout, contained, place_of
from axis_audit.decision import PASS_TAIL, decide, fail_tail
from axis_audit.errors import InputError, MeasurementError, NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.finding import Finding, Region, Verdict
from axis_audit.gates import checks_to_run, gates_in_force, regions_in_force, screens_in_force
from axis_audit.people import (
    audited_people,
    conform,
    describe_cohort,
    fitting_people,
    rows_of,
    training_rows,
)
from axis_audit.registry import (
    Check,
    all_checks,
    families_of,
    import_checks,
    statistical_gates,
)
from axis_audit.report.notebook import AuditReport
from axis_audit.statistics.levels import Levels


@dataclass
class Audit:
    """A prepared audit: which checks, with which regions and gates, on which evidence.

    `named` are the gates that the user asked for one by one: for them NOT APPLICABLE is a FAIL.
    `screens` certify nothing, but a FAIL or an ERROR of theirs decides as a gate's does.
    `check_timeout` is the longest that one check may take, in seconds.
    """

    evidence: Evidence
    checks: tuple[Check, ...]
    regions: Mapping[str, Region]
    gates: tuple[str, ...]
    named: tuple[str, ...] = ()
    screens: frozenset[str] = frozenset()
    about: Mapping[str, Any] = field(default_factory=dict)
    check_timeout: float | None = None

    def run(self, check: Check) -> Finding:
        """Measure one check and judge it; a crash inside becomes an ERROR finding."""
        started = time.perf_counter()
        finding = self._judge(check)
        if check.id in self.screens and finding.verdict in (Verdict.FAIL, Verdict.ERROR):
            finding = dataclasses.replace(finding, gate=True)
        return dataclasses.replace(finding, seconds=round(time.perf_counter() - started, 3))

    def error(self, check: Check, reason: str) -> Finding:
        """The finding of a check that could not be measured, and decides as a gate or screen."""
        gate = check.id in self.gates or check.id in self.screens
        return dataclasses.replace(self._unmeasured(check), gate=gate, reason=reason)

    def _unmeasured(self, check: Check) -> Finding:
        return Finding(
            id=check.id,
            claim=check.claim,
            family=check.family,
            gate=check.id in self.gates,
            verdict=Verdict.ERROR,
            reason="",
            acceptable=self.regions[check.id],
            default_acceptable=check.acceptable,
            exact=check.exact,
            likely_cause=check.cause,
            next_step=check.cure,
            source=check.source,
            explanation=check.explanation,
            screen=check.id in self.screens and not check.gate,
            n=self.evidence.n,
        )

    def _judge(self, check: Check) -> Finding:
        model, region = self.evidence.model, self.regions[check.id]
        base = self._unmeasured(check)
        if not isinstance(model, check.requires):
            return _without_capability(base, check, model, named=check.id in self.named)
        try:
            measurement = contained(
                lambda: check.measure(model, self.evidence, region), self.check_timeout
            )
            verdict, reason = decide(measurement, region)
        except NotApplicable as error:
            if check.id in self.named:
                return dataclasses.replace(
                    base, verdict=Verdict.FAIL, reason=f"{error}; --gate asks for it by name"
                )
            # Neither a PASS nor a gate that went missing: the model never made this claim.
            return dataclasses.replace(
                base, gate=False, verdict=Verdict.NOT_APPLICABLE, reason=str(error)
            )
        except MeasurementError as error:
            return dataclasses.replace(base, reason=str(error))
        except CheckTimeout as error:
            return dataclasses.replace(base, reason=f"{error} (--check-timeout)")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a check or model that crashes, exits or skips takes
            where = place_of(error)  # nothing along: sys.exit and pytest.skip are no verdicts
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

    def report(
        self,
        findings: Sequence[Finding],
        seconds: float,
        started: str,
        stopped: str = "",
        not_run: Mapping[str, str] | None = None,
    ) -> AuditReport:
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
            stopped=stopped,
            not_run=not_run or {},
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
    thorough: bool = False,
    seed: int = 0,
    about: Mapping[str, Any] | None = None,
) -> Audit:
    """Make a model and a cohort ready to be audited.

    Raises:
        InputError: unknown gates or margins, a gate that only runs thoroughly, unknown claims.
        CohortError: leads or beats that do not fit the model; nobody left to audit.
    """
    checks = all_checks()
    _check_model(model, families_of(checks))
    chosen = checks_to_run(checks, thorough, gate)
    cohort = conform(cohort, model.input_spec)
    audited, removed, seen = audited_people(cohort, manifest, patients)
    if fit_cohort is not None:
        fit_cohort = fitting_people(conform(fit_cohort, model.input_spec), audited)
    evidence = Evidence(
        model=model,
        cohort=audited,
        rows=rows_of(cohort, audited, manifest, patients),
        training=training_rows(cohort, manifest),
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
        checks=chosen,
        regions=regions_in_force(checks, margins or {}, leakage_margin),
        gates=gates_in_force(checks, model, gate),
        named=tuple(gate),
        screens=screens_in_force(checks, model, gate),
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
    thorough: bool = False,
    seed: int = 0,
    progress: Callable[[Finding], None] | None = None,
) -> AuditReport:
    """Audit a model that is already in memory; the findings equal those of `pytest --checkpoint`.

    Args:
        model: implements `ModelUnderAudit` and the capabilities it has.
        cohort: the people to audit on. fit_cohort: people on whom probes may be fitted.
        manifest: who was in training; without it split integrity is INCONCLUSIVE.
        gate: families or check ids that decide; default every gate of the model's claims.
        thorough: run the checks that take minutes, too. progress: called with each finding as it
            is made.

    Raises:
        InputError: see `prepare`.
    """
    import_checks()
    prepared = prepare(
        model,
        cohort,
        fit_cohort=fit_cohort,
        manifest=manifest,
        gate=gate,
        margins=margins,
        thorough=thorough,
        seed=seed,
    )
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    findings = []
    for check in prepared.checks:
        findings.append(prepared.run(check))
        if progress:
            progress(findings[-1])
    return prepared.report(findings, time.perf_counter() - clock, started)


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


def _check_model(model: Any, families: tuple[str, ...]) -> None:
    if not isinstance(model, ModelUnderAudit):
        raise InputError(
            type(model).__name__,
            "it is not a model under audit: kind, input_spec and claims are needed",
            "see axis_audit.capabilities.ModelUnderAudit",
        )
    unknown = sorted(set(model.claims) - set(families))
    if unknown:
        raise InputError(
            type(model).__name__, f"unknown claims {unknown}", f"choose from {families}"
        )


def _without_capability(
    base: Finding, check: Check, model: ModelUnderAudit, *, named: bool
) -> Finding:
    missing = check.requires.__name__
    reason = f"{type(model).__name__} lacks the capability {missing}"
    if base.gate and (named or not check.optional):
        return dataclasses.replace(
            base, verdict=Verdict.FAIL, reason=f"{reason}, which its claims or --gate require"
        )
    return dataclasses.replace(base, gate=False, verdict=Verdict.NOT_APPLICABLE, reason=reason)
