"""The ablation as a table in Markdown, a record in JSON, and a figure: the price of invariance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model.deformation.ablation import LEAKS

MARGIN = 0.05
GROUPS = {"normal: x50": "x50 linear, in the normal", "not normal: x50": "in the others"}
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

    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 0.55 * len(records) + 2.2))
    shown = list(LEAKS)[:4]
    for offset, check in enumerate(shown):
        places = [i + 0.18 * (offset - 1.5) for i in range(len(records))]
        estimates = [r[check]["estimate"] for r in records]
        low = [max(e - r[check]["interval"][0], 0) for e, r in zip(estimates, records, strict=True)]
        high = [
            max(r[check]["interval"][1] - e, 0) for e, r in zip(estimates, records, strict=True)
        ]
        left.errorbar(
            estimates, places, xerr=(low, high), fmt="o", ms=3, lw=1.2, label=LEAKS[check]
        )
        right.plot([r["residual_share"] for r in records], estimates, "o", ms=4, label=LEAKS[check])
    left.axvline(MARGIN, color="crimson", lw=0.9, ls="--")
    left.set_yticks(range(len(records)), [r["title"] for r in records], fontsize=8)
    left.invert_yaxis()
    left.set_xlabel("R² of age from z, 95 % interval (dashed: margin)")
    left.legend(fontsize=8)
    right.axhline(MARGIN, color="crimson", lw=0.9, ls="--")
    right.set(
        xlabel="squared error of D(z) + g(a)·B, share of the variance of beats",
        ylabel="R² of age from z",
        title="the price of invariance",
    )
    figure.tight_layout()
    for suffix in (".png", ".svg"):
        figure.savefig(folder / f"ablation{suffix}", dpi=110)
    plt.close(figure)
