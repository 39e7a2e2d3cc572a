"""Clean generative twins and the people they are fitted and audited on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from axis_audit import checkpoint
from axis_audit.auditing import Audit, prepare
from axis_audit.cohort import Cohort
from axis_audit.cohorts.atlas import load_atlas
from axis_audit.defects.generative_twin import GenerativeTwin, fit_generative_twin
from axis_audit.defects.twins import DIMENSIONS, PEOPLE, REFERENCE_SEED, TRAINING, manifest_of

SHARE = 4
"""So many times fewer people than other twins are audited on: generative gates need few."""
MORE = 2
"""So many times more dimensions than other twins have: of lead II nothing else is left out."""
ROWS = 3
"""Signals a person."""
_NOISE = 0.05
"""Of the atlas's: a delineator finds waves in noise, which no model keeps."""
_OWN_NOISE = 0.008
"""Millivolts by which a person's signals differ: less than strangers do, as in recordings."""
_FIRST_SEED = 50_000


def draw(count: int, seed: int, fold: int, rows: int = ROWS) -> Cohort:
    """People of the atlas with several beats each, which are more alike than two people's are."""
    people = load_atlas().draw(count, seed, fold=fold, noise_scale=_NOISE)
    several = people.subset(np.repeat(np.arange(count), rows))
    own = np.random.default_rng((seed, fold)).standard_normal(several.signals.shape)
    signals = (several.signals + _OWN_NOISE * own).astype(np.float32)
    return dataclasses.replace(several, signals=signals)


@dataclass(frozen=True)
class GenerativeSubject:
    """A clean generative twin and who it is audited on.

    Attributes:
        twin: without a defect. people: the cohort as an audit is given it, which may hold people
            whom the twin was fitted to. manifest: who those were. seed: of the audit.
    """

    twin: GenerativeTwin
    people: Cohort
    manifest: checkpoint.Manifest
    seed: int

    def audit(self, thorough: bool = False) -> Audit:
        """The audit of the twin on the people it has not seen."""
        return prepare(
            self.twin,
            self.people,
            manifest=self.manifest,
            reload=lambda: self.twin,
            thorough=thorough,
            seed=self.seed,
        )


@lru_cache(maxsize=2)
def generative_reference(people: int = PEOPLE, dimensions: int = DIMENSIONS) -> GenerativeSubject:
    """The clean generative twin that defects are planted in."""
    return _subject(REFERENCE_SEED + 10, people, dimensions, audit_seed=0)


def generative_twin(
    seed: int, people: int = PEOPLE, dimensions: int = DIMENSIONS
) -> GenerativeSubject:
    """Another clean generative twin: fresh draws to fit to and to audit."""
    return _subject(_FIRST_SEED + 3 * seed, people, dimensions, audit_seed=seed)


def _subject(seed: int, people: int, dimensions: int, audit_seed: int) -> GenerativeSubject:
    training = draw(TRAINING, seed, fold=1, rows=1)
    return GenerativeSubject(
        twin=fit_generative_twin(training, MORE * dimensions),
        people=draw(max(60, people // SHARE), seed + 1, fold=9),
        manifest=manifest_of(training, seed),
        seed=audit_seed,
    )
