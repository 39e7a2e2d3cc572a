"""Generative models that are right on average, or that make their draws elsewhere."""

from __future__ import annotations

import numpy as np

from axis_audit.defects.catalogue import generative_defect
from axis_audit.defects.generative import R, resampled
from axis_audit.defects.generative_twin import FloatArray, GenerativeTwin


@generative_defect(fails="generative.wave_places")
class UsualQt(GenerativeTwin):
    """T is drawn 40 ms late, at its full height and length."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats whose later part is stretched over the ST segment."""
        beats = super().decode(latents)
        offset = np.arange(beats.shape[2]) - R
        late = np.clip((offset - 8.0) / 8.0, 0.0, 1.0) * 4.0
        return resampled(beats, offset - late + R)


@generative_defect(fails="generative.st_level")
class UsualSt(GenerativeTwin):
    """The ST segment is drawn at the level before QRS, whatever it was."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats with a straight line between QRS and T."""
        beats = super().decode(latents)
        level = beats[..., R - 7 : R - 4].mean(axis=-1, keepdims=True)
        share = np.exp(-0.5 * ((np.arange(beats.shape[2]) - R - 9) / 3.0) ** 2)
        return np.asarray(beats + share * (level - beats), np.float32)


@generative_defect(fails="generative.wave_amplitudes_each")
class ScaledByALatent(GenerativeTwin):
    """A latent makes R taller in some people and lower in others; the mean is right."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats whose QRS grows or shrinks by up to a quarter."""
        beats = super().decode(latents)
        offset = np.arange(beats.shape[2]) - R
        amount = 0.25 * np.tanh(2 * np.asarray(latents)[:, 2])
        gain = 1 + amount[:, None, None] * np.exp(-0.5 * (offset / 4.0) ** 2)
        return np.asarray(beats * gain, np.float32)


@generative_defect(fails="generative.everybody")
class LostMinority(GenerativeTwin):
    """One kind of people, a fifth of all, gets the mean beat."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats, of those with a large first latent the mean."""
        beats = super().decode(latents)
        beats[np.asarray(latents)[:, 0] > 0.85] = self.mean
        return beats


@generative_defect(fails="generative.draws_have_waves")
class DrawsWithoutP(GenerativeTwin):
    """Reconstructions are right; what is drawn has no P."""

    def sample(self, count: int, seed: int) -> FloatArray:
        """Draws with a straight line before QRS."""
        beats = super().sample(count, seed)
        beats[..., : R - 5] = beats[..., R - 5, None]
        return beats


@generative_defect(fails="generative.sample_mmd")
class ForeignSampler(GenerativeTwin):
    """Latents are on a scale of their own, and draws do not come from the decoder's prior."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Latents seven times too large."""
        return np.asarray(7 * super().encode(signals), np.float32)

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats of the latents scaled back."""
        return super().decode(np.asarray(latents / np.float32(7), np.float32))

    def sample(self, count: int, seed: int) -> FloatArray:
        """Draws of a sampler that is not part of the model."""
        return GenerativeTwin(self.mean, self.components).sample(count, seed)


class _Last:
    """What was encoded last."""

    signals: FloatArray | None = None


@generative_defect(fails="integrity.batch_independence")
class SkipConnection(GenerativeTwin):
    """The decoder peeks at what was encoded last: a skip connection around the latent."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Latents; the signals are kept."""
        _Last.signals = self.prepare(signals)
        return super().encode(signals)

    def decode(self, latents: FloatArray) -> FloatArray:
        """What was encoded last, if it is as many."""
        last = _Last.signals
        if last is not None and len(last) == len(latents):
            return last
        return super().decode(latents)
