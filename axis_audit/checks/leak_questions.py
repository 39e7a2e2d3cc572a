"""What a leakage check asks: can this target be read from these features, and of whom?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.evidence import Evidence

SMALLEST_SEX = 2
"""Fewer people of a sex than this have no mean to be centred on."""
Array = NDArray[np.floating]
Rows = tuple[Array, Array]
"""Features and target of the same people."""


@dataclass(frozen=True)
class Question:
    """What a probe is asked to read, and from what.

    Attributes:
        features, target: of the audited people, shapes (n, d) and (n,).
        fit: gives features and target of the people to fit on, or None; called by the probes that
            need them only, since encoding so many takes time.
        of: what the features are, for titles ("z"). asks: what the target is ("age").
        unknown: people left out because the question needs something not known of them.
    """

    features: Array
    target: Array
    fit: Callable[[], Rows | None] = lambda: None
    of: str = "z"
    asks: str = "age (years)"
    unknown: int = 0

    def about_deviation(self) -> Question:
        """The same of |age - median age|, the median of the audited people for everyone."""
        middle = np.median(self.target)

        def fit() -> Rows | None:
            rows = self.fit()
            return rows and (rows[0], np.abs(rows[1] - middle))

        return dataclasses.replace(
            self, target=np.abs(self.target - middle), fit=fit, asks="years from the median age"
        )


def latents_tell(evidence: Evidence) -> Question:
    """Does z tell age?"""
    return Question(
        evidence.latents, evidence.ages, lambda: _pair(evidence.fit_latents, evidence.fit_ages)
    )


def posterior_scale_tells(evidence: Evidence) -> Question:
    """Does log σ² of the posterior tell age?"""
    return Question(
        evidence.posterior_scale,
        evidence.ages,
        lambda: _pair(evidence.fit_posterior_scale, evidence.fit_ages),
        of="log σ²",
    )


def canonical_beat_tells(evidence: Evidence) -> Question:
    """Does x50 tell age, to a probe fitted on the audited people themselves?"""
    return Question(evidence.canonical_features, evidence.ages, of="x50")


def canonical_beat_tells_others(evidence: Evidence) -> Question:
    """Does x50 tell age, to a probe that may be fitted on other people?"""
    features = evidence.fitted_canonical_features
    if features is None:
        return canonical_beat_tells(evidence)
    ours, theirs = features
    return Question(ours, evidence.ages, lambda: _pair(theirs, evidence.fit_ages), of="x50")


def latents_tell_given_sex(evidence: Evidence) -> Question | None:
    """Does z tell age to someone who knows the sex? None where too few people's sex is known.

    Age and z are centred within each sex (Frisch & Waugh 1933).
    """
    own = _within_sex(evidence.latents, evidence.ages, evidence.cohort.sex)
    if own is None:
        return None

    def fit() -> Rows | None:
        cohort, latents, ages = evidence.fit_cohort, evidence.fit_latents, evidence.fit_ages
        if cohort is None or latents is None or ages is None:
            return None
        return _within_sex(latents, ages, cohort.sex)

    latents, ages = own
    return Question(
        latents,
        ages,
        fit,
        of="z given sex",
        asks="age less the mean of the sex (years)",
        unknown=evidence.n - len(ages),
    )


def _pair(features: Array | None, target: Array | None) -> Rows | None:
    return None if features is None or target is None else (features, target)


def _within_sex(latents: Array, ages: Array, sex: NDArray[np.str_]) -> Rows | None:
    known = np.flatnonzero(sex != "")
    sexes, group, counts = np.unique(sex[known], return_inverse=True, return_counts=True)
    if known.size == 0 or counts.min() < SMALLEST_SEX:
        return None
    z, y = latents[known].astype(np.float64), ages[known].astype(np.float64)
    for i in range(len(sexes)):
        rows = group == i
        z[rows] -= z[rows].mean(axis=0)
        y[rows] -= y[rows].mean()
    return z, y
