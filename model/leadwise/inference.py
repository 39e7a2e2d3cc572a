"""Records for a classifier, and what a trained network says of them, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from axis_audit.cohort import Cohort
from model.alignment import data as records


def open_records(
    source: Path | str, folds: Sequence[int] | None, rate: float, samples: int
) -> Cohort:
    """A source's records, twelve leads in the order of `LEADS`, `samples` long at `rate`.

    Raises:
        InputError: the source cannot be read, lacks a lead, or its records are shorter.
    """
    return records.with_samples(records.open_records(source, folds, rate), samples)
