"""A larger network: a lower bound of what a determined reader makes of the latents.

The small networks of `probes.mlp` are calibrated by leaks planted in the latents, and stand for
what eight hidden units can read. A conditional transport of the latents given age leaves a leak
that they do not see. Measured on 48 such dimensions (12,956 people to fit on, 1,852 scored): the
small networks put it at R² .02 [.01, .04]; this one reads .31 [.28, .35] of the variance of age.

What any predictor reads on people it has not seen is no more than what is there, so nothing needs
to be planted for a FAIL. That it reads little is no proof of little. Of a leak of R² .20 made of
four tanh units less their linear part, on normal latents, it reads .08 from 3,000 people of 16
dimensions, .03 from 3,000 of 48, .12 from 15,000 of 48 and nothing from 15,000 of 256, though it
finds its control, most of which is linear, in all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from axis_audit.errors import MeasurementError
from axis_audit.finding import Interval
from axis_audit.probes import deep_training
from axis_audit.probes.linear import checked_target
from axis_audit.probes.planted import CROSS_VALIDATED, FITTED
from axis_audit.probes.plants import held_out_score, planted_targets
from axis_audit.probes.random_members import random_members
from axis_audit.probes.whitening import fit_whitening
from axis_audit.statistics.levels import Levels

FloatArray = NDArray[np.float64]
FOLDS = 5
CONTROL = 0.2
"""R² of the leak that is planted to see whether the network finds it."""
CONTROL_UNITS = 64
ENOUGH_PEOPLE = 2_000
"""Fewer to learn from and a network of this size is no witness: in 1,000 people of 48 dimensions it
finds the control, most of which is linear, and nothing curved."""
LARGEST_INPUT = 8.0
"""Inputs are clipped here: one wild row must not steer the network."""
_POWER = 0.9


@dataclass(frozen=True)
class DeepLeak:
    """What a larger network reads, on the R² scale: a lower bound of the leak.

    Attributes:
        estimate: squared correlation of prediction and target on unseen people; 0 if negative.
        interval, fail_interval: of that squared correlation in the population.
        minimum_detectable: smallest squared correlation that would FAIL with 90 % power.
        control: what it read of a planted leak of R² `CONTROL`, with its interval; None where too
            few people learn for that to be asked.
        complaint: why reading little means nothing, or ""; never set where it has read much.
        way: "fitted" on other people, or "cross-validated" where there are none.
        epochs: that the held-out people chose, in the mean over folds, of how many.
        predictions: of the target, in its own units, shape (n,).
        n: audited people. n_fit: people of the fitting set, 0 without one.
    """

    estimate: float
    interval: Interval
    fail_interval: Interval
    minimum_detectable: float
    control: tuple[float, Interval] | None
    complaint: str
    way: str
    epochs: tuple[float, int]
    predictions: FloatArray
    n: int
    n_fit: int


def deep_leak(
    latents: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    margin: float,
    levels: Levels,
    fit_latents: NDArray[np.floating] | None = None,
    fit_target: NDArray[np.floating] | None = None,
    seed: int = 0,
) -> DeepLeak:
    """Read a target (n,) from latents (n, d), one row a patient, by a network of two layers.

    Args:
        latents, target: the audited people, scored once.
        margin: R² above which the claim is broken. levels: tails of the two intervals.
        fit_latents, fit_target: other people, shapes (m, d) and (m,), to fit on; without them the
            audited people are cross-validated.
        seed: of folds, held-out people, initial weights, dropout and the control.

    Raises:
        MeasurementError: constant latents or target, NaN, shapes that do not match, or fewer than
            20 people to score or to fit on.

    Source: Fisher's z, with the standard error of the delta method where tails make it larger
    (Ferguson 1996, A Course in Large Sample Theory, section 8).
    """
    n, n_fit = len(latents), 0
    z, y = np.asarray(latents, np.float64), checked_target(target, n)
    if fit_latents is not None and fit_target is not None:
        n_fit = len(fit_latents)
        z = np.concatenate([z, np.asarray(fit_latents, np.float64)])
        y = np.concatenate([y, checked_target(fit_target, n_fit)])
    if min(n, n_fit or n) < 20:
        raise MeasurementError(f"{n} people to score, {n_fit or n} to fit on: a network needs 20")
    fold = np.full(len(z), -1)  # -1: fitted on, never scored
    fold[:n] = 0 if n_fit else np.random.default_rng(seed).permutation(np.arange(n) % FOLDS)
    learners = n_fit or n
    enough = learners >= ENOUGH_PEOPLE
    targets = _with_control(z, y, n, seed) if enough else y[:, None]
    predictions, epochs = _predict(z, targets, fold, seed)
    read = [_Reading.of(p, t, fold[:n]) for p, t in zip(predictions.T, targets[:n].T, strict=True)]
    own = read[0]
    control = (read[1].squared, read[1].interval(levels.pass_tail)) if enough else None
    fail_interval = own.interval(levels.fail_tail)
    return DeepLeak(
        estimate=own.squared,
        interval=own.interval(levels.pass_tail),
        fail_interval=fail_interval,
        minimum_detectable=_detectable(margin, levels.fail_tail, n),
        control=control,
        complaint="" if fail_interval[0] > margin else _complaint(control, margin, learners),
        way=FITTED if n_fit else CROSS_VALIDATED,
        epochs=epochs,
        predictions=predictions[:, 0] * y.std() + y.mean() if enough else predictions[:, 0],
        n=n,
        n_fit=n_fit,
    )


@dataclass(frozen=True)
class _Reading:
    """A correlation on unseen people: Fisher's z and its standard error."""

    z: float
    error: float

    @classmethod
    def of(cls, predictions: FloatArray, target: FloatArray, fold: NDArray[np.int_]) -> _Reading:
        z = float(held_out_score(predictions[:, None], target[:, None], fold)[0])
        u, v = _standard(predictions, fold), _standard(target, fold)
        r = math.tanh(z)
        influence = (u * v - r * (u**2 + v**2) / 2) / (1 - r**2)
        n = len(target)
        return cls(z, max(1 / math.sqrt(n - 3), float(influence.std()) / math.sqrt(n)))

    @property
    def squared(self) -> float:
        return math.tanh(max(self.z, 0.0)) ** 2

    def interval(self, tail: float) -> Interval:
        half = float(special.ndtri(1 - tail)) * self.error
        low, high = (max(end, 0.0) for end in (self.z - half, self.z + half))
        return math.tanh(low) ** 2, math.tanh(high) ** 2


def _standard(values: FloatArray, fold: NDArray[np.int_]) -> FloatArray:
    centred = values.copy()
    for k in np.unique(fold):
        centred[fold == k] -= centred[fold == k].mean()
    return np.asarray(centred / max(float(centred.std()), 1e-12))


def _with_control(z: FloatArray, y: FloatArray, audited: int, seed: int) -> FloatArray:
    """The target and the control, standardised: √r·f(z) + √(1-r)·(target permuted), (len(z), 2).

    f is a random network of many units on the whitened latents.
    """
    member = random_members(_whitened(z, z), 1, seed, hidden=CONTROL_UNITS)
    return planted_targets(y[:, None], member, np.array([CONTROL]), seed, audited)


def _predict(
    z: FloatArray, targets: FloatArray, fold: NDArray[np.int_], seed: int
) -> tuple[FloatArray, tuple[float, int]]:
    """Predictions of all rows whose fold is not -1, and the epochs of the target's network."""
    scored = np.flatnonzero(fold >= 0)
    predictions = np.empty((len(scored), targets.shape[1]))
    chosen, last = [], 0
    for k in range(int(fold.max()) + 1):
        rows, known = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        if (fold == -1).any():
            known = np.flatnonzero(fold == -1)
        x, unseen = inputs(z[known], z[known]), inputs(z[rows], z[known])
        for column, y in enumerate(targets.T):
            # A control is to be found, not sized: it may have a third of the epochs.
            last = deep_training.epochs_for(len(known)) // (3 if column else 1)
            predictions[rows, column], epoch = deep_training.fit_predict(
                x, y[known], unseen, epochs=last, seed=seed + 7919 * k + column
            )
            if column == 0:
                chosen.append(epoch)
    return predictions, (float(np.mean(chosen)), deep_training.epochs_for(len(known)))


def inputs(z: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float32]:
    """Latents (n, d) whitened, beside their own robust scores, shape (n, rank + d), clipped.

    Either finds what the other is slow at: a direction of tiny variance, a single dimension.
    Medians and quartiles are blind to a few wild rows, which a standard deviation is not.
    """
    known = np.asarray(reference, np.float64)
    quartiles = np.quantile(known, [0.25, 0.5, 0.75], axis=0)
    spread = (quartiles[2] - quartiles[0]) / 1.349
    deviation = known.std(axis=0)
    scale = np.where(spread > 1e-6 * deviation, spread, deviation)
    # What varies less than float32 resolves around its own mean is constant.
    varies = deviation > 2e-7 * np.abs(known.mean(axis=0))
    own = (np.asarray(z, np.float64)[:, varies] - quartiles[1, varies]) / scale[varies]
    both = np.column_stack([_whitened(z, known), np.clip(own, -LARGEST_INPUT, LARGEST_INPUT)])
    return both.astype(np.float32)


def _whitened(z: NDArray[np.floating], reference: NDArray[np.floating]) -> FloatArray:
    return np.clip(fit_whitening(reference).apply(z), -LARGEST_INPUT, LARGEST_INPUT)


def _detectable(margin: float, tail: float, n: int) -> float:
    away = float(special.ndtri(1 - tail) + special.ndtri(_POWER)) / math.sqrt(n - 3)
    return math.tanh(math.atanh(math.sqrt(margin)) + away) ** 2


def _complaint(control: tuple[float, Interval] | None, margin: float, learners: int) -> str:
    if control is None:
        return f"{learners} people are too few to teach a larger network: {ENOUGH_PEOPLE} may do"
    if control[1][0] > margin:
        return ""
    return (
        f"the network did not find a planted leak of R² {CONTROL:.2f}: it read {control[0]:.3f} "
        "of it, so reading little of the target means nothing"
    )
