"""Products of signs: the spectrum of the quadratic screen, of the oldest against the youngest too.

Of a leak sign(u·z)·sign(v·z) in unknown rotation the spectrum of E[t z zᵀ] shows what is quadratic
in z and linear in the target t, and at R² .20, n = 5,000 and d = 256 that is not enough (see
`probes.quadratic`). What z offers is used up; the target has more to give. Where ages are bounded
those at the ends tell the sign outright: of uniform ages with such a leak the outer 14 % on each
side do, and those in the middle do not at all. So the spectrum is taken twice, of the target and
of -1, 0, 1 for its lowest 15 %, the middle, its highest 15 %, and the larger score counts: at 1 %
false alarms 91 of 96 such leaks are found instead of 57 (tests/benchmarks/power_quadratic.py).
Permuted targets are treated alike, which keeps the p-value valid. Where ages are Gaussian the ends
say less than the whole: the second look then finds nothing more and costs a little.

The test says whether there is a leak; `sign_product_leak` sizes it by planted sign products. These
are added to permuted ages, whose ends are blurred by the leak under audit: of bounded ages a leak
of .1 to .2 is sized a quarter too large, one at a margin of .05 is not, nor any of Gaussian ages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from axis_audit.probes.linear import checked_target
from axis_audit.probes.quadratic import (
    LeakFamily,
    QuadraticLeak,
    as_they_are,
    quadratic_leak,
    spectral_looks,
    standardised,
    unit_columns,
)
from axis_audit.probes.random_members import sign_product_members
from axis_audit.probes.spectrum import winsorised
from axis_audit.probes.whitening import whiten
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.permutation import p_value, permuted_rows

FloatArray = NDArray[np.float64]
OUTER = 0.15
"""Share of the people at each end of the target."""


@dataclass(frozen=True)
class QuadraticTest:
    """What the test found.

    Attributes:
        p_value: (b + 1)/(m + 1), b the permuted scores at or above the score.
        score: the larger standardised score. permuted: of permuted targets, shape (m,).
        looks: standardised scores of the target itself and of its ends.
    """

    p_value: float
    score: float
    permuted: FloatArray
    looks: tuple[float, float]


def sign_product_leak(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    margin: float,
    levels: Levels,
    fit_latents: NDArray[np.floating] | None = None,
    fit_target: NDArray[np.floating] | None = None,
    permutations: int = 99,
    plants: int = 96,
    seed: int = 0,
) -> QuadraticLeak:
    """Infer how much of a target (n,) is sign(u·z)·sign(v·z) of latents (n, d), a row a patient.

    Arguments, the two ways and the choice between them are those of `quadratic_leak`. With people
    to fit on it is their n that counts: of 1,905 audited people, 17,000 others, 256 dimensions and
    uniform ages about six in ten sign products of R² .05 are told from none (in-sample one in
    ten), and leaks of .1 FAIL that margin.

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    return quadratic_leak(
        latents,
        target,
        margin=margin,
        levels=levels,
        fit_latents=fit_latents,
        fit_target=fit_target,
        family=SIGN_PRODUCTS,
        permutations=permutations,
        plants=plants,
        seed=seed,
    )


def quadratic_permutation_test(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    permutations: int = 99,
    seed: int = 0,
) -> QuadraticTest:
    """Test whether quadratics of one or two directions of latents (n, d) tell a target (n,).

    Args:
        latents, target: one row a patient. permutations: permuted targets. seed: of these.

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    n = len(latents)
    y = checked_target(target, n)
    orders = np.concatenate([np.arange(n)[None], permuted_rows(n, permutations, seed)])
    rows = winsorised(whiten(latents))
    looks, _ = spectral_looks(rows, y[orders].T, SIGN_PRODUCTS.looks, seed)
    # Observed and permuted targets share mean and deviation: under the null they are alike.
    looks = standardised(looks)
    score = looks.max(axis=0)
    observed, permuted = float(score[0]), score[1:]
    found = (float(looks[0, 0]), float(looks[1, 0]))
    return QuadraticTest(p_value(observed, permuted), observed, permuted, found)


def ends_of(target: NDArray[np.floating]) -> FloatArray:
    """-1 for the lowest `OUTER` share of a target (n,), 1 for the highest, 0 between.

    Of several (n, T) each column by itself.
    """
    place = (stats.rankdata(target, axis=0) - 0.5) / len(target) - 0.5
    return np.asarray(np.sign(place) * (np.abs(place) > 0.5 - OUTER), np.float64)


def _larger(low: FloatArray, high: FloatArray, ends: FloatArray) -> FloatArray:
    """|h| - |l| along h = (u+v)/√2 and l = (u-v)/√2: its sign is sign(u)·sign(v)."""
    return unit_columns(np.abs(high) - np.abs(low))


SIGN_PRODUCTS = LeakFamily(sign_product_members, (as_they_are, ends_of), _larger)
"""Products of signs, of a target and of its ends."""
