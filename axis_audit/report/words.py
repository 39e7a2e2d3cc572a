"""What verdicts and families mean, in words for a reader who meets them for the first time."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.report.records import number
from axis_audit.report.text import one_line

SIGNS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✕",
    Verdict.INCONCLUSIVE: "?",
    Verdict.ERROR: "!",
    Verdict.NOT_APPLICABLE: "–",
}
"""A shape beside each verdict's word, so that colour says nothing alone."""

FAMILIES = {
    "prediction": (
        "Predicted age",
        "Is predicted age right, in everybody and in each group, and read from the signal alone?",
    ),
    "axis": (
        "The age axis",
        "Is there one axis g(age)·B: rising with age, zero at the neutral age, and the way in "
        "which recorded beats really change?",
    ),
    "leakage": (
        "Leakage of age",
        "Can age be read from what should not hold it: the morphology latent z and the canonical "
        "beat x50? R² is the share of the variance of age that is read; 0.05 is the usual margin.",
    ),
    "invariance": (
        "Invariance to amplitude and noise",
        "Do the axis and predicted age stand still when only the size of the signal, its baseline "
        "or its noise change?",
    ),
    "leads": (
        "Leads",
        "Is the model robust to the mistakes people make with electrodes, without being blind to "
        "leads, and are its beats physically possible?",
    ),
    "generative": (
        "What the model generates",
        "Are reconstructions and draws distributed as people's signals are, is a reconstruction "
        "the person's own, are its waves kept, and are draws new? MMD² is 0 where two "
        "distributions are one.",
    ),
    "alignment": (
        "One lead that speaks for twelve",
        "Do the embeddings of one recording's leads meet, and only they; can twelve leads be drawn "
        "from one better than a ridge regression draws them; and is the person in it? Agreement by "
        "collapse is none.",
    ),
    "attribution": (
        "What it diagnoses, and why",
        "Is the diagnosis right, here and at other hospitals; do maps of attribution add up, point "
        "where the disease shows, and name what the diagnosis rests on? A map that follows the QRS "
        "points well and says nothing.",
    ),
    "integrity": (
        "Integrity",
        "Can the other numbers be trusted: nobody seen in training, the same numbers after "
        "reloading, no value that is not a number?",
    ),
}


def family_words(family: str) -> tuple[str, str]:
    """Title and question of a family; its own name for one that is not ours."""
    return FAMILIES.get(family, (family.capitalize(), ""))


def role(finding: Finding) -> str:
    """Whether a finding decides."""
    if finding.screen:
        return "screen"
    return "gate" if finding.gate else "reported"


def role_words(finding: Finding) -> str:
    """What a finding of this role decides."""
    return {
        "gate": "A gate: it must PASS",
        "screen": "A screen: its FAIL fails the audit, its PASS certifies nothing",
        "reported": "Reported only: it does not decide this audit",
    }[role(finding)]


def meaning(finding: Finding) -> str:
    """A finding's verdict in words."""
    kind = role(finding)
    if finding.verdict is Verdict.PASS:
        if kind == "screen":
            return (
                "Nothing beyond the margin was found. That is no certificate: a screen looks "
                "where nobody can be sure to find everything."
            )
        return "It holds for the people audited, within the margin."
    if finding.verdict is Verdict.FAIL:
        told = "It does not hold, beyond what chance explains."
        if finding.exact:
            told = "It does not hold. This is measured exactly, not estimated."
        return told + (" It does not decide this audit." if not finding.gate else "")
    if finding.verdict is Verdict.INCONCLUSIVE:
        rest = "This is not a PASS." if finding.gate else "It does not decide this audit."
        return f"These people neither show nor refute it. {rest}"
    if finding.verdict is Verdict.ERROR:
        return "It could not be measured. For a gate or a screen this counts as a FAIL."
    return "This claim cannot be put to this model or these people; it decides nothing."


def caught(finding: Finding) -> str:
    """The smallest effect that would have been caught."""
    unit = f" {finding.acceptable.unit}" if finding.acceptable.unit else ""
    if finding.estimate is None:
        return ""
    if finding.exact:
        return "any violation: it is measured without sampling error"
    if finding.minimum_detectable is not None:
        return (
            f"a true value of {number(finding.minimum_detectable)}{unit} would have been a "
            "FAIL nine times in ten"
        )
    edges = [number(edge) for edge in _detectable_edges(finding)]
    if not edges:
        return ""
    return f"about {' or '.join(edges)}{unit}, nine times in ten, judging by the interval's width"


def _detectable_edges(finding: Finding) -> list[float]:
    """True values that would FAIL with 90 % power, from the widths of both intervals.

    A FAIL needs the wide interval beyond the region's edge; nine times in ten the estimate falls
    at most 1.28 standard errors short of the truth, and the 95 % interval reaches 1.96 of them.
    """
    if finding.estimate is None or finding.interval is None or finding.fail_interval is None:
        return []
    (low, high), (far_low, far_high) = finding.interval, finding.fail_interval
    middle, region = finding.estimate, finding.acceptable
    below = region.low - (far_high - middle) - 1.28 / 1.96 * (high - middle)
    above = region.high + (middle - far_low) + 1.28 / 1.96 * (middle - low)
    return [edge for edge in (below, above) if math.isfinite(edge)]


def headline(report: AuditReport) -> str:
    """One sentence on what the overall verdict means; before it, that the audit did not finish."""
    if report.stopped:
        rest = dataclasses.replace(report, stopped="")
        return f"NOT FINISHED: {report.stopped}. What follows is what was found until then. " + (
            headline(rest) if rest.verdict is not Verdict.PASS else "This is not a PASS."
        )
    where = " on synthetic patients" if report.scope == "synthetic" else ""
    gates = report.gate_findings
    counts = Counter(f.verdict for f in gates)
    failed = counts[Verdict.FAIL] + counts[Verdict.ERROR]
    if report.verdict is Verdict.PASS:
        return (
            f"Every one of the {len(report.gates)} gates in force passed{where}: the claims "
            "below hold for the people audited, within the stated margins."
        )
    if report.verdict is Verdict.FAIL:
        return (
            f"{failed} of the claims that decide {'does' if failed == 1 else 'do'} not hold"
            f"{where}: this checkpoint does not have all the properties it claims."
        )
    reasons = []
    if counts[Verdict.INCONCLUSIVE]:
        reasons.append(f"{counts[Verdict.INCONCLUSIVE]} could not be decided")
    if report.missing:
        reasons.append(f"{len(report.missing)} did not run")
    if not reasons:
        reasons.append("none of them depends on the people audited")
    return (
        f"No gate failed{where}, but of {len(report.gates)} gates {' and '.join(reasons)}: "
        "this is not a PASS."
    )


def scope_words(report: AuditReport) -> str:
    """On whom the verdict was reached."""
    if report.scope == "synthetic":
        return "The embedded atlas is linear and Gaussian: this says nothing about people."
    return "A verdict speaks of people like those audited."


def tally(report: AuditReport) -> str:
    """How the gates in force fell, and the screens that decide beside them."""
    gates = Counter(f.verdict for f in report.findings if f.id in report.gates)
    told = ", ".join(f"{gates[v]} {v.replace('_', ' ')}" for v in Verdict if gates[v])
    text = f"Of {len(report.gates)} gates in force: {told or 'none ran'}."
    others = [f for f in report.gate_findings if f.id not in report.gates]
    if others:
        screens = "1 screen fails" if len(others) == 1 else f"{len(others)} screens fail"
        text += f" {screens} it, too."
    return text


def open_questions(report: AuditReport) -> list[tuple[Finding, str]]:
    """Findings that decide and are not PASS, worst first, each in one line."""
    worst = [Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE]
    found = [f for f in report.gate_findings if f.verdict in worst]
    found.sort(key=lambda f: worst.index(f.verdict))
    return [(f, one_line(f).removeprefix(f"{f.id}").lstrip(" =:")) for f in found]
