"""The planted defects by name, and the check each must fail."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from axis_audit.defects.twin import Twin
from axis_audit.errors import CheckpointError

_MODULES = ("axis", "leakage", "leakage_more", "invariance", "leads", "prediction", "integrity")


@dataclass(frozen=True)
class Defect:
    """One way to break the clean twin.

    Attributes:
        name: named for what it breaks. fails: id of the check that must FAIL.
        plant: gives a broken copy of a twin. story: what went wrong, in a sentence.
    """

    name: str
    fails: str
    plant: Callable[[Twin], Twin]
    story: str


_CATALOGUE: dict[str, Defect] = {}


def defect(fails: str) -> Callable[[type[Twin]], type[Twin]]:
    """Class decorator: a subclass of Twin that breaks it; its docstring is the story."""

    def register(broken: type[Twin]) -> type[Twin]:
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in broken.__name__).strip("_")

        def plant(twin: Twin) -> Twin:
            fields = {f.name: getattr(twin, f.name) for f in dataclasses.fields(twin)}
            return broken(**fields)

        _CATALOGUE[name] = Defect(name, fails, plant, (broken.__doc__ or "").strip())
        return broken

    return register


def catalogue() -> tuple[Defect, ...]:
    """Every planted defect."""
    for module in _MODULES:
        importlib.import_module(f"axis_audit.defects.{module}")
    return tuple(_CATALOGUE.values())


def find(name: str, subject: Path) -> Defect:
    """A defect by name.

    Raises:
        CheckpointError: there is none of that name.
    """
    for entry in catalogue():
        if entry.name == name:
            return entry
    raise CheckpointError(subject, f"there is no defect {name!r}", "see defects.catalogue")
