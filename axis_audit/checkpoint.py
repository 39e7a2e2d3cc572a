"""A checkpoint file: its format, its manifest, and loading it without running anything in it.

Format `axis-audit/1`: one file written by `torch.save`, holding a dict with the keys `format`,
`kind`, `config` (plain values), `state` (a state dict of tensors) and `manifest`. It is read with
`weights_only=True`; it names its kind, never code to import.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.checkpoint_archive import FOREIGN_CURE, not_an_archive, read_archive
from axis_audit.errors import CheckpointError
from axis_audit.file_kinds import FOREIGN, file_kind, init_command
from axis_audit.plain_values import unfit

if TYPE_CHECKING:
    import torch

FORMAT = "axis-audit/1"
_WRITE = "write it with axis_audit.checkpoint.save"
_KEYS = ("format", "kind", "config", "state", "manifest")


@dataclass(frozen=True)
class Manifest:
    """Where a checkpoint comes from: enough to keep its training people out of its audit.

    Attributes:
        patients: uint64 hashes (`hash_ids`) of everybody seen in training or selection; empty
            means unknown, and split integrity is then INCONCLUSIVE.
        waveforms: uint64 `cohort.waveform_hashes` of their records.
        data: name and fingerprint of the training data, folds, seeds, library versions, and in
            words what selected the checkpoint ("selected_by"): plain values, shown in the report.
        selection: uint64 hashes of those among `patients` who selected the checkpoint; empty
            where nobody did, or where it was not written down who.
    """

    patients: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    waveforms: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    data: Mapping[str, Any] = field(default_factory=dict)
    selection: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint; `state` holds tensors, nothing of it has been executed."""

    path: Path
    sha256: str
    kind: str
    config: Mapping[str, Any]
    state: Mapping[str, torch.Tensor]
    manifest: Manifest


def hash_ids(ids: NDArray[np.str_]) -> NDArray[np.uint64]:
    """64-bit hashes of patient ids, sorted and unique: a manifest need not spell people out."""
    return np.sort(hashed(np.unique(ids.astype(str))))


def hashed(ids: NDArray[np.str_]) -> NDArray[np.uint64]:
    """64-bit hash of each patient id, shape (n,), in the order given."""
    digests = [hashlib.blake2b(i.encode(), digest_size=8).digest() for i in ids.tolist()]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def seen_rows(
    patient_ids: NDArray[np.str_], hashes: NDArray[np.uint64], manifest: Manifest
) -> NDArray[np.bool_]:
    """Which rows belong to people (or repeat waveforms) that the checkpoint was trained on.

    Returns:
        boolean array, shape (n,).
    """
    seen = np.concatenate([manifest.patients, manifest.selection])
    rows = np.isin(hashed(patient_ids), seen) | np.isin(hashes, manifest.waveforms)
    # One seen record marks its patient: the person is the unit.
    return np.isin(patient_ids, np.unique(patient_ids[rows]))


def save(
    path: Path,
    *,
    kind: str,
    config: Mapping[str, Any],
    state: Mapping[str, torch.Tensor],
    manifest: Manifest,
) -> None:
    """Write a checkpoint atomically; `config` and `manifest.data` must be plain values."""
    import torch

    content = {
        "format": FORMAT,
        "kind": kind,
        "config": dict(config),
        "state": {k: v.detach().cpu() for k, v in state.items()},
        "manifest": {
            "patients": torch.from_numpy(manifest.patients.astype(np.uint64).view(np.int64)),
            "waveforms": torch.from_numpy(manifest.waveforms.astype(np.uint64).view(np.int64)),
            "selection": torch.from_numpy(manifest.selection.astype(np.uint64).view(np.int64)),
            "data": dict(manifest.data),
        },
    }
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, partial)
    os.replace(partial, path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint of ours without executing anything.

    Raises:
        CheckpointError: missing, empty, truncated, foreign, hostile or malformed file.
    """
    path = Path(path)
    sha256, content = _hashed_read(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(
            path,
            f"it is not a checkpoint of format {FORMAT} ({_describe(content)})",
            f"for weights alone, {init_command('state_dict', path)} writes an adapter, to be named "
            "with --checkpoint-adapter (README, 'Your own model')",
        )
    missing = [k for k in _KEYS if k not in content]
    if missing:
        raise CheckpointError(path, f"the keys {missing} are missing", _WRITE)
    for key in ("kind", "config"):
        _refuse_unfit(path, key, content[key])
    return Checkpoint(
        path=path,
        sha256=sha256,
        kind=_expect(path, content, "kind", str),
        config=_expect(path, content, "config", dict),
        state=_tensors(path, _expect(path, content, "state", dict)),
        manifest=_read_manifest(path, _expect(path, content, "manifest", dict)),
    )


def read_weights(path: Path) -> Any:
    """What a foreign file of `torch.save` holds, read without executing anything.

    Raises:
        CheckpointError: missing, empty, damaged or hostile file.
    """
    return _safe_read(Path(path))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_state(module: torch.nn.Module, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's weights into a module, naming every key that does not fit.

    Raises:
        CheckpointError: missing, unexpected, wrong-shape or non-finite entries.
    """
    import torch

    expected, given = module.state_dict(), checkpoint.state
    problems = [f"missing {k} {tuple(v.shape)}" for k, v in expected.items() if k not in given]
    problems += [f"unexpected {k} {tuple(v.shape)}" for k, v in given.items() if k not in expected]
    problems += [
        f"wrong shape {k}: {tuple(given[k].shape)} in the file, {tuple(v.shape)} in the model"
        for k, v in expected.items()
        if k in given and given[k].shape != v.shape
    ]
    problems += [
        f"not finite {k}"
        for k, v in given.items()
        if v.is_floating_point() and not bool(torch.isfinite(v).all())
    ]
    if problems:
        raise CheckpointError(
            checkpoint.path,
            f"{len(problems)} entries do not fit kind {checkpoint.kind!r}:\n    "
            + "\n    ".join(problems),
            "save the weights of the very model that `config` describes",
        )
    module.load_state_dict(dict(given))


def _hashed_read(path: Path) -> tuple[str, Any]:
    """SHA-256 of the very bytes that were read, and what they hold."""
    before = file_sha256(path) if path.is_file() else ""
    content = _safe_read(path)
    if file_sha256(path) != before:
        raise CheckpointError(path, "it changed while it was read", "wait until it is written")
    return before, content


def _refuse_unfit(path: Path, key: str, value: Any) -> None:
    if cause := unfit(value):
        raise CheckpointError(path, f"{key} {cause}", _WRITE)


def _safe_read(path: Path) -> Any:
    if not path.exists():
        raise CheckpointError(path, "there is no such file", "check the path given to --checkpoint")
    if not path.is_file():
        raise CheckpointError(path, "it is not a file", "name the checkpoint file itself")
    if path.stat().st_size == 0:
        raise CheckpointError(path, "the file is empty", "save or download it again")
    kind = file_kind(path)
    if kind in FOREIGN:
        raise CheckpointError(
            path,
            f"it is {FOREIGN[kind]}, not a file of torch.save",
            f"{init_command(kind, path)} writes an adapter, to be named with --checkpoint-adapter "
            "(README, 'Your own model')",
        )
    try:
        if not zipfile.is_zipfile(path):
            raise CheckpointError(path, *not_an_archive(path))
        return read_archive(path)
    except CheckpointError:
        raise
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            path,
            "loading it would run code (it pickles more than tensors and plain values), "
            f"so it was not opened: {_first_line(error)}",
            "save only a state dict and plain values; audit other objects through "
            "--checkpoint-adapter, in code that you trust",
        ) from None
    except PermissionError as error:
        raise CheckpointError(
            path, f"it cannot be read: {error.strerror}", "check its permissions"
        ) from None
    except Exception as error:  # zipfile and torch raise a dozen kinds on damage: all mean the same
        cause = f"it is truncated or damaged ({_first_line(error)})"
        raise CheckpointError(path, cause, FOREIGN_CURE) from None


def _first_line(error: BaseException) -> str:
    lines = [s.strip() for s in str(error).splitlines() if s.strip()]
    detail = next(
        (s for s in lines if "GLOBAL" in s or "Unsupported" in s), lines[0] if lines else ""
    )
    return (detail or type(error).__name__)[:200]


def _describe(content: Any) -> str:
    if isinstance(content, dict):
        keys = ", ".join(f"{k!r:.60}" for k in list(content)[:5])
        return f"a dict with the keys {keys}{', ...' if len(content) > 5 else ''}"
    return f"a {type(content).__name__}"


def _expect(path: Path, content: Mapping[str, Any], key: str, kind: type) -> Any:
    value = content[key]
    if not isinstance(value, kind):
        raise CheckpointError(
            path, f"{key!r} is a {type(value).__name__}, not a {kind.__name__}", _WRITE
        )
    return value


def _tensors(path: Path, state: Mapping[str, Any]) -> Mapping[str, torch.Tensor]:
    import torch

    for key, value in state.items():
        if not isinstance(key, str) or unfit(key):
            raise CheckpointError(path, f"state has the key {key!r:.80}, not a name", _WRITE)
        if not isinstance(value, torch.Tensor):
            raise CheckpointError(
                path, f"state[{key!r:.80}] is a {type(value).__name__}, not a tensor", _WRITE
            )
    return state


def _read_manifest(path: Path, content: Mapping[str, Any]) -> Manifest:
    import torch

    arrays = {}
    for key in ("patients", "waveforms", "selection"):
        value = content.get(key, torch.zeros(0, dtype=torch.int64))
        if not isinstance(value, torch.Tensor) or value.dtype != torch.int64 or value.ndim != 1:
            raise CheckpointError(path, f"manifest[{key!r}] is not a list of 64-bit hashes", _WRITE)
        arrays[key] = value.numpy().view(np.uint64)
    data = content.get("data", {})
    if not isinstance(data, dict):
        raise CheckpointError(path, "manifest['data'] is not a dict", _WRITE)
    _refuse_unfit(path, "manifest['data']", data)
    return Manifest(arrays["patients"], arrays["waveforms"], data, arrays["selection"])
