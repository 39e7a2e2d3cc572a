"""What a foreign function returned, as the array that a capability promises."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import FloatArray
from axis_audit.errors import MeasurementError


def tensor_to_numpy(tensor: Any) -> NDArray[Any]:
    """A torch tensor's numbers; bfloat16, which numpy does not know, as float32."""
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":
        tensor = tensor.float()
    return np.asarray(tensor.numpy())


def as_array(value: Any, what: str) -> FloatArray:
    """A tensor, list or array of real numbers as float32; NaN and infinity stay, to be counted.

    Raises:
        MeasurementError: no numbers, complex numbers, or several outputs at once.
    """
    if isinstance(value, dict):
        raise MeasurementError(
            f"{what} gave a dict with the keys {sorted(map(str, value))}; return one of its arrays"
        )
    if isinstance(value, tuple):
        raise MeasurementError(
            f"{what} gave a tuple of {len(value)} outputs; return one of them, such as net(x)[0]"
        )
    try:
        array = np.asarray(tensor_to_numpy(value) if hasattr(value, "detach") else value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise MeasurementError(f"{what} gave no array of numbers ({error})") from None
    if array.dtype.kind not in "fiub":
        raise MeasurementError(f"{what} gave {array.dtype} values, not real numbers")
    with np.errstate(over="ignore"):  # too large for float32 becomes infinity, which is counted
        return np.asarray(array, dtype=np.float32)


def rows_by_features(value: Any, n: int, what: str) -> FloatArray:
    """An output with one row a signal and some columns, shape (n, d).

    Raises:
        MeasurementError: another shape, with what to do about it.
    """
    array = as_array(value, what)
    _expect_rows(array, n, what)
    if array.ndim == 2 and array.shape[1]:
        return array
    cure = "return one row of numbers a signal, such as z.reshape(len(z), -1)"
    if array.ndim == 3:
        cure += ", or their mean over time, z.mean(axis=-1)"
    if array.ndim == 1:
        cure = "return z[:, None] for a latent of one dimension"
    raise MeasurementError(f"{what} gave shape {array.shape} where (n, d) is needed: {cure}")


def one_a_row(value: Any, n: int, what: str) -> FloatArray:
    """An output with one number a signal, shape (n,); (n, 1) is taken as that.

    Raises:
        MeasurementError: another shape.
    """
    array = as_array(value, what)
    _expect_rows(array, n, what)
    if array.ndim == 1 or array.shape == (n, 1):
        return array.reshape(n)
    raise MeasurementError(
        f"{what} gave shape {array.shape} where one number a signal, (n,), is needed: choose the "
        "column that is the age in years"
    )


def beats(value: Any, n: int, what: str) -> FloatArray:
    """An output with one signal a row, shape (n, leads, samples).

    Raises:
        MeasurementError: another shape.
    """
    array = as_array(value, what)
    _expect_rows(array, n, what)
    if array.ndim == 3:
        return array
    raise MeasurementError(f"{what} gave shape {array.shape}, not (n, leads, samples)")


def same_shape(value: Any, like: NDArray[Any], what: str) -> FloatArray:
    """An output with one number for each of `like`, in its shape.

    Raises:
        MeasurementError: another shape.
    """
    array = as_array(value, what)
    if array.shape == np.shape(like):
        return array
    raise MeasurementError(f"{what} gave shape {array.shape} for ages of shape {np.shape(like)}")


def _expect_rows(array: FloatArray, n: int, what: str) -> None:
    if array.ndim == 0 or len(array) != n:
        given = f"shape {array.shape}" if array.ndim else "a single number"
        raise MeasurementError(
            f"{what} gave {given} for {n} signals; it must keep one row a signal, in their order"
        )
