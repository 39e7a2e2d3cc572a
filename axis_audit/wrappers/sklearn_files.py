"""scikit-learn estimators as signal functions.

A pickle or joblib file runs whatever code it likes when it is opened, so nothing here opens one;
skops files are opened after a look at the types they hold. Who trusts a pickle opens it in an
adapter of their own: `estimator_function(joblib.load(path))`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import FloatArray
from axis_audit.errors import CheckpointError, InputError
from axis_audit.wrappers.files import existing, library


def open_skops(path: Path, *, trusted: Sequence[str] = ()) -> Any:
    """The estimator of a skops file; needs `axis-audit[skops]`.

    Args:
        trusted: types that you allow besides those that skops knows as harmless.

    Raises:
        CheckpointError: no such file, no skops file, or one with types that nobody has trusted.
    """
    existing(path)
    skops = library("skops.io", "skops")
    try:
        unknown = sorted(set(skops.get_untrusted_types(file=path)) - set(trusted))
        if not unknown:
            return skops.load(path, trusted=list(trusted))
    except Exception as error:  # a damaged archive: a dozen kinds
        raise CheckpointError(
            path,
            f"skops cannot read it ({type(error).__name__}: {str(error)[:200]})",
            "write it with skops.io.dump",
        ) from None
    raise CheckpointError(
        path,
        f"opening it would use {unknown}, which skops does not know as harmless",
        "look at these types; if you trust them, name them: open_skops(path, trusted=[...])",
    )


def estimator_function(
    estimator: Any, method: str | None = None
) -> Callable[[FloatArray], NDArray[Any]]:
    """An estimator's method as a signal function; each signal is one row (leads * samples).

    Args:
        method: "transform" or "predict"; by default `transform` where there is one.

    Raises:
        InputError: the estimator has no such method.
    """
    chosen = method or ("transform" if hasattr(estimator, "transform") else "predict")
    call = getattr(estimator, chosen, None)
    if not callable(call):
        raise InputError(
            type(estimator).__name__, f"it has no method {chosen!r}", "name another with method="
        )

    def function(signals: FloatArray) -> NDArray[Any]:
        return np.asarray(call(signals.reshape(len(signals), -1)))

    return function
