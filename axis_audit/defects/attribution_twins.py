"""Clean attribution twins and the people they are fitted and audited on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from axis_audit import checkpoint
from axis_audit.auditing import Audit, prepare
from axis_audit.cohort import Cohort
from axis_audit.defects.attribution_people import draw
from axis_audit.defects.attribution_twin import AttributionTwin, fit_attribution_twin
from axis_audit.defects.twins import DIMENSIONS, PEOPLE, REFERENCE_SEED, TRAINING, manifest_of

SHARE = 8
"""So many times fewer people than other twins are audited on: each brings a whole record."""
_FIRST_SEED = 90_000


@dataclass(frozen=True)
class AttributionSubject:
    """A clean attribution twin and who it is audited on.

    Attributes:
        twin: without a defect. people: audited. manifest: who the twin was fitted to.
        seed: of the audit. patients: "unseen", or "all" to audit people whom the manifest names.
    """

    twin: AttributionTwin
    people: Cohort
    manifest: checkpoint.Manifest
    seed: int
    patients: str = "unseen"

    def audit(self, thorough: bool = False) -> Audit:
        """The audit of the twin on its people."""
        return prepare(
            self.twin,
            self.people,
            manifest=self.manifest,
            reload=lambda: self.twin,
            patients=self.patients,
            thorough=thorough,
            seed=self.seed,
        )


@lru_cache(maxsize=2)
def attribution_reference(people: int = PEOPLE, dimensions: int = DIMENSIONS) -> AttributionSubject:
    """The clean attribution twin that defects are planted in."""
    return _subject(REFERENCE_SEED + 30, people, audit_seed=0)


def attribution_twin(
    seed: int, people: int = PEOPLE, dimensions: int = DIMENSIONS
) -> AttributionSubject:
    """Another clean attribution twin: fresh draws to fit to and to audit."""
    return _subject(_FIRST_SEED + 3 * seed, people, audit_seed=seed)


def _subject(seed: int, people: int, audit_seed: int) -> AttributionSubject:
    training = draw(TRAINING // 5, seed, fold=1)
    return AttributionSubject(
        twin=fit_attribution_twin(training),
        people=draw(max(120, people // SHARE), seed + 1, fold=9).people,
        manifest=manifest_of(training.people, seed),
        seed=audit_seed,
    )
