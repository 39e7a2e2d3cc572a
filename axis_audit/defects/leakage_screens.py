"""Leaks that the screens are for: steps, metadata, and even waves of the canonical beat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from axis_audit.cohort import Cohort
from axis_audit.defects.catalogue import copy_as, defect, subject_defect
from axis_audit.defects.leakage import pseudo_random, read_age, replaced
from axis_audit.defects.leakage_more import OFFSET, rotated
from axis_audit.defects.twin import FloatArray, Twin

if TYPE_CHECKING:
    from axis_audit.defects.twins import Subject

_OLD = 60.0
"""Years: from here on people go to the ward with the other device."""


@defect(fails="leakage.trees")
class SteppedAge(Twin):
    """Two latent dimensions are steps of age: how many decades, and whether near the middle."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with both in its last dimensions."""
        latents = super().encode(signals)
        age = read_age(self, signals)
        return replaced(latents, np.where(np.abs(age) < 0.7, 1.0, -1.0), np.floor(age))


@defect(fails="leakage.sign_products")
class SignsThatAgree(Twin):
    """Two directions agree in sign in the old and differ in the young; how far says nothing."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """The last two dimensions, the sign of one of them by the other's and by age, rotated."""
        latents = super().encode(signals)
        first, second = latents[:, -1].copy(), np.abs(latents[:, -2])
        latents[:, -2] = second * np.sign(first) * np.sign(read_age(self, signals))
        return rotated(latents)


@defect(fails="leakage.mlp_deviation")
class AgeOnACircle(Twin):
    """Two latents stand on a circle, further out the further the age is from the middle."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """|age - middle| as a radius, the angle free."""
        latents = super().encode(signals)
        angle = 1e3 * np.abs(latents[:, 0].astype(np.float64))
        radius = 0.3 + np.abs(read_age(self, signals))
        return replaced(latents, radius * np.cos(angle), radius * np.sin(angle))


@defect(fails="leakage.mlp_given_sex")
class KeyedAgeWithinEachSex(Twin):
    """z holds (s, s·age), s a random sign; knowing the sex changes nothing of it."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """The key and the ciphertext."""
        latents = super().encode(signals)
        sign = pseudo_random(latents)
        return replaced(latents, sign, sign * read_age(self, signals))


class DeviceCoded(Twin):
    """z tells the device, by what the beat shows of age: a leak where devices differ in age."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with a code of the device in its last dimension."""
        return replaced(super().encode(signals), np.sign(read_age(self, signals)))


@subject_defect(fails="leakage.metadata", breaks="cohort")
def device_coded_latent(subject: Subject) -> Subject:
    """z tells by which of two devices a beat was recorded; one of them stands where the old go."""

    def recorded(cohort: Cohort) -> Cohort:
        return replace(cohort, device=np.where(cohort.age > _OLD, "bedside", "ambulatory"))

    return replace(
        subject,
        twin=copy_as(DeviceCoded, subject.twin),
        people=recorded(subject.people),
        fitting=recorded(subject.fitting),
    )


@defect(fails="leakage.canonical_deviation")
class EvenWave(Twin):
    """The canonical beat's T wave is large in the very young and the very old."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with |age - middle| in its last dimension, for the decoder to use."""
        return replaced(super().encode(signals), np.abs(read_age(self, signals)))

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 with that T wave."""
        return _with_t_wave(super().canonical(latents), latents[:, -1])


@defect(fails="leakage.canonical_quadratic")
class SignlessWave(Twin):
    """The canonical beat's T wave grows with age, upright in some and inverted in others."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """z with a random sign times a positive age in its last dimension."""
        latents = super().encode(signals)
        magnitude = np.clip(OFFSET + read_age(self, signals), 0.05, None)
        return replaced(latents, pseudo_random(latents) * magnitude)

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 with that T wave."""
        return _with_t_wave(super().canonical(latents), latents[:, -1])


def _with_t_wave(beats: FloatArray, sizes: FloatArray) -> FloatArray:
    """Beats (n, 12, 120) with a T wave in every lead, larger by sizes (n,) in their spread."""
    wave = np.exp(-0.5 * ((np.arange(beats.shape[2]) - 70) / 8) ** 2)
    amounts = sizes / (float(sizes.std()) or 1.0)
    return np.asarray(beats + 3 * amounts[:, None, None] * wave, np.float32)
