"""One number a disease, with its interval; the worst disease decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from axis_audit.checks import figures
from axis_audit.explained import FEWEST, Explained
from axis_audit.finding import Controls, Measurement
from axis_audit.statistics.levels import Estimate, Levels
from axis_audit.statistics.worst import largest, shared, smallest

_NOTHING = Estimate(0.0, (-1.0, 1.0), (-1.0, 1.0))
"""Of nobody: on the line of a share or a cosine anything."""


def worst_of(
    found: Explained,
    each: Mapping[str, str],
    estimated: Callable[[str, Levels], Estimate],
    *,
    lowest: bool,
    x_label: str,
    told: Callable[[], Mapping[str, Any]] = dict,
    more: Callable[[str], Sequence[Mapping[str, Any]]] | None = None,
    marks: Mapping[str, float] | None = None,
    few: Sequence[str] = (),
    both: bool = False,
    complaint: Callable[[Estimate], str] = lambda _: "",
) -> Measurement:
    """The worst of some estimates, and all of them in the details and the figure.

    Args:
        each: what is estimated -> the disease whose people it is of. estimated: gives the estimate,
            of what `each` calls it, at levels.
        lowest: whether the lowest is the worst. told: further details. more: further figures, given
            the worst one's disease. few: complaints about too few people.
        both: only people with two diseases are looked at.
        complaint: of the worst estimate, why it says nothing.

    Returns:
        a measurement that can neither PASS nor FAIL where a disease has fewer than `FEWEST` people.
    """
    counts = {
        name: len(found.cases[name].both) if both else found.cases[name].found
        for name in each.values()
    }
    scarce = {name for name, count in counts.items() if count < FEWEST}
    having = " and another disease" if both else ""
    lacking = [
        f"{counts[name]} of the people looked at have {name}{having}; {FEWEST} are needed"
        for name in sorted(scarce)
    ] + list(few)
    some = {what: name for what, name in each.items() if name not in scarce}
    levels = shared(found.evidence.levels, max(1, len(each)))
    made = {what: estimated(what, levels) for what in some}
    chosen = (smallest if lowest else largest)(list(made.values())) if made else _NOTHING
    values = {what: estimate.value for what, estimate in made.items()}
    details: dict[str, Any] = {what: _in_words(estimate) for what, estimate in made.items()}
    if made:
        details |= told()
    worst = (min if lowest else max)(values, key=values.__getitem__) if values else ""
    people = sorted(set(some.values()))
    ids = [found.cases[name].people.patient_ids for name in people]
    count = len(np.unique(np.concatenate(ids))) if ids else 0
    return Measurement(
        chosen.value,
        chosen.interval,
        sum(len(found.cases[name].rows) for name in people),
        count,
        fail_interval=chosen.fail_interval,
        controls=Controls(complaint="; ".join(lacking) or complaint(chosen)),
        figure=figures.attempted(
            lambda: figures.together(
                figures.limited(
                    figures.bars(
                        values,
                        intervals=[e.interval for e in made.values()],
                        x_label=x_label,
                        marks=marks,
                    ),
                    "x",
                ),
                *(more(some[worst]) if more and worst else ()),
            )
        ),
        details=details,
    )


def _in_words(estimate: Estimate) -> str:
    low, high = estimate.interval
    return f"{estimate.value:.3f} [{low:.3f}, {high:.3f}]"
