"""How a trained VAE does on people it has not seen: point estimates only, people weigh alike.

The audit proper, with intervals and verdicts, is axis-audit's; this is the trainer's own look.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import InputSpec
from axis_audit.checkpoint import Checkpoint, seen_rows
from axis_audit.cohort import Cohort
from axis_audit.errors import CohortError
from axis_audit.people import conform
from model.vae.adapter import VariationalModel

FEWEST_PEOPLE = 8
ACTIVE_VARIANCE = 0.01
"""A unit is active when the variance of its mean over cycles is larger (Burda et al. 2016)."""
SAMPLES = 1000
HALVINGS = 40
Array = NDArray[Any]


def unseen(cohort: Cohort, checkpoint: Checkpoint, spec: InputSpec) -> Cohort:
    """The cycles of everybody that the checkpoint has not seen, as the model takes them.

    Raises:
        CohortError: fewer than 8 such people, or cycles that do not fit the model.
    """
    cohort = conform(cohort, spec)
    seen = seen_rows(cohort.patient_ids, cohort.hashes, checkpoint.manifest)
    people = len(np.unique(cohort.patient_ids[~seen]))
    if people < FEWEST_PEOPLE:
        raise CohortError(
            f"cohort {cohort.name!r}",
            f"the checkpoint has seen all but {people} of its {cohort.n_patients} people",
            "evaluate on other people",
        )
    return cohort.excluding(seen, "seen in training")


def shares(people: NDArray[np.str_]) -> Array:
    """1 / (rows of the same person), shape (n,)."""
    _, person, rows = np.unique(people, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / rows[person])


def evaluate(model: VariationalModel, cohort: Cohort, seed: int = 0) -> dict[str, float]:
    """Reconstruction, latent and prior of a model on cycles of its one lead.

    Returns:
        plain numbers: "error" of `reconstructed` and so on; "mmd_samples" and others of
        `plausibility`.
    """
    x = model.prepare(cohort.signals)[:, 0].astype(np.float64)
    mean = model.encode(cohort.signals)
    decoded = model.decode(mean)[:, 0].astype(np.float64)
    numbers: dict[str, float] = {"people": cohort.n_patients, "cycles": len(cohort)}
    numbers |= reconstructed(
        x, decoded, mean, model.encode_scale(cohort.signals), shares(cohort.patient_ids)
    )
    drawn = model.sample(SAMPLES, seed)[:, 0].astype(np.float64)
    numbers |= plausibility(x, cohort.patient_ids, decoded, drawn, seed)
    return {name: float(f"{value:.4g}") for name, value in numbers.items()}


def reconstructed(
    x: Array, decoded: Array, mean: Array, log_variance: Array, share: Array
) -> dict[str, float]:
    """What a reconstruction loses, and what the latent holds.

    Args:
        x, decoded: cycles (n, samples). mean, log_variance: (n, latent). share: weight of each row.

    Returns:
        "error": squared error over the variance of cycles about their mean cycle; "divergence":
        KL from the prior in nats a cycle; "active": units whose mean varies by more than .01;
        "spread": variance of the mixture of posteriors, mean over units (1 for the prior's).
    """
    weight = share / share.sum()
    variance = (weight @ (x - weight @ x) ** 2).sum()
    moved = weight @ (mean - weight @ mean) ** 2
    divergence = (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1) / 2
    return {
        "error": float((weight @ (x - decoded) ** 2).sum() / variance),
        "divergence": float(weight @ divergence),
        "active": int((moved > ACTIVE_VARIANCE).sum()),
        "spread": float((moved + weight @ np.exp(log_variance)).mean()),
    }


def squared_distances(a: Array, b: Array) -> Array:
    """Between rows, shape (len(a), len(b))."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.asarray(np.maximum(squares, 0.0))


class Kernel:
    """A Gaussian kernel as wide as the median distance of real cycles of different people."""

    def __init__(self, x: Array, people: NDArray[np.str_]) -> None:
        squares = squared_distances(x, x)
        self.square = float(np.median(squares[people[:, None] != people]))

    def __call__(self, a: Array, b: Array) -> Array:
        """Values between rows."""
        return np.asarray(np.exp(-squared_distances(a, b) / (2 * self.square)))

    def discrepancy(
        self, a: Array, a_people: NDArray[np.str_], b: Array, b_people: NDArray[np.str_]
    ) -> float:
        """Unbiased squared MMD of two sets: only pairs of different people, people weigh alike."""

        def mean(rows: Array, columns: Array, p: NDArray[np.str_], q: NDArray[np.str_]) -> float:
            weight = shares(p)[:, None] * shares(q) * (p[:, None] != q)
            return float((weight * self(rows, columns)).sum() / weight.sum())

        within = mean(a, a, a_people, a_people) + mean(b, b, b_people, b_people)
        return within - 2 * mean(a, b, a_people, b_people)


def plausibility(
    x: Array, people: NDArray[np.str_], decoded: Array, drawn: Array, seed: int = 0
) -> dict[str, float]:
    """How alike reconstructions and draws of the prior are to real cycles.

    Returns:
        squared MMD of reconstructions ("mmd_reconstructions") and draws ("mmd_samples") against
        real cycles, and of one half of the people against the other: the 95th percentile of random
        halves ("mmd_halves_95"). "nearest_samples": RMS difference a sample point of a draw and the
        nearest real cycle; "nearest_people": of a real cycle and the nearest of another person.
    """
    kernel = Kernel(x, people)
    strangers = np.array([f"draw {i}" for i in range(len(drawn))])
    chance = np.random.default_rng(seed)
    names = np.unique(people)
    halves = []
    for _ in range(HALVINGS):
        first = np.isin(people, chance.permutation(names)[: len(names) // 2])
        halves.append(kernel.discrepancy(x[first], people[first], x[~first], people[~first]))
    near = squared_distances(x, x)
    near[people[:, None] == people] = np.inf
    size = x.shape[1]
    return {
        "mmd_reconstructions": kernel.discrepancy(x, people, decoded, people),
        "mmd_samples": kernel.discrepancy(x, people, drawn, strangers),
        "mmd_halves_95": float(np.quantile(halves, 0.95)),
        "nearest_samples": float(np.sqrt(squared_distances(drawn, x).min(1) / size).mean()),
        "nearest_people": float(np.sqrt(near.min(1) / size) @ shares(people) / len(names)),
    }
