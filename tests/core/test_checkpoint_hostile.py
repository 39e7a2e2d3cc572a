"""Files that torch.load would believe: wrong sizes, bombs, values that no report can print."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from axis_audit import checkpoint
from axis_audit.adapters import load_model
from axis_audit.defects.twin import state
from axis_audit.errors import CheckpointError


def _content(**changes) -> dict:
    good = {
        "format": checkpoint.FORMAT,
        "kind": "twin",
        "config": {},
        "state": {"w": torch.arange(4.0)},
        "manifest": {"data": {}},
    }
    return {**good, **changes}


def _saved(**changes) -> bytes:
    buffer = io.BytesIO()
    torch.save(_content(**changes), buffer)
    return buffer.getvalue()


def _edited(pickle: Callable[[bytes], bytes] = bytes, packed: bool = False) -> bytes:
    """An archive with an edited pickle and right checksums."""
    buffer = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(io.BytesIO(_saved())) as old, zipfile.ZipFile(buffer, "w", how) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, pickle(content) if name.endswith("data.pkl") else content)
    return buffer.getvalue()


def _more_elements(content: bytes) -> bytes:
    """The storage of four floats says that it has a thousand."""
    assert content.count(b"K\x04tq") == 1
    return content.replace(b"K\x04tq", b"M\xe8\x03tq")


def _bytearray(content: bytes) -> bytes:
    """Allocates what it is told, and torch's loader allows it."""
    return b"\x80\x02cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R."


def _nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def _itself() -> list:
    value: list = []
    value.append(value)
    return value


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "more elements than bytes": (lambda: _edited(_more_elements), "has 16 bytes for 1000"),
    "a function that allocates": (lambda: _edited(_bytearray), "would run code"),
    "packed records": (lambda: _edited(packed=True), "packed, or larger than the file"),
    "one element a million times": (
        lambda: _saved(state={"w": torch.zeros(1).expand(10**6)}),
        "1000000 elements has fewer bytes",
    ),
    "a sparse tensor": (lambda: _saved(state={"w": torch.eye(3).to_sparse()}), "would run code"),
    "a deep config": (lambda: _saved(config={"x": _nested(100)}), "nested more than 32 deep"),
    "a config of itself": (lambda: _saved(config={"x": _itself()}), "nested more than 32 deep"),
    "a huge number": (lambda: _saved(manifest={"data": {"n": 10**500}}), "beyond 2^64"),
    "half a character": (lambda: _saved(kind="\ud800"), "UTF-8 cannot write"),
    "a tensor in the config": (lambda: _saved(config={"x": torch.ones(1)}), "holds a Tensor"),
    "a state without names": (lambda: _saved(state={3: torch.ones(1)}), "the key 3"),
    "old format": (
        lambda: (b := io.BytesIO(), torch.save(_content(), b, _use_new_zipfile_serialization=False))
        and b.getvalue(),
        "format from before 1.6",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_lies_is_refused(name: str, tmp_path: Path) -> None:
    make, cause = HOSTILE[name]
    path = tmp_path / "model.pth"
    path.write_bytes(make())
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path)
    assert cause in str(caught.value)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("template", torch.zeros(3, 3), "other shapes or types"),
        ("carried", torch.zeros(7), "other shapes or types"),
        ("mean", torch.zeros(12, 120, dtype=torch.int32), "other shapes or types"),
        ("mean", torch.full((12, 120), torch.nan), "['mean'] are not finite"),
    ],
)
def test_a_twin_that_is_none_is_refused(tmp_path, twin, name, value, cause) -> None:
    path = tmp_path / "model.pth"
    arrays = {**state(twin), name: value}
    checkpoint.save(path, kind="twin", config={}, state=arrays, manifest=checkpoint.Manifest())
    with pytest.raises(CheckpointError) as caught:
        load_model(path, {})
    assert cause in str(caught.value)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(_saved())
    read = checkpoint.read_archive

    def meanwhile(name: Path) -> object:
        made = read(name)
        path.write_bytes(_saved(kind="other"))
        return made

    monkeypatch.setattr(checkpoint, "read_archive", meanwhile)
    with pytest.raises(CheckpointError, match="changed while it was read"):
        checkpoint.load(path)


def test_an_adapter_that_exits_is_a_broken_input(tmp_path, monkeypatch) -> None:
    (tmp_path / "leaving.py").write_text("def load(path): raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    from axis_audit.adapters import load_foreign

    path = tmp_path / "weights.bin"
    path.write_bytes(np.zeros(3).tobytes())
    with pytest.raises(CheckpointError, match="adapter load failed"):
        load_foreign(path, "leaving:load")
