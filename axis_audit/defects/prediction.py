"""Age heads that know too much or too little."""

from __future__ import annotations

import zlib

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


@defect(fails="prediction.calibration_slope")
class CompressedAges(Twin):
    """Predictions shrink halfway to the mean, as under a loss that punishes large errors."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """Half the spread around sixty."""
        return np.asarray(60 + 0.5 * (super().predict_age(batch) - 60), np.float32)


@defect(fails="prediction.calibration_slope")
class StretchedAges(Twin):
    """Predictions overstate differences between people twofold."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """Twice the spread around sixty."""
        return np.asarray(60 + 2.0 * (super().predict_age(batch) - 60), np.float32)


@defect(fails="prediction.calibration_slope")
class YoungOrOld(Twin):
    """The head is a classifier of two ages in disguise."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """Thirty-five or eighty-five."""
        ages = super().predict_age(batch)
        return np.where(ages < 60, np.float32(35), np.float32(85)).astype(np.float32)


@defect(fails="prediction.signal_dependence")
class SexTable(Twin):
    """Age is looked up from sex, device and site: the signal is never read."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """A hash of the covariates, between thirty and ninety."""
        names = ("sex", "device", "site")
        rows = zip(*(np.asarray(batch.covariates[n]).astype(str) for n in names), strict=True)
        return np.array([30 + zlib.crc32("/".join(row).encode()) % 60 for row in rows], np.float32)


@defect(fails="prediction.signal_dependence")
class NearlyConstant(Twin):
    """Everybody is about sixty: the head's weights have all but died."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """A twentieth of the spread."""
        return np.asarray(60 + 0.05 * (super().predict_age(batch) - 60), np.float32)


@defect(fails="prediction.beats_random_encoder")
class SizeDrivenAge(Twin):
    """Age is a line in the RMS of lead V5, which ages a little: no encoder was needed for that."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """Smaller is older."""
        rms = np.sqrt(np.mean(np.square(batch.signals[:, 10]), axis=1))
        return np.asarray(62 - 10 * (rms - 0.25), np.float32)


@defect(fails="prediction.beats_random_encoder")
class UntrainedEncoder(Twin):
    """Training never ran: the head reads a single random feature."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """A line in a random projection of the beat."""
        beats = self.prepare(batch.signals)
        weights = np.random.default_rng(0).standard_normal(self.mean.shape).astype(np.float32)
        return np.asarray(60 + 5 * np.einsum("nlt,lt->n", beats - self.mean, weights), np.float32)


@defect(fails="prediction.mae")
class AgesInMonths(Twin):
    """The head was trained on ages in months."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """Twelve times the age."""
        return np.asarray(12 * super().predict_age(batch), np.float32)
