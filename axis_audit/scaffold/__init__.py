"""`axis-audit init`: an adapter to fill in, its test, and a table of settings."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from axis_audit.errors import InputError
from axis_audit.file_kinds import KINDS, file_kind

_DEFAULT = "torchscript"


@dataclass(frozen=True)
class _Kind:
    """What differs between the adapters of two kinds of files."""

    words: str
    suffix: str
    openers: tuple[str, ...]
    open: str
    imports: str = ""
    extra: str = ""


_TEMPLATES = {
    "torchscript": _Kind(
        "a TorchScript file (torch.jit.save)",
        ".pt",
        ("open_torchscript",),
        'net = open_torchscript(path)  # EDIT 4: device="cuda" or batch=1, where it needs that',
    ),
    "state_dict": _Kind(
        "weights alone, read with weights_only=True, for a network that you build",
        ".pth",
        ("open_state_dict",),
        "net = open_state_dict(path, MyNetwork())  # EDIT 4: your class and its sizes (and its "
        'import);\n    # key="state_dict" where the file holds more than the weights',
    ),
    "export": _Kind(
        "a program of torch.export, exported with a batch of any size",
        ".pt2",
        ("open_exported",),
        "net = open_exported(path)  # EDIT 4: batch=1, where it was exported for a single row",
    ),
    "onnx": _Kind(
        "an ONNX file with one input (n, leads, samples)",
        ".onnx",
        ("open_onnx",),
        "net = open_onnx(path)  # EDIT 4: batch=1, where it needs that",
        extra="onnx",
    ),
    "sklearn": _Kind(
        "a scikit-learn estimator in a skops file, on rows of leads * samples",
        ".skops",
        ("estimator_function", "open_skops"),
        "# EDIT 4: trusted=[...], types of your own in the file. Pickle and joblib files run code "
        "when\n    # they are opened: if you trust yours, estimator_function(joblib.load(path)).\n"
        "    net = estimator_function(open_skops(path, trusted=[]))",
        extra="skops",
    ),
}


def write(folder: Path, kind: str | None, checkpoint: Path | None, name: str) -> list[str]:
    """Write NAME.py, test_NAME.py and, where there is none, pyproject.toml.

    Args:
        kind: one of `KINDS`; None reads it off the checkpoint.

    Returns:
        lines that say what was written and what to do next.

    Raises:
        InputError: a file that is there already (nothing is written then), a name that is no
            module's, a kind that is not the checkpoint's, a folder that cannot be written.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        raise InputError("--name", f"{name!r} is no name for a module", "use a-z, 0-9 and _")
    chosen = _chosen_kind(kind, checkpoint)
    texts = _texts(chosen, checkpoint, name, folder)
    present = [path for path in texts if path.exists()]
    if present:
        raise InputError(
            present[0],
            "it is there already, and nothing was written",
            "choose another folder, or another name with --name",
        )
    home = folder.resolve()
    tables = (place / "pyproject.toml" for place in (home, *home.parents))
    table = next((path for path in tables if path.exists()), None)
    snippet = _filled("pyproject.txt", module=name)
    if table is None:
        texts[folder / "pyproject.toml"] = snippet
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise InputError(folder, f"it cannot be written ({error})", "choose another") from None
    lines = [f"wrote {path}" for path in texts]
    if table is not None:
        lines += [f"{table} is yours and was left alone; you may add to it:", "", snippet.rstrip()]
    return [*lines, "", *_next_steps(folder, chosen, checkpoint, name)]


def _chosen_kind(kind: str | None, checkpoint: Path | None) -> str:
    found = file_kind(checkpoint) if checkpoint is not None and checkpoint.is_file() else None
    if kind is None:
        if checkpoint is not None and found is None:
            there = "its kind cannot be told" if checkpoint.is_file() else "there is no such file"
            raise InputError(checkpoint, there, f"give --kind, one of {', '.join(KINDS)}")
        return found or _DEFAULT
    if found is not None and found != kind:
        raise InputError(checkpoint, f"it is of kind {found}, not {kind}", f"use --kind {found}")
    return kind


def _texts(kind: str, checkpoint: Path | None, name: str, folder: Path) -> dict[Path, str]:
    parts = _TEMPLATES[kind]
    imports = ["BEAT", *parts.openers, "wrap"]  # in the order that ruff gives them
    shown = _shown(kind, checkpoint, folder)
    known = {
        "module": name,
        "test_module": f"test_{name}",
        "file": re.sub(r"[^\w ./:-]", "?", shown),
        "file_literal": json.dumps(shown, ensure_ascii=False),
        "kind_words": parts.words,
        "imports": f"from axis_audit.wrappers import {', '.join(imports)}",
        "open": "    " + parts.open,
    }
    return {
        folder / f"{name}.py": _filled("adapter.txt", **known),
        folder / f"test_{name}.py": _filled("test_adapter.txt", **known),
    }


def _shown(kind: str, checkpoint: Path | None, folder: Path) -> str:
    """The checkpoint as seen from the folder of the adapter."""
    if checkpoint is None:
        return f"model{_TEMPLATES[kind].suffix}"
    path, home = checkpoint.resolve(), folder.resolve()
    return str(path.relative_to(home)) if path.is_relative_to(home) else str(path)


def _filled(template: str, **known: str) -> str:
    text = (files("axis_audit.scaffold") / template).read_text(encoding="utf-8")
    return Template(text).substitute(known)


def _next_steps(folder: Path, kind: str, checkpoint: Path | None, name: str) -> list[str]:
    shown = _shown(kind, checkpoint, folder)
    extra = _TEMPLATES[kind].extra
    needs = [f"0. pip install 'axis-audit[{extra}]'"] if extra else []
    return [
        f"next, in {folder}:",
        *(f"  {line}" for line in needs),
        f"  1. edit the five lines marked EDIT in {name}.py",
        f"  2. pytest test_{name}.py",
        f"  3. pytest --checkpoint {shown} --checkpoint-adapter {name}:load",
        "     (add --cohort and --folds to audit on people; pytest --help says how)",
    ]
