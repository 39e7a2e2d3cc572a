"""Power curves: how often a gate PASSes and FAILs against the true leak, a panel a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_COLOURS = {"PASS": "#2f7d4f", "FAIL": "#b3312c"}
_STYLES = ("-", "--", ":", "-.")


def draw_power(records: Sequence[Mapping[str, Any]], path: Path, latents: str = "gaussian") -> None:
    """Write the figure (format by the path's ending) for one or more calibration records.

    Args:
        records: as `calibrate` writes them, the first in full with its 95 % intervals as bands;
            others, of more or fewer people, as plain lines in another dash.
        latents: the kind whose rates are drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    gates = records[0]["settings"]["gates"]
    columns = min(3, len(gates))
    rows = -(-len(gates) // columns)
    figure = Figure(figsize=(3.6 * columns + 0.6, 2.7 * rows + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, gate in enumerate(gates):
        axes = grid[place // columns][place % columns]
        for style, record in zip(_STYLES, records, strict=False):
            _curves(axes, record, gate, latents, style)
        margin = records[0]["settings"]["margin"]
        axes.axvline(margin, color="#777777", linewidth=0.8, linestyle="--")
        axes.axhline(0.9, color="#cccccc", linewidth=0.6)
        axes.set_title(f"leakage.{gate}", fontsize=9)
        axes.set(ylim=(-0.03, 1.03))
        axes.grid(alpha=0.2)
    for axes in grid[-1]:
        axes.set_xlabel("true leak (R²)")
    for line in grid:
        line[0].set_ylabel("share of audits")
    for empty in range(len(gates), rows * columns):
        grid[empty // columns][empty % columns].set_visible(False)
    handles, names = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def _curves(axes: Any, record: Mapping[str, Any], gate: str, latents: str, style: str) -> None:
    rates = [r for r in record["rates"] if r["gate"] == gate and r["latents"] == latents and r["n"]]
    true = [r["true"] for r in rates]
    for verdict, colour in _COLOURS.items():
        shares = [r[verdict]["rate"] for r in rates]
        label = f"{verdict}, {record['settings']['people']} people"
        axes.plot(true, shares, style, marker="o", markersize=3, color=colour, label=label)
        if style == _STYLES[0]:
            bounds = [r[verdict]["interval"] for r in rates]
            axes.fill_between(
                true,
                [low for low, _ in bounds],
                [high for _, high in bounds],
                color=colour,
                alpha=0.18,
                linewidth=0,
            )
