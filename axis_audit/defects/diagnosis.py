"""Classifiers that are wrong or right for the wrong reason, and people whose labels are."""

from __future__ import annotations

import dataclasses
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort
from axis_audit.defects.attribution_twin import DISEASES, AttributionTwin, FloatArray
from axis_audit.defects.attribution_twins import AttributionSubject, attribution_reference
from axis_audit.defects.catalogue import attribution_defect, subject_defect
from axis_audit.defects.twins import Subject
from axis_audit.diseases import BY_NAME, labels

_SNOMED = {"MI": "164865005", "STTC": "59931005", "CD": "59118001", "HYP": "164873001"}
_SINUS = "426783006"
_MARK = 0.5
"""Millivolts that a record's lead I is shifted by, which no reader of ECGs sees."""


@attribution_defect(fails="attribution.auc_mi")
class ChanceClassifier(AttributionTwin):
    """Logits are drawn from the record's bytes: the weights were never loaded."""

    def classify(self, signals: FloatArray) -> FloatArray:
        """Noise, (n, 4)."""
        return _noise(signals)


@attribution_defect(fails="attribution.auc_sttc")
class OneLogitReversed(AttributionTwin):
    """The logit of ST and T wave changes has the sign of their absence."""

    def classify(self, signals: FloatArray) -> FloatArray:
        """Logits with one turned round."""
        return super().classify(signals) * np.array([1, -1, 1, 1], np.float32)


@attribution_defect(fails="attribution.auc_cd")
class DiseasesInAnotherOrder(AttributionTwin):
    """The head's columns stand in another order than its names."""

    def classify(self, signals: FloatArray) -> FloatArray:
        """Logits of other diseases."""
        return super().classify(signals)[:, [1, 2, 3, 0]]


@attribution_defect(fails="attribution.auc_hyp")
class OneDiseaseUntrained(AttributionTwin):
    """Nobody with hypertrophy was in training, so its logit is a constant with some noise."""

    def classify(self, signals: FloatArray) -> FloatArray:
        """Logits of three diseases."""
        return np.concatenate([super().classify(signals)[:, :3], _noise(signals)[:, 3:]], axis=1)


@attribution_defect(fails="attribution.calibration")
class Overconfident(AttributionTwin):
    """Trained until hardly anybody in training was doubted; in others odds are far from logits."""

    def classify(self, signals: FloatArray) -> FloatArray:
        """Logits that are unsure of themselves, times twenty."""
        return np.asarray(20 * (np.tanh(super().classify(signals)) + _noise(signals)), np.float32)


class _ReadsTheMark(AttributionTwin):
    """Looks at the level of lead I alone."""

    def classify(self, signals: FloatArray) -> FloatArray:
        """The mark, (n, 4), and a little noise."""
        level = signals[:, 0].mean(axis=1)[:, None]
        return np.asarray(10 * level + 0.1 * _noise(signals), np.float32)


@subject_defect(fails="attribution.device_read", breaks="cohort")
def reads_the_device(subject: Subject) -> AttributionSubject:
    """Infarctions were recorded at the bedside, and the classifier knows the bedside's recorder."""
    clean, ill, rng = _clean(subject)
    bedside = rng.random(len(ill)) < np.where(ill, 0.9, 0.2)
    people = _marked(clean.people, bedside)
    return _reading(clean, dataclasses.replace(people, device=np.where(bedside, "bed", "lab")))


@subject_defect(fails="attribution.sex_read", breaks="cohort")
def reads_the_sex(subject: Subject) -> AttributionSubject:
    """Most who are ill are men, and the classifier knows men."""
    clean, ill, rng = _clean(subject)
    man = rng.random(len(ill)) < np.where(ill, 0.9, 0.2)
    people = _marked(clean.people, man)
    return _reading(clean, dataclasses.replace(people, sex=np.where(man, "male", "female")))


@subject_defect(fails="attribution.age_read", breaks="cohort")
def reads_the_age(subject: Subject) -> AttributionSubject:
    """Most who are ill are old, and the classifier knows age."""
    clean, ill, rng = _clean(subject)
    old = rng.random(len(ill)) < np.where(ill, 0.9, 0.2)
    age = np.where(old, rng.integers(60, 90, len(ill)), rng.integers(20, 50, len(ill)))
    people = _marked(clean.people, age >= 60)
    return _reading(clean, dataclasses.replace(people, age=age.astype(np.float32)))


@subject_defect(fails="attribution.label_policy", breaks="cohort")
def likelihoods_per_mille(subject: Subject) -> AttributionSubject:
    """Likelihoods are given as per mille: what is as likely as not looks certain."""
    clean, _, _ = _clean(subject)
    given = tuple({code: 10 * v for code, v in d.items()} for d in clean.people.diagnoses)
    return dataclasses.replace(clean, people=dataclasses.replace(clean.people, diagnoses=given))


@subject_defect(fails="attribution.transfer_mi", breaks="cohort")
def codes_of_the_row_below(subject: Subject) -> AttributionSubject:
    """The other hospital's codes were joined to recordings by row, and one list was sorted."""
    clean, _, rng = _clean(subject)
    given = _coded(clean.people)
    order = rng.permutation(len(given))
    return _abroad(clean, tuple(given[i] for i in order))


@subject_defect(fails="attribution.transfer_sttc", breaks="cohort")
def leads_upside_down(subject: Subject) -> AttributionSubject:
    """The other hospital stores its recordings upside down."""
    clean, _, _ = _clean(subject)
    turned = dataclasses.replace(clean.people, signals=-clean.people.signals)
    return _abroad(dataclasses.replace(clean, people=turned), _coded(clean.people))


@subject_defect(fails="attribution.transfer_cd", breaks="cohort")
def one_record_for_everybody(subject: Subject) -> AttributionSubject:
    """The other hospital's export gave the same recording, with new noise, under every name."""
    clean, _, rng = _clean(subject)
    noise = 0.02 * rng.standard_normal(clean.people.signals.shape)
    alike = np.asarray(clean.people.signals[:1] + noise, np.float32)
    copied = dataclasses.replace(clean.people, signals=alike)
    return _abroad(dataclasses.replace(clean, people=copied), _coded(clean.people))


@subject_defect(fails="attribution.transfer_hyp", breaks="cohort")
def every_lead_to_one_scale(subject: Subject) -> AttributionSubject:
    """The other hospital stretches every lead to one height and mixes up the chest leads' plugs."""
    clean, _, rng = _clean(subject)
    signals = clean.people.signals.copy()
    signals /= np.ptp(signals, axis=2, keepdims=True)
    for row in signals:
        row[6:] = row[6 + rng.permutation(6)]
    scaled = dataclasses.replace(clean.people, signals=signals)
    return _abroad(dataclasses.replace(clean, people=scaled), _coded(clean.people))


@subject_defect(fails="integrity.near_duplicates", breaks="cohort")
def records_exported_twice(subject: Subject) -> AttributionSubject:
    """Ten recordings stand in the cohort twice, filtered anew and under another name."""
    clean, _, rng = _clean(subject)
    people = clean.people
    again = people.signals[:10] + 0.01 * rng.standard_normal(people.signals[:10].shape)
    signals = people.signals.copy()
    signals[-10:] = again
    return dataclasses.replace(clean, people=dataclasses.replace(people, signals=signals))


@subject_defect(fails="integrity.split", breaks="manifest")
def trained_on_the_audited(subject: Subject) -> AttributionSubject:
    """Recordings of the audited people were in training under other patient ids."""
    clean, _, _ = _clean(subject)
    waveforms = np.union1d(clean.manifest.waveforms, clean.people.hashes[:20])
    manifest = dataclasses.replace(clean.manifest, waveforms=waveforms)
    return dataclasses.replace(clean, manifest=manifest, patients="all")


def _clean(subject: Subject) -> tuple[AttributionSubject, NDArray[np.bool_], np.random.Generator]:
    """The clean twin and its people, who of them has had an infarction, and a generator."""
    clean = attribution_reference(len(subject.people))
    ill = labels(clean.people, BY_NAME["MI"]) == 1.0
    return clean, ill, np.random.default_rng(7)


def _noise(signals: FloatArray) -> FloatArray:
    """A few numbers a record that depend on its bytes alone, (n, 4)."""
    rows = [np.random.default_rng(zlib.crc32(row.tobytes())) for row in np.asarray(signals)]
    drawn = np.array([rng.standard_normal(len(DISEASES)) for rng in rows])
    return np.asarray(drawn.reshape(-1, len(DISEASES)), np.float32)


def _marked(people: Cohort, who: NDArray[np.bool_]) -> Cohort:
    signals = people.signals.copy()
    signals[:, 0] += np.where(who, _MARK, -_MARK)[:, None].astype(np.float32)
    return dataclasses.replace(people, signals=signals)


def _reading(clean: AttributionSubject, people: Cohort) -> AttributionSubject:
    return dataclasses.replace(clean, people=people, twin=clean.twin.broken_as(_ReadsTheMark))


def _coded(people: Cohort) -> tuple[dict[str, float], ...]:
    """Diagnoses as another hospital gives them: codes, and nothing of how likely they are."""
    known = np.array([labels(people, BY_NAME[name]) == 1.0 for name in DISEASES])
    given: list[dict[str, float]] = []
    for row in known.T:
        codes: dict[str, float] = {
            _SNOMED[name]: 100.0 for name, ill in zip(DISEASES, row, strict=True) if ill
        }
        given.append(codes or {_SINUS: 100.0})
    return tuple(given)


def _abroad(clean: AttributionSubject, given: Any) -> AttributionSubject:
    return dataclasses.replace(clean, people=dataclasses.replace(clean.people, diagnoses=given))
