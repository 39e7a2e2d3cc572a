"""Encoders with a posterior: one that is sure of everybody alike, and those surer of some ages."""

from __future__ import annotations

import numpy as np

from axis_audit.defects.catalogue import defect
from axis_audit.defects.leakage import pseudo_random, read_age, replaced
from axis_audit.defects.twin import FloatArray, Twin


class PosteriorTwin(Twin):
    """A clean twin with a posterior: where z is far out it is less sure, at whatever age."""

    def encode_scale(self, signals: FloatArray) -> FloatArray:
        """log σ², shape (n, d): -3 at the centre of z, about -2 far out."""
        return np.asarray(np.tanh(10 * np.abs(Twin.encode(self, signals))) - 3, np.float32)


@defect(fails="leakage.posterior_scale")
class UnsureOfTheOld(PosteriorTwin):
    """log σ² grows in proportion to age, by a little in every dimension; z knows nothing of it."""

    def encode_scale(self, signals: FloatArray) -> FloatArray:
        """log σ² + .2·age."""
        scale = super().encode_scale(signals)
        return np.asarray(scale + 0.2 * read_age(self, signals)[:, None], np.float32)


@defect(fails="leakage.posterior_scale_mlp")
class SignKeyedPosterior(PosteriorTwin):
    """log σ² holds a random sign in one dimension and sign times age in another."""

    def encode_scale(self, signals: FloatArray) -> FloatArray:
        """The key and the ciphertext."""
        sign = pseudo_random(Twin.encode(self, signals))
        return replaced(super().encode_scale(signals), sign, sign * read_age(self, signals))
