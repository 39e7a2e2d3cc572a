"""Whether twelve leads obey the laws of six limb leads from three electrodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def einthoven_residuals(
    signals: NDArray[np.floating], leads: tuple[str, ...]
) -> dict[str, NDArray[np.float64]]:
    """Relative violations of III = II - I and of the augmented leads, a value a record.

    Args:
        signals: shape (n, leads, samples), in millivolts or with one scale a record (never with
            one scale a lead: the law then holds for no one).
        leads: names of axis 1, with at least I, II, III.

    Returns:
        for each of "III", "aVR", "aVL", "aVF" that is present, |violation| / |signal|, shape (n,),
        the norm over samples, and the signal's the root mean square of I, II and III. NaN for a
        silent record.

    Raises:
        KeyError: I, II or III is missing.

    Sources: Einthoven 1912; Goldberger 1942, Am. Heart J. 23:483.
    """
    x = np.asarray(signals, np.float64)
    lead = {name: x[:, i] for i, name in enumerate(leads)}
    one, two, three = lead["I"], lead["II"], lead["III"]
    expected = {
        "III": two - one,
        "aVR": -(one + two) / 2,
        "aVL": (one - three) / 2,
        "aVF": (two + three) / 2,
    }
    size = np.sqrt(np.mean([_norm(v) ** 2 for v in (one, two, three)], axis=0))
    size[size == 0] = np.nan
    return {k: _norm(lead[k] - v) / size for k, v in expected.items() if k in lead}


def lawful_limb_leads(signals: NDArray[np.floating], leads: tuple[str, ...]) -> NDArray[np.float32]:
    """A copy of signals (n, leads, samples) whose other limb leads follow from I and II.

    Raises:
        KeyError: I or II is missing.
    """
    x = np.array(signals, np.float32)
    place = {name: i for i, name in enumerate(leads)}
    one, two = x[:, place["I"]].astype(np.float64), x[:, place["II"]].astype(np.float64)
    derived = {
        "III": two - one,
        "aVR": -(one + two) / 2,
        "aVL": one - two / 2,
        "aVF": two - one / 2,
    }
    for name, values in derived.items():
        if name in place:
            x[:, place[name]] = values
    return x


def _norm(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(signal, axis=1))
