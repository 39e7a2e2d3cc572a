"""Files and arithmetic that cannot be trusted."""

from __future__ import annotations

from itertools import count

import numpy as np

from axis_audit.defects.catalogue import defect
from axis_audit.defects.twin import FloatArray, Twin

_CALLS = count()


@defect(fails="integrity.reload")
class DropoutLeftOn(Twin):
    """Every call drops other latents."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with a tenth of its entries zeroed anew each time."""
        latents = super().encode(signals)
        keep = np.random.default_rng(next(_CALLS)).random(latents.shape) > 0.1
        return np.asarray(latents * keep, np.float32)


@defect(fails="integrity.batch_independence")
class BatchNormInTraining(Twin):
    """Latents are standardised over whatever batch they come in."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z minus its batch mean."""
        latents = super().encode(signals)
        return np.asarray(latents - latents.mean(axis=0), np.float32)


@defect(fails="integrity.finite")
class NanLatents(Twin):
    """A few records come out as NaN."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with NaN in every fiftieth row."""
        latents = super().encode(signals)
        latents[::50] = np.nan
        return latents
