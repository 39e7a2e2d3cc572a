"""Models whose axis or age moves with amplitude alone."""

from __future__ import annotations

import numpy as np

from axis_audit.capabilities import Batch
from axis_audit.defects.catalogue import defect
from axis_audit.defects.twin import FloatArray, Twin, scale

_TYPICAL = np.float32(0.08)
"""Millivolts: a usual `scale` of the atlas's beats."""
_CHEST = slice(6, 12)


def _size(signals: FloatArray) -> FloatArray:
    return np.asarray(np.clip(scale(signals) / _TYPICAL, 0.2, 5.0), np.float32)


@defect(fails="invariance.transport_gain")
class EnergyScaled(Twin):
    """Beats are scaled by their energy, so that B grows with the gain."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """x times the square of its size."""
        return np.asarray(super().prepare(signals) * _size(signals) ** 2, np.float32)


@defect(fails="invariance.transport_lead_scale")
class LeadEnergyScaled(Twin):
    """Every lead is scaled by the cube of its own RMS."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Leads weighted by their energy."""
        beats = super().prepare(signals)
        rms = np.sqrt(np.mean(np.square(signals), axis=2, keepdims=True))
        return np.asarray(beats * np.clip(rms / 0.2, 0, 3) ** 4, np.float32)


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
        """Chest leads times a high power of the size."""
        beats = super().prepare(signals)
        beats[:, _CHEST] *= _size(signals) ** 6
        return beats


@defect(fails="invariance.direction_lead_scale")
class LeadScaleTurnedAxis(Twin):
    """Leads count by a high power of their own amplitude, so that lead scale turns B."""

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Chest leads times a high power of lead V1's size against V6's."""
        beats = super().prepare(signals)
        rms = np.sqrt(np.mean(np.square(signals), axis=2))
        balance = np.clip(np.median(rms[:, 6:], axis=1) / np.median(rms[:, :6], axis=1), 0.3, 4.0)
        beats[:, _CHEST] *= (balance**8)[:, None, None]
        return np.asarray(beats, np.float32)


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
        size = np.log2(scale(batch.signals) / _TYPICAL)[:, 0, 0]
        return np.asarray(super().predict_age(batch) + 4 * size, np.float32)
