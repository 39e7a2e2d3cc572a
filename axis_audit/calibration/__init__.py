"""How often the leakage gates are right: verdicts on synthetic latents with a leak of known size.

Latents are drawn, not encoded: no network is trained. Each replicate is a fresh draw of people, one
row a patient, in a random basis whose variances run from 50 down to 2e-4 as those of trained
encoders do, and of a target that they leak with a known population R². What is counted is the
verdict that `decision.decide` gives, at the levels that an audit uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from axis_audit.calibration.record import summarise, table
from axis_audit.calibration.replicates import (
    GATES,
    LATENTS,
    CalibrationSettings,
    audit_levels,
    run_replicate,
)
from axis_audit.errors import InputError
from axis_audit.finished import Finished, settings_key

__all__ = [
    "GATES",
    "CalibrationSettings",
    "audit_levels",
    "calibrate",
    "parse_shard",
    "summarise",
    "table",
]
_PARTS = ("probes", "statistics", "decision", "calibration/replicates", "measures")


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
    """Run this shard's replicates, write the record of all finished ones and return it.

    Replicates are appended as JSON lines beside `output`, one file a shard; those of the same
    settings and code are not run again. The record counts what every shard beside it has finished.

    Args:
        output: the JSON record. shard: (i, k), replicates i-1, i-1+k, ...
        progress: wraps what is iterated, as tqdm does.

    Raises:
        InputError: files that cannot be read.
    """
    levels = audit_levels()
    described = {**asdict(settings), "gates": sorted(settings.gates), "fail_tail": levels.fail_tail}
    # More replicates of the same draw re-use those that there are.
    key = settings_key({k: v for k, v in described.items() if k != "replicates"}, _PARTS)
    i, k = shard
    ending = "" if k == 1 else f".shard-{i}-of-{k}"
    store = Finished(output.with_name(f"{output.stem}{ending}.jsonl"), key)
    beside = list(output.parent.glob(f"{output.stem}*.jsonl"))
    done = store.read(beside)
    wanted = [(kind, r) for r in range(settings.replicates) for kind in LATENTS]
    ours = [(kind, r) for kind, r in wanted if r % k == i - 1 and f"{kind}-{r}" not in done]
    for kind, replicate in progress(ours):
        store.add(f"{kind}-{replicate}", run_replicate(settings, kind, replicate, levels))
    done = store.read(beside)
    pieces = {kind: [done[f"{kind}-{r}"] for way, r in wanted if way == kind
                     and f"{kind}-{r}" in done] for kind in LATENTS}  # fmt: skip
    record = summarise(settings, pieces, levels)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return record
