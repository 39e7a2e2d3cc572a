"""Exact inference on the population R² of a target regressed on latents (no simulation).

With F = (R²/d) / ((1-R²)/(n-d-1)) from ordinary least squares with intercept, n rows and d
regressors, F given the regressors is noncentral F(d, n-d-1, λ) with λ = W·ρ/(1-ρ), where ρ is the
population R² and W the regressors' sum of squares along the true direction, in units of its
variance. Held fixed, W = n. The regressors of an audit are people drawn at random, so W itself is
χ²(n-1) when they are Gaussian; the distribution of R² is then Fisher's (1928), the mixture of
noncentral F over W, and ρ is a property of the population and not of this sample. The mixture
widens the interval by about ρ/(1-ρ)/4 of its width at small d (1 % at ρ = .05).

Sources: Fisher 1928, Proc. R. Soc. A 121:654; Steiger & Fouladi 1992, Behav. Res. Methods 24:581;
Wilson & Hilferty 1931 for χ² from a normal deviate.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, special

from axis_audit.finding import Interval

_LARGEST = 0.9999
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def population_r_squared_interval(r2: float, n: int, d: int, tail: float) -> Interval:
    """Interval of the population R² from the sample's, each end at level `tail`.

    Args:
        r2: in-sample R² of ordinary least squares with intercept, in [0, 1].
        n: rows, one a patient. d: regressors (the rank of the latents).
        tail: probability of each side.

    Returns:
        (low, high) in [0, 1]; (0, 1) when d >= n - 2 leaves nothing to infer from; NaN for NaN.
    """
    _check(n, d, tail)
    if math.isnan(r2):
        return math.nan, math.nan
    if not -1e-9 <= r2 <= 1 + 1e-9:
        raise ValueError(f"r2 must lie in [0, 1], got {r2}")
    if d >= n - 2:
        return 0.0, 1.0
    r2 = max(r2, 0.0)
    if r2 > _LARGEST:  # the series gets slow there; wider bounds stay valid
        return _end(_LARGEST, n, d, 1 - tail), 1.0
    return _end(r2, n, d, 1 - tail), _end(r2, n, d, tail)


def pass_probability(n: int, d: int, margin: float, true: float, tail: float = 0.025) -> float:
    """Probability that the interval's upper end lies at or below `margin` when R² is `true`."""
    _check(n, d, tail)
    if d >= n - 2:
        return 0.0
    return _cdf(_critical(tail, n, d, margin), n, d, _odds(true))


def fail_probability(n: int, d: int, margin: float, true: float, tail: float) -> float:
    """Probability that the interval's lower end lies above `margin` when R² is `true`."""
    _check(n, d, tail)
    if d >= n - 2:
        return 0.0
    return 1 - _cdf(_critical(1 - tail, n, d, margin), n, d, _odds(true))


def power_at_margin(n: int, d: int, margin: float, tail: float = 0.025) -> float:
    """Probability that a leak of R² `margin` is told from none by the upper `tail` of the null."""
    return fail_probability(n, d, 0.0, margin, tail)


def detectable_r_squared(
    n: int, d: int, margin: float, fail_tail: float, power: float = 0.9
) -> float:
    """Smallest true R² that FAILs the margin with probability `power`; 1 when d >= n - 2."""
    _check(n, d, fail_tail)
    if d >= n - 2:
        return 1.0
    critical = _critical(1 - fail_tail, n, d, margin)
    odds = _falling_root(
        lambda odds: _cdf(critical, n, d, odds) - (1 - power), _odds(margin), 0.1 + _odds(critical)
    )
    return odds / (1 + odds)


def patients_needed(d: int, margin: float, pass_tail: float = 0.025, power: float = 0.9) -> int:
    """Smallest n at which a latent without any leak PASSes with probability `power`."""
    if not 0 < margin < 1:
        raise ValueError(f"the margin must lie between 0 and 1, got {margin}")
    low = high = d + 3
    while pass_probability(high, d, margin, 0.0, pass_tail) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = pass_probability(middle, d, margin, 0.0, pass_tail) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _check(n: int, d: int, tail: float) -> None:
    if d < 1 or n < 1:
        raise ValueError(f"needs at least one row and one regressor, got n = {n}, d = {d}")
    if not 0 < tail < 0.5:
        raise ValueError(f"the tail must lie between 0 and .5, got {tail}")


def _cdf(r2: float, n: int, d: int, odds: float) -> float:
    """P(R² <= r2) when the population's R² has odds rho/(1-rho)."""
    rest = n - d - 1
    f = r2 / d / ((1 - r2) / rest)
    if odds <= 0:
        return float(special.fdtr(d, rest, f))
    spread = 2 / (9 * (n - 1))
    squares = (n - 1) * np.maximum(1 - spread + _NODES * math.sqrt(spread), 0) ** 3
    # Far beyond f the series may underflow to NaN; the probability is then 0 for any use here.
    values = np.nan_to_num(special.ncfdtr(d, rest, squares * odds, f), nan=0.0)
    return min(float(_WEIGHTS @ values), 1.0)


def _odds(rho: float) -> float:
    return rho / (1 - rho)


def _falling_root(function: Callable[[float], float], low: float, first: float) -> float:
    """Root above `low` of a function that falls from a value >= 0 there; steps double."""
    high = low + first
    while function(high) > 0:
        low, high = high, high + 2 * (high - low)
    return float(optimize.brentq(function, low, high, xtol=1e-13, rtol=1e-10))


def _end(r2: float, n: int, d: int, level: float) -> float:
    """The rho at which P(R² <= r2) is `level`; 0 when even rho = 0 gives less."""
    if _cdf(r2, n, d, 0.0) <= level:
        return 0.0
    first = (_odds(r2) + 1 / n) / 2
    odds = _falling_root(lambda odds: _cdf(r2, n, d, odds) - level, 0.0, first)
    return odds / (1 + odds)


def _critical(level: float, n: int, d: int, rho: float) -> float:
    """The R² below which a share `level` of samples falls."""
    odds = _odds(rho)
    mean = (d / n + odds) / (1 + odds)
    sample = _falling_root(
        lambda sample: level - _cdf(sample / (1 + sample), n, d, odds), 0.0, _odds(mean)
    )
    return sample / (1 + sample)
