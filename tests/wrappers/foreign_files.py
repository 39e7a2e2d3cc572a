"""Files of models that nobody here wrote, for tests."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch

SIZE = 12 * 120


def linear(seed: int = 0, columns: int = 4) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Flatten(1), torch.nn.Linear(SIZE, columns))


def expected(net: torch.nn.Module, signals: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return net.eval()(torch.from_numpy(signals)).numpy()


def write_torchscript(path: Path, net: torch.nn.Module) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # Comparing the trace would load torch.distributed, which cannot be loaded twice.
        traced = torch.jit.trace(net.eval(), torch.zeros(2, 12, 120), check_trace=False)
        traced.save(str(path))
    return path


def write_exported(path: Path, net: torch.nn.Module, *, any_batch: bool = True) -> Path:
    shapes = ({0: torch.export.Dim("batch")},) if any_batch else None
    program = torch.export.export(net.eval(), (torch.zeros(3, 12, 120),), dynamic_shapes=shapes)
    torch.export.save(program, str(path))
    return path


def write_onnx(path: Path, net: torch.nn.Module, rows: int | str = "n") -> Path:
    """The same graph by hand: exporting it needs another package."""
    from onnx import TensorProto, helper, numpy_helper, save

    weights = net[1].weight.detach().numpy().T.copy()
    bias = net[1].bias.detach().numpy()
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "w", "b"], ["z"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, 12, 120])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [rows, len(bias)])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    save(model, str(path))
    return path


def write_skops(path: Path, n: int = 40) -> tuple[Path, object]:
    import skops.io
    from sklearn.decomposition import PCA

    rows = np.random.default_rng(0).standard_normal((n, SIZE)).astype(np.float32)
    estimator = PCA(3, random_state=0).fit(rows)
    skops.io.dump(estimator, path)
    return path, estimator
