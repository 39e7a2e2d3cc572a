"""The clean generative twin: a linear variational autoencoder in closed form, of lead II.

Probabilistic principal components (Tipping & Bishop 1999, JRSS B 61:611): the posterior, the
reconstruction and the distribution of draws of a linear Gaussian model are all known, and the
atlas's beats of one age are Gaussian. Its encoder is a little surer than the textbook's: it gives
posterior means of variance 1, so that reconstructions are not shrunk towards the mean beat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import InputSpec
from axis_audit.cohort import Cohort
from axis_audit.measures.principal import principal_directions

FloatArray = NDArray[np.float32]
KIND = "generative-twin"
SPEC = InputSpec("beat", ("II",), 100.0, 120, 40)
_BLUR = 0.02
"""Variance of the posterior, the same everywhere."""


@dataclass(frozen=True)
class GenerativeTwin:
    """A model under audit, in numpy; x are beats of lead II in mV, centred.

    Attributes:
        mean: (120,), the mean beat. components: (d, 120), each as long as the standard deviation of
            beats along it.
    """

    mean: FloatArray
    components: FloatArray
    kind: str = KIND
    input_spec: InputSpec = SPEC
    claims: frozenset[str] = frozenset({"generative", "integrity"})

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Centred beats (n, 1, 120) in mV."""
        beats = np.asarray(signals, np.float32)
        return np.asarray(beats - beats.mean(axis=2, keepdims=True))

    def encode(self, signals: FloatArray) -> FloatArray:
        """Posterior means (n, d)."""
        flat = self.prepare(signals)[:, 0] - self.mean
        lengths = np.sum(np.square(self.components), axis=1)
        # einsum without optimisation sums in one order whatever the batch: rows stay independent.
        return np.asarray(np.einsum("nx,dx->nd", flat, self.components) / lengths, np.float32)

    def encode_scale(self, signals: FloatArray) -> FloatArray:
        """log σ² (n, d), the same for everybody."""
        return np.full((len(signals), len(self.components)), np.log(_BLUR), np.float32)

    def decode(self, latents: FloatArray) -> FloatArray:
        """Beats (n, 1, 120)."""
        given = np.asarray(latents, np.float32)
        beats = self.mean + np.einsum("nd,dx->nx", given, self.components)
        return np.asarray(beats[:, None], np.float32)

    def sample(self, count: int, seed: int) -> FloatArray:
        """Beats (count, 1, 120) of latents drawn from N(0, I)."""
        latents = np.random.default_rng(seed).standard_normal((count, len(self.components)))
        return self.decode(latents.astype(np.float32))


def fit_generative_twin(cohort: Cohort, dimensions: int) -> GenerativeTwin:
    """Fit to beats of lead II, one a row."""
    lead = cohort.leads.index("II")
    beats = cohort.signals[:, lead].astype(np.float64)
    beats = beats - beats.mean(axis=1, keepdims=True)
    mean, directions = principal_directions(beats, dimensions)
    deviations = ((beats - mean) @ directions.T).std(axis=0)
    unscaled = GenerativeTwin(mean.astype(np.float32), directions.astype(np.float32))
    return replace(unscaled, components=(directions * deviations[:, None]).astype(np.float32))
