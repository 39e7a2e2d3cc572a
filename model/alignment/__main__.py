"""`python -m model.alignment`: train, evaluate and use the alignment reference system."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from axis_audit.errors import InputError
from model.alignment import commands
from model.alignment.config import TrainingConfig
from model.deformation.__main__ import folds, positive
from model.engine import PRECISIONS

EXAMPLES = """\
examples:
  # train on PTB-XL's folds 1-8 as the committed checkpoint was (20 minutes on one core)
  python -m model.alignment train --cohort ~/ptb-xl --checkpoint model/checkpoints/alignment.pth
  # several sources at once: folders of the CinC Challenges (2020, 2021), arrays; all leads must be
  # there, and folds count where a source has folds
  python -m model.alignment train --cohort ~/ptb-xl --cohort ~/cinc/georgia --cohort more.npz \\
      --checkpoint OUT.pth
  # the same on two GPUs of each of two machines, in mixed precision
  torchrun --nnodes 2 --nproc-per-node 2 --rdzv-backend c10d --rdzv-endpoint HOST:29500 \\
      -m model.alignment train --cohort ~/ptb-xl --checkpoint OUT.pth \\
      --accelerator cuda --precision bf16-mixed --batch-size 256
  # twelve leads from one beside a ridge and the mean beat, on people it has not seen
  python -m model.alignment evaluate reconstruction --checkpoint OUT.pth --cohort ~/ptb-xl
  # infarction from single leads, and people known again from lead I
  python -m model.alignment evaluate infarction --checkpoint OUT.pth --cohort ~/ptb-xl --cnn I,V2
  python -m model.alignment evaluate identification --checkpoint OUT.pth --lead1 ~/lead1
  # embeddings of lead I, and twelve leads drawn from it, of records of your own
  python -m model.alignment embed --checkpoint OUT.pth --cohort mine.npz --lead I --output e.npz
  python -m model.alignment reconstruct --checkpoint OUT.pth --cohort mine.npz --lead I \\
      --output drawn.npz --pictures pictures
"""
TRAIN_HELP = """\
Trains twelve masked autoencoders, one a lead, at once. What a linear filter can draw of one lead
from another is solved in closed form; the networks learn the rest. In every step half of the leads
have patches hidden and reconstruct them; from the other half all twelve are drawn, and their
embeddings are aligned by triplets: leads of one recording against other recordings. The weight of
alignment grows as a sine, that of reconstruction falls as a cosine to a floor. About 8 % of the
people of every source are held out and watched; nothing is selected on them. The manifest holds all
sources' people and waveforms, and how many records were left out and why. Writes NAME.pth (the
checkpoint, in half precision), NAME.config.json (what was trained and how) and NAME.log.jsonl (one
line an epoch; held_hidden and held_drawn_* are errors over power); NAME.state.partial is there only
while a run is unfinished.
"""
EVALUATE_HELP = """\
Prints plain numbers as JSON, with 95 % intervals over people:
  reconstruction  twelve leads from each lead, error over that of a ridge on 0.4 s around each
                  sample and of the mean beat; hidden patches over a straight line
  retrieval       does a lead find another of its own recording among everybody's
  infarction      area under the ROC curve of a logistic regression on one lead's frozen embedding,
                  and (--cnn) of a network trained on that lead
  identification  people known again on the lead-I set: rank-1, equal error rate, and the same of
                  mean beats and of raw waveforms; with --cohort also with directions weighed down
                  in which other people's recordings (--fit-folds) differ within a person
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        prog="python -m model.alignment",
        description="One lead that speaks for twelve.",
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    several = top.add_subparsers(dest="command", required=True)
    _add_train(several.add_parser(
        "train", help="train a checkpoint", description=TRAIN_HELP, formatter_class=formatter
    ))  # fmt: skip
    _add_evaluate(several.add_parser(
        "evaluate", help="print how a checkpoint does, as JSON",
        description=EVALUATE_HELP, formatter_class=formatter,
    ))  # fmt: skip
    embed = several.add_parser("embed", help="write embeddings of one lead")
    draw = several.add_parser("reconstruct", help="write twelve leads drawn from one")
    for command in (embed, draw):
        add = command.add_argument
        add("--checkpoint", type=Path, required=True)
        add("--cohort", required=True, help="PTB-XL folder, or .npz of records (all twelve leads)")
        add("--folds", type=folds, help="of PTB-XL (default: all that are there)")
        add("--lead", default="I", help="the one lead that is looked at (default I)")
        add("--output", type=Path, required=True, help=".npz to write")
    draw.add_argument("--pictures", type=Path, help="folder for drawn beside recorded leads")
    return top


def _add_train(command: argparse.ArgumentParser) -> None:
    default = TrainingConfig()
    add = command.add_argument
    add("--cohort", action="append", required=True, metavar="SOURCE",
        help="PTB-XL or CinC folder, .npz of records; may be given several times")  # fmt: skip
    add("--checkpoint", type=Path, required=True, help="where to write, NAME.pth")
    add("--folds", type=folds, default=folds("1-8"), help="of PTB-XL (default 1-8)")
    add("--seed", type=int, default=0, help="of weights, order, windows, what is hidden")
    add("--epochs", type=positive, default=default.epochs,
        help=f"of {default.epoch_records} records each (default {default.epochs})")  # fmt: skip
    add("--epoch-records", type=positive, default=default.epoch_records, help="records an epoch")
    add("--batch-size", type=positive, default=default.batch,
        help=f"records a step, two windows of each (default {default.batch})")  # fmt: skip
    add("--floor", type=float, default=default.floor,
        help=f"least weight of reconstruction, 0 as published (default {default.floor})",
    )  # fmt: skip
    add("--threads", type=positive, default=1, help="of torch (default 1)")
    add("--resume", action="store_true", help="continue an interrupted run")
    add("--accelerator", choices=("cpu", "cuda", "mps", "auto"), default="cpu")
    add("--precision", choices=PRECISIONS, default="32-true", help="mixed precision on GPUs")


def _add_evaluate(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("what", choices=("reconstruction", "retrieval", "infarction", "identification"))
    add("--checkpoint", type=Path, required=True)
    add("--cohort", help="PTB-XL folder (or .npz for reconstruction and retrieval)")
    add("--folds", type=folds, default=folds("9"), help="people judged (default 9)")
    add("--fit-folds", type=folds, default=folds("1-8"),
        help="people that baselines and classifiers are fitted on (default 1-8)")  # fmt: skip
    add("--set-apart", action="store_true",
        help="judge the people of --fit-folds that training set apart instead of --folds",
    )  # fmt: skip
    add("--cnn", default="", metavar="LEADS",
        help="infarction: train a network on these leads, too, e.g. I,V2 or all")  # fmt: skip
    add("--cnn-epochs", type=positive, default=5)
    add("--lead1", type=Path, help="identification: folder with lead1.npz")
    add("--pictures", type=Path, help="retrieval: folder for the 12 x 12 picture")


def run_train(options: argparse.Namespace) -> None:
    """Train as asked."""
    from model.alignment.config import NetworkConfig
    from model.alignment.data import open_records, split
    from model.alignment.train import Request, train
    from model.engine import EngineOptions

    config = replace(
        TrainingConfig(),
        seed=options.seed,
        epochs=options.epochs,
        epoch_records=options.epoch_records,
        batch=options.batch_size,
        floor=options.floor,
    )
    network = NetworkConfig()
    cohorts = [open_records(s, options.folds, network.rate) for s in options.cohort]
    data = split(cohorts, config.held_share, network.window, network.samples)
    request = Request(
        options.checkpoint, options.folds, threads=options.threads, resume=options.resume,
        engine=EngineOptions(options.accelerator, options.precision),
    )  # fmt: skip
    manifest = train(data, network, config, request)
    if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one speaks
        print(json.dumps({"checkpoint": str(options.checkpoint), **manifest.data["watched"]}))


RUN = {
    "train": run_train,
    "evaluate": commands.evaluate,
    "embed": commands.embed,
    "reconstruct": commands.reconstruct,
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
