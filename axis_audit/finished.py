"""Work that can be interrupted: one JSON line a finished piece, re-used on the next start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from axis_audit.errors import InputError

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Finished:
    """Finished pieces of one job.

    Attributes:
        path: the JSON lines, one a piece; lines of other keys stay and are ignored.
        key: what the pieces depend on, see `settings_key`.
    """

    path: Path
    key: str

    def read(self, others: Iterable[Path] = ()) -> dict[str, dict[str, Any]]:
        """Pieces of this key by name, from this file and others (shards of the same job).

        A broken line, as an interruption leaves it, is a piece not finished.

        Raises:
            InputError: a file that cannot be read.
        """
        pieces: dict[str, dict[str, Any]] = {}
        for path in {self.path, *others}:
            for line in _lines(path):
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict) and record.get("key") == self.key:
                    pieces[record["name"]] = record["piece"]
        return pieces

    def add(self, name: str, piece: Mapping[str, Any]) -> None:
        """Append a finished piece; a broken last line is closed first."""
        text = json.dumps({"key": self.key, "name": name, "piece": piece})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as stream:
            if stream.tell():
                stream.seek(-1, 2)
                text = text if stream.read(1) == b"\n" else "\n" + text
            stream.write((text + "\n").encode("utf-8"))


def settings_key(settings: Mapping[str, Any], parts: Iterable[str] = ("",)) -> str:
    """A hash of settings, library versions and the source text of parts of this package.

    Args:
        settings: plain values. parts: modules or folders of the package, "" for all of it.
    """
    content = {"settings": settings, "versions": _versions(), "source": _source(tuple(parts))}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache
def _source(parts: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        place = _PACKAGE / part
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        for path in files:
            digest.update(str(path.relative_to(_PACKAGE)).encode() + path.read_bytes())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "torch")}


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(path, f"it cannot be read ({error.strerror})", "name a file") from None
