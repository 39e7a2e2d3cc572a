"""Synthetic latents with a leak of known size, and the verdicts that the gates give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.decision import PASS_TAIL, decide, fail_tail
from axis_audit.errors import InputError
from axis_audit.finding import Below, Controls, Measurement
from axis_audit.statistics.levels import Levels

FloatArray = NDArray[np.float64]
GATES = ("linear", "mlp")
LATENTS = ("gaussian", "t")
TRUE = (0.0, 0.02, 0.05, 0.10)
"""Planted population R²."""
DEGREES_OF_FREEDOM = 5.0
"""Of the t-tailed latents: a person's whole latent is scaled by one heavy-tailed factor."""
CLAIMS = frozenset({"axis", "leakage", "invariance", "leads", "prediction", "integrity"})
"""Of the model whose audit is imitated; they fix m, and with it the level .05 / m of a FAIL."""


@dataclass(frozen=True)
class CalibrationSettings:
    """What is replicated.

    Attributes:
        replicates: of each kind of latents. dimensions: d. people: audited, a row each.
        fit_people: others, for the MLP to be fitted on; 0 for cross-validation alone.
        margin: largest leak called none. gates: which probes. seed: of every replicate.
    """

    replicates: int
    dimensions: int = 256
    people: int = 1850
    fit_people: int = 17000
    margin: float = 0.05
    gates: tuple[str, ...] = GATES
    seed: int = 0

    def __post_init__(self) -> None:
        if self.replicates < 1:
            raise InputError("--replicates", f"{self.replicates} is none", "give at least 1")
        if not 0 < self.margin <= 0.35:
            raise InputError("--margin", f"{self.margin} is not used", "give an R² in (0, .35]")
        if self.dimensions < 1 or self.people < 20 or self.fit_people < 0:
            raise InputError(
                "calibrate",
                f"{self.dimensions} dimensions, {self.people} and {self.fit_people} people",
                "give at least one dimension and twenty people",
            )
        unknown = sorted(set(self.gates) - set(GATES))
        if unknown or not self.gates:
            raise InputError("--gates", f"{unknown or 'none'} cannot be had", f"choose of {GATES}")


def audit_levels() -> Levels:
    """The tails of an audit of a model with `CLAIMS`."""
    from axis_audit.registry import statistical_gates

    return Levels(PASS_TAIL, fail_tail(statistical_gates(CLAIMS)))


@dataclass(frozen=True)
class _People:
    """One draw: isotropic latents, the latents shown to the probes, noise of the targets."""

    isotropic: FloatArray
    latents: FloatArray
    noise: FloatArray
    replicate: int


def run_replicate(
    settings: CalibrationSettings, kind: str, replicate: int, levels: Levels
) -> dict[str, dict[str, str]]:
    """Verdicts of one replicate: gate -> planted R² -> verdict."""
    rng = np.random.default_rng([settings.seed, replicate, LATENTS.index(kind)])
    n, m = settings.people, settings.fit_people if "mlp" in settings.gates else 0
    isotropic = draw_isotropic(kind, n + m, settings.dimensions, rng)
    spectrum = np.sqrt(np.geomspace(50.0, 2e-4, settings.dimensions))
    rotation = np.linalg.qr(rng.standard_normal((settings.dimensions,) * 2))[0]
    latents = (isotropic * spectrum) @ rotation
    noise = rng.standard_normal((n + m, len(TRUE)))
    people = _People(isotropic, latents, noise, replicate)
    gates: dict[str, dict[str, str]] = {}
    if "linear" in settings.gates:
        gates["linear"] = _linear(settings, people, levels)
    if "mlp" in settings.gates:
        gates["mlp"] = _mlp(settings, people, levels)
    return gates


def draw_isotropic(kind: str, rows: int, dimensions: int, rng: np.random.Generator) -> FloatArray:
    """Latents of unit covariance, shape (rows, dimensions), normal or multivariate t."""
    normal = rng.standard_normal((rows, dimensions))
    if kind == "gaussian":
        return normal
    nu = DEGREES_OF_FREEDOM
    factor = np.sqrt((nu - 2) / rng.chisquare(nu, rows))
    return np.asarray(normal * factor[:, None])


def _targets(signal: FloatArray, noise: FloatArray) -> dict[str, FloatArray]:
    return {
        f"{r:g}": np.sqrt(r) * signal + np.sqrt(1 - r) * noise[:, i] for i, r in enumerate(TRUE)
    }


def _linear(settings: CalibrationSettings, people: _People, levels: Levels) -> dict[str, str]:
    """A leak along one direction, which by symmetry may be the first."""
    from axis_audit.probes.linear import linear_leaks

    audited = slice(0, settings.people)
    targets = _targets(people.isotropic[audited, 0], people.noise[audited])
    leaks = linear_leaks(
        people.latents[audited], targets, settings.margin, levels, seed=people.replicate
    )
    return {true: _verdict(leak, settings.margin) for true, leak in leaks.items()}


def _mlp(settings: CalibrationSettings, people: _People, levels: Levels) -> dict[str, str]:
    """A leak through a random small network, other than those that the probe plants itself."""
    from axis_audit.probes.planted import mlp_leak
    from axis_audit.probes.random_members import random_members

    n = settings.people
    signal = random_members(people.isotropic, 1, seed=10**6 + people.replicate)[:, 0]
    verdicts = {}
    for true, target in _targets(signal, people.noise).items():
        fit = settings.fit_people > 0
        leak = mlp_leak(
            people.latents[:n],
            target[:n],
            margin=settings.margin,
            levels=levels,
            fit_latents=people.latents[n:] if fit else None,
            fit_target=target[n:] if fit else None,
            seed=people.replicate,
        )
        verdicts[true] = _verdict(leak, settings.margin)
    return verdicts


def _verdict(leak: Any, margin: float) -> str:
    """As `checks.leakage` measures and `decision` decides."""
    controls = Controls(leak.power_at_margin, leak.null_at_zero, leak.complaint)
    measurement = Measurement(
        leak.estimate,
        leak.interval,
        leak.n,
        leak.n,
        fail_interval=leak.fail_interval,
        controls=controls,
    )
    return str(decide(measurement, Below(margin, "R²"))[0])
