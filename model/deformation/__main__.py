"""`python -m model.deformation`: train and evaluate the deformation reference system."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from axis_audit.errors import InputError

EXAMPLES = """\
examples:
  # train on PTB-XL's folds 1-8 as the committed checkpoint was
  python -m model.deformation train --cohort ~/ptb-xl --epochs 80 \\
      --checkpoint model/checkpoints/deformation.pth
  # continue after an interruption: the result is that of an uninterrupted run
  python -m model.deformation train --cohort ~/ptb-xl --epochs 80 \\
      --checkpoint model/checkpoints/deformation.pth --resume
  # a first look at people it has not seen (the audit proper: axis-audit's pytest plugin)
  python -m model.deformation evaluate --checkpoint model/checkpoints/deformation.pth \\
      --cohort ~/ptb-xl --folds 9
"""
TRAIN_HELP = """\
Trains x = D(z) + g(a)·B in three stages (canonical pretraining, axis learning, joint training)
on median and single beats of 1.2 s. About 8 % of the patients are held out to select the epoch.
Writes NAME.pth (the checkpoint), NAME.config.json (what was trained and how) and NAME.log.jsonl
(one line an epoch); NAME.state.partial is there only while a run is unfinished.
"""


def folds(text: str) -> tuple[int, ...]:
    """Read "1-8", "9" or "1,3,5-7"."""
    chosen: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        try:
            chosen += range(int(low), int(high if dash else low) + 1)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no list of folds such as 1-8") from None
    if not chosen:
        raise argparse.ArgumentTypeError(f"{text!r} names no fold")
    return tuple(chosen)


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        prog="python -m model.deformation",
        description="Age as a one-dimensional deformation of a neutral ECG beat.",
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    commands = top.add_subparsers(dest="command", required=True)
    train = commands.add_parser(
        "train", help="train a checkpoint", description=TRAIN_HELP, formatter_class=formatter
    )
    train.add_argument("--cohort", type=Path, required=True, help="folder or file of recordings")
    train.add_argument("--checkpoint", type=Path, required=True, help="where to write, NAME.pth")
    train.add_argument("--epochs", type=positive, default=80, help="in all (default 80)")
    train.add_argument("--batch-size", type=positive, default=256, help="beats (default 256)")
    train.add_argument("--folds", type=folds, default=folds("1-8"), help="default 1-8")
    train.add_argument("--seed", type=int, default=0, help="of weights, order, augmentation")
    train.add_argument(
        "--normalisation",
        choices=("lead", "record"),
        default="lead",
        help="one scale a lead (published, default) or one a record (keeps Einthoven's law)",
    )
    train.add_argument("--medians-only", action="store_true", help="leave single beats out")
    train.add_argument("--threads", type=positive, default=2, help="of torch (default 2)")
    train.add_argument("--resume", action="store_true", help="continue an interrupted run")
    evaluate = commands.add_parser("evaluate", help="print how a checkpoint does, as JSON")
    evaluate.add_argument("--checkpoint", type=Path, required=True)
    evaluate.add_argument("--cohort", type=Path, required=True)
    evaluate.add_argument("--folds", type=folds, default=folds("9"), help="default 9")
    return top


def run_train(options: argparse.Namespace) -> None:
    """Train as asked."""
    from model.deformation.config import NetworkConfig, TrainingConfig
    from model.deformation.data import open_beats, split
    from model.deformation.train import Request, train

    config = TrainingConfig(epochs=options.epochs, batch_size=options.batch_size, seed=options.seed)
    if options.medians_only:
        config = replace(config, single_share=0.0)
    medians, singles = open_beats(options.cohort, options.folds, not options.medians_only)
    data = split(medians, singles, config.selection_share)
    request = Request(
        options.checkpoint, options.folds, threads=options.threads, resume=options.resume
    )
    network = NetworkConfig(normalisation=options.normalisation)
    manifest = train(data, network, config, request)
    print(json.dumps({"checkpoint": str(options.checkpoint), **manifest.data["selection"]}))


def run_evaluate(options: argparse.Namespace) -> None:
    """Evaluate as asked."""
    from axis_audit.checkpoint import load
    from model.deformation import adapter
    from model.deformation.data import open_beats
    from model.deformation.evaluate import evaluate, unseen

    checkpoint = load(options.checkpoint)
    medians, _ = open_beats(options.cohort, options.folds, singles=False)
    numbers = evaluate(adapter.load(checkpoint), unseen(medians, checkpoint))
    print(json.dumps(numbers, indent=2))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 4 is the exit status of input that cannot be used."""
    options = parser().parse_args(arguments)
    try:
        {"train": run_train, "evaluate": run_evaluate}[options.command](options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("\ninterrupted; continue with the same command and --resume", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
