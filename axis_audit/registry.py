"""The `@check` decorator and the registry it fills.

A check is a function `(model, evidence[, acceptable]) -> Measurement`. The annotation of `model`
is the capability it needs; its module's name is its family; the two names make its id.

Whoever imports a module with `@check` registers it: a conftest.py, or a module that the hook
`pytest_axis_audit_checks` or the entry-point group `axis_audit.checks` names. A check of somebody
else's may join a family of ours or found one of its own; it never takes the place of another.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axis_audit.errors import InputError, MeasurementError
from axis_audit.finding import Measurement, Region
from axis_audit.named import import_named, installed

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

GROUP = "axis_audit.checks"
_OURS = "axis_audit.checks."
_FAMILY_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NOT_FAMILIES = frozenset(
    {"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings", "slow", "audit"}
)
"""Words that mean something to pytest already: a family is a marker and a word for -k."""


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
    def ours(self) -> bool:
        """Whether it came with this package."""
        return self.function.__module__.startswith(_OURS)

    @property
    def home(self) -> str:
        """The module and file it was written in."""
        return f"{self.function.__module__} ({self.function.__code__.co_filename})"

    @property
    def explanation(self) -> str:
        """The function's docstring: how the number is computed."""
        return inspect.getdoc(self.function) or ""

    def measure(self, model: Any, evidence: Any, acceptable: Region) -> Measurement:
        """Run the function with what its signature asks for."""
        if "acceptable" in inspect.signature(self.function).parameters:
            found = self.function(model, evidence, acceptable)
        else:
            found = self.function(model, evidence)
        if not isinstance(found, Measurement):
            raise MeasurementError(
                f"the check returned a {type(found).__name__}; it must return a Measurement"
            )
        if self.exact and not found.exact:
            # It takes no share of the error rate, so it must not bring an interval of its own.
            raise MeasurementError(
                "the check says exact=True but its Measurement has an interval: make it with "
                "Measurement.exactly, or drop exact=True"
            )
        return found


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

    Args:
        family: one of `FAMILIES`, whose gates decide for models that claim it, or a name of your
            own (your package's, say): its gates decide for every model that is audited.

    Raises:
        ValueError: the id is taken, the family's name will not do, or a thorough check wants to
            be a gate.
    """
    if gate and thorough:
        raise ValueError("a check that runs only when asked for cannot be a gate")

    def register(function: Callable[..., Measurement]) -> Callable[..., Measurement]:
        own_family = family or function.__module__.rpartition(".")[2]
        _expect_family(own_family, function)
        check_id = f"{own_family}.{function.__name__}"
        made = Check(
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
        _enter(made)
        return function

    return register


def _expect_family(family: str, function: Callable[..., Measurement]) -> None:
    if family in FAMILIES:
        return
    if function.__module__.startswith(_OURS):
        raise ValueError(f"{family!r} is not a family of checks; choose from {FAMILIES}")
    if not _FAMILY_NAME.fullmatch(family) or family in _NOT_FAMILIES:
        raise ValueError(
            f"{family!r} will not do as a family of checks: give family= one of {FAMILIES} or a "
            "word of your own in small letters, such as your package's name"
        )


def _enter(made: Check) -> None:
    present = _REGISTRY.get(made.id)
    if present is not None and not _same_place(present.function, made.function):
        if present.ours or not made.ours:
            raise ValueError(f"two checks are called {made.id}: {present.home} and {made.home}")
        # Theirs was imported first; a ValueError out of our own module would blame us.
        raise InputError(
            f"check {made.id} in {present.home}",
            "a check that comes with axis-audit has this name",
            "rename the function, or give it a family of your own",
        )
    _REGISTRY[made.id] = made


def _same_place(one: Callable[..., Measurement], other: Callable[..., Measurement]) -> bool:
    """Whether two functions are one, imported or typed again (a notebook's cell has no file)."""
    if one.__module__ != other.__module__:
        return False
    files = {one.__code__.co_filename, other.__code__.co_filename}
    # Every conftest.py is the module `conftest`.
    return len(files) == 1 or not all(Path(file).is_file() for file in files)


def all_checks() -> tuple[Check, ...]:
    """Every registered check, thorough ones too, by family and then in the order of its module.

    Ours stand before others of the same family; families of others' come last, by name.

    Raises:
        InputError: somebody else's check has the name of one of ours.
    """
    package = importlib.import_module("axis_audit.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"axis_audit.checks.{module.name}")

    def place(one: Check) -> tuple[int, str, bool, str, int]:
        if one.family not in FAMILIES:
            return len(FAMILIES), one.family, True, "", 0
        # Whoever imports a module of ours first must not change the order of reports.
        code = one.function.__code__
        home = (one.function.__module__, code.co_firstlineno) if one.ours else ("", 0)
        return FAMILIES.index(one.family), "", not one.ours, *home

    return tuple(sorted(_REGISTRY.values(), key=place))


def import_checks(modules: Iterable[str] = ()) -> None:
    """Register the checks of installed packages (entry points) and of modules named by a hook.

    Raises:
        InputError: a module that cannot be imported.
    """
    for entry in installed(GROUP):
        import_named(entry.module, f"entry point {entry.name} of {GROUP}")
    for module in modules:
        import_named(module, f"hook pytest_axis_audit_checks: {module}")


def families_of(checks: Iterable[Check]) -> tuple[str, ...]:
    """Our families, and those that these checks add, in the order of reports."""
    return (*FAMILIES, *sorted({c.family for c in checks} - set(FAMILIES)))


def concerns(one: Check, claims: Iterable[str]) -> bool:
    """Whether a check's verdict is asked for: its family is claimed, or is not one of ours.

    No model's author claims a family of yours: that you registered the check is the claim.
    """
    return one.family in set(claims) or one.family not in FAMILIES


def statistical_gates(claims: Iterable[str]) -> int:
    """How many statistical checks may FAIL a model that makes these claims: m of the decision.

    Gates, and screens that condemn, thorough ones too: an item's level must not depend on options.
    """
    claimed = set(claims)
    return sum(
        (c.gate or c.condemns) and not c.exact and concerns(c, claimed) for c in all_checks()
    )


def _required_capability(function: Callable[..., Measurement]) -> type:
    names = list(inspect.signature(function).parameters)
    # Of the first alone: others may be imported for type checkers only.
    first = {name: function.__annotations__.get(name) for name in names[:1]}
    try:
        hints = typing.get_type_hints(
            types.SimpleNamespace(__annotations__=first), globalns=function.__globals__
        )
    except NameError as error:
        raise ValueError(f"{function.__name__}: {error} where the module is imported") from None
    capability = hints.get(names[0]) if names else None
    if not isinstance(capability, type):
        raise ValueError(f"{function.__name__}: annotate its first argument with a capability")
    protocol = getattr(capability, "_is_protocol", False)
    if protocol and not getattr(capability, "_is_runtime_protocol", False):
        raise ValueError(f"{capability.__name__} needs @typing.runtime_checkable to be looked for")
    return capability
