"""What checks of a classifier's diagnoses share: its logits, and who has what for certain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Classifies
from axis_audit.diseases import BY_NAME, Disease, labels, unsure, vocabularies
from axis_audit.errors import MeasurementError, NotApplicable
from axis_audit.evidence import Evidence, batched, finite

Float64Array = NDArray[np.float64]
FEWEST = 20
"""People who have a disease, and people who do not: fewer decide nothing."""
_KEY = "diagnosed"


@dataclass(frozen=True, eq=False)
class Diagnosed:
    """Audited people of whom one disease is certain, either way.

    Attributes:
        disease: of `diseases.py`. rows: of the audited people. scores: logits, (n,).
        positive: (n,).
    """

    disease: Disease
    rows: NDArray[np.int64]
    scores: Float64Array
    positive: NDArray[np.bool_]

    @property
    def ill(self) -> int:
        """How many have it."""
        return int(self.positive.sum())

    @property
    def well(self) -> int:
        """How many surely do not."""
        return len(self.positive) - self.ill

    @property
    def complaint(self) -> str:
        """Why they are too few, "" if they are not."""
        if min(self.ill, self.well) >= FEWEST:
            return ""
        return (
            f"{self.ill} people have {self.disease.name} and {self.well} surely do not: "
            f"{FEWEST} of each are needed"
        )


def at_home(evidence: Evidence) -> bool:
    """Whether all diagnoses are statements with likelihoods, as PTB-XL's are.

    Raises:
        NotApplicable: nobody's diagnoses are in words that `diseases.py` knows.
    """
    spoken = set(vocabularies(evidence.cohort).tolist()) - {""}
    if not spoken:
        raise NotApplicable(f"{evidence.cohort.name} tells no diagnosis in a known vocabulary")
    return spoken == {"scp"}


def logits(model: Classifies, evidence: Evidence) -> Float64Array:
    """Logits of the audited people, (n, diseases of the model), computed once.

    Raises:
        MeasurementError: another shape, values that are no numbers, or a disease named twice.
    """
    if _KEY not in evidence.shared:
        named = tuple(model.diseases)
        if len(set(named)) < len(named):
            raise MeasurementError(f"the model names a disease twice: {named}")
        found = batched(model.classify, evidence.cohort.signals)
        if found.shape != (evidence.n, len(named)):
            raise MeasurementError(f"classify gave shape {found.shape} for {len(named)} diseases")
        evidence.shared[_KEY] = np.asarray(finite(found, "logits"), np.float64)
    made: Float64Array = evidence.shared[_KEY]
    return made


def diagnosed(model: Classifies, evidence: Evidence, name: str) -> Diagnosed:
    """The people of whom a disease is certain.

    Raises:
        NotApplicable: the model does not know it, or the cohort's sources do not annotate it.
    """
    if name not in model.diseases:
        raise NotApplicable(f"the model does not diagnose {name}: it knows {_listed(model)}")
    known = labels(evidence.cohort, BY_NAME[name])
    rows = np.flatnonzero(~np.isnan(known))
    if not len(rows) and not unsure(evidence.cohort, BY_NAME[name]).any():
        raise NotApplicable(f"{evidence.cohort.name} does not annotate {name}")
    scores = logits(model, evidence)[rows, list(model.diseases).index(name)]
    return Diagnosed(BY_NAME[name], rows, scores, known[rows] == 1.0)


def every_disease(model: Classifies, evidence: Evidence) -> tuple[Diagnosed, ...]:
    """The known diseases of the model for which there are people enough.

    Raises:
        NotApplicable: there is none.
    """
    found = []
    for name in (name for name in model.diseases if name in BY_NAME):
        try:
            one = diagnosed(model, evidence, name)
        except NotApplicable:
            continue
        found += [] if one.complaint else [one]
    if not found:
        raise NotApplicable(
            f"of no disease of the model ({_listed(model)}) does {evidence.cohort.name} tell "
            f"{FEWEST} people who have it and {FEWEST} who do not"
        )
    return tuple(found)


def _listed(model: Classifies) -> str:
    names: Iterable[str] = map(str, model.diseases)
    return ", ".join(names) or "none"
