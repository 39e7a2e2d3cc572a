"""Cohort readers of other people's: a name before the colon, `mimic:/data/mimic`.

A reader is `(source, folds, kind, rate) -> Cohort`: `source` is what follows the colon, `folds` a
tuple of ints or None, `kind` "beat", "record" or "cycle", `rate` samples per second. What it
returns must pass what our own readers' cohorts pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from axis_audit.cohort import Cohort
from axis_audit.errors import CohortError, InputError
from axis_audit.named import installed, resolve

GROUP = "axis_audit.cohorts"
Reader = str | Callable[[str, tuple[int, ...] | None, str, float], Cohort]
# One letter is a drive of Windows.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]+")
_TAKEN = ("atlas", "http", "https", "file")


def known_readers(given: Mapping[str, Reader]) -> dict[str, Reader]:
    """Readers of installed packages (entry points), then those given, which win.

    Raises:
        InputError: a name that will not do.
    """
    readers: dict[str, Reader] = {entry.name: entry.value for entry in installed(GROUP)}
    readers.update(given)
    for name in readers:
        if not _NAME.fullmatch(str(name)) or name in _TAKEN:
            raise InputError(
                f"cohort reader {name!r}",
                "its name will not do",
                "use at least two letters, digits or any of _.-, letters first, and none of "
                f"{', '.join(_TAKEN)}",
            )
    return readers


def split_source(source: str) -> tuple[str, str] | None:
    """("mimic", "/data/mimic") of "mimic:/data/mimic"; None where no name stands before a colon."""
    name, colon, rest = source.partition(":")
    return (name, rest) if colon and _NAME.fullmatch(name) else None


def read(
    source: str,
    readers: Mapping[str, Reader],
    folds: tuple[int, ...] | None,
    kind: str,
    rate: float,
) -> Cohort | None:
    """The cohort of a named reader, or None where the source is for our own readers.

    Raises:
        CohortError: a reader that crashes, or returns what is no valid cohort of these folds.
        InputError: a reader that cannot be imported.
    """
    parts = split_source(source)
    if parts is None:
        return None
    name, rest = parts
    if name not in readers:
        if Path(source).exists():
            return None
        raise CohortError(
            source,
            f"nobody here reads {name!r} (known: {', '.join(sorted(readers)) or 'none'})",
            "register a reader (hook pytest_axis_audit_cohorts, entry-point group "
            f"{GROUP}), or give a folder of PTB-XL, LUDB or CinC, a .npz file or atlas",
        )
    reader = readers[name]
    function = resolve(reader, "cohort reader") if isinstance(reader, str) else reader
    try:
        cohort = function(rest, folds, kind, rate)
    except InputError:
        raise
    except Exception as error:  # a reader's crash is a broken input, not a verdict
        raise CohortError(
            source,
            f"its reader {name!r} failed ({type(error).__name__}: {error})",
            "mend the reader, or check that the source is what it reads",
        ) from error
    _validate(cohort, source, name, folds)
    return cohort


def _validate(cohort: object, source: str, name: str, folds: tuple[int, ...] | None) -> None:
    """What `Cohort` itself does not refuse when it is made."""
    if not isinstance(cohort, Cohort):
        raise CohortError(
            source,
            f"its reader {name!r} returned a {type(cohort).__name__}",
            "return an axis_audit.Cohort: axis_audit.make_cohort makes one from arrays",
        )
    columns = [("signals", "float32"), ("age", "float32"), ("hashes", "uint64")]
    if cohort.seconds is not None:
        columns.append(("seconds", "float32"))
    for column, kind in columns:
        found = str(getattr(cohort, column).dtype)
        if found != kind:
            raise CohortError(
                source,
                f"its reader {name!r} gave {column} as {found}, not {kind}",
                "build the cohort with axis_audit.make_cohort, which converts",
            )
    if folds is None:
        return
    strays = sorted({int(fold) for fold in np.unique(cohort.fold)} - set(folds))
    if strays:
        raise CohortError(
            source,
            f"its reader {name!r} gave people of folds {strays[:8]} where {list(folds)} were asked "
            "for",
            "let the reader keep the rows of `folds` alone (fold -1 is none); without folds of its "
            "own a source cannot be used with --folds or --fit-folds",
        )
