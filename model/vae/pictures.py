"""Pictures of a VAE of cardiac cycles, as SVG and PNG; cycles in the model's units (SD of a cycle).

Where real cycles are drawn the picture shows somebody's recording: not for a public repository
unless the recordings' licence allows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort
from axis_audit.errors import InputError
from model.vae.adapter import VariationalModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PEOPLE_SHOWN, UNITS_SHOWN, SAMPLES_SHOWN = 12, 12, 24
STEPS = np.linspace(-2.5, 2.5, 7)
PATH_STEPS = 9
CLOUD = 1000
REAL, MADE = "black", "tab:red"
Array = NDArray[Any]


def draw_all(model: VariationalModel, people: Cohort, folder: Path, seed: int = 0) -> list[Path]:
    """Draw every picture of a model and cycles of people it has not seen, its lead alone.

    Returns:
        the PNG files; an SVG is beside each.

    Raises:
        InputError: a folder that cannot be written.
    """
    return write(figures(model, people, seed), folder)


def write(named: Iterator[tuple[str, Figure]], folder: Path) -> list[Path]:
    """Write figures as NAME.svg and NAME.png into a folder, which is made if it is not there."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in named:
            for suffix in (".svg", ".png"):
                figure.savefig(folder / f"{name}{suffix}", dpi=110)
            plt.close(figure)
            written.append(folder / f"{name}.png")
    except OSError as error:
        raise InputError(
            folder, f"cannot be written ({error.strerror})", "name another one"
        ) from None
    return written


def figures(model: VariationalModel, people: Cohort, seed: int = 0) -> Iterator[tuple[str, Figure]]:
    """Names and figures."""
    first = people.one_per_patient()
    drawn = model.sample(CLOUD, seed)[:, 0]
    yield "reconstructions", reconstructions(model, first)
    yield "traversals", traversals(model, people)
    yield "samples", samples(model, drawn, f"Cycles drawn from the prior, lead {model.lead}")
    yield "cloud", cloud(model, people, drawn)


def reconstructions(model: VariationalModel, people: Cohort) -> Figure:
    """Real cycles of some people, and what the model makes of them."""
    chosen = np.linspace(0, len(people) - 1, min(PEOPLE_SHOWN, len(people))).round().astype(int)
    signals = people.signals[chosen]
    real, made = model.prepare(signals)[:, 0], model.decode(model.encode(signals))[:, 0]
    figure, panels = _grid(len(chosen), 4)
    for i, panel in enumerate(panels[: len(chosen)]):
        panel.plot(real[i], color=REAL, lw=1.4, label="real")
        panel.plot(made[i], color=MADE, lw=1.0, label="reconstructed")
    panels[0].legend(fontsize=7)
    figure.suptitle(f"Unseen people, lead {model.lead}: real and reconstructed cycles")
    return figure


def traversals(model: VariationalModel, people: Cohort) -> Figure:
    """The decoder along single dimensions of z, the most varied first, all others 0."""
    import matplotlib.pyplot as plt

    spread = model.encode(people.signals).var(axis=0)
    units = np.argsort(-spread)[:UNITS_SHOWN]
    figure, panels = _grid(len(units), 4)
    colours = plt.get_cmap("coolwarm")(np.linspace(0, 1, len(STEPS)))
    for unit, panel in zip(units.tolist(), panels, strict=False):
        latents = np.zeros((len(STEPS), model.latent), np.float32)
        latents[:, unit] = STEPS
        for cycle, step, colour in zip(model.decode(latents)[:, 0], STEPS, colours, strict=True):
            panel.plot(cycle, color=colour, lw=0.9, label=f"{step:+.1f}")
        panel.set_title(f"z[{unit}], variance of its mean {spread[unit]:.2f}", fontsize=8)
    panels[0].legend(fontsize=6, ncols=2)
    figure.suptitle(f"One dimension of z at a time, from {STEPS[0]:g} to {STEPS[-1]:g}")
    return figure


def samples(model: VariationalModel, drawn: Array, title: str) -> Figure:
    """Cycles (n, samples) drawn from the prior."""
    figure, panels = _grid(min(SAMPLES_SHOWN, len(drawn)), 6)
    for cycle, panel in zip(drawn, panels, strict=False):
        panel.plot(cycle, color=MADE, lw=1.0)
        panel.axvline(model.input_spec.r_index, color="grey", lw=0.4)
    figure.suptitle(title)
    return figure


def cloud(model: VariationalModel, people: Cohort, drawn: Array) -> Figure:
    """Real, reconstructed and drawn cycles on the first principal components of the real ones."""
    import matplotlib.pyplot as plt

    real = model.prepare(people.signals)[:, 0].astype(np.float64)
    made = model.decode(model.encode(people.signals))[:, 0]
    _, _, axes = np.linalg.svd(real - real.mean(axis=0), full_matrices=False)
    figure, panels = plt.subplots(1, 2, figsize=(11, 5))
    sets = (("drawn", drawn, MADE, 4), ("real", real, REAL, 6), ("reconstructed", made, "C0", 4))
    for (i, j), panel in zip(((0, 1), (2, 3)), panels, strict=True):
        for name, cycles, colour, size in sets:
            at = (cycles - real.mean(axis=0)) @ axes[[i, j]].T
            panel.scatter(*at.T, s=size, color=colour, alpha=0.5, label=name, lw=0)
        panel.set(xlabel=f"component {i + 1}", ylabel=f"component {j + 1}")
    panels[0].legend(fontsize=8)
    figure.suptitle(f"Principal components of real cycles, lead {model.lead}")
    figure.tight_layout()
    return figure


def path(model: VariationalModel, signals: Array, names: tuple[str, str]) -> tuple[Figure, Array]:
    """The straight line in z between two cycles, decoded.

    Args:
        signals: the two cycles in mV, (2, 1, samples). names: of their records.

    Returns:
        the figure, and the cycles along the line, (9, 1, samples).
    """
    import matplotlib.pyplot as plt

    ends = model.encode(signals)
    shares = np.linspace(0, 1, PATH_STEPS, dtype=np.float32)[:, None]
    along = model.decode((1 - shares) * ends[0] + shares * ends[1])
    real = model.prepare(signals)[:, 0]
    figure, panel = plt.subplots(figsize=(8, 8))
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, PATH_STEPS))
    for i, (cycle, colour) in enumerate(zip(along[:, 0], colours, strict=True)):
        panel.plot(cycle - 3.0 * i, color=colour, lw=1.4)
    for cycle, i in zip(real, (0, PATH_STEPS - 1), strict=True):
        panel.plot(cycle - 3.0 * i, color="black", lw=0.8, ls="--")
    panel.set_yticks([0, -3.0 * (PATH_STEPS - 1)], names)
    panel.set(xlabel="sample (R at 160)", title="From one cycle to another along a line in z")
    figure.tight_layout()
    return figure, along


def _grid(count: int, columns: int) -> tuple[Figure, list[Axes]]:
    import matplotlib.pyplot as plt

    rows = max(1, -(-count // columns))
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.9 * columns, 1.0 + 1.7 * rows), sharex=True, sharey=True,
        squeeze=False,
    )  # fmt: skip
    # By hand: a layout engine takes most of the time that a picture takes.
    figure.subplots_adjust(
        left=0.03, right=0.99, bottom=0.3 / (1 + rows), top=1 - 0.6 / (1 + 1.7 * rows),
        wspace=0.08, hspace=0.25,
    )  # fmt: skip
    for panel in panels.flat[count:]:
        panel.set_visible(False)
    for panel in panels.flat:
        panel.tick_params(labelsize=6)
    return figure, list(panels.flat)
