"""Are canonical beats and B possible: do they obey the laws of limb leads?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import DecodesCanonical, Prepares, PreparesAlongAxis
from axis_audit.checks.measured import measured
from axis_audit.errors import NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement
from axis_audit.measures.einthoven import einthoven_residuals, lawful_limb_leads
from axis_audit.registry import check
from axis_audit.statistics.intervals import quantile

LARGEST = Below(0.01, "of the limb leads' size")
KEPT = 1e-4
"""Residual up to which `prepare` counts as keeping the law: float32 leaves 1e-7."""
_PROBE = 64
_CAUSE = "leads are decoded one by one: the beat could come from no three electrodes"
_CURE = "decode eight independent leads and derive the other four"
_SOURCE = "Einthoven 1912; Goldberger 1942, Am. Heart J. 23:483"


@check(
    family="leads",
    claim="Canonical beats are possible: x50 obeys Einthoven's and Goldberger's laws",
    acceptable=LARGEST,
    cause=_CAUSE,
    cure=_CURE,
    source=_SOURCE,
)
def einthoven_canonical(model: DecodesCanonical, evidence: Evidence) -> Measurement:
    """95th percentile over people of the largest relative violation of a law by x50.

    Only where `prepare` keeps the laws of lawful signals. One scale a lead breaks them for
    everybody: NOT APPLICABLE, unless the adapter declares `keeps_record_scale = True`.
    """
    broken = _broken_by_preparation(model, evidence)
    if broken is not None:
        return broken
    worst = _largest(evidence.canonical, evidence.cohort.leads)
    estimate = quantile(worst, 0.95, evidence.levels, low=0.0)
    return measured(
        estimate,
        evidence,
        details={"median": float(np.median(worst)), "largest": float(worst.max())},
    )


@check(
    family="leads",
    claim="Ageing is possible: B obeys Einthoven's and Goldberger's laws",
    acceptable=LARGEST,
    exact=True,
    cause=_CAUSE,
    cure=_CURE,
    source=_SOURCE,
)
def einthoven_direction(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """Largest relative violation of a law by B; where it applies as in einthoven_canonical."""
    broken = _broken_by_preparation(model, evidence)
    if broken is not None:
        return broken
    shape = (1, *evidence.cohort.signals.shape[1:])
    beat = evidence.direction.reshape(shape)
    leads = evidence.cohort.leads
    by_law = {k: float(v[0]) for k, v in einthoven_residuals(beat, leads).items()}
    return Measurement.exactly(float(_largest(beat, leads)[0]), n=1, details=by_law)


def _broken_by_preparation(model: Prepares, evidence: Evidence) -> Measurement | None:
    """None where the laws survive `prepare`; a FAIL where the adapter says that they do.

    Raises:
        NotApplicable: limb leads are missing, or the model scales its leads one by one.
    """
    leads = evidence.cohort.leads
    if not {"I", "II", "III"} <= set(leads):
        raise NotApplicable("the model does not take leads I, II and III, which the laws are about")
    lawful = lawful_limb_leads(evidence.cohort.signals[:_PROBE], leads)
    residual = float(_largest(np.asarray(model.prepare(lawful)), leads).max())
    if residual <= KEPT:
        return None
    if getattr(model, "keeps_record_scale", False):
        return Measurement.exactly(
            max(residual, 2 * LARGEST.high),
            n=len(lawful),
            n_patients=len(lawful),
            details={
                "residual of prepared lawful beats": residual,
                "why": "the adapter declares keeps_record_scale, but prepare breaks the laws",
            },
        )
    raise NotApplicable(
        f"prepare does not keep one scale a record: lawful beats leave it with a residual of "
        f"{residual:.2g}, so the laws hold for no beat of this model"
    )


def _largest(beats: NDArray[np.floating], leads: tuple[str, ...]) -> NDArray[np.float64]:
    """Largest violation over the laws, shape (n,); 0 for beats whose I, II and III are silent."""
    laws = np.stack(list(einthoven_residuals(beats, leads).values()))
    return np.asarray(np.max(np.nan_to_num(laws, nan=0.0), axis=0))
