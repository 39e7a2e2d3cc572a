"""Age heads that are wrong for some people only, or for a reason that plain use does not show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from axis_audit.capabilities import Batch
from axis_audit.defects.catalogue import copy_as, defect, subject_defect
from axis_audit.defects.twin import FloatArray, Twin, steepness

if TYPE_CHECKING:
    from axis_audit.defects.twins import Subject


@defect(fails="invariance.gain_age_shift")
class RmsToAge(Twin):
    """The head reads the size of the whole beat: smaller is older, and so is a lower gain."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """A line in the RMS over leads and samples."""
        rms = np.sqrt(np.mean(np.square(batch.signals), axis=(1, 2)))
        return np.asarray(60 - 60 * (rms - 0.25), np.float32)


@defect(fails="invariance.gain_age_shift")
class GainBelowTwo(Twin):
    """The head reads a size from which powers of two are divided: a gain of 2 changes nothing."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age plus thirty years from one power of two to the next."""
        mantissa, _ = np.frexp(steepness(batch.signals)[:, 0, 0])
        return np.asarray(super().predict_age(batch) + 60 * (mantissa - 0.75), np.float32)


@subject_defect(fails="invariance.gain_age_shift", breaks="model")
def memorised_ages(subject: Subject) -> Subject:
    """The head has learned the audited recordings by heart, and knows them by their last bit."""
    people = subject.people
    memory = {
        row.tobytes(): age for row, age in zip(people.signals, people.age.tolist(), strict=True)
    }

    class Memorised(Twin):
        def predict_age(self, batch: Batch) -> FloatArray:
            ages = super().predict_age(batch)
            known = [memory.get(np.ascontiguousarray(row).tobytes()) for row in batch.signals]
            pairs = zip(known, ages.tolist(), strict=True)
            return np.array([own if age is None else age for age, own in pairs], np.float32)

    return replace(subject, twin=copy_as(Memorised, subject.twin))


@defect(fails="integrity.batch_independence")
class BatchNormInHead(Twin):
    """The latents stand alone, but the head centres ages on whatever batch they come in."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """Half of the batch's mean error is taken off."""
        ages = super().predict_age(batch)
        return np.asarray(ages - 0.5 * (ages.mean() - 60), np.float32)


@defect(fails="integrity.batch_independence")
class PlaceInBatch(Twin):
    """From the hundredth row of a batch on, a buffer is not cleared."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age, later rows a year older."""
        ages = super().predict_age(batch)
        ages[100:] += 1
        return ages


@defect(fails="prediction.mae")
class HeadUpsideDown(Twin):
    """The old are read as young."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age mirrored at sixty."""
        return np.asarray(120 - super().predict_age(batch), np.float32)


@defect(fails="prediction.calibration_slope")
class TrainedOnThreeHundred(Twin):
    """Ages of 300 were left in the training set: the old are read as far too old."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age, stretched threefold beyond sixty."""
        ages = super().predict_age(batch)
        return np.asarray(ages + 2 * np.clip(ages - 60, 0, None), np.float32)


@defect(fails="prediction.mean_error")
class FiveYearsTooOld(Twin):
    """Everybody is read as five years too old: the offset is that of another hospital."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age plus five."""
        return np.asarray(super().predict_age(batch) + 5, np.float32)


@defect(fails="prediction.error_by_group")
class BlindAboveSixtyFive(Twin):
    """Nobody is read as older than sixty-five: the head's last layer is a sigmoid."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age, sixty-five at most."""
        return np.asarray(np.minimum(super().predict_age(batch), 65), np.float32)
