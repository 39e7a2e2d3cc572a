"""What `python -m model.leadwise` does with a trained classifier."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from axis_audit import regions
from axis_audit.checkpoint import Checkpoint, load
from axis_audit.cohort import Cohort
from axis_audit.diseases import BY_NAME, labels
from axis_audit.errors import InputError
from axis_audit.statistics.auc import auc
from axis_audit.statistics.levels import Levels
from model.alignment import people
from model.leadwise import adapter
from model.leadwise.inference import open_records

FEWEST = 20
"""People with a disease, and without, below which there is no area worth a number."""
BOTH_ENDS = Levels(0.025, 0.025)
WAVES = ("QRS", "ST-T")


def evaluate(options: argparse.Namespace) -> None:
    """Print how a checkpoint does on people it has not seen."""
    checkpoint = load(options.checkpoint)
    model = adapter.load(checkpoint)
    judged = people.unseen(_open(model, options), checkpoint)
    if options.what == "robustness":
        from model.leadwise.perturb import robustness

        numbers: Mapping[str, Any] = robustness(model, judged)
    else:
        numbers = areas(model, judged)
    print(json.dumps(numbers, indent=2))


def areas(model: adapter.LeadwiseModel, judged: Cohort) -> dict[str, Any]:
    """Area under the ROC curve of every disease over people, one record each.

    A disease with fewer than 20 people on either side has their numbers and no area.
    """
    logits = model.classify(judged.signals).astype(np.float64)
    found: dict[str, Any] = {"cohort": judged.name, "people": len(judged)}
    for k, name in enumerate(model.diseases):
        truth = labels(judged, BY_NAME[name])
        known = ~np.isnan(truth)
        ill = truth[known] == 1
        told = {"with": int(ill.sum()), "without": int((~ill).sum())}
        enough = min(told.values()) >= FEWEST
        area: dict[str, Any] = {"area": "too few people"}
        if enough:  # the audit's own interval, so that both say the same
            estimate = auc(logits[known, k], ill, BOTH_ENDS)
            ends = [round(end, 4) for end in estimate.interval]
            area = {"estimate": round(estimate.value, 4), "interval": ends}
        found[name] = {**told, **area, "published at home": BY_NAME[name].auc}
    return found


def explain(options: argparse.Namespace) -> None:
    """Draw the attribution maps of a record, a picture a disease."""
    from model.leadwise.pictures import draw

    checkpoint: Checkpoint = load(options.checkpoint)
    model = adapter.load(checkpoint)
    cohort = _open(model, options)
    record = cohort.subset(np.array([_row(cohort, options.record)]))
    logits = model.classify(record.signals)[0]
    chances = dict(zip(model.diseases, (1 / (1 + np.exp(-logits))).tolist(), strict=True))
    maps = {d: model.explain(record.signals, d, options.method)[0] for d in model.diseases}
    masks = {wave: regions.masks(record, (wave,))[0] for wave in WAVES}
    name = str(record.record_ids[0])
    for path in draw(
        record.signals[0], maps, masks, chances, options.output, name, options.method,
        rate=record.rate,
    ):  # fmt: skip
        print(path)


def _row(cohort: Cohort, record: str) -> int:
    if not record:
        return 0
    found = np.flatnonzero(cohort.record_ids == record)
    if not len(found):
        raise InputError(
            f"--record {record}",
            f"{cohort.name} has no such record",
            f"name one of its {len(cohort)}, such as {cohort.record_ids[0]}",
        )
    return int(found[0])


def _open(model: adapter.LeadwiseModel, options: argparse.Namespace) -> Cohort:
    spec = model.input_spec
    return open_records(options.cohort, options.folds, spec.rate, spec.samples)
