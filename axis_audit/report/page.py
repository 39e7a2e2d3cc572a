"""The report: one HTML file that needs nothing but itself, drawn from an audit's record alone."""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.report import facts, instrument, words
from axis_audit.report.drawings import Drawing, drawings
from axis_audit.report.records import interval_text, number
from axis_audit.report.strips import strip
from axis_audit.report.text import detail_text

GALLERY = {
    "prediction.mae": 1,
    "prediction.error_by_group": 1,
    "axis.monotonicity": 1,
    "axis.strictness": 1,
    "axis.direction": 1,
    "axis.use": 1,
    "leakage.linear": 2,
    "leakage.mlp": 2,
    "invariance.gain_age_shift": 1,
    "invariance.noise_age_shift": 1,
    "leads.missing_lead": 1,
    "leads.blindness": 1,
    "generative.reconstruction_mmd": 2,
    "generative.sample_mmd": 1,
    "generative.active_units": 1,
    "generative.interpolation": 1,
    "alignment.retrieval": 2,
    "alignment.correlation": 1,
    "alignment.one_lead_for_twelve": 2,
    "attribution.in_region": 6,
    "attribution.deletion": 2,
}
"""How many figures of a finding open their family's section; the others stand with the finding."""


@dataclass(frozen=True)
class View:
    """A finding as the page shows it; `drawings` are those not in the gallery of its family."""

    finding: Finding
    strip: Markup
    gallery: list[Drawing]
    drawings: list[Drawing]
    details: list[tuple[str, str]]
    planted: str

    @property
    def anchor(self) -> str:
        """Id of its place on the page."""
        return anchor(self.finding.id)


@dataclass(frozen=True)
class Section:
    """One family of claims; `absent` when none of its checks can be put to this model."""

    name: str
    title: str
    question: str
    tally: str
    shown: list[View]
    views: list[View]

    @property
    def absent(self) -> bool:
        """Whether nothing was measured because nothing could be."""
        return all(v.finding.verdict is Verdict.NOT_APPLICABLE for v in self.views)


def anchor(finding_id: str) -> str:
    """A finding's place on the page, fit for an address whatever the finding is called."""
    return "f-" + "".join(c if c.isalnum() and c.isascii() else "-" for c in finding_id)


def page(report: AuditReport, links: Mapping[str, str] | None = None) -> str:
    """The report as HTML.

    Args:
        links: words -> relative addresses of files beside it (the plain view, the record).
    """
    style = _template_text("style.css")
    template = _environment().get_template("audit.html.j2")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return str(
        template.render(
            report=report,
            facts=facts.facts(report),
            sections=_sections(report),
            open=words.open_questions(report),
            links=dict(links or {}),
            style=Markup(style),  # ours, and its digest is what the page's policy allows
            style_digest=digest,
            kills=instrument.kill_summary(),
            kill_families=facts.kill_families(),
            calibrations=instrument.calibrations(),
            uncovered=facts.uncovered(report),
        )
    )


def write_page(report: AuditReport, path: Path, links: Mapping[str, str] | None = None) -> None:
    """Write the report atomically: a reader sees the old file, the new one, or none.

    Raises:
        OSError: the folder cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    partial.write_text(page(report, links), encoding="utf-8", errors="replace")
    os.replace(partial, path)


def _sections(report: AuditReport) -> list[Section]:
    sections = []
    for name in dict.fromkeys(f.family for f in report.findings):
        views = [_view(f) for f in report.findings if f.family == name]
        places = list(GALLERY)
        shown = sorted((v for v in views if v.gallery), key=lambda v: places.index(v.finding.id))
        counts = Counter(v.finding.verdict for v in views)
        tally = ", ".join(f"{counts[v]} {v.replace('_', ' ')}" for v in Verdict if counts[v])
        title, question = words.family_words(name)
        sections.append(Section(name, title, question, tally, shown, views))
    # What this model is asked comes first, what it cannot be asked last.
    claims = report.model.get("claims", ())
    return sorted(sections, key=lambda s: (s.absent, s.name not in claims, s.name == "integrity"))


def _view(finding: Finding) -> View:
    drawn = drawings(finding.figure, finding.acceptable)
    shown = GALLERY.get(finding.id, 0)
    kills = instrument.kill_summary()["checks"].get(finding.id, {"defects": 0, "killed": 0})
    planted = ""
    if kills["defects"]:
        planted = f"{kills['killed']} of {kills['defects']} defects planted for it were caught"
    return View(
        finding,
        strip(finding),
        drawn[:shown],
        drawn[shown:],
        [(str(k), detail_text(v)) for k, v in finding.details.items()],
        planted,
    )


def reflow(text: str) -> str:
    """A docstring's paragraphs without the line breaks within them."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


@lru_cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Names come from checkpoints and cohorts: everything is escaped unless it is Markup of ours.
    environment = Environment(
        loader=PackageLoader("axis_audit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "anchor": anchor,
        "number": number,
        "percent": facts.percent,
        "reflow": reflow,
        "verdict": facts.spaced,
    }
    environment.globals |= {
        "interval_text": interval_text,
        "words": words,
        "instrument": instrument,
        "signs": {str(k): v for k, v in words.SIGNS.items()},
    }
    return environment


def _template_text(name: str) -> str:
    source, _, _ = _environment().loader.get_source(_environment(), name)
    return str(source)
