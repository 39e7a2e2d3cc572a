"""Do two leads of one recording find each other among everybody's?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import AlignsLeads
from axis_audit.cohort import LEADS, Cohort
from model.alignment.intervals import rounded

SHIFT = 330
"""Samples by which the second lead is turned, so that beats do not fall on the same moments."""


def evaluate(model: AlignsLeads, people: Cohort) -> dict[str, Any]:
    """Retrieval, correlation and uniformity of one record a person.

    Returns:
        plain values; "rank1", "top5" and "farther" (share of other recordings farther than the
        right one) are means over ordered pairs of leads; "turned" is the same with the second lead
        from elsewhere in the record. "pairs" holds rank-1 of every pair.
    """
    own = embeddings(model, people.signals)
    turned = embeddings(model, np.roll(people.signals, SHIFT, axis=2))
    ranks, ranks_turned = ranks_of(own, own), ranks_of(own, turned)
    off = ~np.eye(len(LEADS), dtype=bool)
    n = len(people)
    plain = {
        name: {
            "rank1": rounded((r[off] == 0).mean()),
            "top5": rounded((r[off] < 5).mean()),
            "farther": rounded(1 - r[off].mean() / (n - 1)),
        }
        for name, r in (("same", ranks), ("turned", ranks_turned))
    }
    return {
        "people": n,
        "chance_rank1": rounded(1 / n),
        **plain,
        "uniformity": {
            lead: rounded(uniformity(rows)) for lead, rows in zip(LEADS, own, strict=True)
        },
        "correlation": rounded(correlations(own)[off].mean()),
        "pairs": {
            a: {b: rounded((ranks[i, j] == 0).mean()) for j, b in enumerate(LEADS)}
            for i, a in enumerate(LEADS)
        },
    }


def embeddings(model: AlignsLeads, signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Embeddings of every lead at unit length: (leads, n, d)."""
    found = np.stack([model.embed(signals, lead) for lead in LEADS])
    return np.asarray(found / np.linalg.norm(found, axis=2, keepdims=True))


def ranks_of(queries: NDArray[Any], gallery: NDArray[Any]) -> NDArray[np.float64]:
    """How many recordings are nearer than the right one: (leads, leads, n); ties count half."""
    leads, n, _ = queries.shape
    ranks = np.empty((leads, leads, n))
    for a in range(leads):
        for b in range(leads):
            similar = queries[a] @ gallery[b].T
            right = np.diagonal(similar)[:, None]
            ranks[a, b] = (similar > right).sum(1) + ((similar == right).sum(1) - 1) / 2
    return ranks


def correlations(own: NDArray[Any]) -> NDArray[np.float64]:
    """Mean cosine of two leads about the common mean, less that of strangers: (leads, leads)."""
    centred = own - own.mean(axis=(0, 1))
    centred = centred / np.maximum(np.linalg.norm(centred, axis=2, keepdims=True), 1e-6)
    same = np.einsum("and,bnd->ab", centred, centred) / own.shape[1]
    sums = centred.sum(axis=1)
    n = own.shape[1]
    strangers = (sums @ sums.T - n * same) / (n * (n - 1))
    return np.asarray(same - strangers)


def uniformity(rows: NDArray[Any]) -> float:
    """Log mean of exp(-2 |u - v|²) over pairs of people (Wang & Isola 2020, arXiv 2005.10242)."""
    apart = 2 - 2 * rows @ rows.T
    off = ~np.eye(len(rows), dtype=bool)
    return float(np.log(np.exp(-2 * apart[off]).mean()))
