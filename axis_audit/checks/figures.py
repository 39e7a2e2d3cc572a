"""Figure data that findings carry: plain lists, small enough for a JSON file.

Kinds: "line", "scatter", "clouds", "leads", "beats", "attributed", "bars" and "matrix" (drawn by
`report.drawings`). A figure may carry others of the same finding under "more". Figures decide
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from axis_audit.checks import attributed_record

MOST_POINTS = 600
MOST_SAMPLES = 320
MOST_SECONDS = 2.5
"""Of a lead in a figure: the four columns of a paper ECG show so much of a ten-second record."""

attributed = attributed_record.attributed


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
    points: tuple[ArrayLike, ArrayLike] | None = None,
    title: str = "",
) -> dict[str, Any]:
    """Curves over x; `marks` are named vertical lines, `points` (x, y) are dots beside them."""
    dots = {} if points is None else {"points": [rounded(points[0]), rounded(points[1])]}
    return {
        "kind": "line",
        "title": title,
        "x": rounded(x),
        "series": {name: rounded(values) for name, values in series.items()},
        "x_label": x_label,
        "y_label": y_label,
        "marks": dict(marks or {}),
        **dots,
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


def clouds(
    points: Mapping[str, NDArray[Any]], *, x_label: str, y_label: str, title: str = ""
) -> dict[str, Any]:
    """Points (n, 2) of several series on common axes."""
    return {
        "kind": "clouds",
        "title": title,
        "series": {name: rounded(np.asarray(xy)[:, :2].T) for name, xy in points.items()},
        "x_label": x_label,
        "y_label": y_label,
    }


def leads(
    names: Sequence[str],
    series: Mapping[str, ArrayLike],
    *,
    rate: float,
    unit: str,
    title: str = "",
) -> dict[str, Any]:
    """Waveforms (leads, samples), drawn as twelve panels; one curve a series."""
    thinned, rate = _thinned(series, rate)
    return {
        "kind": "leads",
        "title": title,
        "leads": list(names),
        "series": thinned,
        "rate": rate,
        "unit": unit,
    }


def beats(
    names: Sequence[str],
    people: Mapping[str, Mapping[str, ArrayLike]],
    *,
    rate: float,
    unit: str,
    title: str = "",
) -> dict[str, Any]:
    """Waveforms (leads, samples) of a few people, drawn on ECG paper; one curve a series."""
    shown = []
    paper_rate = rate
    for name, series in people.items():
        thinned, paper_rate = _thinned(series, rate)
        shown.append({"name": name, "series": thinned})
    return {
        "kind": "beats",
        "title": title,
        "leads": list(names),
        "people": shown,
        "rate": paper_rate,
        "unit": unit,
    }


def bars(
    values: Mapping[str, float],
    *,
    x_label: str,
    intervals: Sequence[tuple[float, float]] = (),
    marks: Mapping[str, float] | None = None,
    title: str = "",
) -> dict[str, Any]:
    """One bar a name, with its interval if known; `marks` are named places on the line."""
    return {
        "kind": "bars",
        "title": title,
        "labels": list(values),
        "values": rounded(list(values.values())),
        "intervals": rounded(np.reshape(intervals, (-1, 2))),
        "x_label": x_label,
        "marks": dict(marks or {}),
    }


def matrix(names: Sequence[str], values: ArrayLike, *, label: str, title: str) -> dict[str, Any]:
    """A square table (names, names) of numbers; NaN where there is none."""
    return {
        "kind": "matrix",
        "title": title,
        "names": list(names),
        "values": rounded(values),
        "label": label,
    }


def limited(figure: Mapping[str, Any], axis: str) -> dict[str, Any]:
    """The figure, on whose axis ("x" or "y") the acceptable region's ends are to be drawn."""
    return {**figure, "limit": axis}


def together(*figures: Mapping[str, Any]) -> dict[str, Any]:
    """Several figures of one finding: the first, and the others under "more"."""
    first, *others = [dict(f) for f in figures if f] or [{}]
    return {**first, "more": others} if others else first


def attempted(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A figure that asks the model for more than its check does; {} where it cannot be made.

    The check has been measured by then: a picture that fails must not turn its verdict.
    """
    try:
        return make()
    except Exception:
        return {}


def _thinned(series: Mapping[str, ArrayLike], rate: float) -> tuple[dict[str, list[Any]], float]:
    """The first seconds of waveforms (leads, samples), every k-th sample, and the rate left."""
    seconds = max(2, round(MOST_SECONDS * rate))
    waves = {name: np.asarray(values, np.float64) for name, values in series.items()}
    waves = {name: w[..., :seconds] for name, w in waves.items()}
    longest = max((w.shape[-1] for w in waves.values()), default=0)
    step = max(1, -(-longest // MOST_SAMPLES))
    return {name: _to_the_pen(w[..., ::step]) for name, w in waves.items()}, rate / step


def _to_the_pen(waves: NDArray[np.float64]) -> list[Any]:
    """Waves to a thousandth of the largest one: finer than a line is drawn."""
    largest = float(np.max(np.abs(waves), initial=0.0, where=np.isfinite(waves)))
    decimals = 0 if largest == 0 else int(np.clip(3 - np.floor(np.log10(largest)), 0, 12))
    return np.round(waves, decimals).tolist()  # type: ignore[no-any-return]
