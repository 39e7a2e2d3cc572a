"""The verdicts that the leakage gates give to synthetic people with a leak of known size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from axis_audit.calibration.synthetic import LATENTS, FloatArray, People, draw_people, leaking
from axis_audit.decision import PASS_TAIL, decide, fail_tail
from axis_audit.errors import InputError
from axis_audit.finding import Below, Controls, Measurement
from axis_audit.statistics.levels import Levels

TRUE = (0.0, 0.02, 0.05, 0.10, 0.15, 0.20)
"""Planted population R²."""
CLAIMS = frozenset({"axis", "leakage", "invariance", "leads", "prediction", "integrity"})
"""Of the model whose audit is imitated; they fix m, and with it the level .05 / m of a FAIL."""
Verdicts = dict[str, list[str]]
"""Planted R² -> the verdict of each replicate of a draw."""


@dataclass(frozen=True)
class CalibrationSettings:
    """What is replicated.

    Attributes:
        replicates: of each kind of latents. dimensions: d. people: audited, a row each.
        fit_people: others, for the MLP to be fitted on; 0 for cross-validation alone.
        margin: largest leak called none. gates: which ones. seed: of every draw.
        shared: replicates, each with targets of its own, on one draw of latents. They share the
            MLP's plants, which are most of the work; the intervals of the record allow for it.
        checks: m of the level .05 / m of a FAIL; 0 for that of today's registry. More checks make a
            FAIL rarer and leave a PASS as it is.
    """

    replicates: int
    dimensions: int = 256
    people: int = 1850
    fit_people: int = 17000
    margin: float = 0.05
    gates: tuple[str, ...] = ()
    seed: int = 0
    shared: int = 10
    checks: int = 0

    def __post_init__(self) -> None:
        if not self.gates:
            object.__setattr__(self, "gates", tuple(GATES))
        if min(self.replicates, self.shared) < 1 or self.checks < 0:
            raise InputError(
                "--replicates",
                f"{self.replicates} replicates, {self.shared} a draw, {self.checks} checks",
                "give at least 1 of the first two, and no less than 0 checks",
            )
        if not 0 < self.margin <= 0.35:
            raise InputError("--margin", f"{self.margin} is not used", "give an R² in (0, .35]")
        if self.dimensions < 1 or self.people < 20 or self.fit_people < 0:
            raise InputError(
                "calibrate",
                f"{self.dimensions} dimensions, {self.people} and {self.fit_people} people",
                "give at least one dimension and twenty people",
            )
        unknown = sorted(set(self.gates) - set(GATES))
        if unknown:
            raise InputError("--gates", f"{unknown} cannot be had", f"choose of {list(GATES)}")

    def draws(self) -> list[tuple[str, int, int]]:
        """(kind, draw, replicates of it) of everything that is to be done."""
        starts = range(0, self.replicates, self.shared)
        return [
            (kind, i, min(self.shared, self.replicates - start))
            for kind in LATENTS
            for i, start in enumerate(starts)
        ]


def audit_levels(checks: int = 0) -> Levels:
    """The tails of an audit with so many statistical checks; 0: of a model with `CLAIMS`."""
    from axis_audit.registry import statistical_gates

    return Levels(PASS_TAIL, fail_tail(checks or statistical_gates(CLAIMS)))


def run_draw(
    settings: CalibrationSettings, kind: str, draw: int, replicates: int, levels: Levels
) -> dict[str, Verdicts]:
    """Verdicts of all replicates of one draw: gate -> planted R² -> verdicts."""
    others = settings.fit_people if any(gate.endswith("mlp") for gate in settings.gates) else 0
    seed = (settings.seed, draw, LATENTS.index(kind))
    people = draw_people(kind, settings.people, others, settings.dimensions, seed)
    return {
        gate: GATES[gate](
            _Draw(people, replicates, settings.margin, levels, list(GATES).index(gate))
        )
        for gate in settings.gates
    }


@dataclass(frozen=True)
class _Draw:
    """One draw and what a gate needs to judge its replicates."""

    people: People
    replicates: int
    margin: float
    levels: Levels
    number: int

    def linear(self, rows: FloatArray, signals: FloatArray, *, half: bool = False) -> Verdicts:
        from axis_audit.probes.linear import linear_leaks

        audited = slice(0, self.people.audited)
        rng = np.random.default_rng([*self.people.seed, 4, self.number])
        targets = leaking(signals[audited], TRUE, rng, half=half)
        named = {f"{r:g} {i}": target for (r, i), target in targets.items()}
        draw = self.people.seed[1]
        return self._verdicts(
            linear_leaks(rows[audited], named, self.margin, self.levels, seed=draw)
        )

    def mlp(self, rows: FloatArray, signals: FloatArray) -> Verdicts:
        from axis_audit.probes.planted import mlp_leaks

        n = self.people.audited
        rng = np.random.default_rng([*self.people.seed, 4, self.number])
        named = {f"{r:g} {i}": t for (r, i), t in leaking(signals, TRUE, rng).items()}
        fit = len(rows) > n
        leaks = mlp_leaks(
            rows[:n],
            {name: target[:n] for name, target in named.items()},
            margin=self.margin,
            levels=self.levels,
            fit_latents=rows[n:] if fit else None,
            fit_targets={name: target[n:] for name, target in named.items()} if fit else None,
            seed=self.people.seed[1],
        )
        return self._verdicts(leaks)

    def _verdicts(self, leaks: Mapping[str, Any]) -> Verdicts:
        return {
            f"{r:g}": [_verdict(leaks[f"{r:g} {i}"], self.margin) for i in range(self.replicates)]
            for r in TRUE
        }


def _linear(draw: _Draw) -> Verdicts:
    """A leak along one direction."""
    people = draw.people
    signals = people.directions(draw.replicates, people.isotropic.shape[1])
    return draw.linear(people.latents, signals)


def _linear_ranked(draw: _Draw) -> Verdicts:
    """The same, from latents of equal variances in every direction.

    Ranks do not see directions of tiny variance, which are the business of the linear gate: there
    the leak that ranks carry would be smaller than the one that was planted.
    """
    from axis_audit.probes.ranks import ranked_coordinates

    people = draw.people
    audited = slice(0, people.audited)
    signals = people.directions(draw.replicates, people.isotropic.shape[1])
    return draw.linear(ranked_coordinates(people.isotropic[audited]), signals[audited])


def _linear_deviation(draw: _Draw) -> Verdicts:
    """The same into a target that is skewed like |age - median|."""
    people = draw.people
    signals = people.directions(draw.replicates, people.isotropic.shape[1])
    return draw.linear(people.latents, signals, half=True)


def _mlp(draw: _Draw) -> Verdicts:
    """A leak through a random small network, other than those that the probe plants itself."""
    people = draw.people
    return draw.mlp(people.latents, people.members(draw.replicates, people.isotropic.shape[1]))


def _canonical_norm(draw: _Draw) -> Verdicts:
    """A leak through |x50| itself."""
    norms, _ = draw.people.canonical
    standard = (norms - norms.mean()) / norms.std()
    return draw.linear(norms[:, None], np.repeat(standard[:, None], draw.replicates, axis=1))


def _canonical_linear(draw: _Draw) -> Verdicts:
    """A leak along one direction of the canonical beats' principal components."""
    people = draw.people
    return draw.linear(people.canonical[1], people.directions(draw.replicates, people.wide))


def _canonical_mlp(draw: _Draw) -> Verdicts:
    """A leak through a random small network of those components."""
    people = draw.people
    return draw.mlp(people.canonical[1], people.members(draw.replicates, people.wide))


GATES: Mapping[str, Callable[[_Draw], Verdicts]] = {
    "linear": _linear,
    "linear_ranked": _linear_ranked,
    "linear_deviation": _linear_deviation,
    "mlp": _mlp,
    "canonical_norm": _canonical_norm,
    "canonical_linear": _canonical_linear,
    "canonical_mlp": _canonical_mlp,
}
"""Gated leakage checks by the name of the check: verdicts of one draw."""


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
