"""Verification of people: false acceptances and rejections, and where the two are equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
THRESHOLDS = 400
_KEPT = 64
_NEAR = 0.5
"""Difference of the two errors, beyond which a threshold is no place where they could be equal."""


@dataclass(frozen=True)
class Trials:
    """What each person brings to the two errors at each threshold.

    Attributes:
        rejected: (n, thresholds), whether the person's own probe was turned away.
        accepted: (n, thresholds), what the person, as enrolled and as an impostor, adds to the
            share of impostors let in; people average to it (`statistics.pairs.influences`).
        first: (n,), whether the right person was the most alike of all.
    """

    rejected: FloatArray
    accepted: FloatArray
    first: FloatArray

    def equal_error(self, weights: FloatArray) -> FloatArray:
        """Equal error rate under multiplicities (k, n): the statistic of a patient bootstrap.

        Half the sum of both errors at the threshold where they differ least, so that scores that
        are all alike give .5.
        """
        total = weights.sum(axis=1, keepdims=True)
        false_reject = weights @ self.rejected / total
        false_accept = np.clip(weights @ self.accepted / total, 0.0, 1.0)
        at = np.argmin(np.abs(false_reject - false_accept), axis=1)
        rows = np.arange(len(weights))
        return np.asarray((false_reject[rows, at] + false_accept[rows, at]) / 2)


def trials(scores: NDArray[np.floating]) -> Trials:
    """Trials of a matrix of likeness (enrolled, probes), the same n people in the same order.

    Thresholds are quantiles of the scores of both kinds, and one above them all. An equal likeness
    to somebody else is no right first guess.
    """
    s = np.asarray(scores, np.float64)
    n = len(s)
    own = np.diag(s)
    off = ~np.eye(n, dtype=bool)
    both = np.concatenate([own, np.quantile(s[off], np.linspace(0.0, 1.0, THRESHOLDS))])
    limits = np.append(np.quantile(both, np.linspace(0.0, 1.0, THRESHOLDS)), np.inf)
    # Counts of impostor scores at or above each limit, by the enrolled and by the impostor.
    as_enrolled, as_impostor = (_at_or_above(rows, limits) for rows in (s, s.T))
    mine = own[:, None] >= limits
    person = (as_enrolled + as_impostor - 2.0 * mine) / (2 * (n - 1))
    kept = _near_crossing(1.0 - mine.mean(axis=0) - person.mean(axis=0))
    mine, person = mine[:, kept], person[:, kept]
    rivals = np.where(off, s, -np.inf).max(axis=0)
    return Trials(
        rejected=np.asarray(1.0 - mine, np.float64),
        accepted=2.0 * person - person.mean(axis=0),
        first=(own > rivals).astype(np.float64),
    )


def _near_crossing(difference: FloatArray) -> NDArray[np.int64]:
    """Thresholds (by index) about the place where a rising difference of errors is 0."""
    near = np.flatnonzero(np.abs(difference) <= _NEAR)
    above = int(np.searchsorted(difference, 0.0))
    ends = np.clip([above - 1, above], 0, len(difference) - 1)
    thinned = (
        near[np.unique(np.linspace(0, len(near) - 1, _KEPT).astype(int))] if len(near) else near
    )
    return np.unique(np.concatenate([thinned, ends]))


def _at_or_above(rows: FloatArray, limits: FloatArray) -> FloatArray:
    ordered = np.sort(rows, axis=1)
    return np.stack([len(row) - np.searchsorted(row, limits) for row in ordered]).astype(np.float64)
