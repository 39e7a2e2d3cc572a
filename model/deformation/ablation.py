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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axis_audit.errors import InputError
from model.deformation.ablation_rows import CHECKPOINTS, ROWS, Row
from model.deformation.config import NetworkConfig, TrainingConfig

ROOT = Path(__file__).parents[2]
LEAKS = {
    "leakage.linear": "linear",
    "leakage.linear_deviation": "deviation",
    "leakage.mlp": "MLP",
    "leakage.deep_network": "larger network",
    "leakage.canonical_linear": "x50 linear",
    "leakage.canonical_mlp": "x50 MLP",
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
    add("--records", type=Path, metavar="JSON",
        help="an earlier run's ablation.json, whose rows are taken over as they stand")  # fmt: skip
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
    config = row.training(TrainingConfig(seed=seed, starts=1))
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
    from model.deformation.data import normal_people, open_beats
    from model.deformation.evaluate import evaluate, leaks_of_groups, unseen

    path = checkpoint_of(name, options)
    audit = audit_of(name, path, options)
    checks = {f["id"]: f for f in audit["findings"]}
    checkpoint = checkpoints.load(path)
    medians, _ = open_beats(options.cohort, folds(options.folds), singles=False)
    model, people = adapter.load_any(checkpoint), unseen(medians, checkpoint)
    numbers, normal = evaluate(model, people), normal_people(people)
    failing = [i for i in audit["gates"] if checks[i]["verdict"] not in ("PASS", "NOT_APPLICABLE")]
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
        "groups": leaks_of_groups(model, people, {"normal": normal, "not normal": ~normal}),
    }


def taken_over(path: Path | None) -> dict[str, dict[str, Any]]:
    """Rows of an earlier run's ablation.json by name.

    Raises:
        InputError: the file is no such record.
    """
    if path is None:
        return {}
    try:
        return {
            record["row"]: record for record in json.loads(path.read_text()) if record["groups"]
        }
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            path, f"no record of an ablation: {error}", "give an ablation.json"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Do every row, then write ablation.json, ablation.md, ablation.png and ablation.svg."""
    from model.deformation.ablation_pages import write

    options = parser().parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    records: list[dict[str, Any]] = []
    try:
        known = taken_over(options.records)
        for name in options.rows:
            print(f"{name}: {ROWS[name].title}", flush=True)
            records.append(known[name] if name in known else record_of(name, options))
            write(records, options.output)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    print((options.output / "ablation.md").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
