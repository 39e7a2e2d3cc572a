"""What `python -m model.alignment` does with a trained system."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from axis_audit.checkpoint import Checkpoint, load
from axis_audit.cohort import LEADS, Cohort
from axis_audit.errors import InputError
from model.alignment import adapter
from model.alignment.data import open_records, with_samples


def evaluate(options: argparse.Namespace) -> None:
    """Print how a checkpoint does."""
    checkpoint = load(options.checkpoint)
    model = adapter.load(checkpoint)
    numbers = _identification(model, options) if options.what == "identification" else (
        _on_cohort(model, checkpoint, options)
    )  # fmt: skip
    print(json.dumps(numbers, indent=2))


def _identification(
    model: adapter.AlignmentModel, options: argparse.Namespace
) -> Mapping[str, Any]:
    from model.alignment import identification

    if options.lead1 is None:
        raise InputError(
            "--lead1", "it is needed for identification", "name the folder of lead1.npz"
        )
    background = None
    if options.cohort is not None:
        background = _open(model, options.cohort, options.fit_folds)
    data = identification.read_lead_one(options.lead1)
    return identification.evaluate(model, data, background)


def _on_cohort(
    model: adapter.AlignmentModel, checkpoint: Checkpoint, options: argparse.Namespace
) -> Mapping[str, Any]:
    from model.alignment import drawing, infarction, people, pictures, retrieval

    if options.cohort is None:
        raise InputError(
            "--cohort", f"it is needed for {options.what}", "name a folder or .npz of records"
        )
    if options.set_apart:
        judged = people.set_apart(_open(model, options.cohort, options.fit_folds), checkpoint)
    else:
        judged = people.unseen(_open(model, options.cohort, options.folds), checkpoint)
    if options.what == "retrieval":
        numbers = retrieval.evaluate(model, judged)
        if options.pictures is not None:
            pictures.draw_retrieval(numbers, options.pictures)
        return numbers
    fitting = people.fitting(_open(model, options.cohort, options.fit_folds), judged)
    if options.what == "reconstruction":
        return drawing.evaluate(model, judged, fitting)
    chosen = LEADS if options.cnn == "all" else tuple(filter(None, options.cnn.split(",")))
    for lead in chosen:
        _known_lead(lead)
    return infarction.evaluate(
        model,
        judged,
        fitting,
        Path(options.cohort),
        cnn_leads=chosen,
        cnn_epochs=options.cnn_epochs,
    )


def embed(options: argparse.Namespace) -> None:
    """Write `embeddings` (n, d) of one lead, with `record_ids` and `patient_ids`."""
    _known_lead(options.lead)
    model = adapter.load(load(options.checkpoint))
    cohort = _open(model, options.cohort, options.folds)
    _write(
        options.output, cohort, options.lead, embeddings=model.embed(cohort.signals, options.lead)
    )


def reconstruct(options: argparse.Namespace) -> None:
    """Write `signals` (n, leads, samples) in mV, drawn from one lead."""
    _known_lead(options.lead)
    model = adapter.load(load(options.checkpoint))
    cohort = _open(model, options.cohort, options.folds)
    drawn = model.reconstruct_leads(cohort.signals, options.lead)
    _write(options.output, cohort, options.lead, signals=drawn, rate=np.array(cohort.rate))
    if options.pictures is not None:
        from model.alignment.pictures import draw_leads

        for path in draw_leads(model, cohort, options.lead, options.pictures):
            print(path)


def _write(path: Path, cohort: Cohort, lead: str, **arrays: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = {"record_ids": cohort.record_ids, "patient_ids": cohort.patient_ids}
    np.savez_compressed(path, lead=np.array(lead), **ids, **arrays)
    print(f"{path}: {len(cohort)} records, from lead {lead}")


def _known_lead(lead: str) -> None:
    if lead not in LEADS:
        raise InputError(f"lead {lead!r}", "there is no such lead", f"name one of {LEADS}")


def _open(model: adapter.AlignmentModel, source: str, folds: Any) -> Cohort:
    spec = model.input_spec
    return with_samples(open_records(source, folds, spec.rate), spec.samples)
