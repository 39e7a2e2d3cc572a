"""`python -m model.alignment.ablation`: short runs that differ from the recipe in one choice each.

Every row is trained on the same records with the same small budget, and judged on the same people:
those set apart inside the folds that are trained on, never the folds of an audit. What is measured
is what the audit measures: retrieval, correlation, uniformity, twelve leads from one over a ridge's
error, hidden patches; and retrieval of another five seconds of the record. Intervals are over
people; what chance in training does stands in the rows of other seeds. Short runs rank choices for
short trainings: a longer one may rank them otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from axis_audit.errors import InputError
from model.alignment.ablation_rows import REFERENCE, ROWS, Budget
from model.alignment.config import NetworkConfig, TrainingConfig
from model.deformation.__main__ import folds, positive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from axis_audit.cohort import Cohort
    from model.alignment.comparing import Array, Values
    from model.alignment.data import TrainingData

EXAMPLES = """\
examples:
  # every row (18 rows of two minutes each on one core); finished rows are kept when it runs again
  python -m model.alignment.ablation --cohort ~/ptb-xl --output ablation
  # some rows, a larger budget
  python -m model.alignment.ablation --cohort ~/ptb-xl --output longer \\
      --rows committed,seed_1,floor_0 --epochs 12 --epoch-records 2400
  # the row that trains on all sources needs more than one; people are judged of the first
  python -m model.alignment.ablation --cohort ~/ptb-xl --cohort ~/cinc/georgia --output ablation

writes ablation.md, ablation.json, ablation.svg and ablation.png, and for each row its checkpoint
NAME.pth and what it is judged by, NAME.npz
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m model.alignment.ablation",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = top.add_argument
    add("--cohort", action="append", required=True, metavar="SOURCE",
        help="PTB-XL folder or another source; several for the row of all sources")  # fmt: skip
    add("--output", type=Path, required=True, help="folder for checkpoints and tables")
    add("--rows", type=_rows, default=None, metavar="A,B",
        help=f"of {', '.join(ROWS)} (default: all that the sources allow)")  # fmt: skip
    add("--folds", type=folds, default=folds("1-8"), help="trained on; judged within (1-8)")
    add("--epochs", type=positive, default=4, help="of every row (default 4)")
    add("--epoch-records", type=positive, default=1200, help="records an epoch (default 1200)")
    add("--people", type=positive, default=800, help="judged at most (default 800)")
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


class Ablation:
    """Rows trained and judged on the same people; what is on disk is not done again."""

    def __init__(
        self, cohorts: Sequence[Cohort], budget: Budget, folder: Path, *,
        folds: tuple[int, ...] = (), threads: int = 1, progress: bool = True,
    ) -> None:  # fmt: skip
        self.cohorts, self.budget, self.folder = cohorts, budget, folder
        self.folds, self.threads, self.progress = folds, threads, progress
        self._data: dict[bool, TrainingData] = {}
        self._ridge: Array | None = None
        self._apart: NDArray[np.str_] | None = None

    def checkpoint_of(self, name: str) -> Path:
        """The row's checkpoint, trained if it is not there yet.

        Raises:
            InputError: one is there that was trained otherwise.
        """
        from axis_audit.checkpoint import load
        from model.alignment.train import Request, train

        row, path = ROWS[name], self.folder / f"{name}.pth"
        if row.checkpoint is not None:
            return row.checkpoint
        network, training = self.budget.of(row)
        if path.exists():
            found = load(path)
            same = found.manifest.data.get("training") == training.as_dict()
            data = found.manifest.data.get("fingerprint") == self.cohorts[0].fingerprint
            if not (same and data and dict(found.config) == network.as_dict()):
                raise InputError(
                    path,
                    "it was trained otherwise (another budget, recipe or cohort)",
                    "name another --output, or delete the file",
                )
            return path
        request = Request(
            path,
            self.folds,
            threads=self.threads,
            resume=True,
            progress=self.progress,
            save_every=1,
        )
        train(self._training_data(row.everywhere), network, training, request)
        return path

    def _training_data(self, everywhere: bool) -> TrainingData:
        from model.alignment.data import split

        if everywhere not in self._data:
            chosen = self.cohorts if everywhere else self.cohorts[:1]
            shape = self.budget.network
            share = self.budget.training.held_share
            self._data[everywhere] = split(chosen, share, shape.window, shape.samples)
        return self._data[everywhere]

    def values_of(self, name: str) -> Values:
        """What each person brings to every measure of a row, judged if it is not yet."""
        path = self.checkpoint_of(name)
        home = self.cohorts[0]
        told = f"{path.read_bytes().hex()}/{home.fingerprint}/{self.budget.people}"
        mark = hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
        kept = self.folder / f"{name}.npz"
        if kept.exists():
            with np.load(kept, allow_pickle=False) as held:
                if str(held["mark"]) == mark:
                    return {k: held[k] for k in held.files if k != "mark"}
        values = self._judge(path)
        np.savez_compressed(kept, mark=np.array(mark), **values)
        return values

    def _same_people(self, apart: Cohort, path: Path) -> None:
        first = self._apart = apart.patient_ids if self._apart is None else self._apart
        if not np.array_equal(first, apart.patient_ids):
            raise InputError(
                path, "it set other people apart in training", "judge it by itself, with `evaluate`"
            )

    def _judge(self, path: Path) -> dict[str, Array]:
        from axis_audit.aligned import MOST_PEOPLE, Aligned
        from axis_audit.checkpoint import load
        from axis_audit.evidence import Evidence
        from model.alignment import adapter, comparing, people
        from model.alignment.data import with_samples

        checkpoint = load(path)
        model = adapter.load(checkpoint)
        home = with_samples(self.cohorts[0], self.budget.network.samples)
        apart = people.set_apart(home, checkpoint)
        self._same_people(apart, path)
        others = people.fitting(home, apart)
        order = np.random.default_rng(0).permutation(len(apart))[: self.budget.people]
        evidence = Evidence(
            model,
            apart.subset(np.sort(order)),
            fit_cohort=others.subset(np.arange(min(len(others), MOST_PEOPLE))),
        )
        if self._ridge is None:
            self._ridge = comparing.ridge_of_people(Aligned(evidence))
        return {**comparing.values_of_people(model, evidence), "ridge": self._ridge}


def possible(cohorts: Sequence[Cohort]) -> tuple[str, ...]:
    """The rows that sources allow: one of all sources needs several, a checkpoint its own data."""
    from axis_audit.checkpoint import load

    names = []
    for name, row in ROWS.items():
        data = load(row.checkpoint).manifest.data if row.checkpoint is not None else None
        own = data is None or data["fingerprint"] == cohorts[0].fingerprint
        if own and (len(cohorts) > 1 or not row.everywhere):
            names.append(name)
    return tuple(names)


def run(
    ablation: Ablation, names: Sequence[str], keep: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """Every row's record; `keep` is given all there are after each.

    Raises:
        InputError: rows on disk that were trained otherwise, or too few people.
    """
    from model.alignment import comparing

    home, training = ablation.cohorts[0], ablation.budget.training
    found: dict[str, Any] = {
        "sources": [{"name": c.name, "fingerprint": c.fingerprint} for c in ablation.cohorts],
        "scope": home.scope,
        "folds": list(ablation.folds),
        "budget": {"epochs": training.epochs, "epoch_records": training.epoch_records},
        "recipe": {**ablation.budget.network.as_dict(), **training.as_dict()},
        "people": 0,
        "rows": {},
    }
    reference = ablation.values_of(REFERENCE)
    found["people"] = len(reference["first"])
    for number, name in enumerate(names, 1):
        start, row = time.monotonic(), ROWS[name]
        values = reference if name == REFERENCE else ablation.values_of(name)
        found["rows"][name] = {
            "choice": row.choice,
            "title": row.title,
            "differs": {**row.training, **row.network},
            "measures": comparing.judged(values),
            **(
                {}
                if name == REFERENCE
                else {"less_committed": comparing.differences(values, reference)}
            ),
        }
        keep(found)
        if ablation.progress:
            seconds = time.monotonic() - start
            print(f"{number}/{len(names)} {name}: {seconds:.0f} s", file=sys.stderr, flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Do every row; 4 is the exit status of input that cannot be used."""
    from model.alignment.ablation_pages import table, write
    from model.alignment.data import open_records

    options = parser().parse_args(arguments)
    network = NetworkConfig()
    training = replace(TrainingConfig(), epochs=options.epochs, epoch_records=options.epoch_records)
    try:
        if len(options.cohort) == 1 and any(ROWS[n].everywhere for n in options.rows or ()):
            raise InputError("--rows", "a row of all sources has one source", "give more --cohort")
        options.output.mkdir(parents=True, exist_ok=True)
        cohorts = [open_records(s, options.folds, network.rate) for s in options.cohort]
        ablation = Ablation(
            cohorts, Budget(training, network, options.people), options.output,
            folds=options.folds, threads=options.threads,
        )  # fmt: skip
        names = options.rows or possible(cohorts)
        found = run(ablation, names, lambda so_far: write(so_far, options.output))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on where this one stopped", file=sys.stderr)
        return 130
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
