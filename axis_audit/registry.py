"""The `@check` decorator and the registry it fills.

A check is a function `(model, evidence[, acceptable]) -> Measurement`. The annotation of `model`
is the capability it needs; its module's name is its family; the two names make its id.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from axis_audit.finding import Measurement, Region

FAMILIES = (
    "prediction",
    "axis",
    "leakage",
    "invariance",
    "leads",
    "integrity",
    "alignment",
    "attribution",
    "generative",
)
"""Families of checks, each a pytest marker; the order of reports."""


@dataclass(frozen=True)
class Check:
    """One claim and how it is measured.

    Attributes:
        exact: measured without sampling error; takes no share of the audit's error rate.
        gate: decides the exit status when its family is among the model's claims.
        condemns: a screen, whose PASS certifies nothing but whose FAIL decides as a gate's does.
        thorough: takes minutes and runs with `--thorough` only; never a gate.
        optional: a gate for the models that have the capability; NOT APPLICABLE to the others,
            whatever they claim, unless `--gate` asks for it by name.
        cause: the likely cause when it does not pass. cure: what to try next.
        source: the paper or standard the formula comes from.
    """

    id: str
    family: str
    claim: str
    acceptable: Region
    function: Callable[..., Measurement]
    requires: type
    gate: bool = True
    exact: bool = False
    condemns: bool = False
    thorough: bool = False
    optional: bool = False
    cause: str = ""
    cure: str = ""
    source: str = ""

    @property
    def explanation(self) -> str:
        """The function's docstring: how the number is computed."""
        return inspect.getdoc(self.function) or ""

    def measure(self, model: Any, evidence: Any, acceptable: Region) -> Measurement:
        """Run the function with what its signature asks for."""
        if "acceptable" in inspect.signature(self.function).parameters:
            return self.function(model, evidence, acceptable)
        return self.function(model, evidence)


_REGISTRY: dict[str, Check] = {}


def check(
    *,
    claim: str,
    acceptable: Region,
    gate: bool = True,
    exact: bool = False,
    condemns: bool = False,
    thorough: bool = False,
    optional: bool = False,
    cause: str = "",
    cure: str = "",
    source: str = "",
    family: str | None = None,
) -> Callable[[Callable[..., Measurement]], Callable[..., Measurement]]:
    """Register a function as a check. Its id is `<family>.<function name>`.

    Raises:
        ValueError: the id is taken, the family is unknown, or a thorough check wants to be a gate.
    """
    if gate and thorough:
        raise ValueError("a check that runs only when asked for cannot be a gate")

    def register(function: Callable[..., Measurement]) -> Callable[..., Measurement]:
        own_family = family or function.__module__.rpartition(".")[2]
        if own_family not in FAMILIES:
            raise ValueError(f"{own_family!r} is not a family of checks; choose from {FAMILIES}")
        check_id = f"{own_family}.{function.__name__}"
        present = _REGISTRY.get(check_id)
        if present is not None and present.function.__module__ != function.__module__:
            raise ValueError(f"two checks are called {check_id}")
        _REGISTRY[check_id] = Check(
            id=check_id,
            family=own_family,
            claim=claim,
            acceptable=acceptable,
            function=function,
            requires=_required_capability(function),
            gate=gate,
            exact=exact,
            condemns=condemns,
            thorough=thorough,
            optional=optional,
            cause=cause,
            cure=cure,
            source=source,
        )
        return function

    return register


def all_checks() -> tuple[Check, ...]:
    """Every registered check, thorough ones too, by family and then in the order of its module."""
    package = importlib.import_module("axis_audit.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"axis_audit.checks.{module.name}")
    return tuple(sorted(_REGISTRY.values(), key=lambda c: FAMILIES.index(c.family)))


def statistical_gates(claims: Iterable[str]) -> int:
    """How many statistical checks may FAIL a model that makes these claims: m of the decision.

    Gates, and screens that condemn, thorough ones too: an item's level must not depend on options.
    """
    claimed = set(claims)
    return sum((c.gate or c.condemns) and not c.exact and c.family in claimed for c in all_checks())


def _required_capability(function: Callable[..., Measurement]) -> type:
    names = list(inspect.signature(function).parameters)
    hints = typing.get_type_hints(function)
    capability = hints.get(names[0]) if names else None
    if not isinstance(capability, type):
        raise ValueError(f"{function.__name__}: annotate its first argument with a capability")
    return capability
