"""How often the leakage gates are right: verdicts on synthetic latents with a leak of known size.

Latents are drawn, not encoded: no network is trained. People are drawn one row a patient, in a
random basis whose variances run from 50 down to 2e-4 as those of trained encoders do, with
canonical beats drawn from their leading directions; a replicate is a target that they leak with a
known population R². What is counted is the verdict that `decision.decide` gives, at the levels
that an audit uses.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from axis_audit.calibration.record import read_record, summarise, table
from axis_audit.calibration.replicates import (
    GATES,
    CalibrationSettings,
    audit_levels,
    run_draw,
)
from axis_audit.calibration.synthetic import LATENTS
from axis_audit.errors import InputError
from axis_audit.finished import Finished, settings_key

__all__ = [
    "GATES",
    "CalibrationSettings",
    "audit_levels",
    "calibrate",
    "parse_shard",
    "read_record",
    "summarise",
    "table",
]
_PARTS = ("probes", "statistics", "decision", "calibration", "measures")


def parse_shard(text: str) -> tuple[int, int]:
    """ "2/4" as (2, 4): the second of four.

    Raises:
        InputError: anything else, or a number out of range.
    """
    first, _, second = text.partition("/")
    if first.isdigit() and second.isdigit() and 1 <= int(first) <= int(second):
        return int(first), int(second)
    raise InputError("--shard", f"{text!r} is not i/k", "give 1/4 for the first of four shards")


def calibrate(
    settings: CalibrationSettings,
    output: Path,
    *,
    shard: tuple[int, int] = (1, 1),
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> dict[str, Any]:
    """Run this shard's draws, write the record of all finished ones and return it.

    Draws are appended as JSON lines beside `output`, one file a shard; those of the same settings
    and code are not run again. The record counts what every shard beside it has finished.

    Args:
        output: the JSON record. shard: (i, k), draws i-1, i-1+k, ...
        progress: wraps what is iterated, as tqdm does.

    Raises:
        InputError: files that cannot be read.
    """
    levels = audit_levels(settings.checks)
    # More replicates, or other gates, re-use those that there are.
    fixed = {
        k: v for k, v in asdict(settings).items() if k not in ("replicates", "gates", "checks")
    }
    key = settings_key({**fixed, "fail_tail": levels.fail_tail}, _PARTS)
    i, k = shard
    ending = "" if k == 1 else f".shard-{i}-of-{k}"
    store = Finished(output.with_name(f"{output.stem}{ending}.jsonl"), key)
    beside = list(output.parent.glob(f"{output.stem}*.jsonl"))
    done = store.read(beside)
    wanted = settings.draws()
    for kind, draw, replicates in progress([d for d in wanted if d[1] % k == i - 1]):
        name = (kind, draw, replicates)
        gates = tuple(gate for gate in settings.gates if _name(name, gate) not in done)
        if gates:
            some = dataclasses.replace(settings, gates=gates)
            for gate, found in run_draw(some, kind, draw, replicates, levels).items():
                store.add(_name(name, gate), found)
    done = store.read(beside)
    pieces = {
        kind: [
            {gate: done[_name(draw, gate)] for gate in settings.gates}
            for draw in wanted
            if draw[0] == kind and all(_name(draw, gate) in done for gate in settings.gates)
        ]
        for kind in LATENTS
    }
    record = summarise(settings, pieces, levels)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return record


def _name(draw: tuple[str, int, int], gate: str) -> str:
    return "{}-{}-of-{}-{}".format(*draw, gate)
