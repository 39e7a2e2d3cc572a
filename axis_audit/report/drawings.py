"""Figures of findings as SVG and tables, drawn from the plain lists they carry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from axis_audit.finding import Region
from axis_audit.report import attributed, plot
from axis_audit.report.ecg_paper import panels, people_panels
from axis_audit.report.records import number

SERIES = ("s1", "s2", "s3", "s4")
"""Classes of the style sheet: a colour and a dash each, so that neither is needed alone."""
_BANDS = {"low", "high"}
_LONGEST_LABEL = 27


@dataclass(frozen=True)
class Drawing:
    """A figure ready for the page.

    Attributes:
        body: SVG or a table, escaped. title: of the caption. note: what the caption adds.
        legend: (class, name) of each series. wide: needs the page's whole width.
    """

    body: Markup
    title: str
    legend: tuple[tuple[str, str], ...] = ()
    note: str = ""
    wide: bool = False


def drawings(figure: Mapping[str, Any], acceptable: Region) -> list[Drawing]:
    """A finding's figures; what is no figure that we know is left out.

    Args:
        figure: as `checks.figures` makes it. acceptable: drawn where the figure says that one of
            its axes ("limit": "x" or "y") is the one on which the claim is measured.
    """
    if not isinstance(figure, Mapping) or not figure:
        return []
    more = figure.get("more", [])
    found = [_drawing(f, acceptable) for f in [figure, *(more if isinstance(more, list) else [])]]
    return [d for d in found if d is not None]


def _drawing(figure: Any, acceptable: Region) -> Drawing | None:
    kinds: dict[str, Callable[[Mapping[str, Any]], Drawing]] = {
        "line": _line, "scatter": _scatter, "bars": _bars, "matrix": _matrix,
        "leads": _leads, "beats": _beats, "clouds": _clouds,
        "attributed": _attributed,
    }  # fmt: skip
    draw = kinds.get(str(figure.get("kind", ""))) if isinstance(figure, Mapping) else None
    if draw is None:
        return None
    try:
        return draw(_with_limit(figure, acceptable))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
        # A record from elsewhere, or a check of somebody else's: the page must still be drawn.
        return Drawing(Markup(""), "a figure that cannot be drawn: its data are incomplete")


def _with_limit(figure: Mapping[str, Any], acceptable: Region) -> Mapping[str, Any]:
    """The figure with the ends of the acceptable region among its marks, if it asks for them."""
    axis = {"x": "marks", "y": "levels"}.get(str(figure.get("limit", "")))
    ends = plot.finite([acceptable.low, acceptable.high])
    if axis is None or not ends:
        return figure
    names = ["acceptable from", "acceptable up to"] if len(ends) > 1 else ["acceptable up to"]
    if not math.isfinite(acceptable.high):
        names = ["acceptable from"]
    return {**figure, axis: {**figure.get(axis, {}), **dict(zip(names, ends, strict=True))}}


def _line(data: Mapping[str, Any]) -> Drawing:
    xs, series = data["x"], data["series"]
    marks = {k: v for k, v in data.get("marks", {}).items() if plot.finite([v])}
    points = data.get("points") or [[], []]
    values = [v for ys in series.values() for v in ys] + list(points[1])
    x = plot.scale([*xs, *points[0], *marks.values()], 52, plot.WIDTH - 14, 0.02)
    levels = data.get("levels", {})
    y = plot.scale([*values, *levels.values()], plot.HEIGHT - 44, 24)
    body = plot.frame(x, y, data["x_label"], data["y_label"])
    for name, level in levels.items():
        body.append(plot.path("mark", f"M{x.start:.1f} {y(level):.1f}H{x.end:.1f}"))
        body.append(
            Markup(
                '<text class="tick halo" x="{:.1f}" y="{:.1f}" text-anchor="end">{} {}</text>'
            ).format(x.end - 2, y(level) - 4, name, number(level))
        )
    if points[0]:
        body.append(plot.path("dots faint", plot.dots(points[0], points[1], x, y)))
    legend: list[tuple[str, str]] = []
    for name, ys in series.items():
        kind = "band" if name in _BANDS else SERIES[len(legend) % len(SERIES)]
        if kind != "band":
            legend.append((kind, name))
        body.append(plot.path(f"curve {kind}", plot.curve(xs, ys, x, y)))
    body += _marks(marks, x, y)
    ends = f"{data['x_label']} from {_ends(xs)}; " + "; ".join(
        f"{name} from {_ends(ys)}" for name, ys in series.items()
    )
    title = data.get("title") or f"{data['y_label']} against {data['x_label']}"
    if _BANDS & set(series):
        legend.append(("band", "where 95 % of planted leaks score"))
    if points[0]:
        legend.append(("dot", "one planted leak"))
    alt = f"Curves: {title}. {ends}." + _told({**marks, **levels})
    return Drawing(plot.svg(body, plot.WIDTH, plot.HEIGHT, alt), title, tuple(legend))


def _scatter(data: Mapping[str, Any]) -> Drawing:
    xs, ys = data["x"], data["y"]
    # What could be equal is drawn on equal scales: a flat cloud is then seen to be flat.
    both = [*xs, *ys] if data.get("diagonal") else []
    x = plot.scale(both or xs, 52, plot.WIDTH - 14, 0.02)
    y = plot.scale(both or ys, plot.HEIGHT - 44, 24)
    body = plot.frame(x, y, data["x_label"], data["y_label"])
    body.append(plot.path("dots", plot.dots(xs, ys, x, y)))
    if data.get("diagonal"):
        low, high = max(x.low, y.low), min(x.high, y.high)
        if low < high:
            body.append(plot.path("mark", plot.curve([low, high], [low, high], x, y)))
    title = data.get("title") or f"{data['y_label']} against {data['x_label']}"
    alt = (
        f"Scatter of {len(xs)} people: {title}. {data['x_label']} from {_ends(xs)}; "
        f"{data['y_label']} from {_ends(ys)}."
    )
    note = "dashed: equality" if data.get("diagonal") and "dashed" not in title else ""
    return Drawing(plot.svg(body, plot.WIDTH, plot.HEIGHT, alt), title, note=note)


def _clouds(data: Mapping[str, Any]) -> Drawing:
    series = data["series"]
    x = plot.scale([v for xs, _ in series.values() for v in xs], 52, plot.WIDTH - 14, 0.02)
    y = plot.scale([v for _, ys in series.values() for v in ys], plot.HEIGHT - 44, 24)
    body = plot.frame(x, y, data["x_label"], data["y_label"])
    for kind, (xs, ys) in zip(SERIES, series.values(), strict=False):
        body.append(plot.path(f"dots {kind}", plot.dots(xs, ys, x, y)))
    title = data.get("title") or " and ".join(series)
    told = "; ".join(
        f"{name}: {data['x_label']} from {_ends(xs)}, {data['y_label']} from {_ends(ys)}"
        for name, (xs, ys) in series.items()
    )
    alt = f"Clouds of points: {title}. {told}."
    legend = tuple((f"dots {kind}", name) for kind, name in zip(SERIES, series, strict=False))
    return Drawing(plot.svg(body, plot.WIDTH, plot.HEIGHT, alt), title, legend)


def _bars(data: Mapping[str, Any]) -> Drawing:
    labels, values = [str(v) for v in data["labels"]], data["values"]
    intervals = data.get("intervals") or [[None, None]] * len(labels)
    marks = data.get("marks", {})
    step, top = 22.0, 24.0
    height = top + step * len(labels) + 44
    everything = [0.0, *values, *(v for pair in intervals for v in pair), *marks.values()]
    x = plot.scale(everything, 172, plot.WIDTH - 48, 0.04)
    y = plot.Scale(0, 1, height - 44, top)
    body = [m for m in plot.frame(x, y, data["x_label"], "") if 'class="grid" d="M172' not in m]
    body = [m for m in body if 'text-anchor="end"' not in m]
    for i, (label, value, ends) in enumerate(zip(labels, values, intervals, strict=True)):
        middle = top + step * (i + 0.5)
        short = plot.shortened(label, _LONGEST_LABEL)
        body.append(
            Markup('<text class="tick" x="166" y="{:.1f}" text-anchor="end">{}</text>').format(
                middle + 4, short
            )
        )
        if not plot.finite([value]):
            continue
        left, right = sorted((x(0.0), x(value)))
        body.append(
            Markup('<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="12"/>').format(
                left, middle - 6, right - left
            )
        )
        if len(plot.finite(ends)) == 2:
            body.append(plot.path("whisker", f"M{x(ends[0]):.1f} {middle:.1f}H{x(ends[1]):.1f}"))
        body.append(
            Markup('<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>').format(
                plot.WIDTH - 2, middle + 4, number(value)
            )
        )
    body += _marks({k: v for k, v in marks.items() if plot.finite([v])}, x, y, above=16)
    title = data.get("title") or data["x_label"]
    told = "; ".join(f"{k}: {number(v)}" for k, v in zip(labels, values, strict=True))
    alt = f"Bars: {title}. {data['x_label']}. {told}."
    return Drawing(plot.svg(body, plot.WIDTH, height, alt), title)


def _matrix(data: Mapping[str, Any]) -> Drawing:
    names, values = [str(n) for n in data["names"]], data["values"]
    largest = max(plot.finite(v for row in values for v in row), default=0.0) or 1.0
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(n) for n in names)
    rows = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            name, Markup("").join(_cell(v, largest) for v in row)
        )
        for name, row in zip(names, values, strict=True)
    )
    title = f"{data['title']}: {data['label']}"
    body = Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{0}"><table class="matrix">'
        '<caption class="unseen">{0}</caption>'
        "<thead><tr><td></td>{1}</tr></thead><tbody>{2}</tbody></table></div>"
    ).format(title, head, rows)
    return Drawing(body, title, note="darker: larger")


def _cell(value: Any, largest: float) -> Markup:
    if not plot.finite([value]):
        return Markup("<td></td>")
    shade = min(5, max(0, round(5 * float(value) / largest)))
    text = f"{value:.1f}" if largest < 100 else f"{value:.0f}"
    return Markup('<td class="m{}">{}</td>').format(shade, text)


def _leads(data: Mapping[str, Any]) -> Drawing:
    series = data["series"]
    title = data.get("title") or " and ".join(series)
    body, note = panels(
        data["leads"], series, rate=data["rate"], unit=data["unit"], title=title, kinds=SERIES
    )
    legend = tuple(zip(SERIES, series, strict=False))
    return Drawing(body, title, legend, note, wide=True)


def _beats(data: Mapping[str, Any]) -> Drawing:
    names: Sequence[str] = list(data["people"][0]["series"])
    body, note = people_panels(
        data["people"], data["leads"], rate=data["rate"], unit=data["unit"], kinds=SERIES
    )
    title = data.get("title") or "people's beats on ECG paper"
    return Drawing(body, title, tuple(zip(SERIES, names, strict=False)), note, wide=True)


def _attributed(data: Mapping[str, Any]) -> Drawing:
    body = attributed.svg(attributed.sheet(data))
    note = "the broader and redder the band behind the trace, the more the sample counted"
    return Drawing(body, str(data["title"]), note=note, wide=True)


def _marks(
    marks: Mapping[str, float], x: plot.Scale, y: plot.Scale, above: float = 0
) -> list[Markup]:
    parts: list[Markup] = []
    for i, (name, place) in enumerate(marks.items()):
        at = x(place)
        height = y.end + 10 - above + 13 * i
        end = at > (x.start + x.end) / 2
        parts.append(plot.path("mark", f"M{at:.1f} {y.start:.1f}V{y.end:.1f}"))
        parts.append(
            Markup(
                '<text class="tick halo" x="{:.1f}" y="{:.1f}" text-anchor="{}">{} {}</text>'
            ).format(
                at + (-4 if end else 4), height, "end" if end else "start", name, number(place)
            )
        )  # fmt: skip
    return parts


def _ends(values: Sequence[Any]) -> str:
    known = plot.finite(values)
    return f"{number(min(known))} to {number(max(known))}" if known else "nothing"


def _told(marks: Mapping[str, float]) -> str:
    return "".join(f" {name} at {number(place)}." for name, place in marks.items())
