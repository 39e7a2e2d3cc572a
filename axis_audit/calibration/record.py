"""What calibration found: rates with exact intervals, as JSON and as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from axis_audit.calibration.replicates import TRUE, CalibrationSettings, Verdicts
from axis_audit.calibration.synthetic import DEGREES_OF_FREEDOM
from axis_audit.errors import InputError
from axis_audit.finding import Verdict
from axis_audit.statistics.levels import Levels

FORMAT = "axis-audit/calibration/2"
_STRICT = 0.001
"""A rate is called too high where even its one-sided 99.9 % bound is above the nominal one."""


def summarise(
    settings: CalibrationSettings,
    pieces: Mapping[str, Sequence[Mapping[str, Verdicts]]],
    levels: Levels,
) -> dict[str, Any]:
    """Rates of every verdict with their intervals, and what is higher than it may be.

    Args:
        pieces: kind of latents -> draw -> gate -> planted R² -> verdicts of the draw's replicates.
    """
    from axis_audit.auditing import versions

    rates, family = [], []
    for kind, draws in pieces.items():
        for true in TRUE if draws else ():
            name = f"{true:g}"
            for gate in settings.gates:
                rates.append(
                    {
                        "latents": kind,
                        "gate": gate,
                        "true": true,
                        **_rates([draw[gate][name] for draw in draws]),
                    }
                )
            if true <= settings.margin:
                failed = [
                    _any_fails([draw[gate][name] for gate in settings.gates]) for draw in draws
                ]
                limit = levels.fail_tail * len(settings.gates)
                found = {"latents": kind, "true": true, "limit": limit}
                family.append({**found, **_rate(failed, [True])})
    record: dict[str, Any] = {
        "format": FORMAT,
        "settings": asdict(settings),
        "finished": {
            kind: sum(len(draw[settings.gates[0]][f"{TRUE[0]:g}"]) for draw in draws)
            for kind, draws in pieces.items()
        },
        "levels": asdict(levels),
        "t degrees of freedom": DEGREES_OF_FREEDOM,
        "rates": rates,
        "family-wise false FAIL": family,
        "versions": versions(),
    }
    record["too high"] = _too_high(record, levels, settings.margin)
    return json.loads(json.dumps(record))  # type: ignore[no-any-return]


def read_record(path: Path) -> dict[str, Any]:
    """A record that `calibrate` wrote.

    Raises:
        InputError: it cannot be read, or is something else.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(path, f"it cannot be read ({error})", "name a JSON record") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(
            path, f"it is no record of format {FORMAT}", "write it with axis-audit calibrate"
        )
    return record


def _any_fails(gates: Sequence[Sequence[str]]) -> list[bool]:
    """Whether any gate FAILs, for each replicate of a draw."""
    return [any(v == Verdict.FAIL for v in verdicts) for verdicts in zip(*gates, strict=True)]


def _rates(draws: Sequence[Sequence[str]]) -> dict[str, Any]:
    verdicts = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR)
    return {
        "n": sum(len(draw) for draw in draws),
        **{str(v): _rate(draws, [str(v)]) for v in verdicts},
    }


def _rate(draws: Sequence[Sequence[Any]], wanted: Sequence[Any]) -> dict[str, Any]:
    """The rate of wanted outcomes; replicates of one draw share its latents and plants."""
    from axis_audit.statistics.clusters import clustered_proportion

    counts, sizes = [sum(o in wanted for o in d) for d in draws], [len(d) for d in draws]
    if sum(sizes) == 0:
        return {"count": 0, "n": 0, "rate": None, "interval": None, "at_least": None}
    found = clustered_proportion(counts, sizes, Levels(0.025, _STRICT))
    return {
        "count": sum(counts),
        "n": sum(sizes),
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
        f"{settings['margin']:g}, FAIL level {levels['fail_tail']:.4f}; 95 % intervals",
        f"{'gate':<16} {'latents':<9} {'true R²':>7} {'n':>5}  "
        + "  ".join(f"{name:<21}" for name in ("PASS", "INCONCLUSIVE", "FAIL")).rstrip(),
    ]
    for row in record["rates"]:
        cells = "  ".join(f"{_cell(row[v]):<21}" for v in ("PASS", "INCONCLUSIVE", "FAIL"))
        head = f"{row['gate']:<16} {row['latents']:<9} {row['true']:>7g} {row['n']:>5}"
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
