"""Networks of torch as signal functions: a state dict, TorchScript, `torch.export`.

A state dict is read with `weights_only=True` and runs nothing. TorchScript and exported programs
are programs: they run, in torch's interpreters, because the user's adapter opens them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from axis_audit.capabilities import FloatArray
from axis_audit.checkpoint import read_weights
from axis_audit.errors import CheckpointError
from axis_audit.wrappers.files import existing
from axis_audit.wrappers.outputs import tensor_to_numpy

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

BATCH = 128
_CONTAINERS = "'state_dict', 'model', 'model_state_dict'"


def network_function(
    net: Callable[..., Any],
    *,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    batch: int = BATCH,
) -> Callable[[FloatArray], Any]:
    """A network as a signal function: evaluation mode, no gradients, in batches.

    Args:
        net: a module, or any function of a tensor (n, leads, samples), such as `net.encoder`.
        device: where it runs. dtype: of its input, by default that of its parameters.
        batch: rows at a time; 1 for a network that takes no more.

    Returns:
        a function from float32 arrays to arrays; where the network gives a tuple, list or dict of
        tensors, to the same of arrays, so that `f(x)[0]` or `f(x)["z"]` chooses one.
    """
    import torch

    kind = dtype or _own_dtype(net)
    if isinstance(net, torch.nn.Module):
        net = net.to(device)
        _evaluating(net)

    def function(signals: FloatArray) -> Any:
        given = torch.from_numpy(np.ascontiguousarray(signals, dtype=np.float32))
        with torch.inference_mode():
            rows = (part.to(device=device, dtype=kind) for part in torch.split(given, batch))
            return _joined([_plain(net(part)) for part in rows])

    return function


def open_state_dict(
    path: Path, net: torch.nn.Module, *, key: str | None = None, prefix: str = "", **how: Any
) -> Callable[[FloatArray], Any]:
    """Weights from a file of plain tensors, put into a network that you build.

    Args:
        net: the architecture, with the sizes it was trained with.
        key: the entry that holds the weights, where the file holds more than them.
        prefix: to be cut off every name, such as "module." of a parallel training.
        how: see `network_function`.

    Raises:
        CheckpointError: a file that would run code, holds no weights, or does not fit the network.
    """
    state = _weights(Path(path), read_weights(Path(path)), key)
    if prefix:
        state = {name.removeprefix(prefix): value for name, value in state.items()}
    try:
        net.load_state_dict(dict(state))
    except RuntimeError as error:
        raise CheckpointError(
            path,
            f"its weights do not fit {type(net).__name__}: {error}",
            "build the network with the sizes it was trained with; cut a prefix off the names with "
            "prefix=",
        ) from None
    return network_function(net, **how)


def open_torchscript(path: Path, **how: Any) -> Callable[[FloatArray], Any]:
    """A TorchScript file (`torch.jit.save`); `how` as in `network_function`.

    Raises:
        CheckpointError: no such file, or none that `torch.jit.load` reads.
    """
    import torch

    existing(path)
    try:
        with warnings.catch_warnings():
            # Deprecated, but the files are there, and somebody else's.
            warnings.simplefilter("ignore", DeprecationWarning)
            net = torch.jit.load(str(path), map_location=how.get("device", "cpu"))  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise _unread(path, "TorchScript", error) from None
    return network_function(net, **how)


def open_exported(path: Path, **how: Any) -> Callable[[FloatArray], Any]:
    """A program written by `torch.export.save` (.pt2); `how` as in `network_function`.

    Export it in evaluation mode and with a batch of any size:
    `dynamic_shapes=({0: torch.export.Dim("batch")},)`. One that takes a single row: `batch=1`.

    Raises:
        CheckpointError: no such file, or none that `torch.export.load` reads.
    """
    import torch

    existing(path)
    try:
        net = torch.export.load(str(path)).module()
    except Exception as error:  # a dozen kinds on damaged files
        raise _unread(path, "torch.export", error) from None
    return network_function(net, **how)


def _unread(path: Path, format_name: str, error: Exception) -> CheckpointError:
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return CheckpointError(
        path,
        f"it cannot be read as a {format_name} file ({lines[0][:200]})",
        "see what it is: axis-audit init --checkpoint FILE writes the adapter for its kind",
    )


def _weights(path: Path, content: Any, key: str | None) -> Mapping[str, torch.Tensor]:
    import torch

    if key is not None:
        if not isinstance(content, Mapping) or key not in content:
            raise CheckpointError(path, f"it has no entry {key!r}", f"it holds {_keys(content)}")
        content = content[key]
    named = isinstance(content, Mapping) and all(isinstance(name, str) for name in content)
    if not named or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise CheckpointError(
            path,
            f"it is not a state dict of tensors; it holds {_keys(content)}",
            f"name the entry that is, with key= (often {_CONTAINERS})",
        )
    return dict(content)


def _keys(content: Any) -> str:
    if isinstance(content, Mapping):
        return "the keys " + ", ".join(repr(name) for name in list(content)[:12])
    return f"a {type(content).__name__}"


def _own_dtype(net: Any) -> torch.dtype:
    import torch

    if isinstance(net, torch.nn.Module):
        for weights in net.parameters():
            if weights.is_floating_point():
                return weights.dtype
    return torch.float32


def _evaluating(net: torch.nn.Module) -> None:
    with suppress(NotImplementedError):  # an exported program has its mode from its export
        net.eval()


def _plain(value: Any) -> Any:
    if hasattr(value, "detach"):
        return tensor_to_numpy(value)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_plain(part) for part in value)
    return value


def _joined(parts: list[Any]) -> Any:
    first = parts[0]
    if isinstance(first, dict):
        return {name: _joined([part[name] for part in parts]) for name in first}
    if isinstance(first, tuple):
        return tuple(_joined(list(column)) for column in zip(*parts, strict=True))
    if isinstance(first, np.ndarray) and first.ndim:
        return np.concatenate(parts)
    return first if len(parts) == 1 else parts
