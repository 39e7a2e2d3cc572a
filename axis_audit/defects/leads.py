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


@defect(fails="leads.missing_lead")
class LeadRatioAge(Twin):
    """The head divides by the size of lead II, which may be zero."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age plus two years for each halving of lead II's share."""
        size = np.sqrt(np.mean(np.square(batch.signals[:, 1]), axis=1)) + 1e-3
        share = size / steepness(batch.signals)[:, 0, 0]
        return np.asarray(super().predict_age(batch) - 2 * np.log2(share), np.float32)


@defect(fails="leads.blindness")
class SortedLeads(Twin):
    """Leads are sorted by size before anything is read: their names are lost."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """The twin's age of the beat with its leads in order of size."""
        sizes = np.sum(np.square(batch.signals), axis=2)
        order = np.argsort(sizes, axis=1)
        ordered = np.take_along_axis(batch.signals, order[:, :, None], axis=1)
        return super().predict_age(Batch(ordered, batch.covariates))


def _lead_by_lead(beats: FloatArray) -> FloatArray:
    """Each lead a few per cent off on its own."""
    factors = 1 + 0.05 * np.random.default_rng(0).standard_normal((12, 1))
    return np.asarray(beats * factors, np.float32)


@defect(fails="leads.einthoven_canonical")
class IndependentLeadDecoders(Twin):
    """Twelve decoders draw twelve leads: x50 could come from no three electrodes."""

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 with every lead a few per cent off."""
        return _lead_by_lead(super().canonical(latents))


@defect(fails="leads.einthoven_direction")
class IndependentLeadDirections(Twin):
    """B was learned lead by lead."""

    def axis_direction(self) -> FloatArray:
        """B with every lead a few per cent off."""
        return _lead_by_lead(self.direction)


@defect(fails="leads.einthoven_canonical")
class ScaledLeadByLead(Twin):
    """The adapter declares one scale a record, and scales each lead by its own size."""

    keeps_record_scale = True

    def prepare(self, signals: FloatArray) -> FloatArray:
        """x with every lead of unit RMS."""
        beats = super().prepare(signals)
        rms = np.sqrt(np.mean(np.square(beats), axis=2, keepdims=True))
        return np.asarray(beats / (rms + np.float32(1e-6)), np.float32)
