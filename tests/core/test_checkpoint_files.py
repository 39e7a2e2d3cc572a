"""Bad checkpoint files: each gets one clear message, and nothing in them runs."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from axis_audit import checkpoint
from axis_audit.adapters import load_foreign, load_model
from axis_audit.errors import CheckpointError, InputError


def content(**changes) -> dict:
    good = {
        "format": checkpoint.FORMAT,
        "kind": "twin",
        "config": {},
        "state": {"mean": torch.zeros(12, 120)},
        "manifest": {"patients": torch.zeros(3, dtype=torch.int64), "data": {}},
    }
    return {k: v for k, v in {**good, **changes}.items() if v is not None}


class Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def _truncated(path: Path) -> None:
    torch.save(content(state={"w": torch.zeros(5000)}), path)
    path.write_bytes(path.read_bytes()[:-9000])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda p: None, "there is no such file"),
    "folder": (lambda p: p.mkdir(), "it is not a file"),
    "empty": (lambda p: p.write_bytes(b""), "the file is empty"),
    "text": (lambda p: p.write_text("weights: none"), "not a PyTorch file"),
    "truncated": (_truncated, "truncated or damaged"),
    "foreign state dict": (lambda p: torch.save({"w": torch.ones(2)}, p), "not a checkpoint of"),
    "a bare tensor": (lambda p: torch.save(torch.ones(2), p), "(a Tensor)"),
    "later format": (lambda p: torch.save(content(format="axis-audit/9"), p), "axis-audit/1"),
    "no manifest": (lambda p: torch.save(content(manifest=None), p), "['manifest'] are missing"),
    "kind of wrong type": (lambda p: torch.save(content(kind=3), p), "'kind' is a int, not a str"),
    "state with a string": (lambda p: torch.save(content(state={"w": "x"}), p), "not a tensor"),
    "unknown kind": (lambda p: torch.save(content(kind="oracle"), p), "nobody here can load"),
    "unknown defect": (
        lambda p: torch.save(content(config={"defect": "gremlin"}), p),
        "are missing",
    ),
    "manifest of floats": (
        lambda p: torch.save(content(manifest={"patients": torch.zeros(3)}), p),
        "not a list of 64-bit hashes",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_cause_and_cure(name: str, tmp_path: Path) -> None:
    write, cause = BAD[name]
    path = tmp_path / "model.pth"
    write(path)
    with pytest.raises(CheckpointError) as caught:
        load_model(path, {})
    message = str(caught.value)
    assert cause in message
    assert str(path) in message
    assert "Cure: " in message
    assert "Traceback" not in message


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_refused_and_nothing_runs(tmp_path: Path, zipped: bool) -> None:
    path, marker = tmp_path / "model.pth", tmp_path / "it-ran"
    if zipped:
        torch.save({"state": Hostile(marker)}, path)
    else:
        path.write_bytes(pickle.dumps(Hostile(marker), protocol=2))
    with pytest.raises(CheckpointError, match="would run code"):
        checkpoint.load(path)
    assert not marker.exists()


def test_every_mismatched_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    state = module.state_dict()
    state["0.weight"] = torch.zeros(4, 2)
    state["1.weight"] = torch.full((1, 3), torch.nan)
    state["extra"] = state.pop("1.bias")
    checkpoint.save(path, kind="x", config={}, state=state, manifest=checkpoint.Manifest())
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load_state(module, checkpoint.load(path))
    message = str(caught.value)
    assert "missing 1.bias (1,)" in message
    assert "unexpected extra (1,)" in message
    assert "wrong shape 0.weight: (4, 2) in the file, (3, 2) in the model" in message
    assert "not finite 1.weight" in message


def test_a_checkpoint_survives_the_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    manifest = checkpoint.Manifest(
        checkpoint.hash_ids(np.array(["a", "b", "a"])),
        np.array([1, 2**64 - 1], np.uint64),
        {"seed": 3},
    )
    state = {"w": torch.arange(4.0)}
    checkpoint.save(path, kind="x", config={"d": 2}, state=state, manifest=manifest)
    loaded = checkpoint.load(path)
    assert (loaded.kind, loaded.config, loaded.manifest.data) == ("x", {"d": 2}, {"seed": 3})
    assert torch.equal(loaded.state["w"], state["w"])
    np.testing.assert_array_equal(loaded.manifest.patients, manifest.patients)
    np.testing.assert_array_equal(loaded.manifest.waveforms, manifest.waveforms)
    assert len(manifest.patients) == 2


def test_a_person_is_seen_by_id_or_by_waveform() -> None:
    manifest = checkpoint.Manifest(
        checkpoint.hash_ids(np.array(["ann"])), np.array([7], np.uint64), {}
    )
    ids = np.array(["ann", "bob", "bob", "eve"])
    rows = checkpoint.seen_rows(ids, np.array([1, 7, 2, 3], np.uint64), manifest)
    # Bob's second record has a waveform nobody saw, but Bob himself was in training.
    assert rows.tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("nocolon", "names no function"),
        ("no_such_module_at_all:load", "cannot be imported"),
        ("json:no_such_function", "has no function"),
    ],
)
def test_a_bad_adapter_name_is_explained(name: str, cause: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"anything")
    with pytest.raises(InputError, match=cause):
        load_foreign(path, name)


def test_an_adapter_that_crashes_is_input_not_verdict(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"not json")
    with pytest.raises(CheckpointError, match=r"its adapter load failed \(AttributeError"):
        load_foreign(path, "json:load")
