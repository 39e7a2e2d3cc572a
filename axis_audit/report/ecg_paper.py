"""Waveforms lead by lead in the layout of a paper ECG: plain panels, or on its grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from axis_audit.report import plot
from axis_audit.report.records import number

MM = 5.0
"""Pixels of a millimetre of paper. ECG paper runs 25 mm a second and shows 10 mm a millivolt."""
_TALLEST = 60.0
_PANEL = (170.0, 92.0)
Waves = Sequence[Sequence[float | None]]


def panels(
    leads: Sequence[str],
    series: Mapping[str, Waves],
    *,
    rate: float,
    unit: str,
    title: str,
    kinds: Sequence[str],
) -> tuple[Markup, str]:
    """One panel a lead on one scale; waves are (leads, samples). The second value is a note."""
    everything = [v for waves in series.values() for wave in waves for v in wave]
    longest = max((len(w) for waves in series.values() for w in waves), default=1)
    x = plot.Scale(0, max(longest - 1, 1), 0, _PANEL[0])
    y = plot.scale([0.0, *everything], _PANEL[1], 0.0)
    drawn = [
        _panel(lead, [waves[i] for waves in series.values()], x, y, kinds=kinds)
        for i, lead in enumerate(leads)
    ]
    note = (
        f"{number((longest - 1) / rate)} s across; up and down {number(y.low)} to "
        f"{number(y.high)} {unit}, the same in every lead"
    )
    return _grid(drawn, f"{title}, lead by lead. {note}."), note


def people_panels(
    people: Sequence[Mapping[str, Any]],
    leads: Sequence[str],
    *,
    rate: float,
    unit: str,
    kinds: Sequence[str],
) -> tuple[Markup, str]:
    """Twelve panels a person on ECG paper: 25 mm/s and 10 mm a unit, smaller if it would tower."""
    per_unit = min(_scale_of(person, unit) for person in people)
    parts = []
    for person in people:
        series = person["series"]
        waves = [v for of in series.values() for wave in of for v in wave]
        known = plot.finite(waves) or [0.0]
        low = math.floor(min(*known, 0.0) * per_unit / 5 - 0.1) * 5
        high = math.ceil(max(*known, 0.0) * per_unit / 5 + 0.1) * 5
        longest = max(len(w) for of in series.values() for w in of)
        width = math.ceil((longest - 1) / rate * 25 / 5) * 5 * MM
        x = plot.Scale(0, width / MM / 25 * rate, 0, width)
        y = plot.Scale(low / per_unit, high / per_unit, (high - low) * MM, 0)
        drawn = [
            _panel(lead, [of[i] for of in series.values()], x, y, kinds=kinds, paper="paper")
            for i, lead in enumerate(leads)
        ]
        names = ", ".join(series)
        alt = f"Person {person['name']}: {names}, lead by lead, on ECG paper."
        shown = _grid(drawn, alt)
        parts.append(
            Markup('<div><p class="person">Person {}</p>{}</div>').format(person["name"], shown)
        )
    note = f"25 mm/s, {number(per_unit)} mm per {unit.removesuffix('s')}; a large square is 5 mm"
    return Markup('<div class="people">{}</div>').format(Markup("").join(parts)), note


def _scale_of(person: Mapping[str, Any], unit: str) -> float:
    """Millimetres a unit: 10, or the largest of 5, 2, 1 ... that keeps a panel low."""
    waves = plot.finite(v for of in person["series"].values() for wave in of for v in wave)
    height = (max([*waves, 0.0]) - min([*waves, 0.0])) or 1.0
    for per_unit in (10.0, 5.0, 2.0, 1.0):
        if height * per_unit <= _TALLEST:
            return per_unit
    return 10.0 ** math.floor(math.log10(_TALLEST / height))


def _panel(
    lead: str,
    waves: Sequence[Sequence[float | None]],
    x: plot.Scale,
    y: plot.Scale,
    *,
    kinds: Sequence[str],
    paper: str = "",
) -> Markup:
    width, height = x.end, y.start
    body = [Markup('<rect class="{}" width="{:g}" height="{:g}"/>').format(
        paper or "panel", width, height
    )]  # fmt: skip
    if not paper:
        body.append(plot.path("grid", f"M0 {y(0.0):.1f}H{width:g}"))
    for kind, wave in zip(kinds, waves, strict=False):
        body.append(plot.path(f"curve {kind}", plot.curve(range(len(wave)), wave, x, y)))
    body.append(Markup('<text class="lead halo" x="5" y="15">{}</text>').format(lead))
    return Markup('<svg viewBox="0 0 {:g} {:g}" aria-hidden="true">{}</svg>').format(
        width, height, Markup("").join(body)
    )


def _grid(drawn: Sequence[Markup], alt: str) -> Markup:
    kind = {12: "twelve", 1: "one"}.get(len(drawn), "some")
    return Markup('<div class="leads {}" role="img" aria-label="{}">{}</div>').format(
        kind, alt, Markup("").join(drawn)
    )
