"""Clean alignment twins and the people they are fitted and audited on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from axis_audit import checkpoint
from axis_audit.auditing import Audit, prepare
from axis_audit.cohort import Cohort, make_cohort
from axis_audit.cohorts.atlas import load_atlas
from axis_audit.cohorts.beats import derive_twelve_leads
from axis_audit.defects.alignment_twin import SAMPLES, SPEC, AlignmentTwin, fit_alignment_twin
from axis_audit.defects.twins import DIMENSIONS, PEOPLE, REFERENCE_SEED, TRAINING, manifest_of

SHARE = 3
"""So many times fewer people than other twins are audited on."""
LATENTS = 6
"""Components in which these people's beats differ: few, so that any lead tells them all."""
ROWS = 2
"""Recordings a person."""
PERIOD = 100
"""Samples of a beat: every heart beats at 60 a minute."""
DRIFTS = 6
_SAME_PERSON = 0.99
"""Share of a score's variance that stays from one recording to the next."""
_NOISE, _DRIFT = 0.008, 0.02
"""Millivolts: of noise, and of each of a recording's slow waves, which no beat repeats."""
_FIRST_SEED = 70_000


def drifts() -> np.ndarray:
    """Slow waves (`DRIFTS`, `SAMPLES`) that turn their sign from each beat to the next."""
    turns = (2 * np.arange(DRIFTS // 2) + 1)[:, None] * np.arange(SAMPLES) / (2 * PERIOD)
    return np.concatenate([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)])


def draw(count: int, seed: int, fold: int, rows: int = ROWS) -> Cohort:
    """People who never lived: beats of the atlas's first components, repeated, with a drift.

    Age and sex are told by nothing in them. Recordings of a person are alike in their beats; noise
    and drift are the recording's own. The drift is the same in all chest leads, I and II.
    """
    atlas = load_atlas()
    rng = np.random.default_rng((seed, fold))
    person = np.repeat(rng.standard_normal((count, LATENTS)), rows, axis=0)
    visit = rng.standard_normal(person.shape)
    scores = np.sqrt(_SAME_PERSON) * person + np.sqrt(1 - _SAME_PERSON) * visit
    components = atlas.components[:LATENTS].reshape(LATENTS, -1)
    beats = (scores * atlas.score_sd[:LATENTS]) @ components
    beats = beats.reshape(len(scores), *atlas.mean.shape) + atlas.mean
    records = np.tile(beats[..., :PERIOD], SAMPLES // PERIOD)
    records += _NOISE * rng.standard_normal(records.shape)
    records += _DRIFT * (rng.standard_normal((len(scores), DRIFTS)) @ drifts())[:, None]
    ids = np.array([f"tiled/{seed}/{fold}.{i}" for i in range(count)])
    return make_cohort(
        "tiled beats of the atlas",
        derive_twelve_leads(records),
        rate=SPEC.rate,
        kind="record",
        scope="synthetic",
        record_ids=np.array([f"{p}/{k}" for p in ids for k in range(rows)]),
        patient_ids=np.repeat(ids, rows),
        age=np.repeat(rng.integers(20, 90, count), rows),
        sex=np.repeat(rng.choice(["female", "male"], count), rows),
        fold=np.full(count * rows, fold),
    )


@dataclass(frozen=True)
class AlignmentSubject:
    """A clean alignment twin and who it is audited on.

    Attributes:
        twin: without a defect. people: audited. manifest: who the twin was fitted to.
        seed: of the audit.
    """

    twin: AlignmentTwin
    people: Cohort
    manifest: checkpoint.Manifest
    seed: int

    def audit(self, thorough: bool = False) -> Audit:
        """The audit of the twin on its people."""
        return prepare(
            self.twin,
            self.people,
            manifest=self.manifest,
            reload=lambda: self.twin,
            thorough=thorough,
            seed=self.seed,
        )


@lru_cache(maxsize=2)
def alignment_reference(people: int = PEOPLE, dimensions: int = DIMENSIONS) -> AlignmentSubject:
    """The clean alignment twin that defects are planted in."""
    return _subject(REFERENCE_SEED + 20, people, dimensions, audit_seed=0)


def alignment_twin(
    seed: int, people: int = PEOPLE, dimensions: int = DIMENSIONS
) -> AlignmentSubject:
    """Another clean alignment twin: fresh draws to fit to and to audit."""
    return _subject(_FIRST_SEED + 3 * seed, people, dimensions, audit_seed=seed)


def _subject(seed: int, people: int, dimensions: int, audit_seed: int) -> AlignmentSubject:
    training = draw(TRAINING // 2, seed, fold=1, rows=1)
    return AlignmentSubject(
        twin=fit_alignment_twin(training, min(LATENTS, dimensions)),
        people=draw(max(60, people // SHARE), seed + 1, fold=9),
        manifest=manifest_of(training, seed),
        seed=audit_seed,
    )
