"""The signals that a foreign model takes, and made-up ones to try it on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import FloatArray, InputSpec
from axis_audit.cohort import LEADS

BEAT = InputSpec("beat", LEADS, rate=100.0, samples=120, r_index=40)
"""One median beat of twelve leads: 1.2 s at 100 Hz, the R peak at sample 40, in millivolts."""


def record_input(
    rate: float = 500.0, seconds: float = 10.0, leads: tuple[str, ...] = LEADS
) -> InputSpec:
    """A strip of `seconds` at `rate` samples per second, in this order of leads, in millivolts."""
    return InputSpec("record", tuple(leads), rate=float(rate), samples=round(rate * seconds))


def trial_signals(spec: InputSpec, n: int = 3, seed: int = 0) -> FloatArray:
    """Signals of the right shape and size that nobody's heart made: smooth noise around 0.3 mV.

    They show whether a model runs, never what it is worth.

    Returns:
        float32 millivolts, shape (n, leads, samples).
    """
    rng = np.random.default_rng(seed)
    noise: NDArray[np.float64] = rng.standard_normal((n, len(spec.leads), spec.samples + 8))
    smooth = np.cumsum(noise, axis=2)
    smooth = (smooth[:, :, 8:] - smooth[:, :, :-8]) / np.sqrt(8.0)
    return np.asarray(0.3 * smooth, np.float32)
