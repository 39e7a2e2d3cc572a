"""Attribution on ECG paper as files: the report's drawing with matplotlib's pen, true to scale."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.checks import figures
from axis_audit.cohort import LEADS
from axis_audit.diseases import BY_NAME
from axis_audit.errors import InputError
from axis_audit.report.attributed import Boxes, Lines, Sheet, Words, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float32]
INCH = 25.4
DPI = 300
"""Of the PNG; printed at its own size a second is 25 mm and a millivolt 10 mm."""
HEAT = {"h1": "#fff0a0", "h2": "#ffd23f", "h3": "#fd9d2b", "h4": "#f0601f", "h5": "#d7191c"}
INK, QUIET, SHEET = "#1c2024", "#565d65", "#fffaf8"
FILLS = {"paper": SHEET, "trough": "#ffffff", "wave1": "#56718f", "wave2": "#a9bccb"}
GRID = ((1.0, "#f4d9d3", 0.1), (5.0, "#e8b3a8", 0.18))
"""Millimetres, colour and width of the small and the large squares."""
WIDTHS = {"trace": 0.34, "change": 0.24, "h1": 0.9, "h2": 1.1, "h3": 1.3, "h4": 1.5, "h5": 1.7}
"""Millimetres."""
TEXT = {"title": (3.8, "bold", INK), "lead": (3.4, "bold", INK), "side": (2.4, "normal", QUIET)}
SMALL = (2.7, "normal", QUIET)


def draw(  # noqa: PLR0917
    signals: FloatArray,
    maps_by_disease: Mapping[str, FloatArray],
    masks: Mapping[str, NDArray[np.bool_]],
    probabilities: Mapping[str, float],
    folder: Path,
    record_id: str,
    method: str,
    *,
    rate: float = 100.0,
    leads: Sequence[str] = LEADS,
) -> list[Path]:
    """One SVG and one PNG a disease: `<record>_<disease>.svg` and `.png`.

    Args:
        signals: mV, (leads, samples). maps_by_disease: attributions of the same shape.
        masks: "QRS" and "ST-T" -> where they are, (samples,). probabilities: of each disease.
        folder: is made if it is not there. method: of attribution, in words.

    Returns:
        the files, disease by disease.

    Raises:
        InputError: a folder that cannot be written.
        ValueError: signals and maps that are no record (see `figures.attributed`).
    """
    sheets = {
        name: sheet(
            figures.attributed(
                signals, maps, masks, rate, leads, _title(name, record_id), probabilities[name],
                method,
            )
        )
        for name, maps in maps_by_disease.items()
    }  # fmt: skip
    written = []
    for name, drawn in sheets.items():
        stem = re.sub(r"[^\w-]+", "_", f"{record_id}_{name}")
        paths = [folder / f"{stem}.{kind}" for kind in ("svg", "png")]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _save(drawn, paths)
        except OSError as error:
            cause = f"the pictures cannot be written ({error.strerror})"
            raise InputError(folder, cause, "name another folder") from None
        written += paths
    return written


def _title(disease: str, record_id: str) -> str:
    words = f"{disease}, {BY_NAME[disease].title}" if disease in BY_NAME else disease
    return f"{words}: record {record_id}"


def _save(drawn: Sheet, paths: Sequence[Path]) -> None:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Words stay words in the SVG, and the same picture gives the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "axis-audit"}):
        figure = Figure(figsize=(drawn.width / INCH, drawn.height / INCH))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, drawn.width), ylim=(drawn.height, 0))
        axes.set_axis_off()
        for order, mark in enumerate(drawn.marks):
            _put(axes, mark, order)
        for path in paths:
            told = {"Title": drawn.alt} | ({"Date": None} if path.suffix == ".svg" else {})
            figure.savefig(path, dpi=DPI, metadata=told)


def _put(axes: Axes, mark: Lines | Boxes | Words, order: int) -> None:
    from matplotlib.collections import LineCollection, PatchCollection
    from matplotlib.patches import Rectangle

    style = mark.style.split()
    if isinstance(mark, Words):
        _write(axes, mark, style, order)
    elif isinstance(mark, Boxes):
        patches = [Rectangle((x, y), width, height) for x, y, width, height in mark.boxes]
        colour = FILLS.get(style[0]) or HEAT[style[-1]]
        frame: dict[str, Any] = {"linewidths": 0, "antialiased": style[0] != "cell"}
        if style[0] == "trough":
            frame = {"linewidths": _points(0.15), "edgecolors": "#8a9199"}
        axes.add_collection(
            PatchCollection(patches, facecolors=colour, zorder=order, **frame), autolim=False
        )
        if style[0] == "paper":
            for box in mark.boxes:
                _squares(axes, box, order)
    else:
        colour = {"trace": INK, "change": QUIET}.get(style[0]) or HEAT[style[-1]]
        axes.add_collection(
            LineCollection(
                mark.lines, colors=colour, linewidths=_points(WIDTHS[style[-1]]), zorder=order,
                capstyle="round", joinstyle="round",
            ),
            autolim=False,
        )  # fmt: skip


def _write(axes: Axes, mark: Words, style: Sequence[str], order: int) -> None:
    size, weight, colour = TEXT.get(style[0], SMALL)
    side = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
    axes.text(
        *mark.at, mark.text, fontsize=_points(size), fontweight=weight, color=colour, ha=side,
        va="baseline", zorder=order, parse_math=False,
    )  # fmt: skip


def _squares(axes: Axes, box: tuple[float, float, float, float], order: int) -> None:
    x, y, width, height = box
    for step, colour, wide in GRID:
        style: dict[str, Any] = {
            "colors": colour,
            "linewidth": _points(wide),
            "zorder": order + 0.1,
        }
        axes.vlines(np.arange(x, x + width + 1e-6, step), y, y + height, **style)
        axes.hlines(np.arange(y, y + height + 1e-6, step), x, x + width, **style)


def _points(millimetres: float) -> float:
    return 72.0 * millimetres / INCH
