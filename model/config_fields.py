"""Dataclasses of plain values, read from a file that may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

from axis_audit.errors import CheckpointError


class Describes(Protocol):
    """A config that knows what makes its values no system."""

    def problems(self) -> list[str]:
        """In words; empty when they are sound."""


Config = TypeVar("Config", bound=Describes)


def described(
    cls: type[Config], config: Mapping[str, Any], path: Path | str, kind: str, module: str
) -> Config:
    """A checkpoint's `config` as a dataclass of plain values.

    Args:
        kind: of the checkpoint. module: whose `train` writes such files.

    Raises:
        CheckpointError: keys are missing or unknown, or values make no system.
    """
    values, problems = read_fields(cls, config)
    problems = problems or cls(**values).problems()
    if problems:
        raise CheckpointError(
            path,
            f"its config does not describe a {kind} network:\n    " + "\n    ".join(problems),
            f"save it with `python -m {module} train`, which writes the config",
        )
    return cls(**values)


def read_fields(kind: type, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Values of a dataclass's fields from plain ones, and what is wrong with them, sorted."""
    known = {f.name: type(f.default) for f in fields(kind)}
    problems = [f"missing key {name!r}" for name in known if name not in config]
    problems += [f"unknown key {name!r}" for name in config if name not in known]
    values: dict[str, Any] = {}
    for name in known.keys() & config.keys():
        try:
            values[name] = _coerce(config[name], known[name])
        except (TypeError, ValueError):
            problems.append(f"{name} is {config[name]!r}, not a {known[name].__name__}")
    return values, sorted(problems)


def _coerce(value: Any, kind: type) -> Any:
    if kind is tuple:
        if isinstance(value, str) or not all(isinstance(v, str) for v in value):
            raise TypeError
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError
    return value
