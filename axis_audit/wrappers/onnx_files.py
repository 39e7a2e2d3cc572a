"""ONNX files as signal functions, run by onnxruntime on the processor."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from axis_audit.capabilities import FloatArray
from axis_audit.errors import CheckpointError
from axis_audit.wrappers.files import existing, library

BATCH = 128
_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}


def open_onnx(path: Path, *, batch: int = BATCH) -> Callable[[FloatArray], Any]:
    """An ONNX file with one input (n, leads, samples); needs `axis-audit[onnx]`.

    A file whose input has a fixed number of rows is run that many at a time, the last rows
    repeated to fill up the last batch.

    Returns:
        a function from float32 arrays to the output array, or to a dict of arrays by the outputs'
        names where there are several.

    Raises:
        CheckpointError: no such file, none that onnxruntime reads, or one with several inputs.
    """
    existing(path)
    runtime = library("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
    options.log_severity_level = 4  # errors come as exceptions, and once is enough
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has its own dozen kinds
        raise CheckpointError(
            path,
            f"onnxruntime cannot read it ({str(error).splitlines()[0][:200]})",
            "export it again, with standard operators",
        ) from None
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise CheckpointError(
            path,
            f"it has the inputs {[one.name for one in inputs]}",
            "export a graph with one input (n, leads, samples), or write your own signal function",
        )
    (given,) = inputs
    names = [one.name for one in session.get_outputs()]
    rows_fixed = given.shape[0] if given.shape and isinstance(given.shape[0], int) else None
    kind = _TYPES.get(given.type, np.float32)

    def run(rows: FloatArray) -> list[Any]:
        size = len(rows)
        if rows_fixed and size < rows_fixed:
            rows = np.concatenate([rows, np.repeat(rows[-1:], rows_fixed - size, axis=0)])
        found = session.run(None, {given.name: np.ascontiguousarray(rows, dtype=kind)})
        return [output[:size] if np.ndim(output) else output for output in found]

    def function(signals: FloatArray) -> Any:
        step = rows_fixed or batch
        parts = [run(signals[start : start + step]) for start in range(0, len(signals), step)]
        joined = [
            np.concatenate(column) if np.ndim(column[0]) else column[0]
            for column in zip(*parts, strict=True)
        ]
        return joined[0] if len(joined) == 1 else dict(zip(names, joined, strict=True))

    return function
