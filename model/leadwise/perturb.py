"""How a classifier fares when leads are missing or shuffled, and when waves are cut out.

AUCs are of people, one record each; a drop is the AUC of the records as they are less that of the
same people's disturbed ones, with the 95 % interval of a bootstrap of people. Nothing is trained.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from axis_audit import perturbations, regions
from axis_audit.capabilities import Classifies
from axis_audit.cohort import Cohort
from axis_audit.diseases import BY_NAME, labels
from model.alignment import intervals
from model.training import chunks

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]
Change = Callable[[slice], FloatArray]
CHUNK = 128
FEWEST = 20
"""Ill people, and people without the disease, below which there is no AUC worth a number."""


def robustness(
    model: Classifies, cohort: Cohort, *, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Drops of AUC, disease by disease.

    Args:
        model: asked for its logits alone. cohort: records in the model's leads and rate; the first
            of each patient counts. seed: of the order that leads are shuffled into.

    Returns:
        plain values: "people"; "diseases", each with "people", "positives", "auc" and, as drops,
        "without_lead" (by lead: zeros instead), "shuffled" (every record's leads in an order of its
        own) and "surgery" (see `_surgery`). A disease with fewer than `FEWEST` ill or healthy
        people has a "reason" instead of numbers.

    Raises:
        ValueError: leads other than the model's, a disease that `diseases.BY_NAME` lacks, or
            logits that are no finite numbers.
    """
    if tuple(cohort.leads) != tuple(model.input_spec.leads):  # type: ignore[attr-defined]
        raise ValueError(f"the cohort's leads {cohort.leads} are not the model's")
    if unknown := sorted(set(model.diseases) - set(BY_NAME)):
        raise ValueError(f"no labels are known for {', '.join(unknown)}")
    people = cohort.one_per_patient()
    x = people.signals
    order = perturbations.generator(seed, "shuffled leads").random((len(x), x.shape[1])).argsort(1)
    changes: dict[tuple[str, ...], Change] = {("as they are",): lambda rows: x[rows]}
    for k, lead in enumerate(cohort.leads):
        changes["without", lead] = partial(_without, x, k)
    changes["shuffled",] = lambda rows: np.take_along_axis(x[rows], order[rows, :, None], axis=1)
    cut: dict[tuple[str, ...], dict[str, Mask]] = {}
    for waves in {BY_NAME[name].waves for name in model.diseases}:
        cut[waves] = _pieces(regions.masks(people, waves))
        for what, mask in cut[waves].items():
            changes[(what, *waves)] = partial(_cut, x, mask)
    logits = {
        name: _logits(model, len(x), change)
        for name, change in tqdm(changes.items(), "perturbations", disable=not progress)
    }
    found = {
        name: _of_disease(
            {key: values[:, k] for key, values in logits.items()},
            labels(people, BY_NAME[name]), cohort.leads, BY_NAME[name].waves, cut,
        )
        for k, name in enumerate(model.diseases)
    }  # fmt: skip
    return {"people": len(people), "diseases": found}


def _without(x: FloatArray, lead: int, rows: slice) -> FloatArray:
    return perturbations.silence_lead(x[rows], lead)


def _cut(x: FloatArray, mask: Mask, rows: slice) -> FloatArray:
    return straightened(x[rows], mask[rows])


def straightened(signals: FloatArray, mask: Mask) -> FloatArray:
    """Signals (n, leads, samples) with every run of the mask (n, samples) cut out.

    In each lead a straight line leads from the sample before the run to the one after it; a run at
    the record's end keeps the level of its one neighbour.
    """
    changed = signals.copy()
    at = np.arange(signals.shape[2])
    for record, hidden in zip(changed, mask, strict=True):
        if hidden.any() and not hidden.all():
            for lead in record:
                lead[hidden] = np.interp(at[hidden], at[~hidden], lead[~hidden])
    return changed


def _pieces(region: Mask) -> dict[str, Mask]:
    """The region; its runs, no longer than the gap after each; and those gaps, equally long.

    Where waves fill more than half of a beat the gaps are shorter than they: an honest comparison
    then cuts no more out of the waves than out of what lies between them. Both pieces are the
    middles, and a gap keeps a sample at either end. The last run has the gap after it or the one
    before the first, whichever is longer.
    """
    matched, elsewhere = np.zeros_like(region), np.zeros_like(region)
    for row, mask in enumerate(region):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
        if not edges.size:
            continue
        gaps = edges[1:-1].reshape(-1, 2).tolist()
        gaps.append(max([edges[-1], len(mask)], [0, edges[0]], key=lambda gap: gap[1] - gap[0]))
        for run, gap in zip(edges.reshape(-1, 2), gaps, strict=True):
            length = max(0, min(run[1] - run[0], gap[1] - gap[0] - 2))
            for into, (start, stop) in ((matched, run), (elsewhere, gap)):
                first = start + (stop - start - length) // 2
                into[row, first : first + length] = True
    return {"region": region, "matched": matched, "elsewhere": elsewhere}


def _logits(model: Classifies, n: int, change: Change) -> NDArray[np.float64]:
    parts = [model.classify(change(rows)) for rows in chunks(n, CHUNK)]
    found = np.concatenate(parts).astype(np.float64)
    if found.shape != (n, len(model.diseases)) or not np.isfinite(found).all():
        raise ValueError(f"logits of shape {found.shape} with NaN, or not one a disease")
    return found


def _of_disease(
    logits: dict[tuple[str, ...], NDArray[np.float64]],
    label: NDArray[np.float64],
    leads: tuple[str, ...],
    waves: tuple[str, ...],
    cut: dict[tuple[str, ...], dict[str, Mask]],
) -> dict[str, Any]:
    sure = np.isfinite(label)
    ill = label[sure] == 1
    told: dict[str, Any] = {"people": int(sure.sum()), "positives": int(ill.sum())}
    if min(ill.sum(), (~ill).sum()) < FEWEST:
        return {**told, "reason": f"fewer than {FEWEST} people with it or without it"}
    before = logits["as they are",][sure]

    def drop(*name: str) -> dict[str, Any]:
        return intervals.auc_drop(before, logits[name][sure], ill)

    return {
        **told,
        "auc": intervals.auc(before, ill),
        "without_lead": {lead: drop("without", lead) for lead in leads},
        "shuffled": drop("shuffled"),
        "surgery": {
            "waves": list(waves),
            "region": drop("region", *waves),
            "matched": drop("matched", *waves),
            "elsewhere": drop("elsewhere", *waves),
            "more_than_elsewhere": intervals.auc_drop(
                logits[("elsewhere", *waves)][sure], logits[("matched", *waves)][sure], ill
            ),
            "share_of_time": {
                what: intervals.rounded(float(mask[sure].mean()))
                for what, mask in cut[waves].items()
            },
            "untouched_people": int((~cut[waves]["region"][sure].any(axis=1)).sum()),
        },
    }
