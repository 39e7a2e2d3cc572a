"""Figure data that findings carry: plain lists, small enough for a JSON file.

Three kinds are drawn (`report.figures`): "line", "scatter" and "leads".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_POINTS = 600


def rounded(values: ArrayLike) -> list[Any]:
    """Values as a nested list, four significant digits: enough for a picture."""
    array = np.asarray(values, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.where(array == 0, 0, 3 - np.floor(np.log10(np.abs(array))))
        scale = np.power(10.0, np.clip(digits, -12, 12))
        result = np.where(np.isfinite(array), np.round(array * scale) / scale, np.nan)
    return result.tolist()  # type: ignore[no-any-return]


def line(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    x_label: str,
    y_label: str,
    marks: Mapping[str, float] | None = None,
    title: str = "",
) -> dict[str, Any]:
    """Curves over x; `marks` are named vertical lines."""
    return {
        "kind": "line",
        "title": title,
        "x": rounded(x),
        "series": {name: rounded(values) for name, values in series.items()},
        "x_label": x_label,
        "y_label": y_label,
        "marks": dict(marks or {}),
    }


def scatter(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    x_label: str,
    y_label: str,
    title: str = "",
    diagonal: bool = False,
) -> dict[str, Any]:
    """Points, thinned evenly to at most `MOST_POINTS`."""
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).astype(int))
    return {
        "kind": "scatter",
        "title": title,
        "x": rounded(x[keep]),
        "y": rounded(y[keep]),
        "x_label": x_label,
        "y_label": y_label,
        "diagonal": diagonal,
    }


def leads(
    names: Sequence[str], series: Mapping[str, ArrayLike], *, rate: float, unit: str
) -> dict[str, Any]:
    """Waveforms (leads, samples), drawn as twelve panels; one curve a series."""
    return {
        "kind": "leads",
        "leads": list(names),
        "series": {name: rounded(values) for name, values in series.items()},
        "rate": rate,
        "unit": unit,
    }
