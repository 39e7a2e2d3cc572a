"""Audits made up for the report's tests: every verdict, every kind of figure, any string."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from axis_audit.checks import figures
from axis_audit.finding import (
    Above,
    AuditReport,
    Below,
    Exactly,
    Finding,
    Region,
    Verdict,
    Within,
)

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>'{{7*7}}&amp;"


def every_figure() -> list[dict[str, Any]]:
    """One figure of each kind."""
    rng = np.random.default_rng(0)
    ages = np.linspace(20, 90, 40)
    beat = np.sin(np.linspace(0, 6, 120)) * np.ones((12, 1))
    people = {f"{i}: {30 * i} years": {"recorded": beat, "canonical": beat / i} for i in (1, 2, 3)}
    return [
        figures.line(ages, {"g": ages / 9}, x_label="age", y_label="g", marks={"a0": 56.0}),
        figures.scatter(ages, rng.normal(50, 9, 40), x_label="age", y_label="read", diagonal=True),
        figures.leads(LEADS, {"B": beat, "re-estimated": -beat}, rate=100.0, unit="units"),
        figures.beats(LEADS, people, rate=100.0, unit="mV"),
        attributed(),
        figures.bars({"without I": 1.0, "without II": -2.0}, x_label="years", marks={"0": 0.0}),
        figures.clouds(
            {"real": rng.normal(0, 1, (30, 2)), "drawn": rng.normal(0, 1, (20, 2))},
            x_label="first component",
            y_label="second",
        ),
        figures.beats(("II",), {"A": {"recorded": beat[:1]}}, rate=250.0, unit="RMS"),
        figures.matrix(LEADS, rng.uniform(0, 9, (12, 12)), label="years", title="exchanges"),
    ]


def attributed(**rest: Any) -> dict[str, Any]:
    """A record of ten seconds, beats of which lead V2 counted most."""
    time = np.arange(1000) / 100
    beats = np.exp(-(((time % 0.8 - 0.4) / 0.02) ** 2))
    given: dict[str, Any] = {
        "signals": beats * np.linspace(-1, 1.5, 12)[:, None],
        "maps": beats * np.where(np.array(LEADS) == "V2", 0.3, -0.1)[:, None],
        "masks": {"QRS": beats > 0.1, "ST-T": (time % 0.8 > 0.5) & (time % 0.8 < 0.7)},
        "rate": 100.0,
        "leads": LEADS,
        "title": "MI: myocardial infarction",
        "probability": 0.87,
        "method": "integrated gradients",
    }
    return figures.attributed(**{**given, **rest})


def finding(check: str = "leakage.mlp", **rest: Any) -> Finding:
    """A finding that PASSes, but for what is said otherwise."""
    given: dict[str, Any] = {
        "id": check,
        "claim": f"the claim of {check}",
        "family": check.partition(".")[0],
        "gate": True,
        "verdict": Verdict.PASS,
        "reason": "the whole interval lies inside",
        "estimate": 0.01,
        "interval": (0.0, 0.03),
        "fail_interval": (0.0, 0.06),
        "acceptable": Below(0.05, "R²"),
        "default_acceptable": rest.get("acceptable", Below(0.05, "R²")),
        "n": 900,
        "n_patients": 900,
        "likely_cause": f"the cause of {check}",
        "next_step": f"the cure of {check}",
        "source": "Somebody 1999",
        "explanation": f"how {check} is computed",
        "details": {"way that counts": "fitted", "numbers": [1.0, 2.0]},
    }
    return Finding(**{**given, **rest})


def unmeasured(check: str, verdict: Verdict, **rest: Any) -> Finding:
    """A finding without numbers."""
    nothing: dict[str, Any] = {"estimate": None, "interval": None, "fail_interval": None}
    return finding(check, verdict=verdict, n_patients=0, **nothing, **rest)


def every_verdict() -> tuple[Finding, ...]:
    """Findings of each verdict and role, with regions of every form and each kind of figure."""
    first, *others = every_figure()
    fails = {"verdict": Verdict.FAIL, "estimate": 0.5, "interval": (0.4, 0.6)}
    return (
        finding("prediction.mae", figure={**first, "more": others}),
        finding(
            "axis.monotonicity",
            acceptable=Exactly(1.0),
            estimate=1.0,
            interval=(1.0, 1.0),
            exact=True,
        ),
        finding("axis.direction", acceptable=Above(0.9), estimate=0.95, interval=(0.92, math.inf)),
        finding("leakage.linear", minimum_detectable=0.09, **fails, fail_interval=(0.3, 0.7)),
        finding("leakage.quadratic", screen=True, **fails, fail_interval=(0.3, 0.7)),
        finding("leakage.mlp", verdict=Verdict.INCONCLUSIVE, interval=(0.0, 0.07)),
        finding("leakage.deep_network", gate=False, screen=True),
        finding("leads.missing_lead", gate=False, **fails),
        finding("leads.blindness", acceptable=Region()),
        finding(
            "axis.length",
            acceptable=Within(0.5, 2.0),
            default_acceptable=Within(0.8, 1.2),
            estimate=1.0,
            interval=(0.9, 1.1),
            fail_interval=(0.8, 1.2),
        ),
        unmeasured("invariance.gain_age_shift", Verdict.ERROR, reason="ValueError in encode"),
        unmeasured("leakage.posterior_scale", Verdict.NOT_APPLICABLE, gate=False),
    )


def made(*findings: Finding, **rest: Any) -> AuditReport:
    """A report of findings."""
    given: dict[str, Any] = {
        "checkpoint": {"path": "model.pth", "sha256": "0" * 64, "kind": "twin", "manifest": None},
        "cohort": {
            "name": "people", "fingerprint": "1" * 64, "records": 900, "patients": 900,
            "exclusions": {"age unknown": 3}, "seen_patients_removed": 7, "seen_patients_kept": 0,
            "fitting_people": 1500, "fitting_fingerprint": None,
        },
        "scope": "recorded",
        "gates": tuple(f.id for f in findings if f.gate and not f.screen),
        "findings": findings,
        "settings": {
            "checkpoint": "model.pth", "cohort": "people.npz", "seed": 5, "gate": [],
            "thorough": True, "folds": "9", "patients": "unseen", "allow_inconclusive": False,
            "margins": {},
        },
        "versions": {"axis-audit": "0.1.0", "torch": "2"},
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 61.0,
        "model": {"kind": "twin", "claims": ["axis", "leakage"]},
    }  # fmt: skip
    return AuditReport(**{**given, **rest})


def with_every_string(value: Any, text: str, name: str = "") -> Any:
    """A record with `text` before every string that may come from outside, and before names.

    What the schema fixes stays: its own keys, verdicts, kinds of figures.
    """
    if isinstance(value, dict):
        named = name in ("details", "series", "marks", "exclusions", "versions", "manifest")
        return {(text + k if named else k): with_every_string(v, text, k) for k, v in value.items()}
    if isinstance(value, list):
        return [with_every_string(v, text, name) for v in value]
    fixed = name in ("verdict", "schema_version", "scope", "limit")
    if not isinstance(value, str) or fixed or value in KINDS:
        return value
    return text + value


KINDS = frozenset({"line", "scatter", "clouds", "leads", "beats", "attributed", "bars", "matrix"})
