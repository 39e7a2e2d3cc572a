"""People whom no audit should be held on: seen before, entered twice, of ages that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from axis_audit import perturbations
from axis_audit.cohort import CENSORED_AGE, Cohort, waveform_hashes
from axis_audit.defects.catalogue import subject_defect

if TYPE_CHECKING:
    from axis_audit.defects.twins import Subject


@subject_defect(fails="integrity.split", breaks="cohort")
def beat_level_split(subject: Subject) -> Subject:
    """Beats were split, not patients: everybody audited has other beats in training."""
    from axis_audit.defects import twins

    beats = twins.draw(len(subject.people), twins.REFERENCE_SEED + 3, fold=9, records=2)
    second = np.arange(len(beats)) % 2 == 1
    manifest = twins.manifest_of(beats.subset(~second), twins.REFERENCE_SEED)
    people = beats.subset(second)
    return replace(subject, people=people, manifest=manifest, patients="all")


@subject_defect(fails="integrity.split", breaks="cohort")
def training_people_renamed(subject: Subject) -> Subject:
    """The training recordings came back under new patient ids; their waveforms tell."""
    waveforms = np.union1d(subject.manifest.waveforms, subject.people.hashes[:300])
    manifest = replace(subject.manifest, waveforms=waveforms)
    return replace(subject, manifest=manifest, patients="all")


@subject_defect(fails="integrity.near_duplicates", breaks="cohort")
def one_person_under_two_names(subject: Subject) -> Subject:
    """Fifty recordings were entered a second time, rescaled and under new patient ids."""
    people, rng = subject.people, np.random.default_rng(0)
    signals, age = people.signals.copy(), people.age.copy()
    signals[-50:] = perturbations.gain(people.signals[:50], rng)
    age[-50:] = age[:50]
    return replace(subject, people=_with(people, signals=signals, age=age))


@subject_defect(fails="integrity.near_duplicates", breaks="cohort")
def fitted_on_the_audited(subject: Subject) -> Subject:
    """Probes are fitted on noisy copies of the audited recordings, under new patient ids."""
    people, fitting = subject.people, subject.fitting
    signals, age = fitting.signals.copy(), fitting.age.copy()
    count = min(300, len(people))
    signals[:count] = perturbations.noise(people.signals[:count], np.random.default_rng(0), 26.0)
    age[:count] = people.age[:count]
    return replace(subject, fitting=_with(fitting, signals=signals, age=age))


@subject_defect(fails="integrity.ages", breaks="cohort")
def censored_ages_kept(subject: Subject) -> Subject:
    """300, which stands for 'over 89', was written over ages after the cohort was validated."""
    people = replace(subject.people, age=subject.people.age.copy())
    people.age[people.age >= np.quantile(people.age, 0.99)] = CENSORED_AGE
    return replace(subject, people=people)


@subject_defect(fails="prediction.mae", breaks="cohort")
def ages_of_the_next_row(subject: Subject) -> Subject:
    """The table of ages is one row off."""
    people = subject.people
    return replace(subject, people=replace(people, age=np.roll(people.age, 1)))


@subject_defect(fails="prediction.mae", breaks="cohort")
def shuffled_lead_order(subject: Subject) -> Subject:
    """The leads were exported in another order than their names say."""
    people = subject.people
    order = np.random.default_rng(0).permutation(len(people.leads))
    return replace(subject, people=_with(people, signals=people.signals[:, order]))


@subject_defect(fails="prediction.mae", breaks="cohort")
def time_reversed(subject: Subject) -> Subject:
    """The samples of every beat run backwards, as from a buffer read from its end."""
    people = subject.people
    return replace(subject, people=_with(people, signals=people.signals[:, :, ::-1]))


def _with(cohort: Cohort, **columns: np.ndarray) -> Cohort:
    """A copy with other signals, of which the hashes are taken anew, or other columns."""
    changed: dict[str, Any] = {
        name: np.ascontiguousarray(values) for name, values in columns.items()
    }
    if "signals" in changed:
        changed["hashes"] = waveform_hashes(changed["signals"])
    return replace(cohort, **changed)
