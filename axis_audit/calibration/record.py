"""What calibration found: rates with exact intervals, as JSON and as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from axis_audit.calibration.replicates import DEGREES_OF_FREEDOM, TRUE, CalibrationSettings
from axis_audit.finding import Verdict
from axis_audit.statistics.levels import Levels

FORMAT = "axis-audit/calibration/1"
_STRICT = 0.001
"""A rate is called too high where even its one-sided 99.9 % bound is above the nominal one."""


def summarise(
    settings: CalibrationSettings,
    pieces: Mapping[str, Sequence[Mapping[str, Mapping[str, str]]]],
    levels: Levels,
) -> dict[str, Any]:
    """Rates of every verdict with exact intervals, and what is higher than it may be."""
    from axis_audit.auditing import versions

    rates, family = [], []
    for kind, replicates in pieces.items():
        for true in TRUE:
            name = f"{true:g}"
            for gate in settings.gates:
                seen = [piece[gate][name] for piece in replicates]
                rates.append({"latents": kind, "gate": gate, "true": true, **_rates(seen)})
            if true <= settings.margin:
                failed = sum(
                    any(piece[gate][name] == Verdict.FAIL for gate in settings.gates)
                    for piece in replicates
                )
                limit = levels.fail_tail * len(settings.gates)
                family.append(
                    {
                        "latents": kind,
                        "true": true,
                        "limit": limit,
                        **_rate(failed, len(replicates)),
                    }
                )
    record: dict[str, Any] = {
        "format": FORMAT,
        "settings": asdict(settings),
        "finished": {kind: len(replicates) for kind, replicates in pieces.items()},
        "levels": asdict(levels),
        "t degrees of freedom": DEGREES_OF_FREEDOM,
        "rates": rates,
        "family-wise false FAIL": family,
        "versions": versions(),
    }
    record["too high"] = _too_high(record, levels, settings.margin)
    return json.loads(json.dumps(record))  # type: ignore[no-any-return]


def _rates(seen: Sequence[str]) -> dict[str, Any]:
    verdicts = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR)
    return {"n": len(seen), **{str(v): _rate(seen.count(str(v)), len(seen)) for v in verdicts}}


def _rate(count: int, n: int) -> dict[str, Any]:
    from axis_audit.statistics.intervals import proportion

    if n == 0:
        return {"count": 0, "n": 0, "rate": None, "interval": None, "at_least": None}
    found = proportion(count, n, Levels(0.025, _STRICT))
    return {
        "count": count,
        "n": n,
        "rate": found.value,
        "interval": list(found.interval),
        "at_least": found.fail_interval[0],
    }


def _too_high(record: Mapping[str, Any], levels: Levels, margin: float) -> list[str]:
    """False verdicts that are more frequent than their level beyond reasonable doubt."""
    found = []
    for row in record["rates"]:
        where = f"{row['gate']} gate, {row['latents']} latents, R² {row['true']:g}"
        limits = {}
        if row["true"] >= margin:
            limits["PASS"] = levels.pass_tail
        if row["true"] <= margin:
            limits["FAIL"] = levels.fail_tail
        for verdict, limit in {**limits, "ERROR": 0.0}.items():
            rate = row[verdict]
            if rate["count"] and rate["at_least"] > limit:
                found.append(f"{where}: {verdict} {rate['rate']:.1%}, nominal {limit:.2%}")
    return found


def table(record: Mapping[str, Any]) -> str:
    """The record for people, one line a gate, kind of latents and planted R²."""
    settings, levels = record["settings"], record["levels"]
    lines = [
        f"{settings['people']} people x {settings['dimensions']} dimensions, margin R² "
        f"{settings['margin']:g}, FAIL level {levels['fail_tail']:.4f}; 95 % Clopper-Pearson",
        f"{'gate':<7} {'latents':<9} {'true R²':>7} {'n':>5}  "
        + "  ".join(f"{name:<21}" for name in ("PASS", "INCONCLUSIVE", "FAIL")).rstrip(),
    ]
    for row in record["rates"]:
        cells = "  ".join(f"{_cell(row[v]):<21}" for v in ("PASS", "INCONCLUSIVE", "FAIL"))
        head = f"{row['gate']:<7} {row['latents']:<9} {row['true']:>7g} {row['n']:>5}"
        lines.append(f"{head}  {cells}".rstrip())
    for row in record["family-wise false FAIL"]:
        lines.append(
            f"any gate's false FAIL, {row['latents']}, R² {row['true']:g}: {_cell(row).strip()}"
            f" (nominal at most {row['limit']:.2%})"
        )
    lines += [f"TOO HIGH: {line}" for line in record["too high"]]
    return "\n".join(lines)


def _cell(rate: Mapping[str, Any]) -> str:
    if rate["rate"] is None:
        return "-"
    low, high = rate["interval"]
    return f"{rate['rate']:6.1%} [{low:.1%}, {high:.1%}]"
