"""Features of the canonical beat x50 for probing: its 1,440 numbers are far fewer in truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.measures.principal import principal_directions


def canonical_features(
    beats: NDArray[np.floating],
    *,
    components: int = 64,
    reference: NDArray[np.floating] | None = None,
) -> NDArray[np.float64]:
    """Principal components, lead RMS and peak amplitudes of beats (n, leads, samples).

    Args:
        beats: canonical beats. components: principal components kept, fitted without ages.
        reference: beats (m, leads, samples) on which components are fitted; `beats` when None.

    Returns:
        shape (n, components + 3 * leads): component scores (fewer where n or the rank is smaller),
        RMS, largest and smallest value of each lead.

    Raises:
        ValueError: beats that are not (n, leads, samples), or a reference of another shape.
    """
    x = np.asarray(beats, np.float64)
    known = x if reference is None else np.asarray(reference, np.float64)
    if x.ndim != 3 or known.shape[1:] != x.shape[1:]:
        raise ValueError(f"beats need shape (n, leads, samples), got {x.shape}, {known.shape}")
    mean, directions = principal_directions(known.reshape(len(known), -1), components)
    return np.concatenate(
        [
            (x.reshape(len(x), -1) - mean) @ directions.T,
            np.sqrt(np.mean(x**2, axis=2)),
            x.max(axis=2),
            x.min(axis=2),
        ],
        axis=1,
    )
