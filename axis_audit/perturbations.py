"""Ways to disturb a signal in millivolts before the model sees it.

Every function takes float32 signals (n, leads, samples) and gives a new array of the same shape.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Perturbation = Callable[[FloatArray, np.random.Generator], FloatArray]


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator of its own for every purpose, the same in every process and order of checks."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def gain(signals: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One factor a row, log-uniform in [.5, 2]: electrode contact, body habitus, calibration."""
    factors = np.exp(rng.uniform(np.log(0.5), np.log(2.0), size=(len(signals), 1, 1)))
    return (signals * factors).astype(np.float32)


def lead_scale(signals: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One factor a row and lead, log-uniform in [.7, 1.4]."""
    n, leads, _ = signals.shape
    factors = np.exp(rng.uniform(np.log(0.7), np.log(1.4), size=(n, leads, 1)))
    return (signals * factors).astype(np.float32)


def baseline_drift(signals: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A slow sinusoid of up to .1 mV a lead, at most half a period within the signal."""
    n, leads, samples = signals.shape
    time = np.linspace(0.0, np.pi, samples)
    amplitude = rng.uniform(0.0, 0.1, size=(n, leads, 1))
    phase = rng.uniform(0.0, 2 * np.pi, size=(n, leads, 1))
    return (signals + amplitude * np.sin(time + phase)).astype(np.float32)


def noise(signals: FloatArray, rng: np.random.Generator, decibels: float = 20.0) -> FloatArray:
    """White noise at one signal-to-noise ratio a record, power taken over all leads."""
    power = np.mean(np.square(signals, dtype=np.float64), axis=(1, 2), keepdims=True)
    sd = (np.sqrt(power) * 10 ** (-decibels / 20)).astype(np.float32)
    return np.asarray(signals + sd * rng.standard_normal(signals.shape, np.float32), np.float32)


def silence_lead(signals: FloatArray, lead: int) -> FloatArray:
    """One lead flat at zero, as recorders write an electrode that fell off."""
    silenced = signals.copy()
    silenced[:, lead] = 0.0
    return silenced


def swap_arms(signals: FloatArray, leads: Sequence[str]) -> FloatArray:
    """Left and right arm electrodes exchanged: I reversed, II and III and aVR and aVL swapped."""
    swapped = signals.copy()
    swapped[:, leads.index("I")] *= -1.0
    for a, b in (("II", "III"), ("aVR", "aVL")):
        i, j = leads.index(a), leads.index(b)
        swapped[:, [i, j]] = swapped[:, [j, i]]
    return swapped


def swap_leads(signals: FloatArray, leads: Sequence[str], first: str, second: str) -> FloatArray:
    """Two leads exchanged, as two chest electrodes are."""
    swapped = signals.copy()
    i, j = leads.index(first), leads.index(second)
    swapped[:, [i, j]] = swapped[:, [j, i]]
    return swapped


def derange_leads(signals: FloatArray) -> FloatArray:
    """Every lead moved to another place: an order that no electrode mistake makes."""
    count = signals.shape[1]
    return np.ascontiguousarray(np.roll(signals, max(1, count // 2 - 1), axis=1))


AMPLITUDE: dict[str, Perturbation] = {
    "gain": gain,
    "lead_scale": lead_scale,
    "drift": baseline_drift,
}
"""Perturbations of amplitude alone, under which an axis of age must stand still."""
