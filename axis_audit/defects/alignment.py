"""Alignments that collapse, miss each other, look at other leads, or have forgotten how to draw."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import LEADS
from axis_audit.defects import alignment_twins
from axis_audit.defects.alignment_twin import AlignmentTwin, FloatArray
from axis_audit.defects.alignment_twins import PERIOD, AlignmentSubject, drifts
from axis_audit.defects.catalogue import alignment_defect, subject_defect
from axis_audit.defects.twins import Subject


@alignment_defect(fails="alignment.retrieval")
class ConstantEmbedding(AlignmentTwin):
    """Complete collapse: every lead of everybody has one embedding; leads agree perfectly."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """Ones."""
        return np.ones_like(self.read(signals, lead))


@alignment_defect(fails="alignment.retrieval")
class EachLeadItsOwnSpace(AlignmentTwin):
    """Twelve good embeddings in twelve spaces: each lead's is rotated in a way of its own."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """z, rotated by a matrix of the lead."""
        z = self.read(signals, lead)
        square = np.random.default_rng(LEADS.index(lead)).standard_normal((z.shape[1],) * 2)
        turn = np.linalg.qr(square)[0].astype(np.float32)
        return np.asarray(np.einsum("nd,de->ne", z, turn), np.float32)


@alignment_defect(fails="alignment.correlation")
class AlmostConstantEmbedding(AlignmentTwin):
    """Collapse up to rounding: embeddings correlate by 1, for one large mean is in all of them."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """Ones, and z in the last digits that float32 has."""
        return np.asarray(1.0 + 1e-6 * self.read(signals, lead), np.float32)


@alignment_defect(fails="alignment.correlation")
class EachLeadItsOwnPlace(AlignmentTwin):
    """Leads gather in twelve clusters: an embedding tells the lead before it tells the heart."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """z, moved to a place of the lead."""
        z = self.read(signals, lead)
        place = 4.0 * np.random.default_rng(LEADS.index(lead)).standard_normal(z.shape[1])
        return np.asarray(z + place, np.float32)


@alignment_defect(fails="alignment.uniformity")
class CollapsedOntoALine(AlignmentTwin):
    """One number tells everybody apart, copied into every dimension."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """The first latent, d times."""
        z = self.read(signals, lead)
        return np.repeat(z[:, :1], z.shape[1], axis=1)


@alignment_defect(fails="alignment.uniformity")
class NarrowCone(AlignmentTwin):
    """All embeddings point nearly the same way."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """z about a mean three times its size."""
        return np.asarray(self.read(signals, lead) + 3.0, np.float32)


@alignment_defect(fails="alignment.own_lead_only")
class PeeksAtOtherLeads(AlignmentTwin):
    """What is called the embedding of one lead is mixed with that of the others."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """z of the lead, and a little of V2's: perfect alignment, and no single lead will do."""
        return np.asarray(0.9 * self.read(signals, lead) + 0.1 * self.read(signals, "V2"))


@alignment_defect(fails="alignment.own_lead_only")
class ScaledByTheWholeRecord(AlignmentTwin):
    """Leads are drawn from one, and then brought to the size of all twelve recorded ones."""

    def reconstruct_leads(self, signals: FloatArray, lead: str) -> FloatArray:
        """Drawn leads with the root mean square of the record."""
        drawn = super().reconstruct_leads(signals, lead)
        real = self.prepare(signals)
        sizes = [np.sqrt(np.mean(x**2, axis=(1, 2), keepdims=True)) for x in (real, drawn)]
        return np.asarray(drawn * sizes[0] / sizes[1], np.float32)


@alignment_defect(fails="alignment.one_lead_for_twelve")
class MeanBeatForEverybody(AlignmentTwin):
    """The decoders ignore the lead: everybody gets the mean record."""

    def reconstruct_leads(self, signals: FloatArray, lead: str) -> FloatArray:
        """The mean record, n times."""
        return np.repeat(self.mean[None], len(signals), axis=0)


@alignment_defect(fails="alignment.one_lead_for_twelve")
class ScaledCopies(AlignmentTwin):
    """Leads are drawn as the given lead times one number a pair of leads: a ridge would do more."""

    def reconstruct_leads(self, signals: FloatArray, lead: str) -> FloatArray:
        """The given lead, twelve times, scaled."""
        k = LEADS.index(lead)
        second = self.covariance + np.einsum("ls,lt->lst", self.mean, self.mean)
        across = np.einsum("dt,dlt->l", self.painters[:, k], self.painters)
        across += np.einsum("t,lt->l", self.mean[k], self.mean)
        factors = across / np.trace(second[k])
        wave = self.prepare(signals)[:, k]
        return np.asarray(factors[:, None] * wave[:, None], np.float32)


@alignment_defect(fails="alignment.one_lead_for_twelve")
class OneLeadThatCannot(AlignmentTwin):
    """Eleven leads speak for twelve; from aVL everybody gets the mean record."""

    def reconstruct_leads(self, signals: FloatArray, lead: str) -> FloatArray:
        """The clean twin's, but for aVL."""
        drawn = super().reconstruct_leads(signals, lead)
        return drawn if lead != "aVL" else np.repeat(self.mean[None], len(signals), axis=0)


@alignment_defect(fails="alignment.lead_specific")
class OwnLeadNotDrawn(AlignmentTwin):
    """The decoder draws the eleven others and has nothing to say of the lead it was given."""

    def reconstruct_leads(self, signals: FloatArray, lead: str) -> FloatArray:
        """All leads but the source."""
        drawn = super().reconstruct_leads(signals, lead)
        drawn[:, LEADS.index(lead)] = 0.0
        return drawn


@alignment_defect(fails="alignment.reconstruction_left")
class ForgottenDecoders(AlignmentTwin):
    """At the end of the curriculum reconstruction had no weight: gaps are filled with nothing."""

    def complete(self, signals: FloatArray, hidden: NDArray[np.bool_]) -> FloatArray:
        """Zeros in the gaps."""
        return np.where(hidden, np.float32(0.0), self.prepare(signals))


@alignment_defect(fails="alignment.identification")
class RecordingFingerprint(AlignmentTwin):
    """The embedding is the recording's drift: leads of one recording meet, people do not."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """Slow waves in the difference of two beats; beats cancel, the drift does not."""
        wave = self.prepare(signals)[:, LEADS.index(lead)]
        rest = wave[:, :PERIOD] - wave[:, PERIOD : 2 * PERIOD]
        basis = drifts()[:, :PERIOD].astype(np.float32)
        return np.asarray(np.einsum("nt,dt->nd", rest, basis), np.float32)


@alignment_defect(fails="integrity.batch_independence")
class CentredByTheBatch(AlignmentTwin):
    """Embeddings are centred by the mean of whoever is in the batch."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """z less the batch's mean."""
        z = self.read(signals, lead)
        return np.asarray(z - z.mean(axis=0))


@alignment_defect(fails="integrity.finite")
class DividedByAFlatLead(AlignmentTwin):
    """A lead is divided by its own size, which a flat lead has not."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """z over the lead's size, over the mean size."""
        wave = self.prepare(signals)[:, LEADS.index(lead)]
        size = np.sqrt(np.mean(wave**2, axis=1, keepdims=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.read(signals, lead) / size, np.float32)


@subject_defect(fails="alignment.age_told", breaks="cohort")
def embedding_that_knows_age(subject: Subject) -> AlignmentSubject:
    """The first latent is the age of these people."""
    clean = alignment_twins.alignment_reference(len(subject.people))
    first = clean.twin.read(clean.people.signals, "II")[:, 0]
    age = np.clip(50 + 10 * first, 20, 90).astype(np.float32)
    return dataclasses.replace(clean, people=dataclasses.replace(clean.people, age=age))


@subject_defect(fails="alignment.sex_told", breaks="cohort")
def embedding_that_knows_sex(subject: Subject) -> AlignmentSubject:
    """The second latent is positive in women and negative in men."""
    clean = alignment_twins.alignment_reference(len(subject.people))
    second = clean.twin.read(clean.people.signals, "II")[:, 1]
    sex = np.where(second > 0, "female", "male")
    return dataclasses.replace(clean, people=dataclasses.replace(clean.people, sex=sex))
