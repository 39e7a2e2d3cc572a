"""Values that a file brings and a report prints: plain, shallow and few."""

from __future__ import annotations

from typing import Any

DEEPEST = 32
MOST = 100_000
LONGEST = 1_000_000
"""Characters of one text."""
_LARGEST = 2**64


def unfit(value: Any) -> str:
    """Why a value cannot stand in a report, "" if it can.

    Plain values are None, booleans, numbers below 2^64, texts that UTF-8 can hold, and lists,
    tuples and dicts of them: no objects, nothing that contains itself.
    """
    waiting, count = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        count += 1
        if count > MOST:
            return f"holds more than {MOST} values"
        if depth > DEEPEST:
            return f"is nested more than {DEEPEST} deep"
        if isinstance(item, dict):
            waiting += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list | tuple):
            if len(item) > MOST:
                return f"holds more than {MOST} values"
            waiting += [(part, depth + 1) for part in item]
        elif cause := _unfit_scalar(item):
            return cause
    return ""


def _unfit_scalar(item: Any) -> str:
    if item is None or isinstance(item, bool | float):
        return ""
    if isinstance(item, int):
        return "" if abs(item) < _LARGEST else "holds a whole number beyond 2^64"
    if not isinstance(item, str):
        return f"holds a {type(item).__name__}, which is no plain value"
    if len(item) > LONGEST:
        return f"holds a text of {len(item)} characters"
    try:
        item.encode("utf-8")
    except UnicodeEncodeError:
        return "holds a text that UTF-8 cannot write"
    return ""
