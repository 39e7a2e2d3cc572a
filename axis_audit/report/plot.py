"""SVG in small pieces: an axis frame, curves, dots. Strings are escaped by `Markup.format`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

Number = float | None
WIDTH, HEIGHT = 420.0, 250.0


def finite(values: Iterable[object]) -> list[float]:
    """The numbers among values: no None, NaN, infinity or boolean."""
    return [
        float(v)
        for v in values
        if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)
    ]


@dataclass(frozen=True)
class Scale:
    """A line from numbers to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Pixels of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers within the scale."""
        # Not matplotlib's locator: drawing a page need not load matplotlib.
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((m * power for m in (1, 2, 2.5, 5) if m * power >= rough), 10 * power)
        slack = 1e-9 * (self.high - self.low)
        first = math.ceil((self.low - slack) / step)
        last = math.floor((self.high + slack) / step)
        return [i * step for i in range(first, last + 1)]


def scale(values: Iterable[object], start: float, end: float, room: float = 0.05) -> Scale:
    """A scale that holds all finite values with a little room; [0, 1] when there is none."""
    known = finite(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        half = 0.1 * abs(low) or 0.5
        low, high = low - half, high + half
    margin = room * (high - low)
    return Scale(low - margin, high + margin, start, end)


def tick_text(value: float, step: float) -> str:
    """A tick's label with as many decimals as its neighbours need."""
    if value == 0:
        return "0"
    if not 1e-3 <= abs(step) < 1e5:
        return f"{value:.2g}".replace("-", "\N{MINUS SIGN}")
    decimals = max(0, -math.floor(math.log10(abs(step)) + 1e-9))
    text = f"{value:.{decimals}f}"
    if round(step, decimals) != round(step, 9):
        text = f"{value:.{decimals + 1}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def shortened(text: str, most: int) -> str:
    """A label that fits its drawing; captions and alternatives have it whole."""
    return text if len(text) <= most else text[: most - 1] + "…"


def svg(body: Iterable[Markup], width: float, height: float, alt: str) -> Markup:
    """A drawing with a text alternative; it scales with its column."""
    inside = Markup("").join(body)
    return Markup(
        '<svg class="plot" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>'
    ).format(width, height, alt, inside)


def frame(x: Scale, y: Scale, x_label: str, y_label: str) -> list[Markup]:
    """Ticks with their labels, a faint grid, and the names of both axes."""
    parts = []
    for value, text in _labelled(x.ticks(6)):
        parts.append(
            Markup('<path class="grid" d="M{:.1f} {:.1f}V{:.1f}"/>').format(
                x(value), y.start, y.end
            )
        )
        parts.append(
            Markup(
                '<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>'
            ).format(x(value), y.start + 15, text)
        )
    for value, text in _labelled(y.ticks(5)):
        parts.append(
            Markup('<path class="grid" d="M{:.1f} {:.1f}H{:.1f}"/>').format(
                x.start, y(value), x.end
            )
        )
        parts.append(
            Markup('<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>').format(
                x.start - 6, y(value) + 4, text
            )
        )
    parts.append(
        Markup('<text class="name" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>').format(
            (x.start + x.end) / 2, y.start + 33, shortened(x_label, 48)
        )
    )
    parts.append(Markup('<text class="name" x="2" y="12">{}</text>').format(shortened(y_label, 60)))
    return parts


def _labelled(ticks: Sequence[float]) -> list[tuple[float, str]]:
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return [(t, tick_text(t, step)) for t in ticks]


def curve(xs: Sequence[Number], ys: Sequence[Number], x: Scale, y: Scale) -> str:
    """Path data of a curve, broken where a number is missing."""
    parts, pen = [], "M"
    for a, b in zip(xs, ys, strict=True):
        if len(finite([a, b])) < 2:
            pen = "M"
            continue
        parts.append(f"{pen}{x(float(a or 0)):.1f} {y(float(b or 0)):.1f}")
        pen = "L"
    return "".join(parts)


def dots(xs: Sequence[Number], ys: Sequence[Number], x: Scale, y: Scale) -> str:
    """Path data of dots: strokes of no length with round ends."""
    return "".join(
        f"M{x(float(a or 0)):.1f} {y(float(b or 0)):.1f}h0"
        for a, b in zip(xs, ys, strict=True)
        if len(finite([a, b])) == 2
    )


def path(kind: str, data: str) -> Markup:
    """A path of a class that the style sheet draws."""
    return Markup('<path class="{}" d="{}"/>').format(kind, data)
