"""`python -m model.deformation`: train, evaluate and draw the deformation reference systems."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from axis_audit.errors import InputError

EXAMPLES = """\
examples:
  # train on PTB-XL's folds 1-8 as the committed checkpoint was (half an hour on one core)
  python -m model.deformation train --cohort ~/ptb-xl \\
      --threads 1 --checkpoint model/checkpoints/deformation.pth
  # the same on two GPUs of each of two machines, in mixed precision
  torchrun --nnodes 2 --nproc-per-node 2 --rdzv-backend c10d --rdzv-endpoint HOST:29500 \\
      -m model.deformation train --cohort ~/ptb-xl --checkpoint OUT.pth \\
      --accelerator cuda --precision bf16-mixed --batch-size 4096
  # continue after an interruption: the result is that of an uninterrupted run
  python -m model.deformation train --cohort ~/ptb-xl --checkpoint OUT.pth --resume
  # a first look at people it has not seen (the audit proper: axis-audit's pytest plugin)
  python -m model.deformation evaluate --checkpoint OUT.pth --cohort ~/ptb-xl --folds 9
  # pictures of what it learned
  python -m model.deformation picture --checkpoint OUT.pth --cohort ~/ptb-xl --output pictures
"""
TRAIN_HELP = """\
Trains x = D(z) + g(a)·B: three networks that read age from a beat, each without a third of the
people (cross-fitting); g, B and the neutral age in closed form; then encoder and decoder, against
critics that try to read from z what the age networks read from the beat. These two are trained from
several starts, and about 8 % of the people, held out, choose the start: the one that tells least of
their ages. Writes NAME.pth (the checkpoint), NAME.config.json (what was trained and how) and
NAME.log.jsonl (one line an epoch); NAME.state.partial is there only while a run is unfinished.
"""
PUBLISHED_HELP = """\
Trains the published recipe: one network, correlation penalties on leakage, three stages (canonical
pretraining, axis learning, joint training). About 8 % of the patients select the epoch. It leaks;
it is kept to show that the audit says so.
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
    _add_train(commands.add_parser(
        "train", help="train a checkpoint", description=TRAIN_HELP, formatter_class=formatter
    ))  # fmt: skip
    _add_published(commands.add_parser(
        "train-published", help="train the published recipe, which leaks",
        description=PUBLISHED_HELP, formatter_class=formatter,
    ))  # fmt: skip
    evaluate = commands.add_parser("evaluate", help="print how a checkpoint does, as JSON")
    picture = commands.add_parser("picture", help="draw what a checkpoint learned, as SVG and PNG")
    for command in (evaluate, picture):
        command.add_argument("--checkpoint", type=Path, required=True)
        command.add_argument("--cohort", type=Path, required=True, help="folder or file")
        command.add_argument("--folds", type=folds, default=folds("9"), help="default 9")
    picture.add_argument("--output", type=Path, required=True, help="folder for the pictures")
    picture.add_argument("--record", help="whose beat is aged (default: the median patient's)")
    return top


def _add_common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--cohort", type=Path, required=True, help="folder or file of recordings")
    add("--checkpoint", type=Path, required=True, help="where to write, NAME.pth")
    add("--folds", type=folds, default=folds("1-8"), help="default 1-8")
    add("--seed", type=int, default=0, help="of weights, order, augmentation")
    add("--medians-only", action="store_true", help="leave single beats out")
    add("--threads", type=positive, default=2, help="of torch (default 2)")
    add("--resume", action="store_true", help="continue an interrupted run")


def _add_train(command: argparse.ArgumentParser) -> None:
    from model.deformation.config import NetworkConfig, TrainingConfig
    from model.engine import PRECISIONS

    default = TrainingConfig()
    _add_common(command)
    add = command.add_argument
    add("--age-epochs", type=positive, default=default.age_epochs,
        help=f"of each age network (default {default.age_epochs})")  # fmt: skip
    add("--epochs", type=positive, default=default.epochs,
        help=f"of each encoder and decoder (default {default.epochs})")  # fmt: skip
    add("--starts", type=positive, default=default.starts,
        help=f"encoders trained, of which one is kept (default {default.starts})")  # fmt: skip
    add("--batch-size", type=positive, default=default.batch,
        help=f"beats a step of encoder and decoder (default {default.batch})")  # fmt: skip
    add("--age-networks", type=Path, metavar="CHECKPOINT",
        help="take over those of this checkpoint, of the same people and seed")  # fmt: skip
    add("--apart", nargs="*", default=default.apart, metavar="DEVICE",
        help="devices whose recordings have no share in g and B, and whose leaks are judged apart "
        f"(default {', '.join(default.apart)!r}; of PTB-XL)")  # fmt: skip
    add("--latent", type=positive, default=NetworkConfig().latent, help="dimensions of z")
    add("--accelerator", choices=("cpu", "cuda", "mps", "auto"), default="cpu")
    add("--precision", choices=PRECISIONS, default="32-true", help="mixed precision on GPUs")


def _add_published(command: argparse.ArgumentParser) -> None:
    _add_common(command)
    add = command.add_argument
    add("--epochs", type=positive, default=80, help="in all (default 80)")
    add("--batch-size", type=positive, default=256, help="beats (default 256)")
    add("--normalisation", choices=("lead", "record"), default="lead",
        help="one scale a lead (published, default) or one a record (keeps Einthoven's law)",
    )  # fmt: skip


def run_train(options: argparse.Namespace) -> None:
    """Train as asked."""
    from model.deformation.config import NetworkConfig, TrainingConfig
    from model.deformation.data import open_beats, split
    from model.deformation.train import Request, train
    from model.engine import EngineOptions

    config = TrainingConfig(
        seed=options.seed,
        age_epochs=options.age_epochs,
        starts=options.starts,
        epochs=options.epochs,
        batch=options.batch_size,
        apart=tuple(options.apart),
    )
    if options.medians_only:
        config = replace(config, single_share=0.0, second_single_share=0.0)
    network = NetworkConfig(latent=options.latent)
    data = split(
        *open_beats(options.cohort, options.folds, not options.medians_only),
        config.held_share,
        config.apart,
    )
    request = Request(
        options.checkpoint, options.folds, threads=options.threads, resume=options.resume,
        age_networks=options.age_networks,
        engine=EngineOptions(options.accelerator, options.precision),
    )  # fmt: skip
    manifest = train(data, network, config, request)
    if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one speaks
        print(json.dumps({"checkpoint": str(options.checkpoint), **manifest.data["watched"]}))


def run_published(options: argparse.Namespace) -> None:
    """Train the published recipe as asked."""
    from model.deformation.data import open_beats, split
    from model.deformation.published.config import NetworkConfig, TrainingConfig
    from model.deformation.published.train import Request, train

    config = TrainingConfig(epochs=options.epochs, batch_size=options.batch_size, seed=options.seed)
    if options.medians_only:
        config = replace(config, single_share=0.0)
    medians, singles = open_beats(options.cohort, options.folds, not options.medians_only)
    data = split(medians, singles, config.selection_share)
    request = Request(
        options.checkpoint, options.folds, threads=options.threads, resume=options.resume
    )
    manifest = train(data, NetworkConfig(normalisation=options.normalisation), config, request)
    print(json.dumps({"checkpoint": str(options.checkpoint), **manifest.data["selection"]}))


def run_evaluate(options: argparse.Namespace) -> None:
    """Evaluate as asked."""
    from axis_audit.checkpoint import load
    from model.deformation import adapter
    from model.deformation.data import open_beats
    from model.deformation.evaluate import evaluate, unseen

    checkpoint = load(options.checkpoint)
    medians, _ = open_beats(options.cohort, options.folds, singles=False)
    numbers = evaluate(adapter.load_any(checkpoint), unseen(medians, checkpoint))
    print(json.dumps(numbers, indent=2))


def run_picture(options: argparse.Namespace) -> None:
    """Draw as asked."""
    from axis_audit.checkpoint import load
    from model.deformation import adapter
    from model.deformation.data import open_beats
    from model.deformation.evaluate import unseen
    from model.deformation.pictures import draw_all

    checkpoint = load(options.checkpoint)
    medians, _ = open_beats(options.cohort, options.folds, singles=False)
    people = unseen(medians, checkpoint)
    for path in draw_all(adapter.load_any(checkpoint), people, options.output, options.record):
        print(path)


RUN = {
    "train": run_train,
    "train-published": run_published,
    "evaluate": run_evaluate,
    "picture": run_picture,
}


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
