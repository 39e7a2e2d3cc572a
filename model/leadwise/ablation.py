"""`python -m model.leadwise.ablation`: short runs that differ from the recipe in one choice each.

Every row is trained on the same records with the same small budget and a network a quarter as
large, and judged on the people of another fold, never the fold of an audit: areas under the ROC
curves, and the difference of their mean to the first row's, person by person. No epoch is chosen.
Short runs of small networks rank choices for short runs of small networks; one seed a row, so a
row of another seed shows what chance does. 500 Hz: --rate 500 where the records are there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.errors import InputError
from model.deformation.__main__ import folds, positive
from model.leadwise.config import NetworkConfig, TrainingConfig

if TYPE_CHECKING:
    from model.leadwise.train import People

EXAMPLES = """\
examples:
  # every row, two to three minutes each on one core; finished rows are kept when it runs again
  python -m model.leadwise.ablation --cohort ~/ptb-xl --output reports/examples/leadwise
  # some rows, the whole network, longer
  python -m model.leadwise.ablation --cohort ~/ptb-xl --output longer --rows recipe,both \\
      --epochs 12 --whole

writes ablation.md and ablation.json, and for each row NAME.npz with its logits
"""
REFERENCE = "recipe"
SMALL = {"stem": 16, "width_1": 16, "width_2": 32, "width_3": 64, "width_4": 128}
_HEADS = {"device_weight": 0.0, "sex_weight": 0.0}


@dataclass(frozen=True)
class Row:
    """What a row differs in: fields of the training and of the network."""

    choice: str
    title: str
    training: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)


ROWS: Mapping[str, Row] = {
    REFERENCE: Row("", "the recipe: millivolts, all heads, concatenation"),
    "seed_1": Row("chance", "another seed", {"seed": 1}),
    "record": Row("normalisation", "z-score a record", network={"normalisation": "record"}),
    "lead": Row("normalisation", "z-score a lead", network={"normalisation": "lead"}),
    "both": Row("normalisation", "both, as published", network={"normalisation": "both"}),
    "no_statements": Row(
        "auxiliary heads", "no statements, as published", {"statement_weight": 0.0}
    ),
    "no_device_sex": Row("auxiliary heads", "no device, no sex", _HEADS),
    "no_heads": Row("auxiliary heads", "none", {**_HEADS, "statement_weight": 0.0}),
    "cross_entropy": Row("loss", "cross-entropy instead of focal", {"focus": 0.0}),
    "attention": Row("leads", "attention among leads", network={"cross_lead": "attention"}),
    "mean": Row("leads", "mean over leads", network={"cross_lead": "mean"}),
    "whole_records": Row("records", "whole, not 2.5 s of them", {"crop": 1000, "batch": 32}),
    "published": Row(
        "all of these", "as published: both, no statements, whole records",
        {"statement_weight": 0.0, "crop": 1000, "batch": 32}, {"normalisation": "both"},
    ),
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m model.leadwise.ablation",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = top.add_argument
    add("--cohort", required=True, help="PTB-XL folder, or .npz of records with diagnoses")
    add("--output", type=Path, required=True, help="folder for the table and rows' logits")
    add("--rows", type=_rows, default=tuple(ROWS), metavar="A,B",
        help=f"of {', '.join(ROWS)} (default: all)")  # fmt: skip
    add("--folds", type=folds, default=folds("1-7"), help="people to fit on (default 1-7)")
    add("--judge-folds", type=folds, default=folds("8"), help="people who judge (default 8)")
    add("--epochs", type=positive, default=2, help="of every row (default 2)")
    add("--rate", type=float, default=100.0, help="samples per second (default 100)")
    add("--whole", action="store_true", help="the network as large as the committed one")
    add("--threads", type=positive, default=1, help="of torch (default 1)")
    return top


def _rows(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    unknown = [name for name in names if name not in ROWS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}"
        )
    return names if REFERENCE in names else (REFERENCE, *names)


def train_row(
    row: Row, people: People, network: NetworkConfig, training: TrainingConfig, threads: int
) -> NDArray[np.float64]:
    """Logits (n, diseases) of the judging people, of the last epoch of a row's training."""
    from axis_audit.checkpoint import load
    from model.leadwise import adapter
    from model.leadwise.train import Request, train

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.pth"
        train(
            people,
            replace(network, **row.network),
            # Only the last epoch is looked at: nothing is chosen on those who judge.
            replace(training, look_every=training.epochs, **row.training),
            Request(path, threads=threads),
        )
        model = adapter.load(load(path))
    return model.classify(people.chosen_on.signals).astype(np.float64)


def judged(logits: Mapping[str, NDArray[np.float64]], people: People) -> dict[str, Any]:
    """Areas of every row with intervals, and differences of their means to the first row's."""
    from model.alignment import intervals

    truth = people.chosen_labels.diseases.double().numpy()
    patients = people.chosen_on.patient_ids
    _, first = np.unique(patients, return_index=True)  # one record a person
    truth, names = truth[first], people.fitted_labels.names
    areas = {
        name: [intervals.area(row[first, k], truth[:, k]) for k in range(len(names))]
        for name, row in logits.items()
    }
    found: dict[str, Any] = {}
    reference = areas[REFERENCE]
    for name, own in areas.items():
        found[name] = {
            **{d: intervals.interval(f, len(first)) for d, f in zip(names, own, strict=True)},
            "mean": intervals.interval(lambda w, own=own: _mean(own, w), len(first)),
        }
        if name != REFERENCE:
            found[name]["over the recipe"] = intervals.interval(
                lambda w, own=own: _mean(own, w) - _mean(reference, w), len(first)
            )
    return found


def _mean(areas: Sequence[Any], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.mean([area(weights) for area in areas], axis=0)


def markdown(found: Mapping[str, Any]) -> str:
    """The table, one line a row."""
    rows: Mapping[str, Mapping[str, Any]] = found["rows"]
    names = found["diseases"]
    lines = [
        f"# Choices of the lead-wise classifier, {found['epochs']} epochs each\n",
        f"Fitted on {found['fitted']}, judged on {found['people']} people of "
        f"{found['judged_on']}; {found['network']} network; area under the ROC curve, 95 % "
        "intervals over people. One seed a row.\n",
        "| choice | | " + " | ".join(names) + " | mean over the recipe's |",
        "| --- | --- |" + " ---: |" * (len(names) + 1),
    ]
    for name, row in rows.items():
        over = row.get("over the recipe")
        cells = [_cell(row[d]) for d in names] + [_cell(over, signed=True) if over else ""]
        lines.append(f"| {ROWS[name].choice} | {ROWS[name].title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(number: Mapping[str, Any], signed: bool = False) -> str:
    low, high = number["interval"]
    sign = "+" if signed else ""
    return f"{number['estimate']:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def run(options: argparse.Namespace) -> str:
    """Train the rows that are not there yet; write and return the table."""
    from model.leadwise.data import Vocabulary, labelled
    from model.leadwise.inference import open_records
    from model.leadwise.train import People

    samples = round(10 * options.rate)
    fitted, judging = (
        open_records(options.cohort, chosen, options.rate, samples)
        for chosen in (options.folds, options.judge_folds)
    )
    vocabulary = Vocabulary.of(fitted)
    network = replace(
        NetworkConfig(), rate=options.rate, samples=samples,
        statements=len(vocabulary.statements), devices=len(vocabulary.devices),
        **({} if options.whole else SMALL),
    )  # fmt: skip
    labels = [labelled(c, network.names, vocabulary) for c in (fitted, judging)]
    people = People(fitted, judging, *labels)
    training = replace(TrainingConfig(), epochs=options.epochs)
    identity = json.dumps([network.as_dict(), training.as_dict(), fitted.fingerprint])
    logits: dict[str, NDArray[np.float64]] = {}
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.rows:
        path = options.output / f"{name}.npz"
        if not path.exists():
            print(name, file=sys.stderr)
            made = train_row(ROWS[name], people, network, training, options.threads)
            np.savez_compressed(path, logits=made, identity=np.array(identity))
        with np.load(path) as kept:
            if str(kept["identity"]) != identity:
                raise InputError(
                    path, "it was made with another budget or other records",
                    "give another --output, or delete the file",
                )  # fmt: skip
            logits[name] = kept["logits"]
    found = {
        "fitted": fitted.name, "judged_on": judging.name, "people": judging.n_patients,
        "epochs": options.epochs, "diseases": list(network.names),
        "network": "the committed" if options.whole else "a quarter as large a",
        "training": training.as_dict(), "shape": network.as_dict(),
        "rows": judged(logits, people),
    }  # fmt: skip
    (options.output / "ablation.json").write_text(json.dumps(found, indent=2) + "\n")
    table = markdown(found)
    (options.output / "ablation.md").write_text(table)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 4 is the exit status of input that cannot be used."""
    options = parser().parse_args(arguments)
    try:
        print(run(options))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
