"""Models whose axis or age moves with amplitude alone."""

from __future__ import annotations

import numpy as np

from axis_audit.capabilities import Batch
from axis_audit.defects.catalogue import defect
from axis_audit.defects.twin import FloatArray, Twin, steepness

_TYPICAL = np.float32(0.1)
"""Millivolts: a usual `steepness` of the atlas's beats."""
_CHEST = slice(6, 12)


def _size(signals: FloatArray) -> FloatArray:
    return np.asarray(np.clip(steepness(signals) / _TYPICAL, 0.2, 5.0), np.float32)


@defect(fails="invariance.transport_gain")
class EnergyScaled(Twin):
    """Beats are scaled by their energy, so that B grows with the gain."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """x times the square of its size."""
        return np.asarray(super().prepare(signals) * _size(signals) ** 2, np.float32)


def _unlawful(signals: FloatArray) -> FloatArray:
    """How far I + III - II is from Einthoven's zero, beside lead II; (n, 1, 1)."""
    residual = signals[:, 0] + signals[:, 2] - signals[:, 1]
    size = np.sqrt(np.mean(np.square(signals[:, 1]), axis=1)) + 1e-6
    ratio = np.sqrt(np.mean(np.square(residual), axis=1)) / size
    return np.asarray(ratio[:, None, None], np.float32)


@defect(fails="invariance.transport_lead_scale")
class LawScaled(Twin):
    """Beats fade where the limb leads break Einthoven's law, as scaled leads do."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """x damped by the residual of the law."""
        return np.asarray(super().prepare(signals) * np.exp(-4 * _unlawful(signals)), np.float32)


@defect(fails="invariance.transport_drift")
class BaselineScaled(Twin):
    """Beats shrink as their baseline leaves zero."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """x divided by how far its first samples are from zero."""
        offset = np.abs(signals[:, :, :8].mean(axis=2)).mean(axis=1)[:, None, None]
        return np.asarray(super().prepare(signals) / (1 + 40 * offset), np.float32)


@defect(fails="invariance.direction_gain")
class GainTurnedAxis(Twin):
    """The chest leads count more in large beats, so that a gain turns B."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Chest leads eightfold in large beats."""
        beats = super().prepare(signals)
        beats[:, _CHEST] *= np.where(_size(signals) > 1.3, np.float32(8), np.float32(1))
        return beats


@defect(fails="invariance.direction_lead_scale")
class LawTurnedAxis(Twin):
    """The chest leads fade where the limb leads break Einthoven's law, so that B turns."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Chest leads damped by the residual of the law."""
        beats = super().prepare(signals)
        beats[:, _CHEST] *= np.exp(-8 * _unlawful(signals))
        return beats


@defect(fails="invariance.direction_drift")
class DriftTurnedAxis(Twin):
    """The chest leads fade as the baseline leaves zero, so that drift turns B."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Chest leads damped by the baseline's distance from zero."""
        beats = super().prepare(signals)
        offset = np.abs(signals[:, :, :8].mean(axis=2)).mean(axis=1)
        beats[:, _CHEST] *= np.exp(-120 * offset)[:, None, None].astype(np.float32)
        return beats


@defect(fails="invariance.gain_age_shift")
class GainDrivenAge(Twin):
    """Larger beats are read as older people."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age plus four years a doubling."""
        size = np.log2(steepness(batch.signals) / _TYPICAL)[:, 0, 0]
        return np.asarray(super().predict_age(batch) + 4 * size, np.float32)


@defect(fails="invariance.gain_age_shift")
class VoltageThreshold(Twin):
    """People whose largest deflection exceeds a millivolt are read as ten years younger."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age minus ten years for large beats."""
        large = np.abs(batch.signals).max(axis=(1, 2)) > 1.0
        return np.asarray(super().predict_age(batch) - 10 * large, np.float32)


@defect(fails="invariance.noise_age_shift")
class NoiseDrivenAge(Twin):
    """Rough beats are read as older people: the first layer is a high-pass filter."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age plus fifty years for each doubling of third differences."""
        rough = np.sqrt(np.mean(np.square(np.diff(batch.signals, 3, axis=2)), axis=(1, 2)))
        ratio = (rough + 1e-6) / steepness(batch.signals)[:, 0, 0]
        return np.asarray(super().predict_age(batch) + 50 * np.log2(ratio), np.float32)
