"""Every kind of file opens into the network it holds, or says why not; none runs by itself."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from axis_audit import checkpoint
from axis_audit.errors import CheckpointError, InputError
from axis_audit.file_kinds import file_kind
from axis_audit.wrappers import (
    BEAT,
    estimator_function,
    network_function,
    open_exported,
    open_onnx,
    open_skops,
    open_state_dict,
    open_torchscript,
    trial_signals,
)
from tests.wrappers.foreign_files import (
    expected,
    linear,
    write_exported,
    write_onnx,
    write_skops,
    write_torchscript,
)

SIGNALS = trial_signals(BEAT, 7)


@pytest.mark.parametrize(
    ("write", "read", "kind", "name"),
    [
        (write_torchscript, open_torchscript, "torchscript", "net.pt"),
        (write_exported, open_exported, "export", "net.pt2"),
        (write_onnx, open_onnx, "onnx", "net.onnx"),
    ],
)
def test_a_program_gives_what_the_network_gave(write, read, kind, name, tmp_path: Path) -> None:
    net = linear()
    path = write(tmp_path / name, net)
    assert file_kind(path) == kind
    for batch in (128, 3, 1):
        found = read(path, batch=batch)(SIGNALS)
        np.testing.assert_allclose(found, expected(net, SIGNALS), rtol=0, atol=1e-5)


def test_weights_go_into_the_network_the_user_builds(tmp_path: Path) -> None:
    net, path = linear(1), tmp_path / "weights.pth"
    torch.save({"epoch": 3, "net": {f"module.{k}": v for k, v in net.state_dict().items()}}, path)
    with pytest.raises(CheckpointError, match=r"not a state dict.*'epoch', 'net'\n.*key="):
        open_state_dict(path, linear(2))
    with pytest.raises(CheckpointError, match="no entry 'model'"):
        open_state_dict(path, linear(2), key="model")
    with pytest.raises(CheckpointError, match=r"do not fit Sequential(.|\n)*prefix="):
        open_state_dict(path, linear(2), key="net")
    function = open_state_dict(path, linear(2), key="net", prefix="module.")
    np.testing.assert_array_equal(function(SIGNALS), expected(net, SIGNALS))
    with pytest.raises(CheckpointError, match="size mismatch"):
        open_state_dict(path, linear(2, columns=5), key="net", prefix="module.")


def test_a_file_that_would_run_code_is_not_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "net.pth"
    path.write_bytes(pickle.dumps(Bomb()))
    torch.save({"state": Bomb()}, tmp_path / "zip.pth")
    for file in (path, tmp_path / "zip.pth"):
        with pytest.raises(CheckpointError, match="would run code"):
            open_state_dict(file, linear())
    with pytest.raises(CheckpointError):
        open_skops(path)
    assert not (tmp_path / "ran").exists()


def test_evaluation_mode_and_the_networks_own_type() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(1), torch.nn.Linear(1440, 2), torch.nn.Dropout(0.5))
    function = network_function(net.double().train())
    assert function(SIGNALS).dtype == np.float64
    np.testing.assert_array_equal(function(SIGNALS), function(SIGNALS))


def test_several_outputs_can_be_chosen_from() -> None:
    class Two(torch.nn.Module):
        def forward(self, x):
            return x.mean(-1), {"z": x.amax(-1), "more": [x.amin(-1)]}

    function = network_function(Two(), batch=2)
    mean, named = function(SIGNALS)
    np.testing.assert_allclose(mean, SIGNALS.mean(-1), atol=1e-6)
    np.testing.assert_array_equal(named["z"], SIGNALS.max(-1))
    np.testing.assert_array_equal(named["more"][0], SIGNALS.min(-1))


def test_a_graph_of_a_fixed_number_of_rows_is_fed_so_many(tmp_path: Path) -> None:
    net = linear()
    for rows in (1, 4):
        found = open_onnx(write_onnx(tmp_path / f"{rows}.onnx", net, rows))(SIGNALS)
        np.testing.assert_allclose(found, expected(net, SIGNALS), rtol=0, atol=1e-5)


def test_an_estimator_reads_flat_rows_and_only_trusted_types(tmp_path: Path) -> None:
    import skops.io
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    path, estimator = write_skops(tmp_path / "pca.skops")
    assert file_kind(path) == "sklearn"
    found = estimator_function(open_skops(path))(SIGNALS)
    np.testing.assert_allclose(found, estimator.transform(SIGNALS.reshape(7, -1)), atol=1e-5)
    with pytest.raises(InputError, match="no method 'predict'"):
        estimator_function(estimator, "predict")
    skops.io.dump(make_pipeline(FunctionTransformer(linear)), tmp_path / "odd.skops")
    with pytest.raises(CheckpointError, match=r"foreign_files.linear(.|\n)*trusted="):
        open_skops(tmp_path / "odd.skops")


@pytest.mark.parametrize("read", [open_torchscript, open_exported, open_onnx, open_skops])
def test_missing_and_damaged_files_are_named(read, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        read(tmp_path / "none.pt")
    path = tmp_path / "broken.pt"
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(CheckpointError, match=r"broken\.pt"):
        read(path)


@pytest.mark.parametrize(
    ("write", "name", "kind"),
    [
        (write_torchscript, "net.pth", "torchscript"),
        (write_exported, "net.pt2", "export"),
        (write_onnx, "net.onnx", "onnx"),
        (lambda path, net: torch.save(net.state_dict(), path), "weights.pth", "state_dict"),
        (lambda path, net: write_skops(path), "pca.skops", "sklearn"),
    ],
)
def test_without_an_adapter_the_cure_is_named(write, name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path, linear())
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path)
    assert f"`axis-audit init --kind {kind} --checkpoint {path}`" in caught.value.cure


def test_a_missing_library_is_named_with_its_extra(monkeypatch, tmp_path: Path) -> None:
    import sys

    path = tmp_path / "net.onnx"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"axis-audit\[onnx\]"):
        open_onnx(path)
