"""Files and arithmetic that cannot be trusted."""

from __future__ import annotations

from itertools import count

import numpy as np

from axis_audit.capabilities import Batch
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


@defect(fails="integrity.reload")
class UnseededNoise(Twin):
    """Latents are sampled at inference, as a variational encoder left in sampling mode does."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z plus a little fresh noise."""
        latents = super().encode(signals)
        noise = np.random.default_rng(next(_CALLS)).standard_normal(latents.shape)
        return np.asarray(latents + 1e-3 * noise, np.float32)


@defect(fails="integrity.batch_independence")
class ScaledByBatch(Twin):
    """Signals are divided by the largest value of whatever batch they come in."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z times the batch's largest voltage."""
        return np.asarray(super().encode(signals) * np.abs(signals).max(), np.float32)


@defect(fails="integrity.finite")
class InfiniteAges(Twin):
    """The head takes a logarithm of what may be negative."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """NaN for everybody predicted younger than forty."""
        ages = super().predict_age(batch)
        return np.where(ages < 40, np.float32(np.nan), ages).astype(np.float32)


@defect(fails="integrity.finite")
class DividedByEachLead(Twin):
    """Leads are scaled one by one, and a lead that fell off is divided by its zero."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z, NaN where a lead is flat."""
        latents = super().encode(signals)
        latents[(np.ptp(signals, axis=2) == 0).any(axis=1)] = np.nan
        return latents


@defect(fails="integrity.finite")
class NothingBelowAThreshold(Twin):
    """Peaks are searched above a fixed voltage: small beats, as low gains make, have no age."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """NaN for beats that stay under .35 mV."""
        ages = super().predict_age(batch)
        small = np.abs(batch.signals).max(axis=(1, 2)) < 0.35
        return np.where(small, np.float32(np.nan), ages).astype(np.float32)


@defect(fails="integrity.batch_independence")
class BatchNormInDecoder(Twin):
    """The decoder is in training mode: x50 is centred on whatever batch it comes in."""

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 less a third of the batch's mean beat."""
        beats = super().canonical(latents)
        return np.asarray(beats - 0.3 * (beats.mean(axis=0) - self.mean), np.float32)


@defect(fails="integrity.reload")
class WritesToItsInput(Twin):
    """The model normalises signals in place: whoever asks after it gets other signals."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z; the signals are halved, and their last samples lost."""
        latents = super().encode(signals)
        signals *= np.float32(0.5)
        signals[:, :, -20:] = 0
        return latents
