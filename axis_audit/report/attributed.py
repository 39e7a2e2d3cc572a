"""A record's paper ECG coloured by attribution: 25 mm/s, 10 mm/mV, laid out in millimetres.

`sheet` says what stands where; the page draws it as SVG (`svg`), and whoever makes files of it
draws the same marks with a pen of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup

from axis_audit.report import plot
from axis_audit.report.ecg_paper import MM
from axis_audit.report.records import number

Point = tuple[float, float]
Panel = Mapping[str, Any]
SPEED = 25.0
"""Millimetres a second."""
GAINS = (10.0, 5.0, 2.5, 1.0)
HOTTEST = 5
"""Colours are 0 (none) to 5; more could not be told apart on paper."""
WAVES = ("wave1", "wave2")
"""Styles of the waves' blocks: the first is darker and taller, so colour is not needed."""
_LEFT, _PULSE, _WIDTH = 5.0, 15.0, 275.0
_TOP, _LABEL, _BETWEEN = 15.0, 5.0, 10.0
_TALLEST = 60.0
_BLOCKS, _HEAT, _HEAT_HEIGHT = 1.0, 3.6, 2.6
"""Below the paper of a row: blocks of waves, then the heat bar."""


@dataclass(frozen=True)
class Lines:
    """Polylines of a style, in millimetres from the top left corner."""

    style: str
    lines: Sequence[Sequence[Point]]


@dataclass(frozen=True)
class Boxes:
    """Filled rectangles of a style: left, top, width, height."""

    style: str
    boxes: Sequence[tuple[float, float, float, float]]


@dataclass(frozen=True)
class Words:
    """Text on a baseline; `anchor` is "start", "middle" or "end"."""

    style: str
    at: Point
    text: str
    anchor: str = "start"


Mark = Lines | Boxes | Words


@dataclass(frozen=True)
class Sheet:
    """A drawing in millimetres, first marks undermost, and what it says in words."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    alt: str


def sheet(data: Mapping[str, Any]) -> Sheet:
    """The marks of a figure of kind "attributed".

    Raises:
        KeyError, TypeError, ValueError: it is none, or incomplete.
    """
    rate, rows = float(data["rate"]), data["rows"]
    if not (math.isfinite(rate) and rate > 0) or not rows or not all(rows):
        raise ValueError("no record to draw")
    gain = _gain(rows)
    marks = _heading(data)
    top = _TOP
    for panels in rows:
        low, high = _extent(panels, gain)
        zero, bottom = top + high, top + high + low
        end = max(_right(p, rate) for p in panels)
        width = math.ceil((end - _LEFT) / 5 - 1e-6) * 5
        marks.append(Boxes("paper", [(_LEFT, top, width, bottom - top)]))
        marks.append(_pulse(zero, gain))
        beside = [("attribution", 5.9), *([("waves", 2.9)] if data["waves"] else [])]
        marks += [Words("side", (_LEFT + _PULSE - 1.0, bottom + y), t, "end") for t, y in beside]
        for panel in panels:
            marks += _panel(panel, data["waves"], rate, gain, top=top, zero=zero, bottom=bottom)
        top = bottom + _BETWEEN
    marks += _key(top, [str(w["name"]) for w in data["waves"]], gain)
    return Sheet(_WIDTH, top + 11, tuple(marks), _alternative(data, gain))


def svg(drawn: Sheet) -> Markup:
    """The marks as SVG of the page's classes; every string escaped."""
    body = []
    for mark in drawn.marks:
        if isinstance(mark, Words):
            x, y = (MM * v for v in mark.at)
            body.append(
                Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
                    mark.style, x, y, mark.anchor, mark.text
                )
            )
        elif isinstance(mark, Boxes):
            body.append(plot.path(mark.style, "".join(_box(*box) for box in mark.boxes)))
        else:
            body.append(plot.path(mark.style, "".join(_line(line) for line in mark.lines)))
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="ECG on paper">'
        '<svg class="ecg" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg></div>'
    ).format(MM * drawn.width, MM * drawn.height, drawn.alt, Markup("").join(body))


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{MM * x:.1f} {MM * y:.1f}h{MM * width:.1f}v{MM * height:.1f}h{-MM * width:.1f}z"


def _line(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{MM * x:.1f} {MM * y:.1f}" for x, y in points)


def _right(panel: Panel, rate: float) -> float:
    return _LEFT + _PULSE + SPEED * (float(panel["start"]) + len(panel["signal"]) / rate)


def _gain(rows: Sequence[Sequence[Panel]]) -> float:
    """Millimetres a millivolt: 10, or less where a row would tower over the page."""
    for gain in GAINS:
        if all(sum(_extent(panels, gain)) <= _TALLEST for panels in rows):
            return gain
    largest = max(abs(v) for panels in rows for p in panels for v in plot.finite(p["signal"]))
    return 10.0 ** math.floor(math.log10(_TALLEST / 4 / largest))


def _extent(panels: Sequence[Panel], gain: float) -> tuple[float, float]:
    """Millimetres below and above zero, in large squares, with room for the names of leads."""
    known = [v for p in panels for v in plot.finite(p["signal"])]
    low, high = min([0.0, *known]) * gain, max([0.0, *known]) * gain
    # A millivolt at least: the calibration pulse has to fit.
    above = max(gain + 1, high + _LABEL)
    return 5.0 * max(1, math.ceil((1 - low) / 5)), 5.0 * math.ceil(above / 5)


def _pulse(zero: float, gain: float) -> Lines:
    """The calibration pulse: one millivolt for 0.2 s."""
    x, top = _LEFT + 5, zero - gain
    corners = [(x - 2.5, zero), (x, zero), (x, top), (x + 5, top), (x + 5, zero), (x + 7.5, zero)]
    return Lines("trace", [corners])


def _panel(
    panel: Panel,
    waves: Sequence[Mapping[str, Any]],
    rate: float,
    gain: float,
    *,
    top: float,
    zero: float,
    bottom: float,
) -> list[Mark]:
    signal, levels = list(panel["signal"]), [int(v) for v in panel["levels"]]
    if len(signal) != len(levels) or len(plot.finite(signal)) != len(signal):
        raise ValueError("a lead without its levels, or with gaps")
    left = _LEFT + _PULSE + SPEED * float(panel["start"])
    width = SPEED * len(signal) / rate
    step = SPEED / rate
    points = [(left + step * (i + 0.5), zero - gain * v) for i, v in enumerate(signal)]
    marks: list[Mark] = [Lines("change", [[(left, top), (left, bottom)]])] if panel["start"] else []
    marks += [
        Lines(f"glow h{level}", _stretches(points, levels, level))
        for level in range(1, HOTTEST + 1)
        if level in levels
    ]
    marks.append(Lines("trace", [points]))
    first = round(float(panel["start"]) * rate)
    for k, (style, wave) in enumerate(zip(WAVES, waves, strict=False)):
        runs = [
            (max(a - first, 0), min(b - first, len(signal)))
            for a, b in wave["runs"]
            if a - first < len(signal) and b > first
        ]
        y, height = bottom + _BLOCKS + 0.5 * k, 2.0 - 0.5 * k
        marks.append(Boxes(style, [(left + step * a, y, step * (b - a), height) for a, b in runs]))
    heat = bottom + _HEAT
    marks.append(Boxes("trough", [(left, heat, width, _HEAT_HEIGHT)]))
    marks += [
        Boxes(f"cell h{level}", [
            (left + step * a, heat, step * (b - a), _HEAT_HEIGHT) for a, b in _runs(levels, level)
        ])
        for level in range(1, HOTTEST + 1)
        if level in levels
    ]  # fmt: skip
    lead = str(panel["lead"])
    name = Words("lead halo", (left + 1.5, top + 4.2), plot.shortened(lead, 12))
    after = left + 3.4 + sum(1.4 if letter == "I" else 2.5 for letter in name.text)
    return [*marks, name, Words("share halo", (after, top + 4.2), _percent(panel["share"]))]


def _stretches(points: Sequence[Point], levels: Sequence[int], level: int) -> list[list[Point]]:
    """The trace where it is of a level, half a sample further at either end."""
    found = []
    for first, stop in _runs(levels, level):
        line = list(points[first:stop])
        if first > 0:
            line.insert(0, _between(points[first - 1], points[first]))
        if stop < len(points):
            line.append(_between(points[stop - 1], points[stop]))
        found.append(line)
    return found


def _between(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _runs(levels: Sequence[int], level: int) -> list[tuple[int, int]]:
    runs, at = [], 0
    for value, group in groupby(levels):
        length = len(list(group))
        if value == level:
            runs.append((at, at + length))
        at += length
    return runs


def _heading(data: Mapping[str, Any]) -> list[Mark]:
    right = _LEFT + _PULSE + 250.0
    return [
        Words("title", (_LEFT, 6.0), plot.shortened(str(data["title"]), 64)),
        Words(
            "title", (right, 6.0), f"predicted probability {_chance(data['probability'])}", "end"
        ),
        Words("note", (_LEFT, 11.5), plot.shortened(f"{data['method']}{_inside(data)}", 150)),
    ]


def _key(top: float, waves: Sequence[str], gain: float) -> list[Mark]:
    """Colours, blocks and scales in words."""
    y, x = top + 2.4, _LEFT + _PULSE
    marks: list[Mark] = [Words("note", (x, y), "counted least")]
    x += 20.5
    marks.append(Boxes("trough", [(x, y - 2.8, 36.0, 3.4)]))
    marks += [
        Boxes(f"cell h{level}", [(x + 6.0 * level, y - 2.8, 6.0, 3.4)])
        for level in range(1, HOTTEST + 1)
    ]
    marks.append(Words("note", (x + 38.0, y), "counted most, for or against"))
    x += 86.0
    for k, (style, name) in enumerate(zip(WAVES, waves, strict=False)):
        marks.append(Boxes(style, [(x, y - 2.6 + 0.5 * k, 7.0, 2.8 - 0.5 * k)]))
        marks.append(Words("note", (x + 8.5, y), plot.shortened(name, 12)))
        x += 12.0 + 2.1 * min(len(name), 12)
    right = _LEFT + _PULSE + 250.0
    marks.append(Words("note", (right, y), f"25 mm/s, {number(gain)} mm/mV", "end"))
    told = "every lead has its own scale of colour; per cent: the lead's part of the whole record's"
    marks.append(Words("note", (_LEFT + _PULSE, y + 5.6), f"{told} attribution"))
    return marks


def _inside(data: Mapping[str, Any]) -> str:
    told = [
        f"{_percent(within)} within {wave['name']}, which is {_percent(time)} of the time"
        for wave in data["waves"]
        for within, time in [wave["inside"]]
    ]
    return ": " + "; ".join(told) if told else ""


def _chance(probability: float) -> str:
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"{probability} is no probability")
    if probability < 0.01 or probability > 0.99:
        return "above 0.99" if probability > 0.5 else "below 0.01"
    return f"{probability:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _alternative(data: Mapping[str, Any], gain: float) -> str:
    leads = {str(p["lead"]): float(p["share"]) for panels in data["rows"] for p in panels}
    most = sorted(leads, key=lambda lead: -leads[lead])[:3]
    told = ", ".join(f"{lead} {_percent(leads[lead])}" for lead in most)
    return (
        f"ECG of {len(leads)} leads, 25 mm/s and {number(gain)} mm/mV, coloured by attribution. "
        f"{data['title']}; predicted probability {_chance(data['probability'])}. "
        f"{data['method']}{_inside(data)}. Leads with the largest parts of it: {told}."
    )
