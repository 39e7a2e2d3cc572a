"""Figures of findings, drawn from the plain lists they carry."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

from axis_audit.finding import Finding

_COLOURS = ("#1f5fa8", "#c2571a", "#3a7d44", "#777777")


def png(finding: Finding) -> str | None:
    """The finding's figure as base64 PNG, or None if it has none."""
    draw = {"line": _line, "scatter": _scatter, "leads": _leads}.get(finding.figure.get("kind", ""))
    if draw is None:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tall = finding.figure["kind"] == "leads"
    figure = Figure(figsize=(7.2, 4.8 if tall else 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure, finding.figure)
    # parse_math off: a title with a dollar sign is text, not a formula.
    figure.suptitle(f"{finding.id}: {finding.verdict}", fontsize=10, parse_math=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _line(figure: Any, data: Mapping[str, Any]) -> None:
    axes = figure.subplots()
    for colour, (name, values) in zip(_COLOURS, data["series"].items(), strict=False):
        axes.plot(data["x"], values, color=colour, label=name)
    for name, place in data["marks"].items():
        axes.axvline(place, color="#777777", linewidth=0.8, linestyle="--")
        axes.annotate(f"{name} = {place:.1f}", (place, 0.02), xycoords=("data", "axes fraction"))
    axes.axhline(0.0, color="#bbbbbb", linewidth=0.6)
    axes.legend(frameon=False)
    axes.set(xlabel=data["x_label"], ylabel=data["y_label"])


def _scatter(figure: Any, data: Mapping[str, Any]) -> None:
    axes = figure.subplots()
    axes.scatter(data["x"], data["y"], s=6, color=_COLOURS[0], alpha=0.5, linewidths=0)
    if data.get("diagonal"):
        ends = [min(data["x"]), max(data["x"])]
        axes.plot(ends, ends, color="#777777", linewidth=0.8, linestyle="--")
    axes.set(xlabel=data["x_label"], ylabel=data["y_label"])


def _leads(figure: Any, data: Mapping[str, Any]) -> None:
    columns = 4 if len(data["leads"]) > 3 else 1
    rows = -(-len(data["leads"]) // columns)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, lead in enumerate(data["leads"]):
        # Columns of limb, augmented and chest leads, as on paper.
        axes = grid[place % rows][place // rows]
        for colour, (name, waves) in zip(_COLOURS, data["series"].items(), strict=False):
            times = [i / data["rate"] for i in range(len(waves[place]))]
            axes.plot(times, waves[place], color=colour, linewidth=0.9, label=name)
        axes.axhline(0.0, color="#cccccc", linewidth=0.5)
        axes.set_title(lead, fontsize=8, pad=2, parse_math=False)
        axes.tick_params(labelsize=6)
    grid[0][0].legend(frameon=False, fontsize=6)
    figure.supxlabel("seconds", fontsize=8)
    figure.supylabel(data["unit"], fontsize=8)
