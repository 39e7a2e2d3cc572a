"""Leakage screens: a FAIL is reported; that none was found is no certificate.

They look where the gates of `leakage` do not: at even functions and products of directions, and
at age given sex.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from axis_audit.capabilities import Encodes
from axis_audit.checks import figures
from axis_audit.checks.leakage import MARGIN
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Controls, Measurement, Region
from axis_audit.registry import check

SMALLEST_GROUP = 2
_CURE = (
    "an adversary that sees squares and products of whitened latents, or a penalty on the extreme "
    "eigenvalues of E[(age - mean) z zᵀ]"
)
_SOURCE = (
    "extreme eigenvalues of E[t z zᵀ] on whitened z, test inversion on planted leaks (design: "
    "calibrate by planting); limits in Baik, Ben Arous & Péché 2005, Ann. Probab. 33:1643"
)


@check(
    family="leakage",
    gate=False,
    claim="Age cannot be read from the morphology latent by someone who knows the sex",
    acceptable=Below(MARGIN, "R²"),
    cause="z holds age, perhaps covered by a larger sex difference along the same direction",
    cure="see leakage.linear; give the adversary the sex",
    source="partial R² by within-sex centring (Frisch & Waugh 1933, Econometrica 1:387); exact",
)
def linear_given_sex(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Partial R² of age on the latents given sex, exact interval.

    Age and z are centred within each sex: a z that codes sex in a cohort whose men are younger is
    no leak here, and an age covered by a sex difference is one. People of unknown sex are left
    out. A screen because cohorts without sex exist and must stay decidable; as a number it is as
    exact as leakage.linear, but for the one degree of freedom that the second mean costs.
    """
    from axis_audit.probes.linear import linear_leak

    known = np.flatnonzero(evidence.cohort.sex != "")
    sexes, group, counts = np.unique(
        evidence.cohort.sex[known], return_inverse=True, return_counts=True
    )
    if known.size == 0 or counts.min() < SMALLEST_GROUP:
        return _unanswered(evidence, "the cohort does not say who is a woman and who a man")
    latents, ages = evidence.latents[known].astype(np.float64), evidence.ages[known]
    for sex in range(len(sexes)):
        rows = group == sex
        latents[rows] -= latents[rows].mean(axis=0)
        ages[rows] -= ages[rows].mean()
    leak = linear_leak(latents, ages, acceptable.high, evidence.levels, seed=evidence.seed)
    return Measurement(
        leak.estimate,
        leak.interval,
        leak.n,
        leak.n,
        fail_interval=leak.fail_interval,
        minimum_detectable=leak.minimum_detectable,
        patients_needed=leak.patients_needed,
        controls=Controls(leak.power_at_margin, leak.null_at_zero, leak.complaint),
        figure=figures.scatter(
            ages,
            leak.predictions,
            x_label="age less the mean of the sex (years)",
            y_label="read by the probe",
            title="linear probe of z given sex",
            diagonal=True,
        ),
        details={"sex unknown": evidence.n - leak.n, "directions": leak.rank},
    )


@check(
    family="leakage",
    gate=False,
    claim="No even function or product of latent directions tells age",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age in magnitudes or in products of directions, in any rotation",
    cure=_CURE,
    source=_SOURCE,
)
def quadratic(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Leak on the R² scale at which planted |u·z| and (u·z)(v·z) score like age does.

    Blind below a product of R² of about d/n, and to the part of sign(u·z)·sign(v·z) that is no
    product: where leaks planted at the margin are not found nine times in ten it is INCONCLUSIVE.
    n is that of the fitting people where there are more of them.
    """
    return _quadratic(evidence, lambda ages: ages, acceptable, "age")


@check(
    family="leakage",
    gate=False,
    claim="No even function or product of latent directions tells the distance from middle age",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age with a random sign: its square tells the young and the old from the rest",
    cure=_CURE,
    source=_SOURCE,
)
def quadratic_deviation(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """As leakage.quadratic, of |age - median|: finds z = ±age with a sign that nobody knows."""
    middle = np.median(evidence.ages)
    return _quadratic(evidence, lambda ages: np.abs(ages - middle), acceptable, "|age - median|")


def _quadratic(
    evidence: Evidence,
    of: Callable[[np.ndarray], np.ndarray],
    region: Region,
    name: str,
) -> Measurement:
    from axis_audit.probes.quadratic import quadratic_leak

    found = quadratic_leak(
        evidence.latents,
        of(evidence.ages),
        margin=region.high,
        levels=evidence.levels,
        fit_latents=evidence.fit_latents,
        fit_target=None if evidence.fit_ages is None else of(evidence.fit_ages),
        seed=evidence.seed,
    )
    leak = found.leak
    return Measurement(
        leak.estimate,
        leak.interval,
        found.n,
        found.n,
        fail_interval=leak.fail_interval,
        minimum_detectable=leak.minimum_detectable,
        controls=Controls(leak.power_at_margin, leak.null_at_zero, found.complaint),
        figure=_planted_figure(leak.curve, f"quadratic screen of z: {name}"),
        details={
            "way that counts": found.way,
            "fitting people": found.n_fit,
            "permutation p": found.p_value,
            "power at the margin": leak.power_at_margin,
            "smallest eigenvalue": found.eigenvalues[0],
            "largest eigenvalue": found.eigenvalues[1],
            "directions": found.rank,
        },
    )


def _planted_figure(curve: dict[str, object], title: str) -> dict[str, object]:
    levels = np.asarray(curve["levels"], np.float64)
    bands = {name: np.asarray(curve[name], np.float64) for name in ("mean", "low", "high")}
    bands["observed"] = np.full(len(levels), curve["observed"])
    return figures.line(
        levels,
        bands,
        x_label="planted leak (R²)",
        y_label="score above permuted ages",
        marks={"margin": float(str(curve["margin"]))},
        title=title,
    )


def _unanswered(evidence: Evidence, complaint: str) -> Measurement:
    return Measurement(
        0.0, (0.0, 1.0), evidence.n, evidence.n, controls=Controls(complaint=complaint)
    )
