"""The planted defects by name, what each breaks, and the check it must fail.

A defect takes a subject, which is a model, the people it is audited on, the people probes are
fitted on and the checkpoint's manifest, and gives a copy with one of them broken.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from axis_audit.defects.twin import Twin
from axis_audit.errors import CheckpointError

if TYPE_CHECKING:
    from axis_audit.auditing import Audit
    from axis_audit.defects.alignment_twin import AlignmentTwin
    from axis_audit.defects.attribution_twin import AttributionTwin
    from axis_audit.defects.generative_twin import GenerativeTwin
    from axis_audit.defects.twins import Subject

_MODULES = (
    "axis",
    "axis_more",
    "leakage",
    "leakage_more",
    "leakage_cohorts",
    "leakage_screens",
    "leakage_deep",
    "posterior",
    "invariance",
    "leads",
    "prediction",
    "prediction_more",
    "integrity",
    "cohorts",
    "manifests",
    "generative",
    "generative_more",
    "alignment",
    "attribution",
    "diagnosis",
)
Broken = Literal["model", "cohort", "manifest"]


class Auditable(Protocol):
    """A model and whom it is audited on."""

    def audit(self, thorough: bool = False) -> Audit:
        """The audit, ready to run."""


@dataclass(frozen=True)
class Defect:
    """One way to break a clean subject.

    Attributes:
        name: named for what it breaks. fails: id of the check that must FAIL.
        plant: gives a broken copy of a subject, or for a check of generation, alignment or
            attribution a broken twin of that kind with people of its own.
        story: what went wrong, in a sentence.
        breaks: what of the subject. broken: the model, where the model alone is broken.
    """

    name: str
    fails: str
    plant: Callable[[Subject], Auditable]
    story: str
    breaks: Broken = "model"
    broken: type[Twin] | None = None

    def model(self, twin: Twin) -> Twin:
        """A broken copy of a twin; the twin itself where the defect is not the model's."""
        return twin if self.broken is None else copy_as(self.broken, twin)


_CATALOGUE: dict[str, Defect] = {}


def copy_as(kind: type[Twin], twin: Twin) -> Twin:
    """A twin's arrays in a subclass of `Twin`."""
    return kind(**{f.name: getattr(twin, f.name) for f in dataclasses.fields(Twin)})


def defect(fails: str) -> Callable[[type[Twin]], type[Twin]]:
    """Class decorator: a subclass of Twin that breaks it; its docstring is the story."""

    def register(broken: type[Twin]) -> type[Twin]:
        name = _snake(broken.__name__)

        def plant(subject: Subject) -> Subject:
            return dataclasses.replace(subject, twin=copy_as(broken, subject.twin))

        _CATALOGUE[name] = Defect(name, fails, plant, _story(broken), broken=broken)
        return broken

    return register


def alignment_defect(fails: str) -> Callable[[type[AlignmentTwin]], type[AlignmentTwin]]:
    """Class decorator: a subclass of AlignmentTwin that breaks it; its docstring is the story."""

    def register(broken: type[AlignmentTwin]) -> type[AlignmentTwin]:
        def plant(subject: Subject) -> Auditable:
            from axis_audit.defects.alignment_twins import alignment_reference

            clean = alignment_reference(len(subject.people))
            return dataclasses.replace(clean, twin=clean.twin.broken_as(broken))

        name = _snake(broken.__name__)
        _CATALOGUE[name] = Defect(name, fails, plant, _story(broken))
        return broken

    return register


def attribution_defect(fails: str) -> Callable[[type[AttributionTwin]], type[AttributionTwin]]:
    """Class decorator: a subclass of AttributionTwin that breaks it; its docstring is the story."""

    def register(broken: type[AttributionTwin]) -> type[AttributionTwin]:
        def plant(subject: Subject) -> Auditable:
            from axis_audit.defects.attribution_twins import attribution_reference

            clean = attribution_reference(len(subject.people))
            return dataclasses.replace(clean, twin=clean.twin.broken_as(broken))

        name = _snake(broken.__name__)
        _CATALOGUE[name] = Defect(name, fails, plant, _story(broken))
        return broken

    return register


def generative_defect(fails: str) -> Callable[[type[GenerativeTwin]], type[GenerativeTwin]]:
    """Class decorator: a subclass of GenerativeTwin that breaks it; its docstring is the story."""

    def register(broken: type[GenerativeTwin]) -> type[GenerativeTwin]:
        name = _snake(broken.__name__)

        def plant(subject: Subject) -> Auditable:
            from axis_audit.defects.generative_twins import generative_reference

            clean = generative_reference(len(subject.people))
            twin = broken(clean.twin.mean, clean.twin.components)
            return dataclasses.replace(clean, twin=twin)

        _CATALOGUE[name] = Defect(name, fails, plant, _story(broken))
        return broken

    return register


_Plant = TypeVar("_Plant", bound="Callable[[Subject], Auditable]")


def subject_defect(fails: str, breaks: Broken) -> Callable[[_Plant], _Plant]:
    """Function decorator: a subject broken in its cohort or manifest; its docstring is the story.

    "cohort" may break the model with it, where the two are a defect only together.
    """

    def register(plant: _Plant) -> _Plant:
        name = plant.__name__
        _CATALOGUE[name] = Defect(name, fails, plant, _story(plant), breaks)
        return plant

    return register


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")


def _story(planted: object) -> str:
    return (planted.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


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
