"""A claim in one line: its interval drawn on its acceptable region."""

from __future__ import annotations

import math

from markupsafe import Markup

from axis_audit.finding import Finding, Verdict
from axis_audit.report import plot
from axis_audit.report.records import interval_text, number

_WIDTH, _HEIGHT = 260.0, 26.0
_MIDDLE = _HEIGHT / 2


def strip(finding: Finding) -> Markup:
    """SVG of region (shaded), both intervals (thick and thin line) and estimate (a shape).

    The shape tells the verdict as the word beside it does: dot PASS, cross FAIL, ring otherwise.
    """
    region = finding.acceptable
    ends = plot.finite([region.low, region.high])
    narrow = plot.finite(finding.interval or ())
    shown = plot.finite([finding.estimate])
    # The interval of FAIL may reach to the end of its line: it is cut off rather than scaled to.
    everything = [*ends, *narrow, *shown]
    if math.isinf(region.low) and min(everything, default=0.0) >= 0:
        everything.append(0.0)
    x = plot.scale(everything, 2, _WIDTH - 2, 0.08)
    low, high = (max(region.low, x.low), min(region.high, x.high))
    # A region of one value is a line; it still has to be seen.
    left, right = x(low), max(x(high), x(low) + 2)
    body = [
        Markup('<rect class="track" x="2" y="3" width="{:.1f}" height="20"/>').format(_WIDTH - 4),
        Markup('<rect class="region" x="{:.1f}" y="3" width="{:.1f}" height="20"/>').format(
            left, max(right - left, 0)
        ),
    ]
    body += [plot.path("edge", f"M{x(end):.1f} 1V{_HEIGHT - 1:g}") for end in ends]
    kind = finding.verdict.lower()
    if finding.interval is not None and not finding.exact:
        for name, pair in (("thin", finding.fail_interval), ("thick", finding.interval)):
            if pair is not None:
                start, end = (x(min(max(v, x.low), x.high)) for v in pair)
                body.append(plot.path(f"{name} {kind}", f"M{start:.1f} {_MIDDLE:g}H{end:.1f}"))
    if shown:
        body.append(_shape(finding.verdict, x(shown[0])))
    return Markup(
        '<svg class="strip" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, _words(finding), Markup("").join(body))


def _shape(verdict: Verdict, at: float) -> Markup:
    if verdict is Verdict.FAIL:
        data = (
            f"M{at - 5:.1f} {_MIDDLE - 5:g}L{at + 5:.1f} {_MIDDLE + 5:g}"
            f"M{at - 5:.1f} {_MIDDLE + 5:g}L{at + 5:.1f} {_MIDDLE - 5:g}"
        )
        return plot.path("cross fail", data)
    kind = "dot pass" if verdict is Verdict.PASS else f"ring {verdict.lower()}"
    return Markup('<circle class="{}" cx="{:.1f}" cy="{:g}" r="5"/>').format(kind, at, _MIDDLE)


def _words(finding: Finding) -> str:
    if finding.estimate is None:
        return f"not measured; acceptable {finding.acceptable}"
    interval = "" if finding.exact else f", interval {interval_text(finding.interval)}"
    return f"{number(finding.estimate)}{interval}; acceptable {finding.acceptable}"
