"""`python -m model.vae`: train a VAE of cardiac cycles, evaluate it, draw from it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from axis_audit.cohort import LEADS
from axis_audit.errors import InputError
from model.vae.config import CLASSES, SEXES, VARIANTS, NetworkConfig, TrainingConfig

if TYPE_CHECKING:
    from axis_audit.checkpoint import Checkpoint
    from axis_audit.cohort import Cohort
    from model.vae.adapter import VariationalModel

EXAMPLES = """\
examples:
  # train as the committed checkpoint was: LUDB, and PTB-XL's folds 1-8 beside it
  python -m model.vae train --cohort ~/ludb --cohort ~/ptb-xl@1-8 \\
      --checkpoint model/checkpoints/vae.pth
  # the published training: LUDB alone, single leads at random out of all twelve to the end
  python -m model.vae train --cohort ~/ludb --home-epochs 0 --checkpoint OUT.pth
  # continue after an interruption: the result is that of an uninterrupted run
  python -m model.vae train --cohort ~/ludb --checkpoint OUT.pth --resume
  # a first look at the people set apart (the audit proper: axis-audit's pytest plugin)
  python -m model.vae evaluate --checkpoint OUT.pth --cohort ~/ludb --pictures DIR
  # 100 new cycles: OUT/samples.npz, OUT/samples.png, OUT/samples.svg
  python -m model.vae sample --checkpoint OUT.pth --count 100 --seed 1 --output OUT
  # the same of a conditional model, told whose cycles to draw
  python -m model.vae sample --checkpoint OUT.pth --sex female --age 70 --class MI --output OUT
  # from one record's cycle to another's along a straight line in the latent
  python -m model.vae interpolate --checkpoint OUT.pth --cohort ~/ludb \\
      --from ludb/7 --to ludb/14 --output OUT
"""
TRAIN_HELP = """\
Trains encoder and decoder on single cardiac cycles, each centred and scaled to unit variance. The
loss of a cycle is half its squared error, summed over 400 samples, plus beta times the KL
divergence of its posterior from N(0, I), summed over dimensions: beta is the variance, of a
cycle's 1, that the decoder may leave unexplained.

The first --cohort is the one to be audited: of its people a share (--audit-share), chosen by a hash
of their ids, is set apart and never seen, and of the others some are only watched. Of a further
source without folds as many are set apart; one with folds is named with those to train on,
PATH@FOLDS. First a lead is drawn at random out of all twelve for every cycle (the published
training); the last --home-epochs draw the audited lead, mostly from the first source, because the
prior should draw that lead of those people and not a mixture.

Writes NAME.pth (the checkpoint), NAME.config.json (what was trained and how) and NAME.log.jsonl
(one line an epoch); NAME.state.partial is there only while a run is unfinished.
"""


HOME_SHARE = TrainingConfig().home_epochs / TrainingConfig().epochs


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
        prog="python -m model.vae",
        description="A variational autoencoder of single-lead cardiac cycles.",
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    commands = top.add_subparsers(dest="command", required=True)
    _add_train(commands.add_parser(
        "train", help="train a checkpoint", description=TRAIN_HELP, formatter_class=formatter
    ))  # fmt: skip
    evaluate = commands.add_parser(
        "evaluate", help="print how a checkpoint does on people it has not seen, as JSON"
    )
    evaluate.add_argument("--pictures", type=Path, metavar="DIR", help="also draw, into DIR")
    _add_sample(commands.add_parser("sample", help="draw new cycles from the prior"))
    interpolate = commands.add_parser("interpolate", help="draw the path between two cycles")
    interpolate.add_argument("--from", dest="first", required=True, help="id of a record")
    interpolate.add_argument("--to", dest="last", required=True, help="id of another")
    interpolate.add_argument("--output", type=Path, required=True, help="folder")
    for command in (evaluate, interpolate):
        command.add_argument("--checkpoint", type=Path, required=True)
        command.add_argument("--cohort", required=True, help="PATH or PATH@FOLDS")
    return top


def _add_train(command: argparse.ArgumentParser) -> None:
    network, training, add = NetworkConfig(), TrainingConfig(), command.add_argument
    add("--cohort", action="append", required=True, metavar="PATH[@FOLDS]",
        help="a source; repeat for more, the one to be audited first")  # fmt: skip
    add("--checkpoint", type=Path, required=True, help="where to write, NAME.pth")
    add("--variant", choices=VARIANTS, default=network.variant,
        help=f"of the network (default {network.variant}, as published)")  # fmt: skip
    add("--lead", choices=LEADS, default=network.lead, help="to be audited (default II)")
    add("--latent", type=positive, default=network.latent, help="dimensions of z (default 25)")
    add("--per-record", type=positive, default=8,
        help="cycles of a record at most, of the first source (default 8)")  # fmt: skip
    add("--per-other-record", type=positive, default=2,
        help="of the others, which have people enough (default 2)")  # fmt: skip
    add("--epochs", type=positive, default=training.epochs,
        help=f"in all (default {training.epochs})")  # fmt: skip
    add(
        "--home-epochs",
        type=int,
        help="the last of them, in the audited lead (default three fifths)",
    )
    add("--beta", type=float, default=training.beta,
        help=f"weight of the KL divergence (default {training.beta})")  # fmt: skip
    add("--audit-share", type=float, default=training.audit_share,
        help=f"of the people (default {training.audit_share})")  # fmt: skip
    add("--watched-share", type=float, default=training.watched_share,
        help=f"of the first source's other people (default {training.watched_share})")  # fmt: skip
    add("--seed", type=int, default=0, help="of weights and everything drawn")
    add("--threads", type=positive, default=1, help="of torch (default 1)")
    add("--resume", action="store_true", help="continue an interrupted run")


def _add_sample(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--checkpoint", type=Path, required=True)
    add("--count", type=positive, default=100, help="cycles (default 100)")
    add("--seed", type=int, default=0)
    add("--output", type=Path, required=True, help="folder for samples.npz, .png and .svg")
    told = command.add_argument_group("whose cycles; of a conditional model only")
    told.add_argument("--lead", choices=LEADS, help="default: the model's own")
    told.add_argument("--sex", choices=SEXES, help="default: unknown")
    told.add_argument("--age", type=float, help="years; default: unknown")
    told.add_argument("--class", dest="classes", action="append", choices=CLASSES,
                      help="diagnosis class; default: unknown")  # fmt: skip


def run_train(options: argparse.Namespace) -> None:
    """Train as asked."""
    from model.vae.data import Source, split
    from model.vae.train import Request, train

    home = round(HOME_SHARE * options.epochs)
    if options.home_epochs is not None:
        home = options.home_epochs
    network = NetworkConfig(variant=options.variant, lead=options.lead, latent=options.latent)
    config = TrainingConfig(
        seed=options.seed, epochs=options.epochs, home_epochs=home, beta=options.beta,
        audit_share=options.audit_share, watched_share=options.watched_share,
    )  # fmt: skip
    network = NetworkConfig.from_mapping(network.as_dict(), "--lead, --latent")
    config = TrainingConfig.from_mapping(config.as_dict(), "the command line")
    sources = Source.parse_all(options.cohort, options.per_record, options.per_other_record)
    data = split([(s, s.open()) for s in sources], config.audit_share, config.watched_share)
    names = tuple(s.described(c) for s, c in zip(sources, data.cohorts, strict=True))
    request = Request(options.checkpoint, names, threads=options.threads, resume=options.resume)
    manifest = train(data, network, config, request)
    print(json.dumps({
        "checkpoint": str(options.checkpoint), "people_set_apart": data.set_apart,
        **manifest.data["watched"],
    }))  # fmt: skip


def run_evaluate(options: argparse.Namespace) -> None:
    """Evaluate as asked."""
    from model.vae.evaluate import evaluate, unseen
    from model.vae.pictures import draw_all

    checkpoint, model = _model(options.checkpoint)
    people = unseen(_cohort(options.cohort), checkpoint, model.input_spec)
    print(json.dumps(evaluate(model, people), indent=2))
    if options.pictures:
        for path in draw_all(model, people, options.pictures):
            print(path, file=sys.stderr)


def run_sample(options: argparse.Namespace) -> None:
    """Draw as asked."""
    import numpy as np
    import torch

    from model.vae import conditions, pictures

    _, model = _model(options.checkpoint)
    asked = (options.lead, options.sex, options.age, options.classes)
    if model.network.config.variant != "conditional" and any(a is not None for a in asked):
        raise InputError(
            options.checkpoint,
            f"it is of variant {model.network.config.variant!r}, which cannot be told whose cycles",
            "leave --lead, --sex, --age and --class away, or train --variant conditional",
        )
    lead = options.lead or model.lead
    told = conditions.lead_alone(lead, 1)[0]
    age = float("nan") if options.age is None else options.age
    known = conditions.person(options.sex or "", age, options.classes or [])
    told[len(LEADS) :] = torch.from_numpy(known)
    drawn = model.sample(options.count, options.seed, told)
    title = f"Cycles drawn from the prior, lead {lead}"
    figures = iter([("samples", pictures.samples(model, drawn[:, 0], title))])
    picture = pictures.write(figures, options.output)[0]
    np.savez(
        options.output / "samples.npz", cycles=drawn, lead=lead, seed=options.seed,
        r_index=model.input_spec.r_index,
    )  # fmt: skip
    print(options.output / "samples.npz", picture, sep="\n")


def run_interpolate(options: argparse.Namespace) -> None:
    """Draw the path as asked."""
    import numpy as np

    from axis_audit.people import conform
    from model.vae import pictures

    _, model = _model(options.checkpoint)
    cohort = conform(_cohort(options.cohort), model.input_spec)
    rows = []
    for option, record in (("--from", options.first), ("--to", options.last)):
        found = np.flatnonzero(cohort.record_ids == record)
        if not len(found):
            some = ", ".join(np.unique(cohort.record_ids)[:3])
            raise InputError(option, f"no record {record!r}", f"name one of the cohort: {some} ...")
        rows.append(found[len(found) // 2])
    figure, along = pictures.path(model, cohort.signals[rows], (options.first, options.last))
    picture = pictures.write(iter([("path", figure)]), options.output)[0]
    np.savez(options.output / "path.npz", cycles=along, lead=model.lead)
    print(options.output / "path.npz", picture, sep="\n")


def _model(path: Path) -> tuple[Checkpoint, VariationalModel]:
    from axis_audit.checkpoint import load
    from model.vae import adapter
    from model.vae.config import KIND

    checkpoint = load(path)
    if checkpoint.kind != KIND:
        raise InputError(path, f"its kind is {checkpoint.kind!r}, not {KIND!r}", "name a VAE")
    return checkpoint, adapter.load(checkpoint)


def _cohort(text: str) -> Cohort:
    from model.vae.data import Source

    return Source.parse(text).open()


RUN = {
    "train": run_train,
    "evaluate": run_evaluate,
    "sample": run_sample,
    "interpolate": run_interpolate,
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
