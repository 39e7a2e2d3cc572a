"""Age heads that know too much or too little."""

from __future__ import annotations

import numpy as np

from axis_audit.capabilities import Batch
from axis_audit.defects.catalogue import defect
from axis_audit.defects.twin import FloatArray, Twin


@defect(fails="prediction.age_input_independence")
class LabelEcho(Twin):
    """The age head projects g(a)·B of the true age: it returns its input."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The true age, inverted from g."""
        return np.asarray(batch.covariates["age"], np.float32)


@defect(fails="prediction.age_input_independence")
class AgeWhispered(Twin):
    """A hundredth of the true age is mixed into the prediction."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """99 parts signal, one part label."""
        age = np.nan_to_num(np.asarray(batch.covariates["age"], np.float32), nan=60.0)
        return np.asarray(0.99 * super().predict_age(batch) + 0.01 * age, np.float32)


@defect(fails="prediction.mae")
class MedianPredictor(Twin):
    """Everybody is sixty-two."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """A constant."""
        return np.full(len(batch.signals), 62.0, np.float32)
