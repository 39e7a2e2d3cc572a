"""The ablation as a table in Markdown, a record in JSON, and a figure: the price of invariance."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.deformation.ablation import LEAKS

MARGIN = 0.05
GROUPS = {"normal: x50": "x50 linear, in the normal", "not normal: x50": "in the others"}
DRAWN = {
    "leakage.linear": "z, linear",
    "leakage.mlp": "z, MLP",
    "leakage.deep_network": "z, larger network",
    "leakage.canonical_mlp": "x50, MLP",
}
WIDTH = 52
"""Of a row's title in the figure, characters."""
Record = Mapping[str, Any]


def write(records: Sequence[Record], folder: Path) -> None:
    """Write ablation.json, ablation.md, ablation.png and ablation.svg into a folder."""
    (folder / "ablation.json").write_text(json.dumps(list(records), indent=1) + "\n")
    (folder / "ablation.md").write_text(table(records))
    _draw(records, folder)


def table(records: Sequence[Record]) -> str:
    """The table: a row a system, R² with its 95 % interval in every audited leakage column."""
    heads = ["recipe", "MAE y", "residual", *LEAKS.values(), *GROUPS.values(), "overall"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for record in records:
        leaks = [_leak(record[check]) for check in LEAKS]
        first = [record["title"], f"{record['mae']:.2f}", f"{record['residual_share']:.3f}"]
        groups = [f"{record['groups'][name]['r2']:.3f}" for name in GROUPS]
        lines.append("| " + " | ".join([*first, *leaks, *groups, record["verdict"]]) + " |")
    return "\n".join(lines) + "\n"


def _leak(found: Record) -> str:
    low, high = found["interval"]
    text = f"{found['estimate']:.3f} [{low:.3f}, {high:.3f}]"
    return f"**{text}**" if found["verdict"] == "FAIL" else text


def _draw(records: Sequence[Record], folder: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(14, 0.6 * len(records) + 2.2), layout="constrained"
    )
    for offset, (check, name) in enumerate(DRAWN.items()):
        places = [i + 0.18 * (offset - 1.5) for i in range(len(records))]
        estimates = [r[check]["estimate"] for r in records]
        low = [max(e - r[check]["interval"][0], 0) for e, r in zip(estimates, records, strict=True)]
        high = [
            max(r[check]["interval"][1] - e, 0) for e, r in zip(estimates, records, strict=True)
        ]
        left.errorbar(estimates, places, xerr=(low, high), fmt="o", ms=3, lw=1.2, label=name)
        right.plot([r["residual_share"] for r in records], estimates, "o", ms=4, label=name)
    left.axvline(MARGIN, color="crimson", lw=0.9, ls="--")
    titles = ["\n".join(textwrap.wrap(r["title"], WIDTH)) for r in records]
    left.set_yticks(range(len(records)), titles, fontsize=8)
    left.invert_yaxis()
    left.set_xlabel("R² of age, 95 % interval (dashed: margin)")
    left.legend(fontsize=8)
    right.axhline(MARGIN, color="crimson", lw=0.9, ls="--")
    right.set(
        xlabel="squared error of D(z) + g(a)·B, share of the variance of beats",
        ylabel="R² of age",
        title="the price of invariance",
    )
    # Roots: what matters lies around the margin, and some rows leak ten times as much.
    roots = (lambda r: np.sqrt(np.maximum(r, 0)), np.square)
    left.set_xscale("function", functions=roots)
    right.set_yscale("function", functions=roots)
    for axis in (left.xaxis, right.yaxis):
        axis.set_ticks([0, 0.01, MARGIN, 0.1, 0.2, 0.4, 0.6])
    for suffix in (".png", ".svg"):
        figure.savefig(folder / f"ablation{suffix}", dpi=110)
    plt.close(figure)
