"""Prepared cohorts on disk, so that the second audit starts in seconds.

One uncompressed .npz without pickles per entry, written under another name and renamed, so that a
reader never sees half an entry. An entry that cannot be read is made again. Entries are never
deleted here: the folder may be removed at any time.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
CACHE_VARIABLE = "AXIS_AUDIT_CACHE"
_KEY = "cache_key"


def cache_folder() -> Path:
    """$AXIS_AUDIT_CACHE, or the platform's cache folder for axis-audit; it may not exist yet."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("axis-audit", appauthor=False))


def fingerprint(parts: Iterable[str]) -> str:
    """SHA-256 of the parts, each ended by a NUL so that they cannot run together."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load(name: str, key: str) -> dict[str, NDArray[Any]] | None:
    """The entry `name` if it is there, whole, and was stored under `key`; None otherwise."""
    path = _path(name, key)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as entry:
            if str(entry[_KEY]) != key:
                return None
            return {k: entry[k] for k in entry.files if k != _KEY}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        warnings.warn(f"{path}: damaged cache entry ({error}); it is made again", stacklevel=2)
        return None


def store(name: str, key: str, arrays: Arrays) -> None:
    """Write an entry at once or not at all; a folder that cannot be written only warns."""
    path = _path(name, key)
    partial = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=path.stem, suffix=".partial", delete=False
        ) as stream:
            partial = stream.name
            np.savez(stream, allow_pickle=False, **{_KEY: np.array(key)}, **arrays)
        os.replace(partial, path)
    except OSError as error:
        if partial:
            Path(partial).unlink(missing_ok=True)
        warnings.warn(
            f"{path.parent}: prepared recordings cannot be cached ({error}); "
            f"set {CACHE_VARIABLE} to a folder that can be written",
            stacklevel=2,
        )


def _path(name: str, key: str) -> Path:
    return cache_folder() / f"{name}-{key[:20]}.npz"
