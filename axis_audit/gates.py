"""Which checks decide, and where their acceptable regions end."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from axis_audit.capabilities import ModelUnderAudit
from axis_audit.errors import InputError
from axis_audit.finding import Region
from axis_audit.registry import Check, concerns, families_of


def checks_to_run(
    checks: Sequence[Check], thorough: bool, asked: Sequence[str] = ()
) -> tuple[Check, ...]:
    """All checks with `--thorough`; without it those that do not need it.

    Raises:
        InputError: a gate asked for by name that would not run.
    """
    chosen = tuple(c for c in checks if thorough or not c.thorough)
    left_out = sorted({c.id for c in checks} - {c.id for c in chosen})
    missing = [g for g in asked if g in left_out]
    if missing:
        raise InputError("--gate", f"{missing} take minutes and do not run", "add --thorough")
    return chosen


def regions_in_force(
    checks: Sequence[Check], margins: Mapping[str, Any], leakage_margin: float | None
) -> dict[str, Region]:
    """Each check's acceptable region, after `--leakage-margin` and the table of margins.

    Raises:
        InputError: a margin for a check that does not exist, or of the wrong form.
    """
    unknown = sorted(set(margins) - {c.id for c in checks})
    if unknown:
        raise InputError("margins", f"there are no checks {unknown}", "see `axis-audit checks`")
    regions = {}
    for check in checks:
        region = check.acceptable
        if check.family == "leakage" and leakage_margin is not None and region.unit == "R²":
            region = dataclasses.replace(region, high=leakage_margin)
        if check.id in margins:
            region = _with_margin(check, margins[check.id])
        regions[check.id] = region
    return regions


def _with_margin(check: Check, margin: Any) -> Region:
    region = check.acceptable
    try:
        if isinstance(margin, list | tuple):
            low, high = (float(x) for x in margin)
            return dataclasses.replace(region, low=low, high=high)
        if math.isinf(region.low):
            return dataclasses.replace(region, high=float(margin))
        if math.isinf(region.high):
            return dataclasses.replace(region, low=float(margin))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"margin of {check.id}", str(error), "give a number or [low, high]"
        ) from None
    raise InputError(f"margin of {check.id}", "its region has two sides", "give [low, high]")


def screens_in_force(
    checks: Sequence[Check], model: ModelUnderAudit, asked: Sequence[str]
) -> frozenset[str]:
    """Ids of the screens whose FAIL decides: of the families asked for, else of those claimed."""
    screens = [c for c in checks if c.condemns]
    if asked:
        return frozenset(c.id for c in screens if c.family in asked)
    return frozenset(c.id for c in screens if concerns(c, model.claims))


def gates_in_force(
    checks: Sequence[Check], model: ModelUnderAudit, asked: Sequence[str]
) -> tuple[str, ...]:
    """Ids of the checks that decide: those asked for, else every gate of the model's claims.

    And every gate of a family that is not ours, see `registry.concerns`.

    Raises:
        InputError: a family or check that does not exist, or has no gate.
    """
    ids = {c.id for c in checks}
    families = families_of(checks)
    unknown = [g for g in asked if g not in ids and g not in families]
    if unknown:
        raise InputError(
            "--gate",
            f"{unknown} are neither families nor checks",
            f"families: {', '.join(families)}",
        )
    if asked:
        chosen = [c for c in checks if (c.family in asked and c.gate) or c.id in asked]
        if not chosen:
            raise InputError("--gate", f"no gate belongs to {list(asked)}", "name another family")
        return tuple(c.id for c in chosen)
    return tuple(c.id for c in checks if c.gate and concerns(c, model.claims))
