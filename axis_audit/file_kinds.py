"""What a model's file is, told from its name and its table of contents; nothing is loaded."""

from __future__ import annotations

import zipfile
from pathlib import Path

KINDS = ("torchscript", "state_dict", "export", "onnx", "sklearn")
"""Kinds of files for which `axis-audit init` writes an adapter."""

FOREIGN = {
    "torchscript": "a TorchScript file",
    "export": "a program of torch.export",
    "onnx": "an ONNX file",
    "sklearn": "a scikit-learn estimator in a skops file",
}
"""Kinds that `torch.load` is not for, in words."""


def file_kind(path: Path) -> str | None:
    """One of `KINDS`, or None where the file does not say."""
    if path.suffix.lower() == ".onnx":
        return "onnx"
    if path.suffix.lower() == ".skops":
        return "sklearn"
    if not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    inside = {name.partition("/")[2] for name in names}
    if "schema.json" in names:
        return "sklearn"
    if "archive_format" in inside or any(name.startswith("models/") for name in inside):
        return "export"
    if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
        return "torchscript"
    return "state_dict" if "data.pkl" in inside else None


def init_command(kind: str, path: Path) -> str:
    """The command that writes an adapter for a file."""
    return f"`axis-audit init --kind {kind} --checkpoint {path}`"
