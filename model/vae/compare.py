"""Variants of the VAE side by side, on the same people: `python -m model.vae.compare`.

Every variant is trained with the same seed on the same sources. What is compared is the watched
people of the first source, here a third of those not set apart for the audit: the audit's people
stay unseen, so that a choice among variants is not one on them. Writes comparison.json and
comparison.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from axis_audit import checkpoint as checkpoints
from axis_audit.cohort import Cohort
from axis_audit.errors import InputError
from axis_audit.people import conform
from model.vae import adapter
from model.vae.__main__ import positive
from model.vae.config import NetworkConfig, TrainingConfig
from model.vae.data import PER_OTHER_RECORD, PER_RECORD, Source, TrainingData, split
from model.vae.evaluate import evaluate
from model.vae.train import Request, train

WATCHED_SHARE = 1 / 3
COLUMNS: Mapping[str, str] = {
    "parameters": "parameters",
    "error": "error, share of variance",
    "divergence": "KL, nats a cycle",
    "active": "active units",
    "spread": "spread of the mixed posterior (1: the prior's)",
    "mmd_reconstructions": "MMD² of reconstructions",
    "mmd_samples": "MMD² of prior draws",
    "mmd_halves_95": "MMD² of random halves, 95 %",
    "nearest_samples": "nearest real cycle of a draw",
    "nearest_people": "nearest other person's of a real cycle",
}


@dataclass(frozen=True)
class Entry:
    """One row: a name, what is trained and how, and on how many of the sources."""

    name: str
    network: NetworkConfig
    training: TrainingConfig
    sources: int | None = None


def entries(training: TrainingConfig) -> list[Entry]:
    """The rows of the table; "as published" knows the first source and draws all leads alike."""
    published = replace(training, epochs=training.epochs, home_epochs=0, warp=0.0, aggregate=0.0)
    return [
        Entry("as published", NetworkConfig(), published, sources=1),
        Entry("mlp", NetworkConfig(), training),
        Entry("mlp, first source alone", NetworkConfig(), training, sources=1),
        Entry("conv", NetworkConfig(variant="conv"), training),
        Entry("conditional", NetworkConfig(variant="conditional"), training),
    ]


def compare(
    sources: Sequence[tuple[Source, Cohort]],
    rows: Sequence[Entry],
    *,
    threads: int = 1,
    progress: bool = True,
    keep: Callable[[Mapping[str, Any]], None] = lambda found: None,
) -> dict[str, Any]:
    """Train every row and evaluate it on the watched people.

    Args:
        keep: is given what there is after every row, so that an interruption loses one row.

    Raises:
        InputError: sources that cannot be split.
    """
    found: dict[str, Any] = {
        "people": 0,
        "sources": [s.described(c) for s, c in sources],
        "training": {row.name: row.training.as_dict() for row in rows},
        "rows": {},
    }
    for row in rows:
        data = split(sources[: row.sources], row.training.audit_share, row.training.watched_share)
        if progress:
            print(row.name, file=sys.stderr)
        found["people"] = len(data.watchers)
        found["rows"][row.name] = _row(row, data, threads, progress)
        keep(found)
    return found


def _row(row: Entry, data: TrainingData, threads: int, progress: bool) -> dict[str, float]:
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "variant.pth"
        train(data, row.network, row.training, Request(path, threads=threads, progress=progress))
        checkpoint = checkpoints.load(path)
    model = adapter.load(checkpoint)
    home = data.cohorts[0]
    people = conform(home.subset(np.isin(home.patient_ids, data.watchers)), model.input_spec)
    parameters = sum(v.numel() for v in checkpoint.state.values())
    return {"parameters": parameters, **evaluate(model, people)}


def markdown(found: Mapping[str, Any]) -> str:
    """The table as Markdown, one column a variant."""
    rows: Mapping[str, Mapping[str, float]] = found["rows"]
    lines = [
        f"# Variants of the VAE on the same {found['people']} people\n",
        "Trained on " + "; ".join(found["sources"]) + ". The people compared are watched ones of "
        "the first source: nobody of the audit. "
        f"{next(iter(found['training'].values()))['epochs']} epochs each; cycles in units of "
        "their SD; people weigh alike.\n",
        "| | " + " | ".join(rows) + " |",
        "| --- |" + " ---: |" * len(rows),
    ]
    for key, words in COLUMNS.items():
        lines.append(f"| {words} | " + " | ".join(f"{row[key]:g}" for row in rows.values()) + " |")
    return "\n".join(lines) + "\n"


def write(folder: Path, found: Mapping[str, Any]) -> None:
    """Write comparison.json and comparison.md.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "comparison.json").write_text(json.dumps(found, indent=2) + "\n")
        (folder / "comparison.md").write_text(markdown(found))
    except OSError as error:
        raise InputError(
            folder, f"cannot be written ({error.strerror})", "name another one"
        ) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare as asked; 4 is the exit status of input that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m model.vae.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--cohort", action="append", required=True, metavar="PATH[@FOLDS]",
        help="a source, as for training")  # fmt: skip
    add("--output", type=Path, required=True, help="folder of comparison.json and comparison.md")
    add("--epochs", type=positive, default=TrainingConfig().epochs, help="of every variant")
    add("--seed", type=int, default=0)
    add("--threads", type=positive, default=1)
    options = parser.parse_args(arguments)
    default = TrainingConfig()
    home = round(options.epochs * default.home_epochs / default.epochs)
    training = replace(
        default, seed=options.seed, epochs=options.epochs, home_epochs=home,
        watched_share=WATCHED_SHARE,
    )  # fmt: skip
    try:
        given = Source.parse_all(options.cohort, PER_RECORD, PER_OTHER_RECORD)
        sources = [(source, source.open()) for source in given]
        keep = partial(write, options.output)
        found = compare(sources, entries(training), threads=options.threads, keep=keep)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    print(markdown(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
