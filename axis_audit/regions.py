"""Where in a record the QRS complexes, and the ST segments with their T waves, are."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import INDEPENDENT_LEADS, Cohort
from axis_audit.cohorts.beats import UnusableStripError, find_beats

QRS_SECONDS = (-0.05, 0.06)
ST_T_SECONDS = (0.06, 0.40)
"""After R; shorter where the heart beats faster."""


def masks(cohort: Cohort, waves: Collection[str]) -> NDArray[np.bool_]:
    """Samples within some waves of the beats, one answer for all leads, (n, samples).

    Args:
        cohort: records of twelve leads. waves: of "QRS" and "ST-T".

    Returns:
        A row without a usable beat is False everywhere.
    """
    found = np.zeros((len(cohort), cohort.signals.shape[2]), dtype=bool)
    order = [cohort.leads.index(lead) for lead in INDEPENDENT_LEADS]
    at = np.arange(found.shape[1]) / cohort.rate
    for row, signals in enumerate(cohort.signals):
        try:
            peaks = find_beats(signals[order], cohort.rate).found / 100.0
        except UnusableStripError:
            continue
        interval = float(np.median(np.diff(peaks))) if len(peaks) > 1 else 1.0
        ends = {
            "QRS": QRS_SECONDS,
            "ST-T": (ST_T_SECONDS[0], min(ST_T_SECONDS[1], 0.55 * interval)),
        }
        for wave in waves:
            first, last = ends[wave]
            for peak in peaks:
                found[row] |= (at >= peak + first) & (at <= peak + last)
    return found
