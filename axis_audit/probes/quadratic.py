"""The quadratic screen: even functions and products of directions, by the spectrum of E[t z zᵀ].

With z whitened and t standardised, a leak t = sqrt(r)·q(z) + noise whose q is quadratic along one
or two directions gives the matrix A = E[t z zᵀ] one or two eigenvalues with squares summing to 2r
for Gaussian z: one for (u·z)² (and 1.75 r for |u·z|), one at each end for (u·z)(v·z), wherever u
and v point. Noise fills the spectrum to about ±2 sqrt(d/n). So the score is the root of the summed
squares of A's two extreme eigenvalues, set against the scores of permuted targets and of leaks
planted in the very same latents.

What it can see is bounded by the noise (Baik, Ben Arous & Péché 2005, Ann. Probab. 33:1643): a
product of R² r shows itself where r exceeds about d/n, and no sooner. Of sign(u·z)·sign(v·z) only
the share (2/π)² = .41 is quadratic, and little more of it is within reach: at R² .20, n = 5,000
and d = 256 A's directions overlap with u and v by .61, and the best iteration that starts from them
(Bayes-optimal message passing with the sign's own posterior mean) ends at .62. Tried and no better:
alternating sign(u·z) and tanh, gaps and more eigenvalues, cross-fitted directions, normal scores of
the target. The ends of bounded ages say more: probes.extremes.

Where there are other people to fit on, their n counts: the extreme directions are theirs, and the
score is how well the squares of the audited people's places along them tell the target.

Other leaks that show in the ends of that spectrum are sized alike: see `LeakFamily`.

The level holds on the average over the planted family, half |u·z| and half products: of leaks at
the margin (1,200 Gaussian people, 16 dimensions, 3,000 to fit on) 2 % of the former and 4 % of the
latter were called none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.probes.linear import SPARE_ROWS, checked_target
from axis_audit.probes.planted import planting_levels
from axis_audit.probes.random_members import quadratic_members
from axis_audit.probes.spectrum import extreme_eigenvalues, winsorised
from axis_audit.probes.whitening import fit_whitening, whiten
from axis_audit.statistics.levels import Levels
from axis_audit.statistics.permutation import p_value, permuted_rows
from axis_audit.statistics.planting import PlantedCurve, PlantedLeak, invert

FloatArray = NDArray[np.float64]
IN_SAMPLE, FITTED = "in-sample", "fitted"


@dataclass(frozen=True)
class LeakFamily:
    """What is planted, and how targets are looked at.

    Attributes:
        members: random functions (whitened latents (n, d), count, seed) -> (n, count), of zero mean
            and unit variance.
        looks: maps of targets (n, T); the spectrum is taken of each, and the largest score counts.
        reading: what others' places along the two directions of each target, lowest eigenvalue
            first, and the eigenvalues, shapes (n, T), (n, T) and (T, 2), tell of it, shape (n, T).
    """

    members: Callable[[FloatArray, int, int], FloatArray]
    looks: tuple[Callable[[FloatArray], FloatArray], ...]
    reading: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def as_they_are(targets: FloatArray) -> FloatArray:
    """The look at targets (n, T) themselves."""
    return targets


def unit_columns(values: FloatArray) -> FloatArray:
    """Columns centred and of unit length; constant ones zero."""
    centred = _centred(values)
    return np.asarray(centred / np.maximum(np.sqrt(np.sum(centred**2, axis=0)), 1e-12))


def _squares(low: FloatArray, high: FloatArray, ends: FloatArray) -> FloatArray:
    """Squares, weighed by the fourth power of the eigenvalues: the end out of the noise counts."""
    weights = np.sign(ends) * (ends / np.abs(ends).max(axis=1, keepdims=True)) ** 4
    weights /= np.sqrt(np.sum(weights**2, axis=1, keepdims=True))
    told = weights[:, 0] * unit_columns(low**2) + weights[:, 1] * unit_columns(high**2)
    return np.asarray(told)


QUADRATICS = LeakFamily(quadratic_members, (as_they_are,), _squares)


@dataclass(frozen=True)
class QuadraticLeak:
    """What the quadratic screen found.

    Attributes:
        leak: of the way that counts, on the R² scale at which quadratic leaks planted in these
            latents score as observed.
        way: "in-sample" or "fitted", the way that counts. ways: every way that ran.
        p_value: of the way's permutation test, (b + 1)/(m + 1).
        eigenvalues: the smallest and the largest of the way's A of the target itself.
        rank: directions of the latents that vary. n: rows, one a patient. n_fit: fitting people.
        complaint: why the interval cannot be trusted, or "".
    """

    leak: PlantedLeak
    way: str
    ways: Mapping[str, PlantedLeak]
    p_value: float
    eigenvalues: tuple[float, float]
    rank: int
    n: int
    n_fit: int
    complaint: str


@dataclass(frozen=True)
class _Plan:
    """Leak R² of each plant, the permutations (zeros) first, and what is planted."""

    planted: FloatArray
    permutations: int
    family: LeakFamily
    seed: int


@dataclass(frozen=True)
class _Scores:
    """Of the target, then of its permutations and plants, with A's ends for the target."""

    scores: FloatArray
    p_value: float
    ends: FloatArray
    rank: int
    fitted_on: int


def quadratic_leak(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    margin: float,
    levels: Levels,
    fit_latents: NDArray[np.floating] | None = None,
    fit_target: NDArray[np.floating] | None = None,
    family: LeakFamily = QUADRATICS,
    permutations: int = 99,
    plants: int = 96,
    seed: int = 0,
) -> QuadraticLeak:
    """Infer how much of a target (n,) is a quadratic of one or two directions of latents (n, d).

    With people to fit on both ways run. One that FAILs counts; otherwise the one fitted on more
    people does: the choice looks at no target. The permuted targets are also the plants of R² 0.

    Args:
        latents, target: one row a patient. margin: R² above which the claim is broken.
        levels: tails. fit_latents, fit_target: other people, shapes (m, d) and (m,).
        family: what to plant and how to look. permutations: permuted targets, at least 35.
        plants: planted leaks, as in `planting_levels`. seed: of both.

    Raises:
        MeasurementError: constant latents or target, NaN, or shapes that do not match.
    """
    above = planting_levels(margin, plants)
    planted = np.concatenate([np.zeros(permutations), above[above > 0]])
    plan = _Plan(planted, permutations, family, seed)
    n = len(latents)
    y = checked_target(target, n)
    found = {IN_SAMPLE: _in_sample(latents, y, plan)}
    n_fit = 0
    if fit_latents is not None and fit_target is not None:
        n_fit = len(fit_latents)
        known = checked_target(fit_target, n_fit)
        found[FITTED] = _fitted((latents, fit_latents), (y, known), plan)
    # Any way may FAIL, so they share the level of a FAIL.
    shared = Levels(levels.pass_tail, levels.fail_tail / len(found))
    ways = {
        way: invert(PlantedCurve(planted, f.scores[1:], float(f.scores[0])), margin, shared)
        for way, f in found.items()
    }
    sound = [w for w, f in found.items() if not _too_few(f) and not ways[w].complaint]
    failing = [w for w in sound if ways[w].fail_interval[0] > margin]
    way = max(failing or found, key=lambda w: found[w].fitted_on)
    counted = found[way]
    return QuadraticLeak(
        leak=ways[way],
        way=way,
        ways=ways,
        p_value=counted.p_value,
        eigenvalues=(float(counted.ends[0]), float(counted.ends[1])),
        rank=counted.rank,
        n=n,
        n_fit=n_fit,
        complaint=_too_few(counted) or ways[way].complaint,
    )


def _in_sample(latents: NDArray[np.floating], target: FloatArray, plan: _Plan) -> _Scores:
    """The largest look in deviations of permuted targets, less its mean over these.

    The null is at zero by construction: spectra are never negative.
    """
    whitened = whiten(latents)
    targets = _plant(whitened, target, plan)
    looks, ends = spectral_looks(winsorised(whitened), targets, plan.family.looks, plan.seed)
    null = slice(1, plan.permutations + 1)
    scores = standardised(looks, null).max(axis=0)
    # The target among its permutations, all treated alike: an exact p-value.
    alike = standardised(looks[:, : null.stop]).max(axis=0)
    p = p_value(float(alike[0]), alike[1:])
    return _Scores(scores - scores[null].mean(), p, ends[0], whitened.shape[1], len(whitened))


def spectral_looks(
    rows: FloatArray,
    targets: FloatArray,
    looks: tuple[Callable[[FloatArray], FloatArray], ...],
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """Root of the summed squares of A's extreme eigenvalues, for each look at targets (n, T).

    Returns:
        shape (looks, T), and the two eigenvalues of the first look, shape (T, 2).
    """
    ends = [extreme_eigenvalues(rows, _centred(look(targets)), seed=seed)[0] for look in looks]
    return np.sqrt(np.sum(np.stack(ends) ** 2, axis=2)), ends[0]


def standardised(looks: FloatArray, null: slice = slice(None)) -> FloatArray:
    """Looks (k, T), each less the mean and by the standard deviation of its columns `null`."""
    among = looks[:, null]
    deviation = np.maximum(among.std(axis=1, keepdims=True), 1e-12)
    return np.asarray((looks - among.mean(axis=1, keepdims=True)) / deviation)


def _fitted(
    latents: tuple[NDArray[np.floating], NDArray[np.floating]],
    target: tuple[FloatArray, FloatArray],
    plan: _Plan,
) -> _Scores:
    """Correlation of unseen targets with the reading of the fitting people's directions.

    Latents and targets come in pairs: of the audited people, of the fitting people.
    Looks are added up: alike in scale and both at zero without a leak, they need no standardising,
    and that zero stays a control.
    """
    whitening = fit_whitening(latents[1])
    unseen, known = (whitening.apply(part) for part in latents)
    both, y = np.concatenate([unseen, known]), np.concatenate(target)
    n = len(unseen)
    targets = _plant(both, y, plan, n)
    rows, known = winsorised(unseen), winsorised(known)
    total, of_target = np.zeros(targets.shape[1]), []
    for look in plan.family.looks:
        # Ranks, too, are among one's own: the two sets of people may differ in age.
        theirs, ours = _centred(look(targets[n:])), unit_columns(look(targets[:n]))
        ends, directions = extreme_eigenvalues(known, theirs, seed=plan.seed)
        low, high = (rows @ directions[:, end].T for end in (0, 1))
        total += np.sum(plan.family.reading(low, high, ends) * ours, axis=0)
        of_target.append(ends[0])
    p = p_value(float(total[0]), total[1 : plan.permutations + 1])
    return _Scores(total, p, of_target[0], whitening.rank, len(known))


def _centred(targets: FloatArray) -> FloatArray:
    return np.asarray(targets - targets.mean(axis=0))


def _too_few(found: _Scores) -> str:
    needed = found.rank + SPARE_ROWS
    if found.fitted_on >= needed:
        return ""
    return f"{found.fitted_on} people for {found.rank} directions of the latents: at least {needed}"


def _plant(whitened: FloatArray, target: FloatArray, plan: _Plan, audited: int = 0) -> FloatArray:
    """The target, then sqrt(r)·f(z) + sqrt(1-r)·(target permuted), shape (n, 1 + m).

    The first `audited` rows trade targets among themselves, and so do the others.
    """
    n, planted, seed = len(whitened), plan.planted, plan.seed
    count = len(planted)
    y = (target - target.mean()) / target.std()
    rows = permuted_rows(n - audited, count, seed) + audited
    if audited:
        rows = np.column_stack([permuted_rows(audited, count, seed + 1), rows])
    columns = y[rows].T * np.sqrt(1 - planted)
    leaking = planted > 0
    members = plan.family.members(whitened, int(leaking.sum()), seed)
    columns[:, leaking] += np.sqrt(planted[leaking]) * members
    return np.column_stack([y, columns])
