"""Who can load a checkpoint: hooks, entry points, or a function named on the command line.

A file names its kind, never code; only the user or an installed package names code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from axis_audit.checkpoint import Checkpoint, load
from axis_audit.errors import CheckpointError, InputError
from axis_audit.named import installed as entries
from axis_audit.named import resolve

GROUP = "axis_audit.adapters"
BUILT_IN = {"twin": "axis_audit.defects.twin:load"}
Adapter = str | Callable[[Any], Any]


def installed() -> dict[str, Adapter]:
    """Adapters of installed packages, from the entry-point group `axis_audit.adapters`."""
    return {entry.name: entry.value for entry in entries(GROUP)}


def load_model(path: Path, adapters: Mapping[str, Adapter]) -> tuple[Any, Checkpoint]:
    """A checkpoint of our format becomes a model under audit.

    Raises:
        CheckpointError: see `checkpoint.load`; also a kind nobody can load.
    """
    checkpoint = load(path)
    known = {**BUILT_IN, **installed(), **adapters}
    if checkpoint.kind not in known:
        raise CheckpointError(
            path,
            f"nobody here can load kind {checkpoint.kind!r} (known: {sorted(known) or 'none'})",
            "register an adapter (hook pytest_axis_audit_adapters, entry-point group "
            f"{GROUP}) or name one with --checkpoint-adapter",
        )
    adapter = known[checkpoint.kind]
    function = resolve(adapter) if isinstance(adapter, str) else adapter
    return _called(function, checkpoint, path), checkpoint


def load_foreign(path: Path, name: str) -> Any:
    """Any file becomes a model under audit through the function that the user names.

    The function gets the `Path`.
    """
    if not path.is_file():
        raise CheckpointError(path, "there is no such file", "check the path given to --checkpoint")
    return _called(resolve(name), path, path)


def _called(function: Callable[[Any], Any], argument: Any, path: Path) -> Any:
    try:
        return function(argument)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # an adapter's crash is a broken input, not a verdict
        raise CheckpointError(
            path,
            f"its adapter {getattr(function, '__name__', function)} failed "
            f"({type(error).__name__}: {error})",
            "mend the adapter, or check that the file is of the kind it loads",
        ) from error
