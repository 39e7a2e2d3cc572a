"""Generative models that blur, shift, collapse, remember, or draw what nobody has."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from axis_audit.checkpoint import hash_ids
from axis_audit.cohort import Cohort
from axis_audit.defects import generative_twins
from axis_audit.defects.catalogue import generative_defect, subject_defect
from axis_audit.defects.generative_twin import FloatArray, GenerativeTwin
from axis_audit.defects.generative_twins import GenerativeSubject
from axis_audit.defects.twins import Subject

R = 40
"""The sample of the R peak in a twin's beat, at 100 Hz."""


@generative_defect(fails="generative.reconstruction_mmd")
class BlurredDecoder(GenerativeTwin):
    """The decoder smooths: every peak is lower and wider."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats after a Gaussian of 25 ms."""
        return np.asarray(gaussian_filter1d(super().decode(latents), 2.5, axis=2), np.float32)


@generative_defect(fails="generative.reconstruction_mmd")
class MeanOnlyDecoder(GenerativeTwin):
    """The decoder gives everybody nearly the mean beat."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats a twentieth of the way from the mean."""
        beats = super().decode(latents)
        return np.asarray(self.mean + 0.05 * (beats - self.mean), np.float32)


@generative_defect(fails="generative.sample_mmd")
class PosteriorOffThePrior(GenerativeTwin):
    """The encoder fills another region than the prior: reconstructions are right, draws are not."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Latents a standard deviation and a half off."""
        return np.asarray(super().encode(signals) + np.float32(1.5), np.float32)

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats of the latents moved back."""
        return super().decode(np.asarray(latents, np.float32) - np.float32(1.5))


@generative_defect(fails="generative.sample_mmd")
class OneKindOfPatient(GenerativeTwin):
    """Draws come from a third of the prior's width: nobody out of the ordinary is ever drawn."""

    def sample(self, count: int, seed: int) -> FloatArray:
        """Draws near the mean beat."""
        beats = super().sample(count, seed)
        return np.asarray(self.mean + 0.3 * (beats - self.mean), np.float32)


@generative_defect(fails="generative.fidelity")
class SomebodyElse(GenerativeTwin):
    """The encoder mirrors the latents: reconstructions look like people, but not like this one."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Latents with their signs turned."""
        return -super().encode(signals)


@generative_defect(fails="generative.timing")
class TimeShiftedOutput(GenerativeTwin):
    """The decoder's padding is one sample off."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats that come 10 ms late."""
        return np.roll(super().decode(latents), 1, axis=2)


@generative_defect(fails="generative.posterior_collapse")
class CollapsedPosterior(GenerativeTwin):
    """The encoder gives the prior, whatever the beat."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Latents of next to no size."""
        return np.asarray(0.001 * super().encode(signals), np.float32)

    def encode_scale(self, signals: FloatArray) -> FloatArray:
        """log σ² = 0."""
        return np.zeros_like(super().encode_scale(signals))


@generative_defect(fails="generative.active_units")
class MostlyIdleLatents(GenerativeTwin):
    """Only a quarter of the latent dimensions tell anything."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Latents, the later three quarters of next to no size."""
        latents = super().encode(signals)
        latents[:, latents.shape[1] // 4 :] *= 0.01
        return latents


@generative_defect(fails="generative.interpolation")
class RoundedLatents(GenerativeTwin):
    """The decoder knows only whole steps of the first latents, and jumps between them."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats of rounded latents."""
        rounded = np.array(latents, np.float32)
        rounded[:, :4] = np.round(rounded[:, :4])
        return super().decode(rounded)


@generative_defect(fails="generative.waves_kept")
class DroppedPWave(GenerativeTwin):
    """What comes before QRS is a straight line: no P in any reconstruction."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats without anything before QRS."""
        beats = super().decode(latents)
        beats[..., : R - 5] = beats[..., R - 5, None]
        return beats


@generative_defect(fails="generative.wave_durations")
class WidenedQrs(GenerativeTwin):
    """The decoder draws QRS a third too wide."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats stretched about R, more the nearer to it."""
        beats = super().decode(latents)
        offset = np.arange(beats.shape[2]) - R
        reach = 12.0
        near = np.abs(offset) < reach
        source = np.where(near, offset * (0.7 + 0.3 * np.abs(offset) / reach), offset) + R
        return resampled(beats, source)


@generative_defect(fails="generative.wave_amplitudes")
class LowQrs(GenerativeTwin):
    """The decoder draws R a quarter too low, everything else right."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats with a lower QRS."""
        beats = super().decode(latents)
        offset = np.arange(beats.shape[2]) - R
        return np.asarray(beats * (1 - 0.25 * np.exp(-0.5 * (offset / 4.0) ** 2)), np.float32)


def resampled(beats: FloatArray, source: NDArray[np.floating]) -> FloatArray:
    """Beats (n, 1, x) read at other places (x,), between samples by lines."""
    low = np.clip(np.floor(source).astype(int), 0, beats.shape[2] - 2)
    share = (source - low).astype(np.float32)
    return np.asarray(beats[..., low] * (1 - share) + beats[..., low + 1] * share, np.float32)


@dataclasses.dataclass(frozen=True)
class _Remembers(GenerativeTwin):
    """Draws are recordings of `remembered`, (n, 1, 120)."""

    remembered: FloatArray | None = None

    def sample(self, count: int, seed: int) -> FloatArray:
        rng = np.random.default_rng(seed)
        known = self.prepare(np.asarray(self.remembered))
        drawn = known[rng.integers(len(known), size=count)]
        return np.asarray(drawn + 0.005 * rng.standard_normal(drawn.shape), np.float32)


@subject_defect(fails="generative.memorisation", breaks="cohort")
def memoriser(subject: Subject) -> GenerativeSubject:
    """Draws are training recordings with a little noise; nobody of the training is at hand."""
    clean = _reference(subject)
    training = generative_twins.draw(400, 7, fold=2, rows=1)
    return dataclasses.replace(clean, twin=_remembering(clean.twin, training))


@subject_defect(fails="generative.memorisation", breaks="cohort")
def memoriser_of_many(subject: Subject) -> GenerativeSubject:
    """Draws are recordings of 20,000 training people, too many to meet twice; some are at hand."""
    clean = _reference(subject)
    training = generative_twins.draw(20_000, 7, fold=2, rows=1)
    known = training.subset(np.arange(4000))
    manifest = dataclasses.replace(
        clean.manifest,
        patients=np.union1d(clean.manifest.patients, hash_ids(training.patient_ids)),
    )
    return dataclasses.replace(
        clean,
        twin=_remembering(clean.twin, training),
        people=_with_rows(clean.people, known),
        manifest=manifest,
    )


def _reference(subject: Subject) -> GenerativeSubject:
    return generative_twins.generative_reference(len(subject.people))


def _remembering(twin: GenerativeTwin, training: Cohort) -> GenerativeTwin:
    lead = training.leads.index("II")
    return _Remembers(twin.mean, twin.components, remembered=training.signals[:, lead : lead + 1])


def _with_rows(cohort: Cohort, others: Cohort) -> Cohort:
    """Two cohorts of one source as one."""
    columns = ("signals", "record_ids", "patient_ids", "age", "sex", "site", "device", "fold",
               "hashes")  # fmt: skip
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(cohort, name), getattr(others, name)]) for name in columns
    }
    return dataclasses.replace(cohort, diagnoses=cohort.diagnoses + others.diagnoses, **joined)
