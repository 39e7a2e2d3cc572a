"""The rows of the ablation: choices of the recipe, and what each does instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from model.alignment.config import NetworkConfig, TrainingConfig

REFERENCE = "committed"
CHECKPOINT = Path(__file__).parents[1] / "checkpoints" / "alignment.pth"


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        choice: which choice it is about. title: what it does.
        training, network: fields that differ from the recipe.
        everywhere: whether all sources are trained on; else the first.
        checkpoint: one that is there already, trained with another budget.
    """

    choice: str
    title: str
    training: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    everywhere: bool = False
    checkpoint: Path | None = None


_QUIET = {"noise": 0.0, "largest_gain": 1.0}
ROWS: Mapping[str, Row] = {
    REFERENCE: Row("the recipe", "as committed"),
    "seed_1": Row("the recipe", "another seed", {"seed": 1}),
    "seed_2": Row("the recipe", "a third seed", {"seed": 2}),
    "floor_0": Row("floor", "0, as published", {"floor": 0.0}),
    "shifted_0": Row("positives", "of the same seconds only", {"shifted_share": 0.0}),
    "shifted_1": Row("positives", "of another window only", {"shifted_share": 1.0}),
    "drawing_0": Row("drawing other leads", "weight 0", {"drawing": 0.0}),
    "no_filters": Row("linear filters", "none", {"linear": False}),
    "no_rhythm": Row("rhythm", "not told, not used to fill", network={"rhythm": False}),
    "no_noise": Row("noise and gain", "none", _QUIET),
    "visible_3": Row("visible leads", "3 instead of 6", {"visible_leads": 3}),
    "visible_9": Row("visible leads", "9 instead of 6", {"visible_leads": 9}),
    "margin_03": Row("margin", ".3 instead of .6", {"margin": 0.3}),
    "margin_10": Row("margin", "1 instead of .6", {"margin": 1.0}),
    "hidden_less": Row(
        "hidden patches", "25 to 50 % instead of 50 to 75 %",
        {"fewest_hidden": 0.25, "most_hidden": 0.5},
    ),
    "hidden_more": Row(
        "hidden patches", "75 to 90 %", {"fewest_hidden": 0.75, "most_hidden": 0.9}
    ),
    "embedding_32": Row("embedding", "32 dimensions instead of 128", network={"embedding": 32}),
    "width_32": Row("width", "32 instead of 64", network={"width": 32}),
    "bare": Row(
        "all of these", "floor 0, same seconds, no drawing, filters, rhythm, noise or gain",
        {"floor": 0.0, "shifted_share": 0.0, "drawing": 0.0, "linear": False, **_QUIET},
        {"rhythm": False},
    ),
    "sources": Row("sources", "all of them instead of the first", everywhere=True),
    "full": Row("budget", "the committed checkpoint: 24 epochs of 2,400",
                {"epochs": 24, "epoch_records": 2400}, checkpoint=CHECKPOINT),
}  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """What every row has: epochs of so many records each, a shape, people judged, a batch."""

    training: TrainingConfig
    network: NetworkConfig
    people: int

    def of(self, row: Row) -> tuple[NetworkConfig, TrainingConfig]:
        """The row's shape and training."""
        return replace(self.network, **row.network), replace(self.training, **row.training)
