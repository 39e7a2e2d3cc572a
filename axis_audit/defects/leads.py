"""Models that lean on a lead's place, or do not know it."""

from __future__ import annotations

import numpy as np

from axis_audit.capabilities import Batch
from axis_audit.defects.catalogue import defect
from axis_audit.defects.twin import FloatArray, Twin, steepness


@defect(fails="leads.swap_la_ra")
class PolarityDrivenAge(Twin):
    """Age leans on the polarity of lead I, which exchanged arms reverse."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age plus eight years by lead I's sign."""
        area = batch.signals[:, 0, 36:45].mean(axis=1)
        return np.asarray(super().predict_age(batch) + 8 * np.sign(area), np.float32)


@defect(fails="leads.swap_v1_v2")
class ChestOrderDrivenAge(Twin):
    """Age leans on how much larger V2 is than V1."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age plus a large multiple of the difference."""
        sizes = np.sqrt(np.mean(np.square(batch.signals[:, 6:8]), axis=2))
        difference = (sizes[:, 1] - sizes[:, 0]) / steepness(batch.signals)[:, 0, 0]
        return np.asarray(super().predict_age(batch) + 6 * difference, np.float32)


@defect(fails="leads.blindness")
class LeadAveraging(Twin):
    """Age is read from the size-ordered leads: any order of leads gives the same."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """A line in the mean over leads of the last third of the beat."""
        level = (
            np.abs(batch.signals[:, :, 60:90]).sum(axis=(1, 2)) / steepness(batch.signals)[:, 0, 0]
        )
        return np.asarray(60 - 0.02 * np.round(level, 3), np.float32)
