"""Features of the canonical beat x50 for probing: its 1,440 numbers are far fewer in truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def canonical_features(
    beats: NDArray[np.floating], *, components: int = 64, reference: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """Principal components, lead RMS and peak amplitudes of beats (n, leads, samples).

    Args:
        beats: canonical beats. components: principal components kept, fitted without ages.
        reference: beats (m, leads, samples) on which components are fitted; `beats` when None.

    Returns:
        shape (n, components + 3 * leads): component scores (fewer where n or the rank is smaller),
        RMS, largest and smallest value of each lead.
    """
    raise NotImplementedError
