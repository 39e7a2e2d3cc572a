"""Models that somebody else wrote, as models under audit.

An adapter needs two things: a *signal function* (float32 millivolts (n, leads, samples) in, an
array out), which the `open_...` functions make from a file; and `wrap`, which puts such functions
together as a model with exactly their capabilities and looks after types and shapes.

    from axis_audit.wrappers import BEAT, open_torchscript, wrap

    def load(path):
        net = open_torchscript(path)
        return wrap("my-encoder", BEAT, {"leakage", "integrity"}, encode=net)

Importing this package loads neither torch nor numpy; each opener loads the library it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from axis_audit.wrappers.inputs import BEAT as BEAT
    from axis_audit.wrappers.inputs import record_input as record_input
    from axis_audit.wrappers.inputs import trial_signals as trial_signals
    from axis_audit.wrappers.onnx_files import open_onnx as open_onnx
    from axis_audit.wrappers.sklearn_files import estimator_function as estimator_function
    from axis_audit.wrappers.sklearn_files import open_skops as open_skops
    from axis_audit.wrappers.torch_files import network_function as network_function
    from axis_audit.wrappers.torch_files import open_exported as open_exported
    from axis_audit.wrappers.torch_files import open_state_dict as open_state_dict
    from axis_audit.wrappers.torch_files import open_torchscript as open_torchscript
    from axis_audit.wrappers.wrapped import WrappedModel as WrappedModel
    from axis_audit.wrappers.wrapped import wrap as wrap

_HOMES = {
    "BEAT": "inputs",
    "record_input": "inputs",
    "trial_signals": "inputs",
    "open_onnx": "onnx_files",
    "estimator_function": "sklearn_files",
    "open_skops": "sklearn_files",
    "network_function": "torch_files",
    "open_exported": "torch_files",
    "open_state_dict": "torch_files",
    "open_torchscript": "torch_files",
    "WrappedModel": "wrapped",
    "wrap": "wrapped",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'axis_audit.wrappers' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"axis_audit.wrappers.{_HOMES[name]}"), name)
