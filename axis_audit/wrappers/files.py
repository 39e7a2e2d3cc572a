"""What every opener asks of a file and of an optional library first."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from axis_audit.errors import CheckpointError, InputError


def existing(path: Path) -> None:
    """See that there is a file to open.

    Raises:
        CheckpointError: there is none.
    """
    if not Path(path).is_file():
        raise CheckpointError(path, "there is no such file", "check the path given to --checkpoint")


def library(name: str, extra: str) -> Any:
    """A library that only some models need.

    Raises:
        InputError: it is not installed, or cannot be loaded.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            name, f"it cannot be imported ({error})", f"pip install 'axis-audit[{extra}]'"
        ) from None
