"""`python -m model.deformation.ablation`: what each ingredient of the recipe buys, audited.

Every row is trained on the same folds with the same seed and audited by this repository's own
plugin on the same people; rows of the age-free recipe share the reference system's age networks,
so they differ in encoder and decoder alone. Rows that are finished are not done again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from axis_audit.errors import InputError
from model.deformation.config import NetworkConfig, TrainingConfig

ROOT = Path(__file__).parents[2]
CHECKPOINTS = ROOT / "model" / "checkpoints"
LEAKS = {
    "leakage.linear": "linear",
    "leakage.linear_deviation": "deviation",
    "leakage.mlp": "MLP",
    "leakage.deep_network": "larger network",
    "leakage.canonical_linear": "x50 linear",
    "leakage.canonical_mlp": "x50 MLP",
}


PENALTIES = (
    "critics", "kernel", "canonical", "canonical_linear", "linear", "products", "straight", "bent",
    "straight_within", "features", "canonical_features",
)  # fmt: skip
OF_POPULATION = ("straight", "bent", "straight_within", "features", "canonical_features")
EARLIER = {
    "critics": 5.0, "kernel": 30.0, "canonical": 8.0, "canonical_linear": 5.0, "linear": 1.0,
    "products": 3.0,
}  # fmt: skip
"""Weights of the penalties before readers of the population took most of their work."""


def _earlier(config: TrainingConfig, kept: Collection[str] = tuple(EARLIER)) -> TrainingConfig:
    """The recipe before the last step, with the leakage penalties named and no others."""
    penalties = {k: EARLIER.get(k, 0.0) if k in kept else 0.0 for k in PENALTIES}
    weights = {**config.weights, **penalties}
    return replace(
        config, weights=weights, apart=(), twelve_leads=False, critics_see_sizes=False, epochs=60
    )


def _bent(network: NetworkConfig, latent: int = 16) -> NetworkConfig:
    """A decoder with hidden layers."""
    return replace(network, latent=latent, decoder_hidden=384)


def _mixed(config: TrainingConfig, *kept: str) -> TrainingConfig:
    """As `_earlier`, on a mixture of median and single beats and with a light hand on products."""
    config = _earlier(config, kept)
    weights = {**config.weights, "products": min(config.weights["products"], 0.3)}
    return replace(config, weights=weights, first_single_share=0.5, second_single_share=0.5)


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        title: what it says. training, network: of the age-free recipe; None where the checkpoint is
            there already or `published` says how to train it.
        published: arguments of `train-published`. checkpoint: an existing one.
    """

    title: str
    training: Callable[[TrainingConfig], TrainingConfig] | None = None
    network: Callable[[NetworkConfig], NetworkConfig] = lambda config: config
    published: tuple[str, ...] = ()
    checkpoint: Path | None = None


ROWS: Mapping[str, Row] = {
    "published": Row("published recipe", checkpoint=CHECKPOINTS / "deformation_published.pth"),
    "published_record": Row(
        "published recipe, one scale a record", published=("--normalisation", "record")
    ),
    "separate": Row(
        "separate age networks, axis in closed form; no leakage penalty",
        lambda config: replace(_mixed(config), target="age"),
        _bent,
    ),
    "moments": Row(
        "+ correlations of age with z and its products",
        lambda config: replace(_mixed(config, "linear", "products"), target="age"),
        _bent,
    ),
    "critics_age": Row(
        "+ critics that read age",
        lambda config: replace(
            _mixed(config, "linear", "products", "critics"), target="age", crossed=False
        ),
        _bent,
    ),
    "critics": Row(
        "+ critics on the cross-fitted estimate, judging people they did not learn from",
        lambda config: _mixed(config, "linear", "products", "critics"),
        _bent,
    ),
    "kernel": Row(
        "+ kernel machine on z",
        lambda config: _mixed(config, "linear", "products", "critics", "kernel"),
        _bent,
    ),
    "canonical": Row(
        "+ kernel machine on D(z)",
        lambda config: _mixed(config, "linear", "products", "critics", "kernel", "canonical"),
        _bent,
    ),
    "medians": Row(
        "+ penalties on median beats, more weight on products, correlations with D(z)",
        _earlier,
        _bent,
    ),
    "eight": Row(
        "+ 8 dimensions instead of 16",
        _earlier,
        lambda network: _bent(network, 8),
    ),
    "linear": Row(
        "+ a linear decoder of 14 dimensions, errors over twelve leads",
        lambda config: replace(_earlier(config), twelve_leads=True),
    ),
    "final": Row(
        "+ readers of all people in place of most penalties within a batch, critics that see the "
        "sizes of D(z); B without one device: the reference system",
        checkpoint=CHECKPOINTS / "deformation.pth",
    ),
    "no_noise": Row(
        "the reference system without noise and consistency",
        lambda config: replace(config, noise=0.0, weights={**config.weights, "consistency": 0.0}),
    ),
    "no_population": Row(
        "the reference system without readers of the population",
        lambda config: replace(
            config,
            weights={**config.weights, **dict.fromkeys(OF_POPULATION, 0.0)},
        ),
    ),
    "latent_32": Row(
        "the reference system, 32 dimensions",
        lambda config: config,
        lambda network: replace(network, latent=32),
    ),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m model.deformation.ablation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = top.add_argument
    add("--cohort", type=Path, required=True, help="PTB-XL directory")
    add("--output", type=Path, required=True, help="folder for checkpoints and audits")
    add("--reference", type=Path, default=CHECKPOINTS / "deformation.pth",
        help="checkpoint whose age networks and seed the rows share")  # fmt: skip
    add("--folds", default="9", help="audited (default 9)")
    add("--fit-folds", default="1-8", help="trained and fitted on (default 1-8)")
    add("--rows", nargs="+", choices=tuple(ROWS), default=tuple(ROWS), metavar="ROW",
        help=f"of {', '.join(ROWS)} (default all)")  # fmt: skip
    add("--published-epochs", type=int, default=80, help="default 80")
    add("--threads", type=int, default=2, help="of torch (default 2)")
    return top


def checkpoint_of(name: str, options: argparse.Namespace) -> Path:
    """The row's checkpoint, trained if it is not there yet."""
    row, path = ROWS[name], Path(options.output) / f"{name}.pth"
    if row.checkpoint is not None:
        return row.checkpoint
    if path.exists():
        return path
    common = ["--cohort", str(options.cohort), "--folds", options.fit_folds]
    if row.published:
        arguments = ["train-published", *common, "--checkpoint", str(path), *row.published,
                     "--epochs", str(options.published_epochs), "--resume"]  # fmt: skip
        subprocess.run(
            [sys.executable, "-m", "model.deformation", *arguments], cwd=ROOT, check=True
        )
        return path
    _train(row, path, options)
    return path


def _train(row: Row, path: Path, options: argparse.Namespace) -> None:
    from axis_audit import checkpoint as checkpoints
    from model.deformation.__main__ import folds
    from model.deformation.data import open_beats, split
    from model.deformation.train import Request, train

    seed = int(checkpoints.load(options.reference).manifest.data["seed"])
    if row.training is None:
        raise InputError(path, "this row says not how to train it", "name another row")
    config = row.training(TrainingConfig(seed=seed))
    chosen = folds(options.fit_folds)
    medians, singles = open_beats(options.cohort, chosen, True)
    data = split(medians, singles, config.held_share, config.apart)
    request = Request(
        path, chosen, threads=options.threads, resume=True, age_networks=options.reference
    )
    train(data, row.network(NetworkConfig()), config, request)


def audit_of(name: str, checkpoint: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The plugin's audit.json of a row's checkpoint, made if it is not there yet."""
    folder = options.output / "audits" / name
    found = folder / checkpoint.stem / "audit.json"
    if not found.exists():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                   "--checkpoint", str(checkpoint), "--cohort", str(options.cohort),
                   "--folds", options.folds, "--fit-folds", options.fit_folds,
                   "--report-dir", str(folder)]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if not found.exists():
            raise InputError(checkpoint, f"its audit failed:\n{done.stdout[-2000:]}", "see above")
    audit: dict[str, Any] = json.loads(found.read_text())
    return audit


def record_of(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train, audit and evaluate one row."""
    from axis_audit import checkpoint as checkpoints
    from model.deformation import adapter
    from model.deformation.__main__ import folds
    from model.deformation.data import open_beats
    from model.deformation.evaluate import evaluate, unseen

    path = checkpoint_of(name, options)
    audit = audit_of(name, path, options)
    checks = {f["id"]: f for f in audit["findings"]}
    checkpoint = checkpoints.load(path)
    medians, _ = open_beats(options.cohort, folds(options.folds), singles=False)
    numbers = evaluate(adapter.load_any(checkpoint), unseen(medians, checkpoint))
    failing = [i for i in audit["gates"] if checks[i]["verdict"] not in ("PASS", "NOT APPLICABLE")]
    return {
        "row": name,
        "title": ROWS[name].title,
        "verdict": audit["verdict"],
        "gates not PASS": failing,
        "mae": checks["prediction.mae"]["details"]["MAE in years"],
        "residual_share": numbers["residual_share"],
        "reconstruction_l1": numbers["reconstruction_l1"],
        **{
            check: {k: checks[check][k] for k in ("estimate", "interval", "verdict")}
            for check in LEAKS
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Do every row, then write ablation.json, ablation.md, ablation.png and ablation.svg."""
    from model.deformation.ablation_pages import write

    options = parser().parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    records = []
    try:
        for name in options.rows:
            print(f"{name}: {ROWS[name].title}", flush=True)
            records.append(record_of(name, options))
            write(records, options.output)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    print((options.output / "ablation.md").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
