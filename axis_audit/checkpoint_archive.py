"""Reading the zip archive that torch.save writes, with nothing taken on trust.

`torch.load(weights_only=True)` runs no code of the file, but it believes the file's sizes: a
storage may claim more bytes than its record has (they are then read from beyond it), a record may
unpack to any size, and a few of the functions it allows allocate what they are told. Here every
size is checked against the file before memory is taken, and the pickle may name five functions.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LARGEST_PICKLE = 64 * 2**20
"""Bytes; the pickle holds names and shapes, the numbers stand in other records."""
_FUNCTIONS = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch Size",
        "_codecs encode",
    }
)
_STORAGES = frozenset(
    f"torch {name}Storage"
    for name in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte",
                 "Bool", "ComplexFloat", "ComplexDouble")
)  # fmt: skip


FOREIGN_CURE = (
    "save or download it again; for another format use --checkpoint-adapter package.module:function"
)


class DamagedError(Exception):
    """The file is not what torch.save writes; the message says where."""


def read_archive(path: Path) -> Any:
    """The object in an archive of torch.save: plain values and dense tensors on the CPU.

    Raises:
        DamagedError: a record is missing, packed, repeated, or not of the size that it claims.
        pickle.UnpicklingError: the pickle names anything but tensors and plain values.
        OSError, Exception: what zipfile and torch raise on other damage.
    """
    import torch._weights_only_unpickler as weights_only

    with zipfile.ZipFile(path) as archive:
        prefix = _checked_prefix(archive, path.stat().st_size)
        if f"{prefix}/constants.pkl" in archive.namelist():
            raise DamagedError("it is a TorchScript program, not saved values")
        if f"{prefix}/byteorder" in archive.namelist():
            order = archive.read(f"{prefix}/byteorder")
            if order != b"little":
                raise DamagedError(f"its byte order is {order[:20]!r}, not little")
        content = archive.read(f"{prefix}/data.pkl")
        _check_names(content)
        unpickler = weights_only.Unpickler(io.BytesIO(content), encoding="utf-8")
        unpickler.persistent_load = _Storages(archive, prefix)  # type: ignore[method-assign]
        with warnings.catch_warnings():  # of odd pickles; what is refused is refused in words
            warnings.simplefilter("ignore")
            made = unpickler.load()  # type: ignore[no-untyped-call]
    _check_dense(made)
    return made


def _checked_prefix(archive: zipfile.ZipFile, size: int) -> str:
    records = archive.infolist()
    names = [record.filename for record in records]
    if len(set(names)) < len(names):
        raise DamagedError("two records have one name")
    packed = [r.filename for r in records if r.compress_type != zipfile.ZIP_STORED]
    if packed or sum(r.file_size for r in records) > size:
        raise DamagedError("its records are packed, or larger than the file")
    pickles = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise DamagedError(f"it has {len(pickles)} records data.pkl")
    if archive.getinfo(pickles[0]).file_size > LARGEST_PICKLE:
        raise DamagedError(f"its pickle is larger than {LARGEST_PICKLE >> 20} MB")
    return pickles[0].partition("/")[0]


def _check_names(content: bytes) -> None:
    for code, argument, _ in pickletools.genops(content):
        if code.name == "GLOBAL" and argument not in _FUNCTIONS | _STORAGES:
            raise pickle.UnpicklingError(f"it names GLOBAL {str(argument)[:80]}")


class _Storages:
    """Storages by the number of their record, each read once and as long as its record."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str) -> None:
        self._archive, self._prefix = archive, prefix
        self._read: dict[tuple[str, torch.dtype], torch.TypedStorage] = {}

    def __call__(self, reference: Any) -> torch.TypedStorage:
        import torch

        if not isinstance(reference, tuple) or len(reference) != 5:
            raise DamagedError("a tensor refers to no storage")
        word, kind, key, _, count = reference
        dtype = getattr(kind, "dtype", None)
        if word != "storage" or not isinstance(dtype, torch.dtype) or not isinstance(key, str):
            raise DamagedError("a tensor refers to no storage")
        if (key, dtype) not in self._read:
            content = self._archive.read(f"{self._prefix}/data/{key}")
            if type(count) is not int or count * dtype.itemsize != len(content):
                raise DamagedError(f"storage {key} has {len(content)} bytes for {count} {dtype}")
            raw = torch.empty(0, dtype=torch.uint8)
            if content:
                raw = torch.frombuffer(bytearray(content), dtype=torch.uint8)
            self._read[key, dtype] = torch.TypedStorage(  # type: ignore[no-untyped-call]
                wrap_storage=raw.untyped_storage(), dtype=dtype, _internal=True
            )
        return self._read[key, dtype]


def _check_dense(made: Any) -> None:
    """No tensor may claim more elements than it has bytes for: copies of it would need them."""
    import torch

    seen: set[int] = set()
    waiting = [made]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        if isinstance(value, torch.Tensor):
            if value.device.type != "cpu" or value.layout is not torch.strided:
                raise DamagedError("a tensor is not dense, or not in memory")
            if value.numel() * value.element_size() > value.untyped_storage().nbytes():
                raise DamagedError(f"a tensor of {value.numel()} elements has fewer bytes")
        elif isinstance(value, dict):
            seen.add(id(value))
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            seen.add(id(value))
            waiting += value


def not_an_archive(path: Path) -> tuple[str, str]:
    """Cause and cure for a file that is no whole zip archive."""
    with path.open("rb") as stream:
        start = stream.read(2**16)
    if start.startswith(b"PK"):
        return "it is truncated or damaged (no zip directory at its end)", FOREIGN_CURE
    if not start.startswith(b"\x80"):
        return "it is not a PyTorch file", FOREIGN_CURE
    try:
        codes = {code.name for code, _, _ in pickletools.genops(start)}
    except ValueError:
        codes = set()
    if codes & {"GLOBAL", "STACK_GLOBAL", "INST", "REDUCE", "OBJ"}:
        return (
            "loading it would run code (it is a pickle of objects), so it was not opened",
            "save only a state dict and plain values with torch.save",
        )
    return (
        "it is in PyTorch's format from before 1.6, or damaged",
        "load and save it again with a later PyTorch, or use --checkpoint-adapter",
    )
