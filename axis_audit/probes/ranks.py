"""Latents by rank: what a few wild people cannot blind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.measures.principal import principal_directions

PEOPLE_PER_DIRECTION = 10
"""Below this the principal directions are left away: they would double the regressors."""


def ranked_coordinates(latents: NDArray[np.floating]) -> NDArray[np.float64]:
    """Normal scores of latents (n, d) and, with people enough, of their principal directions.

    Returns:
        shape (n, d), or (n, 2 d) from `PEOPLE_PER_DIRECTION` people a column on.
    """
    z = np.asarray(latents, np.float64)
    n, d = z.shape
    if n < 2 * d * PEOPLE_PER_DIRECTION:
        return normal_scores(z)
    mean, directions = principal_directions(z, d)
    return normal_scores(np.column_stack([z, (z - mean) @ directions.T]))


def normal_scores(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal scores of the ranks of each column (n, d); ties share their mean rank."""
    from scipy import special, stats

    ranks = stats.rankdata(columns, axis=0)
    return np.asarray(special.ndtri(ranks / (len(columns) + 1)), np.float64)
