"""Latents that tell age only through somebody else: what they code differs by age in a cohort."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.cohort import Cohort
from axis_audit.defects.catalogue import copy_as, subject_defect
from axis_audit.defects.leakage import replaced
from axis_audit.defects.twin import FloatArray, Twin

if TYPE_CHECKING:
    from axis_audit.defects.twins import Subject

_YEARS = 8.0
"""How gradually one group takes over from the other with age."""


@dataclasses.dataclass(frozen=True)
class _Marking:
    """A mark that the beats of one group bear: (12, 120) in mV, and whose it is, by age."""

    mark: FloatArray

    def place(self, signals: FloatArray) -> NDArray[np.float64]:
        """How much of the mark each signal (n, 12, 120) bears."""
        across = self.mark / np.sum(np.square(self.mark))
        return np.asarray(np.einsum("nlt,lt->n", signals.astype(np.float64), across))

    def older(self, cohort: Cohort, seed: int) -> NDArray[np.bool_]:
        """A group in which the old are many and the young few."""
        chance = 1 / (1 + np.exp(-(cohort.age.astype(np.float64) - 60) / _YEARS))
        return np.random.default_rng(seed).random(len(cohort)) < chance


def _marked(subject: Subject, marking: _Marking, column: str, names: tuple[str, str]) -> Subject:
    """Beats of the older group bear the mark, and z's last dimension reads it."""

    class MarkCoded(Twin):
        def encode(self, signals: FloatArray) -> FloatArray:
            place = marking.place(np.asarray(signals, np.float32))
            return replaced(super().encode(signals), place)

    def marked(cohort: Cohort, seed: int) -> Cohort:
        older = marking.older(cohort, seed)
        signals = cohort.signals + older[:, None, None] * marking.mark
        labels: dict[str, Any] = {column: np.where(older, *names)}
        return replace(cohort, signals=signals.astype(np.float32), **labels)

    return replace(
        subject,
        twin=copy_as(MarkCoded, subject.twin),
        people=marked(subject.people, 0),
        fitting=marked(subject.fitting, 1),
    )


@subject_defect(fails="leakage.linear", breaks="cohort")
def sex_coded_latent(subject: Subject) -> Subject:
    """z codes the sex that beats show, in a cohort where most of the old are women."""
    from axis_audit.cohorts.atlas import load_atlas
    from axis_audit.cohorts.beats import derive_twelve_leads

    effect = derive_twelve_leads(load_atlas().sex_effect[None])[0].astype(np.float32)
    flat = effect.ravel() - subject.twin.ageing.T @ (subject.twin.ageing @ effect.ravel())
    return _marked(subject, _Marking(3 * flat.reshape(effect.shape)), "sex", ("female", "male"))


@subject_defect(fails="leakage.linear", breaks="cohort")
def site_coded_latent(subject: Subject) -> Subject:
    """z codes the mains hum of one hospital, where the old are treated."""
    hum = np.tile(np.array([0.05, -0.05], np.float32), (12, 60))
    return _marked(subject, _Marking(hum), "site", ("geriatrics", "sports medicine"))
