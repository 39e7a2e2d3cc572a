"""The ablation as a table in Markdown, a record in JSON, and a figure of differences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axis_audit.errors import InputError
from model.alignment.comparing import MEASURES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Record = Mapping[str, Any]
SHOWN = ("farther", "first", "later_first", "correlation", "uniformity", "drawn", "drawn_worst",
         "hidden")  # fmt: skip
"""Measures in the table and the figure; the record has all."""
BETTER, WORSE, SAME = "better", "worse", ""
SIGNS = {BETTER: " ▲", WORSE: " ▼", SAME: ""}
COLOURS = {BETTER: "tab:green", WORSE: "tab:red", SAME: "0.45"}


def spreads(found: Record) -> dict[str, float]:
    """How far other seeds of the recipe are from it, the farthest, by measure."""
    seeds = [row for row in found["rows"].values() if set(row["differs"]) == {"seed"}]
    return {
        name: max((abs(row["less_committed"][name]["estimate"]) for row in seeds), default=0.0)
        for name in MEASURES
    }


def verdict(row: Record, name: str, spread: float) -> str:
    """Whether a row is better or worse than the recipe by a measure, or neither.

    Neither where the interval of the difference holds 0, where another seed of the recipe is as
    far away, or for such a row itself.
    """
    if "less_committed" not in row or set(row["differs"]) == {"seed"}:
        return SAME
    difference = row["less_committed"][name]
    low, high = difference["interval"]
    if low <= 0 <= high or abs(difference["estimate"]) <= spread:
        return SAME
    return BETTER if difference["estimate"] * MEASURES[name].better > 0 else WORSE


def table(found: Record) -> str:
    """The page in Markdown: what was done, a row a choice, and where the recipe is not best."""
    spread = spreads(found)
    heads = ["choice", "instead", *(_head(name) for name in SHOWN)]
    lines = [_introduction(found), "", "| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in found["rows"].values():
        cells = [
            _cell(row["measures"][name]) + SIGNS[verdict(row, name, spread[name])] for name in SHOWN
        ]
        lines.append("| " + " | ".join([row["choice"], row["title"], *cells]) + " |")
    return "\n".join([*lines, "", _best(found, spread)]) + "\n"


def _head(name: str) -> str:
    measure = MEASURES[name]
    return f"{measure.words} {'↑' if measure.better > 0 else '↓'}"


def _cell(measured: Record) -> str:
    low, high = measured["interval"]
    return f"{measured['estimate']:.3f} [{low:.3f}, {high:.3f}]"


def _introduction(found: Record) -> str:
    budget, sources = found["budget"], found["sources"]
    return (
        f"# Choices of the alignment recipe, by short runs\n\n"
        f"Trained on {sources[0]['name']}: {budget['epochs']} epochs of "
        f"{budget['epoch_records']} records, seed {found['recipe']['seed']} unless said. Judged on "
        f"{found['people']} people set apart from training within them, one record each: nobody of "
        f"an audit. 95 % intervals over people. ▲ better, ▼ worse than the recipe on the same "
        f"people: the interval of the difference leaves out 0 and other seeds of the recipe are "
        f"nearer. {len(found['rows']) * len(SHOWN)} numbers are compared without correction. "
        f"Short runs rank choices for short trainings{_not_yet(found)}."
    )


def _not_yet(found: Record) -> str:
    drawn = next(iter(found["rows"].values()))["measures"]["drawn"]["estimate"]
    return f": after this one the recipe draws leads with {drawn:.2f} of a ridge's error"


def _best(found: Record, spread: Mapping[str, float]) -> str:
    """In words: rows that beat the recipe somewhere, and what they lose."""
    lines = []
    rows = {
        n: row for n, row in found["rows"].items() if not {"seed", "epochs"} & set(row["differs"])
    }
    for name, row in rows.items():
        says = {m: verdict(row, m, spread[m]) for m in SHOWN}
        gains = [MEASURES[m].words for m, v in says.items() if v == BETTER]
        losses = [MEASURES[m].words for m, v in says.items() if v == WORSE]
        if gains:
            lines.append(
                f"- `{name}` ({row['choice']}: {row['title']}) is better in {'; '.join(gains)}"
                + (f", worse in {'; '.join(losses)}." if losses else ", worse in none of these.")
            )
    same = [n for n, row in rows.items() if "less_committed" in row
            and all(verdict(row, m, spread[m]) == SAME for m in SHOWN)]  # fmt: skip
    if same:
        lines.append(
            f"- No difference that is told from chance: {', '.join(f'`{n}`' for n in same)}."
        )
    return "## Where the recipe is not the best\n\n" + ("\n".join(lines) or "- Nowhere.")


def write(found: Record, folder: Path) -> None:
    """Write ablation.json, ablation.md, ablation.svg and ablation.png.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ablation.json").write_text(json.dumps(found, indent=1) + "\n")
        (folder / "ablation.md").write_text(table(found))
        draw(found, [folder / f"ablation.{kind}" for kind in ("svg", "png")])
    except OSError as error:
        raise InputError(
            folder, f"cannot be written ({error.strerror})", "name another one"
        ) from None


def draw(found: Record, paths: Sequence[Path]) -> None:
    """Every row's difference from the recipe, one panel a measure, better to the right."""
    from matplotlib.figure import Figure

    rows = [(n, row) for n, row in found["rows"].items() if "less_committed" in row]
    if not rows:
        return
    spread = spreads(found)
    figure = Figure(figsize=(17, 0.3 * len(rows) + 1.8), layout="constrained")
    panels = figure.subplots(1, len(SHOWN), sharey=True)
    for axes, name in zip(panels, SHOWN, strict=True):
        _panel(axes, [row for _, row in rows], name, spread[name])
    panels[0].set_yticks(
        range(len(rows)), [f"{r['choice']}: {_short(r['title'])}" for _, r in rows], fontsize=8
    )
    panels[0].invert_yaxis()
    figure.suptitle(
        f"less the committed recipe, on the same {found['people']} people; better to the right; "
        "95 % intervals; grey band: other seeds of the recipe",
        fontsize=9,
    )
    for path in paths:
        figure.savefig(path, dpi=110)


def _short(title: str, most: int = 40) -> str:
    return title if len(title) <= most else title[: most - 1] + "…"


def _panel(axes: Axes, rows: Sequence[Record], name: str, spread: float) -> None:
    measure = MEASURES[name]
    axes.axvspan(-spread, spread, color="0.9", zorder=0)
    axes.axvline(0, color="black", linewidth=0.6)
    for place, row in enumerate(rows):
        difference = row["less_committed"][name]
        value, (low, high) = difference["estimate"], difference["interval"]
        axes.errorbar(
            [value], [place], xerr=[[max(value - low, 0)], [max(high - value, 0)]],
            fmt="o", ms=3, linewidth=1.1, color=COLOURS[verdict(row, name, spread)],
        )  # fmt: skip
    if measure.better < 0:
        axes.invert_xaxis()
    axes.set_title(measure.words.replace(": ", ":\n").replace(", of", ",\nof"), fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.locator_params(axis="x", nbins=4)
