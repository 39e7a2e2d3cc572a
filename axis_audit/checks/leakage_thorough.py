"""Leakage screens that take longer, the trees minutes: run with `--thorough`."""

from __future__ import annotations

from axis_audit.capabilities import Encodes, EncodesPosterior
from axis_audit.checks import leak_measurements as leaks
from axis_audit.checks import leak_questions as questions
from axis_audit.checks.leak_measurements import MARGIN
from axis_audit.checks.leakage_screens import SEX_UNKNOWN
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement, Region
from axis_audit.registry import check

_PLANTS = "test inversion on planted leaks (design: calibrate by planting)"


@check(
    family="leakage",
    gate=False,
    condemns=True,
    thorough=True,
    claim="Age cannot be read by boosted trees from the morphology latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age in steps or boxes along its own dimensions or its principal ones",
    cure="an adversary of trees, or one that sees thresholded latents",
    source="histogram gradient boosting (Ke et al. 2017, NeurIPS 30); " + _PLANTS,
)
def trees(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Leak on the R² scale at which random shallow trees planted in z score like age does.

    The trees see the latents both as the model gives them and whitened: a leak along one dimension
    shows in the former, one in a direction of tiny variance in the latter.
    """
    return leaks.trees(questions.latents_tell(evidence), evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    thorough=True,
    claim="Distance from the middle age cannot be read by a small neural network from the latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age with a random sign, or its distance from the middle in a curved way",
    cure="see leakage.mlp; an adversary on |age - median|",
    source="as leakage.mlp, of |age - median age|, which is permuted and planted in place of age",
)
def mlp_deviation(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """As leakage.mlp, of |age - median|."""
    return leaks.mlp(questions.latents_tell(evidence).about_deviation(), evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    thorough=True,
    claim="Age cannot be read by a small neural network that knows the sex from the latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z holds age nonlinearly, covered by a sex difference",
    cure="see leakage.mlp; give the adversary the sex",
    source="as leakage.mlp, of age and latents centred within each sex",
)
def mlp_given_sex(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """As leakage.mlp, of age and z less their means among people of the same sex."""
    question = questions.latents_tell_given_sex(evidence)
    if question is None:
        return leaks.unanswered(evidence, SEX_UNKNOWN)
    return leaks.mlp(question, evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    thorough=True,
    claim="Age cannot be read by a small neural network from how sure the encoder is",
    acceptable=Below(MARGIN, "R²"),
    cause="log σ² of the posterior carries age nonlinearly",
    cure="see leakage.posterior_scale",
    source="as leakage.mlp, of the log variances of the posterior",
)
def posterior_scale_mlp(
    model: EncodesPosterior, evidence: Evidence, acceptable: Region
) -> Measurement:
    """As leakage.mlp, from log σ²."""
    if leaks.one_posterior_scale(evidence):
        return leaks.nothing_to_read(evidence)
    return leaks.mlp(questions.posterior_scale_tells(evidence), evidence, acceptable)


@check(
    family="leakage",
    gate=False,
    condemns=True,
    thorough=True,
    claim="No product of signs of latent directions tells age",
    acceptable=Below(MARGIN, "R²"),
    cause="two directions of z, in any rotation, agree in sign in the old and differ in the young",
    cure="an adversary that sees products of signs of whitened latents; see leakage.quadratic",
    source="as leakage.quadratic, of ages and of the oldest 15 % against the youngest; " + _PLANTS,
)
def sign_products(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Leak on the R² scale at which planted sign(u·z)·sign(v·z) score like age does.

    Only .41 of such a product is quadratic, which leakage.quadratic takes for a smaller leak; here
    it counts whole, and the ends of the ages are looked at too. In-sample it is blind to sign
    products at the margin unless people are many and dimensions few: then it is INCONCLUSIVE, and
    so it is with people to fit on where these are too few, though a larger leak may still FAIL.
    """
    return leaks.sign_products(questions.latents_tell(evidence), evidence, acceptable)
