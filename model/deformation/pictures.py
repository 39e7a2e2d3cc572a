"""Pictures of a deformation system for a cardiologist, as SVG and PNG.

All beats are drawn in the model's unit, multiples of the record's RMS: the system keeps one scale a
record and never says millivolts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Batch
from axis_audit.cohort import LEADS, Cohort
from axis_audit.errors import InputError
from model.deformation.waves import Waves, measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from model.deformation.adapter import DeformationModel

AGES = (20, 35, 50, 65, 80, 90)
MEASURED_AGES = np.arange(20, 91, 5)
LAYOUT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
DECADES = np.arange(20, 91, 10)
SEXES = (("female", "tab:purple", -2.5), ("male", "tab:green", 0.0), ("", "grey", 2.5))
PAPER = {"small": "#f6d5d5", "large": "#e7a9a9"}
LITERATURE = {
    "pr": ("PR interval (ms)", "longer [1, 2]"),
    "qt": ("QT interval (ms), uncorrected", "QTc longer [2]"),
    "axis": ("QRS axis (degrees)", "turns left [3]"),
    "t_height": ("T wave in II (of the RMS)", "10-15 % lower in 20 years [4]"),
    "r_height_v5": ("R wave in V5 (of the RMS)", "lower in men [3]; higher in older women [5]"),
    "p_height": ("P wave in II (of the RMS)", "waves lower in men [6]; P longer [7]"),
}
SOURCES = (
    "[1] Fleg et al. 1990, J. Gerontol. 45:M95  [2] 130,471 patients, 2022, J. Clin. Med. 11:3737  "
    "[3] Framingham, Electrocardiographic changes with advancing age\n"
    "[4] T wave amplitudes in normal populations, 1995, J. Electrocardiol. 28:191  "
    "[5] Rijnbeek et al. 2014, J. Electrocardiol. 47:914  [6] Blackburn et al., The aging "
    "electrocardiogram\n[7] Havmöller et al. 2007, BMC Cardiovasc. Disord. 7:22"
)
"""What age does to healthy adults ([2]: to patients) by the abstracts of these papers, which alone
were read. Amplitudes there are in mV, here over the RMS of the record."""


def draw_all(
    model: DeformationModel, people: Cohort, folder: Path, record: str | None = None
) -> list[Path]:
    """Draw every picture.

    Args:
        people: one record a patient, unseen by the model, ages known.
        folder: is made if it is not there. record: id of the one whose beat is aged; by default
            the person whose latent is nearest to the median.

    Returns:
        the PNG files; an SVG is beside each.

    Raises:
        InputError: no such record, or a folder that cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(folder, f"no folder ({error.strerror})", "name another one") from None
    written = []
    for name, figure in _figures(model, people, record):
        for suffix in (".svg", ".png"):
            figure.savefig(folder / f"{name}{suffix}", dpi=110)
        written.append(folder / f"{name}.png")
    return written


def _figures(
    model: DeformationModel, people: Cohort, record: str | None
) -> Iterator[tuple[str, Figure]]:
    latents = model.encode(people.signals)
    row = _row_of(people, record, latents)
    canonical = model.canonical(latents[row : row + 1])[0].astype(np.float64)
    yield "aged_beat", aged_beat(model, canonical, float(people.age[row]))
    yield "axis", axis(model, people)
    yield "predicted_age", predicted_age(model, people)
    yield "waves", waves(model, model.canonical(latents).mean(axis=0, dtype=np.float64))


def _row_of(people: Cohort, record: str | None, latents: NDArray[np.float32]) -> int:
    if record is None:
        away = np.linalg.norm(latents - np.median(latents, axis=0), axis=1)
        return int(away.argmin())
    rows = np.flatnonzero(people.record_ids == record)
    if not len(rows):
        raise InputError("--record", f"nobody has a record {record!r} here", "name another one")
    return int(rows[0])


def aged_beat(model: DeformationModel, canonical: NDArray[np.float64], age: float) -> Figure:
    """One person's canonical beat along the axis, ages 20 to 90, on ECG paper."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(3, 4, figsize=(12, 7.5), sharex=True, sharey=True)
    colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.9, len(AGES)))
    seconds = _seconds(model)
    for name, panel in _panels(panels):
        _paper(panel)
        for years, colour in zip(AGES, colours, strict=True):
            beat = aged(model, canonical, years)[LEADS.index(name)]
            panel.plot(seconds, beat, color=colour, lw=1.2, label=f"{years} years")
        panel.set_title(name, loc="left", fontsize=10)
    panels[0, 3].legend(fontsize=7, loc="upper right")
    figure.suptitle(
        f"D(z) + g(age)·B of one person (aged {age:.0f}), drawn at ages {AGES[0]} to {AGES[-1]}"
    )
    figure.supxlabel("seconds from R")
    figure.supylabel("of the record's RMS")
    figure.tight_layout()
    return figure


def aged(
    model: DeformationModel, canonical: NDArray[np.float64], years: float
) -> NDArray[np.float64]:
    """D(z) + g(years)·B of one canonical beat (12, samples)."""
    g = float(model.axis_value(np.array([years], np.float64))[0])
    return np.asarray(canonical + g * model.axis_direction())


def axis(model: DeformationModel, people: Cohort) -> Figure:
    """g(age) with a0, and B beside what beats of these people do, in twelve leads."""
    import matplotlib.pyplot as plt

    from model.deformation.evaluate import regressed_direction

    figure = plt.figure(figsize=(13, 7))
    grid = figure.add_gridspec(3, 5, width_ratios=(1.6, 1, 1, 1, 1))
    left = figure.add_subplot(grid[:, 0])
    ages = np.linspace(18, 95, 309)
    left.plot(ages, model.axis_value(ages), color="black")
    left.axhline(0, color="grey", lw=0.6)
    left.axvline(model.neutral_age, color="crimson", lw=0.8, ls="--")
    left.set(xlabel="age (years)", title=f"g(age); a0 = {model.neutral_age:.1f} years")
    found = regressed_direction(
        model.prepare(people.signals), model.axis_value(people.age.astype(np.float64))
    )
    seconds = _seconds(model)
    reach = 1.05 * float(np.abs([found, model.axis_direction()]).max())
    panels = np.array([[figure.add_subplot(grid[i, j + 1]) for j in range(4)] for i in range(3)])
    for name, panel in _panels(panels):
        lead = LEADS.index(name)
        panel.axhline(0, color="grey", lw=0.6)
        panel.plot(seconds, found[lead], color="tab:orange", lw=2.5, alpha=0.6)
        panel.plot(seconds, model.axis_direction()[lead], color="black", lw=1.0)
        panel.set_ylim(-reach, reach)
        panel.set_title(name, loc="left", fontsize=10)
        panel.tick_params(labelsize=7)
    figure.suptitle(f"B (black), and beats of {len(people)} unseen people regressed on g (orange)")
    figure.tight_layout()
    return figure


def predicted_age(model: DeformationModel, people: Cohort) -> Figure:
    """Predicted against true age, and the error by decade and sex."""
    import matplotlib.pyplot as plt

    truth = people.age.astype(np.float64)
    predicted = model.predict_age(Batch(people.signals, {})).astype(np.float64)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5))
    decade = np.clip(truth // 10 * 10, DECADES[0], DECADES[-1])
    for sex, colour, shift in SEXES:
        own = people.sex == sex
        if not own.any():
            continue
        name = sex or "sex unknown"
        left.scatter(truth[own], predicted[own], s=4, alpha=0.4, color=colour, label=name)
        some = [d for d in DECADES if (own & (decade == d)).sum() >= 10]
        errors = [np.abs(predicted - truth)[own & (decade == d)].mean() for d in some]
        right.bar(np.array(some) + 5 + shift, errors, width=2.5, color=colour, label=name)
    left.plot([18, 95], [18, 95], color="black", lw=0.8)
    left.set(xlabel="age (years)", ylabel="predicted age (years)")
    left.legend()
    error = np.abs(predicted - truth).mean()
    right.axhline(error, color="black", lw=0.8)
    right.set(
        xlabel="decade of age", ylabel="mean absolute error (years)",
        title=f"{len(people)} unseen people: {error:.2f} years",
    )  # fmt: skip
    figure.tight_layout()
    return figure


def waves(model: DeformationModel, canonical: NDArray[np.float64]) -> Figure:
    """What age does to P, QRS, ST and T of the mean canonical beat, beside the literature."""
    import matplotlib.pyplot as plt

    spec = model.input_spec
    found: list[Waves] = [
        measure(aged(model, canonical, float(years)), spec.rate, spec.r_index)
        for years in MEASURED_AGES
    ]
    figure, panels = plt.subplots(2, 3, figsize=(11, 6), sharex=True)
    for (field, (title, known)), panel in zip(LITERATURE.items(), panels.flat, strict=True):
        panel.plot(MEASURED_AGES, [getattr(w, field) for w in found], "o-", color="black", ms=3)
        panel.set_title(f"{title}\nwith age: {known}", fontsize=8)
    figure.supxlabel("age (years) along the axis", y=0.085)
    figure.suptitle(
        "Mean canonical beat, aged along B (people of the cohort, not healthy adults)", fontsize=10
    )
    figure.tight_layout(rect=(0.01, 0.11, 1, 1))
    figure.text(0.01, 0.005, SOURCES, fontsize=6)
    return figure


def _panels(panels: NDArray[Any]) -> Iterator[tuple[str, Axes]]:
    for row, names in enumerate(LAYOUT):
        for column, name in enumerate(names):
            yield name, panels[row, column]


def _seconds(model: DeformationModel) -> NDArray[np.float64]:
    spec = model.input_spec
    return np.asarray((np.arange(spec.samples) - spec.r_index) / spec.rate)


def _paper(panel: Axes) -> None:
    """ECG paper: .04 s and .2 s lines; a small square is a tenth of the height of a large one's."""
    from matplotlib.ticker import MultipleLocator

    panel.xaxis.set_major_locator(MultipleLocator(0.2))
    panel.xaxis.set_minor_locator(MultipleLocator(0.04))
    panel.yaxis.set_major_locator(MultipleLocator(2.0))
    panel.yaxis.set_minor_locator(MultipleLocator(0.4))
    panel.grid(which="minor", color=PAPER["small"], lw=0.4)
    panel.grid(which="major", color=PAPER["large"], lw=0.7)
    panel.set_axisbelow(True)
    panel.tick_params(which="both", length=0, labelsize=7)
