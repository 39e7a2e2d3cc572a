"""Leakage screens: a FAIL is reported; that none was found is no certificate.

They look where the gates of `leakage` do not: at even functions and products of directions, at age
given sex, and at what sex, site and device tell of it. Those that take minutes are in
`leakage_thorough`.
"""

from __future__ import annotations

from axis_audit.capabilities import DecodesCanonical, Encodes
from axis_audit.checks import leak_measurements as leaks
from axis_audit.checks import leak_questions as questions
from axis_audit.checks.inherited_age import inherited_leak
from axis_audit.checks.leak_measurements import MARGIN
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement, Region
from axis_audit.registry import check

SEX_UNKNOWN = "the cohort does not say who is a woman and who a man"
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
    condemns=True,
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
    question = questions.latents_tell_given_sex(evidence)
    if question is None:
        return leaks.unanswered(evidence, SEX_UNKNOWN)
    return leaks.linear(question, evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    claim="The morphology latent does not inherit age from sex, site or device",
    acceptable=Below(MARGIN, "R²"),
    cause="patients of one sex, hospital or device are older, and z tells which they are",
    cure="balance or match ages across sites, or make z blind to sex, site and device, too",
    source="product of two exact R²: of age on metadata, and of its fitted values on whitened z",
)
def metadata(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Share of the variance of age that metadata explain, times the share of that which z tells.

    Age is regressed on sex, site and device (groups of fewer than ten people are one group), and
    the fitted values on z. Both R² have exact intervals at half the level; the product of their
    ends is the interval. A screen: it names one way in which age comes into z, which leakage.linear
    sees too; a z that is the age itself tells a little of its fitted values as well.
    """
    return inherited_leak(evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
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
    return leaks.quadratic(questions.latents_tell(evidence), evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    claim="No even function or product of latent directions tells the distance from middle age",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age with a random sign: its square tells the young and the old from the rest",
    cure=_CURE,
    source=_SOURCE,
)
def quadratic_deviation(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """As leakage.quadratic, of |age - median|: finds z = ±age with a sign that nobody knows."""
    return leaks.quadratic(questions.latents_tell(evidence).about_deviation(), evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    claim="Distance from the middle age cannot be read linearly from the canonical beat",
    acceptable=Below(MARGIN, "R²"),
    cause="x50 of the very young and the very old differ from the rest: a leak even in age",
    cure="see leakage.linear_deviation: what z does not hold, D(z) cannot draw",
    source="as leakage.canonical_linear, of |age - median age|",
)
def canonical_deviation(
    model: DecodesCanonical, evidence: Evidence, acceptable: Region
) -> Measurement:
    """Population R² of |age - median| on features of the whole canonical beat, exact interval."""
    question = questions.canonical_beat_tells(evidence).about_deviation()
    return leaks.linear(question, evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    claim="No even function or product of the canonical beat's features tells age",
    acceptable=Below(MARGIN, "R²"),
    cause="a wave of x50 grows with age and points up in some and down in others",
    cure="see leakage.quadratic: what z does not hold, D(z) cannot draw",
    source=_SOURCE + "; on 64 principal components, lead RMS and peaks of x50",
)
def canonical_quadratic(
    model: DecodesCanonical, evidence: Evidence, acceptable: Region
) -> Measurement:
    """As leakage.quadratic, from features of the whole canonical beat."""
    return leaks.quadratic(questions.canonical_beat_tells_others(evidence), evidence, acceptable)
