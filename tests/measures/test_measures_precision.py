"""Half-precision latents and beats are judged as the numbers they are, not in half precision."""

import numpy as np
import pytest

from axis_audit.measures.axis import (
    direction_similarity,
    regress_direction,
    squared_errors,
    transport_ratio,
)
from axis_audit.measures.canonical import canonical_features
from axis_audit.measures.collapse import explained_by_latents, participation_ratio
from axis_audit.measures.duplicates import unit_rows
from axis_audit.measures.einthoven import einthoven_residuals, lawful_limb_leads
from axis_audit.measures.monotonicity import smallest_increment, spearman_exact
from axis_audit.measures.principal import principal_directions
from axis_audit.measures.random_encoder import random_features
from axis_audit.measures.smoothness import largest_second_difference

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")


def half(*shape, seed=0):
    return (60 + 9 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float16)


BEATS, G, B, LATENTS = half(24, 6, 10), half(24, seed=1), half(6, 10, seed=2), half(24, 3, seed=3)
DRAWN = np.random.default_rng(4).integers(0, 3, (2, 24)).astype(np.float16)
AXIS = np.cumsum(np.abs(half(24, seed=5)) / 64).astype(np.float16)

CASES = {
    "direction": (regress_direction, (BEATS, G, DRAWN[0])),
    "similarity": (direction_similarity, (DRAWN, BEATS, G, B)),
    "transport": (transport_ratio, (DRAWN, BEATS, G, B)),
    "canonical": (canonical_features, (BEATS,)),
    "reference": (lambda x, y: canonical_features(x, reference=y), (BEATS[:9], BEATS)),
    "participation": (participation_ratio, (LATENTS,)),
    "explained": (lambda x, z: explained_by_latents(x, z).error, (BEATS, LATENTS)),
    "principal mean": (lambda x: principal_directions(x, 3)[0], (BEATS[:, 0],)),
    "principal": (lambda x: principal_directions(x, 3)[1], (BEATS[:, 0],)),
    "einthoven": (lambda x: list(einthoven_residuals(x, LEADS).values()), (BEATS,)),
    "lawful": (lambda x: lawful_limb_leads(x, LEADS), (BEATS,)),
    "order": (spearman_exact, (G, LATENTS[:, 0])),
    "increment": (smallest_increment, (AXIS,)),
    "bend": (lambda g: largest_second_difference(g, 0.1), (AXIS,)),
    "copies": (unit_rows, (BEATS,)),
    "random": (random_features, (BEATS,)),
}


@pytest.mark.parametrize("name", CASES)
def test_half_precision_numbers_give_the_answer_of_the_same_numbers_in_double(name):
    function, arguments = CASES[name]
    found, expected = function(*arguments), function(*(a.astype(np.float64) for a in arguments))
    np.testing.assert_array_equal(found, expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype


def test_residuals_keep_their_precision_and_an_axis_of_halves_is_not_rounded_further():
    r, g, b = half(9, 12).astype(np.float32), half(9, seed=1), half(12, seed=2).astype(np.float64)
    expected = np.sum((r.astype(np.float64) - np.outer(g.astype(np.float64), b)) ** 2, axis=1)
    np.testing.assert_allclose(squared_errors(r, g, b), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_lawful_leads_come_in_single_precision(dtype):
    assert lawful_limb_leads(BEATS.astype(dtype), LEADS).dtype == np.float32
