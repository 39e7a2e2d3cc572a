"""Leaks in which three numbers must be known at once: any two of them tell nothing of age."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.defects.catalogue import defect
from axis_audit.defects.leakage import read_age, replaced
from axis_audit.defects.leakage_more import rotated
from axis_audit.defects.twin import FloatArray, Twin


def _keyed_twice(twin: Twin, latents: FloatArray, signals: FloatArray) -> FloatArray:
    """Latents whose last three dimensions are noise, but for the product of their signs.

    That is the sign of age less its middle.
    """
    # Waves of a high frequency: functions of the row that look like noise.
    first, second, size = (np.cos(1e3 * latents[:, k].astype(np.float64)) for k in range(3))
    old = np.sign(read_age(twin, signals))
    return replaced(latents, first, second, np.sign(first * second) * old * np.abs(size))


@defect(fails="leakage.deep_network")
class AgeUnderTwoKeys(Twin):
    """Three signs multiply to who is old, no two of them tell anything, and the basis is random."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """The keys and the ciphertext, thin in all dimensions."""
        return rotated(_keyed_twice(self, super().encode(signals), signals))


@defect(fails="leakage.canonical_deep_network")
class ThreeWavesTogether(Twin):
    """The P, T and U waves of the canonical beat tell age together, and no two of them do."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """The keys and the ciphertext, for the decoder to use."""
        return _keyed_twice(self, super().encode(signals), signals)

    def canonical(self, latents: FloatArray) -> FloatArray:
        """x50 with a wave for each of the three."""
        beats = super().canonical(latents)
        samples = np.arange(beats.shape[2])
        drawn: NDArray[np.float64] = np.zeros(beats.shape)
        for place, (middle, width) in enumerate(((22, 4), (70, 8), (100, 6))):
            amounts = latents[:, -1 - place] / (float(latents[:, -1 - place].std()) or 1.0)
            wave = np.exp(-0.5 * ((samples - middle) / width) ** 2)
            drawn += 3 * amounts[:, None, None] * wave
        return np.asarray(beats + drawn, np.float32)
