"""Pictures of an alignment system: how leads find each other, and drawn beside recorded leads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import AlignsLeads
from axis_audit.cohort import LEADS, Cohort
from model.deformation.pictures import LAYOUT, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECONDS = 2.5
"""Of a record in a picture, as on a printed page of twelve leads."""
HEIGHT = 1.5
"""mV, up and down."""
RATE = 100
SHOWN_RECORDS = 3
DRAWN, RECORDED = "tab:red", "black"


def draw_retrieval(numbers: Mapping[str, Any], folder: Path) -> list[Path]:
    """The 12 x 12 picture of `retrieval.evaluate`: how often lead (row) finds lead (column)."""
    table = np.array([[numbers["pairs"][a][b] for b in LEADS] for a in LEADS])
    figure = _figure(7.5, 6.5)
    axes = figure.add_subplot()
    np.fill_diagonal(table, np.nan)
    image = axes.imshow(100 * table, cmap="viridis", vmin=0, vmax=100)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(range(len(LEADS)), LEADS)
    for row in range(len(LEADS)):
        for column in range(len(LEADS)):
            if row != column:
                value = 100 * table[row, column]
                colour = "white" if value < 60 else "black"
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour)
    axes.set(xlabel="lead that is looked through", ylabel="lead that asks")
    chance = 100 * numbers["chance_rank1"]
    axes.set_title(
        f"own recording is the nearest of {numbers['people']} (%); by chance {chance:.2f} %"
    )
    figure.colorbar(image, shrink=0.8)
    return _save(figure, folder, "retrieval")


def draw_leads(
    model: AlignsLeads, cohort: Cohort, lead: str, folder: Path, records: int = SHOWN_RECORDS
) -> list[Path]:
    """Drawn (red) over recorded leads (black), mV on ECG paper: the first records of a cohort."""
    paths = []
    few = cohort.subset(np.arange(min(records, len(cohort))))
    x, drawn = model.prepare(few.signals), model.reconstruct_leads(few.signals, lead)
    for row in range(len(few)):
        figure = _figure(13.0, 6.5)
        grid = figure.subplots(3, 4, sharex=True, sharey=True)
        for line, names in enumerate(LAYOUT):
            for column, name in enumerate(names):
                _lead(grid[line][column], name, x[row], drawn[row], given=name == lead)
        figure.suptitle(f"twelve leads drawn from lead {lead} (red) and as recorded (black)")
        figure.supxlabel("seconds; one large square is 0.2 s and 0.5 mV")
        paths += _save(figure, folder, f"drawn_from_{lead}_{row + 1}")
    return paths


def _lead(
    axes: Axes, name: str, x: NDArray[np.float32], drawn: NDArray[np.float32], given: bool
) -> None:
    k, samples = LEADS.index(name), round(SECONDS * RATE)
    start = (x.shape[1] - samples) // 2
    time = np.arange(samples) / RATE
    _paper(axes)
    axes.plot(time, x[k, start : start + samples], color=RECORDED, linewidth=1.0)
    axes.plot(time, drawn[k, start : start + samples], color=DRAWN, linewidth=1.0)
    label = f"{name} (given)" if given else name
    axes.text(0.02, 0.9, label, transform=axes.transAxes, fontweight="bold")


def _paper(axes: Axes) -> None:
    axes.set(xlim=(0, SECONDS), ylim=(-HEIGHT, HEIGHT))
    for (seconds, millivolts), colour in (
        ((0.04, 0.1), PAPER["small"]),
        ((0.2, 0.5), PAPER["large"]),
    ):
        style = {"color": colour, "linewidth": 0.4, "zorder": 0}
        axes.vlines(np.arange(0, SECONDS + 1e-9, seconds), -HEIGHT, HEIGHT, **style)
        axes.hlines(np.arange(-HEIGHT, HEIGHT + 1e-9, millivolts), 0, SECONDS, **style)
    axes.tick_params(labelsize=7)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Figure, folder: Path, name: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("svg", "png")]
    for path in paths:
        figure.savefig(path, dpi=110)
    return paths
