"""A leakage gate that a few wild people cannot blind: latents by rank."""

from __future__ import annotations

import dataclasses

from axis_audit.capabilities import Encodes
from axis_audit.checks import leak_measurements, leak_questions
from axis_audit.checks.leak_measurements import MARGIN
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement, Region
from axis_audit.registry import check


@check(
    family="leakage",
    claim="Age cannot be read linearly from the ranks of the morphology latent",
    acceptable=Below(MARGIN, "R²"),
    cause="z carries age under heavy tails: a few wild people rule its variance, and least squares",
    cure="see leakage.linear; bound the latents, and look at the people with the largest ones",
    source="as leakage.linear, on normal scores of ranks (van der Waerden 1952)",
)
def linear_ranked(model: Encodes, evidence: Evidence, acceptable: Region) -> Measurement:
    """Population R² of age on the latents' normal scores, exact interval.

    Each dimension, and each principal direction, is replaced by the normal scores of its ranks
    among the audited people; no age enters that. One person of 100 scaled ten-thousandfold is
    enough to hide a plain copy of age from every probe of whitened z, and changes no rank.
    """
    from axis_audit.probes.ranks import ranked_coordinates

    question = leak_questions.latents_tell(evidence)
    ranked = dataclasses.replace(
        question, features=ranked_coordinates(question.features), of="the ranks of z"
    )
    return leak_measurements.linear(ranked, evidence, acceptable)
