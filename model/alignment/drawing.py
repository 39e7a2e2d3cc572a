"""Twelve leads from one, and hidden patches: beside a ridge regression and the mean beat.

Errors are squared and summed over a record; a target lead's error is a share of its mean power over
people, and target leads weigh alike. The source lead, which is given, does not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from axis_audit.capabilities import AlignsLeads
from axis_audit.cohort import LEADS, Cohort
from model.alignment import intervals
from model.training import chunks

FloatArray = NDArray[np.float32]
CHUNK = 64
RIDGE_REACH = 40
"""Samples before and after: 0.4 s, a whole P-QRS-T."""
RIDGE = 1e-4
MOST_FITTING = 3000
BEFORE, AFTER = 40, 60
"""Samples of a mean beat before and after its R peak."""
PATCH, HIDDEN = 20, 0.25
"""Samples of a hidden patch, and the share that is hidden."""


def evaluate(
    model: AlignsLeads, people: Cohort, fitting: Cohort, *, progress: bool = True
) -> dict[str, Any]:
    """For every source lead the error over a ridge's and a mean beat's, and hidden patches.

    Args:
        people: one record each. fitting: records of other people, for the baselines.

    Returns:
        plain values: "from" source lead -> "over_ridge" and "over_mean_beat" (ratios of errors)
        and the shares of power left over; "hidden" patches over a straight line.
    """
    x = model.prepare(people.signals)
    power = np.square(x).sum(axis=2, dtype=np.float64).mean(axis=0)
    known = model.prepare(fitting.subset(np.arange(min(len(fitting), MOST_FITTING))).signals)
    found: dict[str, Any] = {}
    for index, lead in enumerate(tqdm(LEADS, "leads", disable=not progress)):
        others = np.arange(len(LEADS)) != index
        weights = ridge_weights(known, index)
        beat = mean_beat(known, index)
        shares = np.empty((3, len(people)))
        for rows in chunks(len(people), CHUNK):
            drawn = (
                model.reconstruct_leads(people.signals[rows], lead),
                ridge_drawn(x[rows, index], weights),
                beats_drawn(x[rows, index], beat),
            )
            for k, waves in enumerate(drawn):
                off = np.square(waves - x[rows]).sum(axis=2, dtype=np.float64) / power
                shares[k, rows] = off[:, others].mean(axis=1)
        ours, ridge, mean = shares
        found[lead] = {
            "over_ridge": intervals.ratio(ours, ridge),
            "over_mean_beat": intervals.ratio(ours, mean),
            "left": {
                "model": intervals.rounded(ours.mean()),
                "ridge": intervals.rounded(ridge.mean()),
                "mean_beat": intervals.rounded(mean.mean()),
            },
        }
    return {"people": len(people), "from": found, "hidden": hidden(model, people, x, power)}


def hidden(
    model: AlignsLeads, people: Cohort, x: FloatArray, power: NDArray[np.float64]
) -> dict[str, Any]:
    """Error on a quarter of each lead, hidden in patches of 0.2 s, over a straight line's."""
    leads, samples = x.shape[1:]
    chance = np.random.default_rng(0)
    order = chance.random((leads, samples // PATCH)).argsort(axis=1).argsort(axis=1)
    patches = order < round(HIDDEN * (samples // PATCH))
    mask = np.zeros((leads, samples), bool)
    mask[:, : patches.shape[1] * PATCH] = patches.repeat(PATCH, axis=1)
    line = x.copy()
    for k in range(leads):
        where = np.arange(samples)
        seen = where[~mask[k]]
        right = np.searchsorted(seen, where[mask[k]]).clip(1, len(seen) - 1)
        low, high = seen[right - 1], seen[right]
        share = (where[mask[k]] - low) / (high - low)
        line[:, k, mask[k]] = x[:, k, low] * (1 - share) + x[:, k, high] * share
    done = np.concatenate(
        [model.complete(people.signals[r], mask) for r in chunks(len(people), CHUNK)]
    )
    ours, theirs = (
        np.where(mask, np.square(made - x), 0.0).sum(axis=2) / power for made in (done, line)
    )
    size = np.where(mask, np.square(x), 0.0).sum(axis=2) / power
    return {
        "over_line": intervals.ratio(ours.mean(axis=1), theirs.mean(axis=1)),
        "left": intervals.rounded(ours.sum() / size.sum()),
    }


def _neighbours(lead: FloatArray) -> FloatArray:
    """(n, samples) to (n, samples, 2 · reach + 1): every sample with its neighbours."""
    padded = np.pad(lead, ((0, 0), (RIDGE_REACH, RIDGE_REACH)))
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * RIDGE_REACH + 1, axis=1)


def ridge_weights(x: FloatArray, source: int) -> FloatArray:
    """Ridge regression of all leads on a lead's neighbouring samples: (taps, leads)."""
    taps = 2 * RIDGE_REACH + 1
    gram, right = np.zeros((taps, taps)), np.zeros((taps, x.shape[1]))
    for rows in chunks(len(x), CHUNK):
        seen = _neighbours(x[rows, source]).reshape(-1, taps)
        gram += seen.T @ seen
        right += seen.T @ x[rows].transpose(0, 2, 1).reshape(-1, x.shape[1])
    gram[np.diag_indices(taps)] *= 1 + RIDGE
    return np.linalg.solve(gram, right).astype(np.float32)


def ridge_drawn(lead: FloatArray, weights: FloatArray) -> FloatArray:
    """All leads (n, leads, samples) from one (n, samples)."""
    return (_neighbours(lead) @ weights).transpose(0, 2, 1)


def _peaks(lead: FloatArray) -> NDArray[np.int64]:
    from sleepecg import detect_heartbeats

    found = np.asarray(detect_heartbeats(lead.astype(np.float64), 100.0))
    return found[(found >= BEFORE) & (found < len(lead) - AFTER)]


def mean_beat(x: FloatArray, source: int) -> FloatArray:
    """Mean of all leads about the R peaks found in one: (leads, samples of a beat)."""
    total, count = np.zeros((x.shape[1], BEFORE + AFTER)), 0
    for record in x[:1000]:
        for peak in _peaks(record[source]):
            total += record[:, peak - BEFORE : peak + AFTER]
            count += 1
    return (total / max(count, 1)).astype(np.float32)


def beats_drawn(lead: FloatArray, beat: FloatArray) -> FloatArray:
    """The mean beat put at every R peak of a lead (n, samples): (n, leads, samples)."""
    drawn = np.zeros((len(lead), len(beat), lead.shape[1]), np.float32)
    for row, samples in enumerate(lead):
        for peak in _peaks(samples):
            drawn[row, :, peak - BEFORE : peak + AFTER] = beat
    return drawn
