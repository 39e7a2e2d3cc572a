"""axis-audit: does a trained ECG model have the properties its paper claims?

Importing this package loads neither torch nor scikit-learn; names arrive when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from axis_audit.auditing import audit as audit
    from axis_audit.cohort import Cohort as Cohort
    from axis_audit.cohort import make_cohort as make_cohort
    from axis_audit.cohorts import open_cohort as open_cohort
    from axis_audit.finding import Above as Above
    from axis_audit.finding import AuditReport as AuditReport
    from axis_audit.finding import Below as Below
    from axis_audit.finding import Exactly as Exactly
    from axis_audit.finding import Finding as Finding
    from axis_audit.finding import Measurement as Measurement
    from axis_audit.finding import Verdict as Verdict
    from axis_audit.finding import Within as Within
    from axis_audit.registry import check as check

_HOMES = {
    "audit": "axis_audit.auditing",
    "check": "axis_audit.registry",
    "Cohort": "axis_audit.cohort",
    "make_cohort": "axis_audit.cohort",
    "open_cohort": "axis_audit.cohorts",
    "Above": "axis_audit.finding",
    "AuditReport": "axis_audit.report.notebook",  # with its look in notebooks
    "Below": "axis_audit.finding",
    "Exactly": "axis_audit.finding",
    "Finding": "axis_audit.finding",
    "Measurement": "axis_audit.finding",
    "Verdict": "axis_audit.finding",
    "Within": "axis_audit.finding",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'axis_audit' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
