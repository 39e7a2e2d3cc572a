"""Clean twins and the people they are fitted and audited on; one recipe for tests and command."""

from __future__ import annotations

from dataclasses import dataclass

from axis_audit import checkpoint
from axis_audit.auditing import Audit, prepare
from axis_audit.cohort import Cohort
from axis_audit.cohorts.atlas import load_atlas
from axis_audit.defects.twin import Twin, atlas_trend, fit_twin

AGE_SCALE = 3.0
"""Ageing is made three times as visible as in the atlas, so that few people decide."""
DIMENSIONS = 16
PEOPLE, FITTING, TRAINING = 1200, 3000, 3000
REFERENCE_SEED = 101
"""The twin that defects are planted in; its people have the two seeds that follow."""
_FIRST_SEED = 10_000


def draw(count: int, seed: int, fold: int, records: int = 1) -> Cohort:
    """People of the atlas without its sex effect, which is not quite independent of age."""
    return load_atlas().draw(count, seed, records, fold=fold, age_scale=AGE_SCALE, sex_scale=0.0)


@dataclass(frozen=True)
class Subject:
    """A clean twin and who it is audited on.

    Attributes:
        twin: without a defect. people: audited. fitting: for probes to be fitted on.
        manifest: who the twin was fitted to. seed: of the audit's resampling and plants.
        patients: "unseen", or "all" to audit people whom the manifest names too.
    """

    twin: Twin
    people: Cohort
    fitting: Cohort
    manifest: checkpoint.Manifest
    seed: int
    patients: str = "unseen"

    def audit(self, thorough: bool = False) -> Audit:
        """The audit of the twin on its people; `thorough` with the checks that take minutes."""
        return prepare(
            self.twin,
            self.people,
            fit_cohort=self.fitting,
            manifest=self.manifest,
            reload=lambda: self.twin,
            patients=self.patients,
            thorough=thorough,
            seed=self.seed,
        )


def reference(people: int = PEOPLE, dimensions: int = DIMENSIONS) -> Subject:
    """The clean twin that defects are planted in, as the tests fit it."""
    return _subject(REFERENCE_SEED, people, dimensions, audit_seed=0)


def clean_twin(seed: int, people: int = PEOPLE, dimensions: int = DIMENSIONS) -> Subject:
    """Another clean twin: fresh draws to train on, to audit and to fit probes on."""
    return _subject(_FIRST_SEED + 3 * seed, people, dimensions, audit_seed=seed)


def manifest_of(training: Cohort, seed: int) -> checkpoint.Manifest:
    """What a checkpoint fitted to these people says about them."""
    return checkpoint.Manifest(
        patients=checkpoint.hash_ids(training.patient_ids),
        waveforms=training.hashes,
        data={"data": "atlas", "seed": seed, "selected_by": "nothing: fitted in closed form"},
    )


def _subject(seed: int, people: int, dimensions: int, audit_seed: int) -> Subject:
    training = draw(TRAINING, seed, fold=1)
    return Subject(
        twin=fit_twin(training, dimensions, atlas_trend()),
        people=draw(people, seed + 1, fold=9),
        fitting=draw(FITTING, seed + 2, fold=8),
        manifest=manifest_of(training, seed),
        seed=audit_seed,
    )
