"""`python -m model.leadwise`: train, evaluate and explain the lead-wise reference system."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from axis_audit.errors import InputError
from model.deformation.__main__ import folds, positive
from model.engine import PRECISIONS
from model.leadwise import commands
from model.leadwise.config import CROSS_LEAD, NORMALISATIONS, NetworkConfig, TrainingConfig

EXAMPLES = """\
examples:
  # train on PTB-XL's folds 1-7 as the committed checkpoint was, fold 8 choosing the epoch
  # (about 80 minutes on one core)
  python -m model.leadwise train --cohort ~/ptb-xl --checkpoint model/checkpoints/leadwise.pth
  # one network a disease, as published
  python -m model.leadwise train --cohort ~/ptb-xl --diseases MI --checkpoint MI.pth
  # on every GPU of a machine
  torchrun --nproc-per-node auto -m model.leadwise train --cohort ~/ptb-xl --checkpoint OUT.pth \\
      --accelerator cuda --precision bf16-mixed
  # areas under the ROC curve on fold 9, and on another hospital's records
  python -m model.leadwise evaluate auc --checkpoint model/checkpoints/leadwise.pth \\
      --cohort ~/ptb-xl --folds 9
  python -m model.leadwise evaluate auc --checkpoint model/checkpoints/leadwise.pth \\
      --cohort ~/cinc/georgia
  # leads dropped and shuffled, the clinical region replaced
  python -m model.leadwise evaluate robustness --checkpoint model/checkpoints/leadwise.pth \\
      --cohort ~/ptb-xl --folds 8
  # four clinical pictures of a record
  python -m model.leadwise explain --checkpoint model/checkpoints/leadwise.pth \\
      --cohort ~/ptb-xl --folds 9 --record ptb-xl/39 --output runs/pictures
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m model.leadwise",
        description="One convolutional encoder for every lead, one logit a disease family, and "
        "maps of what made it decide.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands_ = top.add_subparsers(dest="command", required=True)
    _add_train(commands_.add_parser("train", help="train a classifier"))
    _add_evaluate(commands_.add_parser("evaluate", help="print how a checkpoint does"))
    _add_explain(commands_.add_parser("explain", help="draw a record's attribution maps"))
    return top


def _add_train(command: argparse.ArgumentParser) -> None:
    add, network, default = command.add_argument, NetworkConfig(), TrainingConfig()
    add("--cohort", required=True, help="PTB-XL folder, or .npz of records with diagnoses")
    add("--checkpoint", type=Path, required=True, help="NAME.pth to write, beside it its log")
    add("--folds", type=folds, default=folds("1-7"), help="people to fit on (default 1-7)")
    add("--select-folds", type=folds, default=folds("8"),
        help="people who choose the epoch and calibrate the logits (default 8)")  # fmt: skip
    add("--diseases", default=network.diseases, help=f"families (default {network.diseases})")
    add("--epochs", type=positive, default=default.epochs, help=f"default {default.epochs}")
    add("--batch-size", type=positive, default=default.batch, help=f"default {default.batch}")
    add("--crop", type=positive, default=default.crop,
        help=f"samples of a record that an epoch sees (default {default.crop})")  # fmt: skip
    add("--normalisation", choices=NORMALISATIONS, default=network.normalisation,
        help="of the signals: none keeps millivolts; both is as published (default none)",
    )  # fmt: skip
    add("--cross-lead", choices=CROSS_LEAD, default=network.cross_lead,
        help="how the head sees the leads (default concatenation, as published)")  # fmt: skip
    add("--device-weight", type=float, default=default.device_weight,
        help=f"of the device head (default {default.device_weight}, as published)")  # fmt: skip
    add("--sex-weight", type=float, default=default.sex_weight,
        help=f"of the sex head (default {default.sex_weight}, as published)")  # fmt: skip
    add("--statement-weight", type=float, default=default.statement_weight,
        help="of the head for single statements, 0 as published "
        f"(default {default.statement_weight})")  # fmt: skip
    add("--rate", type=float, default=network.rate, help="samples per second (default 100)")
    add("--seed", type=int, default=0)
    add("--threads", type=positive, default=1, help="of torch (default 1)")
    add("--resume", action="store_true", help="continue an interrupted run")
    add("--accelerator", choices=("cpu", "cuda", "mps", "auto"), default="cpu")
    add("--precision", choices=PRECISIONS, default="32-true", help="mixed precision on GPUs")
    add("--mlflow", type=Path, help="keep a record of the run in this folder (needs .[tracking])")


def _add_evaluate(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("what", choices=("auc", "robustness"))
    add("--checkpoint", type=Path, required=True)
    add("--cohort", required=True, help="PTB-XL folder, CinC folder or .npz of records")
    add("--folds", type=folds, help="of sources that have folds")


def _add_explain(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--checkpoint", type=Path, required=True)
    add("--cohort", required=True, help="PTB-XL folder, CinC folder or .npz of records")
    add("--folds", type=folds, help="of sources that have folds")
    add("--record", default="", help="its id, such as ptb-xl/39 (default: the first)")
    add("--method", default="integrated_gradients",
        help="integrated_gradients, gradient_shap or occlusion")  # fmt: skip
    add("--output", type=Path, default=Path("runs/pictures"), help="folder for the pictures")


def run_train(options: argparse.Namespace) -> None:
    """Train as asked."""
    from model.engine import EngineOptions
    from model.leadwise.data import Vocabulary, labelled
    from model.leadwise.inference import open_records
    from model.leadwise.tracking import tracked
    from model.leadwise.train import People, Request, train

    config = replace(
        TrainingConfig(), seed=options.seed, epochs=options.epochs, batch=options.batch_size,
        crop=options.crop, device_weight=options.device_weight, sex_weight=options.sex_weight,
        statement_weight=options.statement_weight,
    )  # fmt: skip
    samples = round(10 * options.rate)
    fitted, chosen_on = (
        open_records(options.cohort, chosen, options.rate, samples)
        for chosen in (options.folds, options.select_folds)
    )
    vocabulary = Vocabulary.of(fitted)
    network = replace(
        NetworkConfig(), diseases=options.diseases, rate=options.rate, samples=samples,
        normalisation=options.normalisation, cross_lead=options.cross_lead,
        statements=len(vocabulary.statements), devices=len(vocabulary.devices),
    )  # fmt: skip
    labels = [labelled(c, network.names, vocabulary) for c in (fitted, chosen_on)]
    with tracked(options.mlflow, {**asdict(network), **asdict(config)}) as tracker:
        request = Request(
            options.checkpoint, options.folds, threads=options.threads, resume=options.resume,
            engine=EngineOptions(options.accelerator, options.precision), tracker=tracker,
        )  # fmt: skip
        manifest = train(People(fitted, chosen_on, *labels), network, config, request)
    if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one speaks
        print(json.dumps({"checkpoint": str(options.checkpoint), **manifest.data["selection"]}))


RUN = {"train": run_train, "evaluate": commands.evaluate, "explain": commands.explain}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 4 is the exit status of input that cannot be used."""
    options = parser().parse_args(arguments)
    try:
        RUN[options.command](options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("\ninterrupted; continue with the same command and --resume", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
