"""Functions and modules that the user names in words: `module:function`, or `file.py:function`.

A module is looked for where Python looks; then, since somebody named it, in the current folder.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from axis_audit.errors import InputError


def resolve(name: str, option: str = "--checkpoint-adapter") -> Callable[..., Any]:
    """The function that "package.module:function" or "path/to/file.py:function" names.

    Raises:
        InputError: the name's form, a module that cannot be imported, a missing function.
    """
    module_name, colon, attribute = name.rpartition(":")
    if not colon or not module_name or not attribute:
        raise InputError(option, f"{name!r} names no function", "use module:function")
    subject = f"adapter {name}" if option == "--checkpoint-adapter" else f"{option} {name}"
    module = import_named(module_name, subject)
    function = getattr(module, attribute, None)
    if not callable(function):
        place = getattr(module, "__file__", None) or "built into Python"
        raise InputError(
            subject,
            f"{module_name} ({place}) has no function {attribute!r}",
            "check the name; where that is not the file you meant, give yours another name",
        )
    return function  # type: ignore[no-any-return]


def import_named(name: str, subject: str) -> ModuleType:
    """Import a module by its dotted name, or a file by its path.

    Raises:
        InputError: it cannot be imported, whatever the reason.
    """
    try:
        if name.endswith(".py"):
            return _from_file(Path(name).expanduser().resolve())
        _look_here(name.partition(".")[0])
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # the user's module may raise what it likes
        raise InputError(
            subject,
            f"{name} cannot be imported ({type(error).__name__}: {error})",
            "check the name, and that its folder is the current one or on the Python path "
            "(pytest's `pythonpath`)",
        ) from error


def installed(group: str) -> tuple[EntryPoint, ...]:
    """Entry points of installed packages in a group, by name.

    Raises:
        InputError: two packages with the same name in it.
    """
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=group), key=lambda e: e.name):
        present = found.setdefault(entry.name, entry)
        if present.value != entry.value:
            raise InputError(
                f"entry points of {group}",
                f"{entry.name!r} is both {present.value} and {entry.value}",
                "uninstall one of the two packages",
            )
    return tuple(found.values())


def _look_here(top: str) -> None:
    """Put the current folder last on the path, if only there is a module of this name.

    Last, so that a file of the user's shadows nothing that is installed; and to stay, for the
    module may import its neighbours, now or later.
    """
    here = Path.cwd()
    if not top.isidentifier() or top in sys.modules or str(here) in sys.path:
        return
    try:
        known = importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        known = False
    if not known and ((here / f"{top}.py").is_file() or (here / top).is_dir()):
        sys.path.append(str(here))


def _from_file(path: Path) -> ModuleType:
    present = sys.modules.get(path.stem)
    if present is not None and getattr(present, "__file__", None) == str(path):
        return present
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    # A name of its own where the stem is taken: the user's `code.py` must not become Python's.
    taken = present is not None or importlib.util.find_spec(path.stem) is not None
    name = f"axis_audit_named_{path.stem}" if taken else path.stem
    present = sys.modules.get(name)
    if present is not None and getattr(present, "__file__", None) == str(path):
        return present
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
