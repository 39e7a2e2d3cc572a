"""The clean alignment twin: linear, in closed form, one reader and one painter a lead.

Its embedding z is the score of a whole record on the leading principal components of all twelve
leads, at unit variance, regressed on one lead; leads are drawn from z by their regression on it.
Hidden samples are completed by the conditional mean of a Gaussian. All of it is known, and right
for the records of `alignment_twins`, which are beats of few components repeated at one rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import InputSpec
from axis_audit.cohort import LEADS, Cohort
from axis_audit.measures.principal import principal_directions

FloatArray = NDArray[np.float32]
KIND = "alignment-twin"
SAMPLES = 200
SPEC = InputSpec("record", LEADS, 100.0, SAMPLES)
_RIDGE = 1e-5
"""mV², added to variances: the records' own noise has some hundredths of a millivolt."""
_LEVEL = 10.0
"""mV², the variance of a lead's level where its mean is not known."""


@dataclass(frozen=True)
class AlignmentTwin:
    """A model under audit, in numpy; x are centred leads in mV.

    Attributes:
        mean: (12, 200), the mean record. readers: (12, d, 200), from a lead to z.
        painters: (d, 12, 200), from z to all leads. covariance: (12, 200, 200), of each lead.
    """

    mean: FloatArray
    readers: FloatArray
    painters: FloatArray
    covariance: FloatArray
    kind: str = KIND
    input_spec: InputSpec = SPEC
    claims: frozenset[str] = frozenset({"alignment", "integrity"})

    def broken_as(self, kind: type[AlignmentTwin]) -> AlignmentTwin:
        """This twin's arrays in a subclass."""
        return kind(self.mean, self.readers, self.painters, self.covariance)

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Centred leads in mV: one scale for all records."""
        x = np.asarray(signals, np.float32)
        return np.asarray(x - x.mean(axis=2, keepdims=True))

    def read(self, signals: FloatArray, lead: str) -> FloatArray:
        """z of one lead, (n, d)."""
        k = LEADS.index(lead)
        wave = np.asarray(signals[:, k], np.float32)
        wave = wave - wave.mean(axis=1, keepdims=True) - self.mean[k]
        # einsum without optimisation sums in one order whatever the batch: rows stay independent.
        return np.asarray(np.einsum("nt,dt->nd", wave, self.readers[k]), np.float32)

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """z of one lead, (n, d)."""
        return self.read(signals, lead)

    def reconstruct_leads(self, signals: FloatArray, lead: str) -> FloatArray:
        """All leads (n, 12, 200) drawn from z of one."""
        drawn = np.einsum("nd,dlt->nlt", self.read(signals, lead), self.painters)
        return np.asarray(self.mean + drawn, np.float32)

    def complete(self, signals: FloatArray, hidden: NDArray[np.bool_]) -> FloatArray:
        """Each lead's hidden samples by their conditional mean given the visible ones.

        Whatever the level is at which the visible ones stand: the whole lead's mean is not known.
        """
        x = self.prepare(signals)
        for k, mask in enumerate(hidden):
            spread = self.covariance[k].astype(np.float64) + _LEVEL
            seen, across = spread[np.ix_(~mask, ~mask)], spread[np.ix_(~mask, mask)]
            seen = seen + _RIDGE * np.eye(len(seen))
            weights = np.linalg.solve(seen, across).astype(np.float32)
            known = x[:, k, ~mask] - self.mean[k, ~mask]
            x[:, k, mask] = self.mean[k, mask] + np.einsum("nv,vh->nh", known, weights)
        return x


def fit_alignment_twin(cohort: Cohort, dimensions: int) -> AlignmentTwin:
    """Fit to records as in `SPEC`, one a person."""
    x = cohort.signals.astype(np.float64)
    x -= x.mean(axis=2, keepdims=True)
    flat = x.reshape(len(x), -1)
    mean, directions = principal_directions(flat, dimensions)
    scores = (flat - mean) @ directions.T
    deviations = scores.std(axis=0)
    z = scores / deviations
    leads = (flat - mean).reshape(x.shape)
    readers, covariance = [], []
    for k in range(len(LEADS)):
        wave = leads[:, k]
        spread = wave.T @ wave / len(wave)
        covariance.append(spread)
        regularised = spread + _RIDGE * np.eye(SAMPLES)
        readers.append(np.linalg.solve(regularised, wave.T @ z / len(wave)).T)
    painters = (directions * deviations[:, None]).reshape(-1, *x.shape[1:])
    return AlignmentTwin(
        mean.reshape(x.shape[1:]).astype(np.float32),
        np.asarray(readers, np.float32),
        painters.astype(np.float32),
        np.asarray(covariance, np.float32),
    )
