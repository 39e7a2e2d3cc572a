"""The command that makes a record again."""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Mapping
from typing import Any

from axis_audit.report.reading import Record

_VALUES = {
    "cohort": "--cohort",
    "folds": "--folds",
    "fit_folds": "--fit-folds",
    "checkpoint_adapter": "--checkpoint-adapter",
    "patients": "--patients",
    "leakage_margin": "--leakage-margin",
    "seed": "--audit-seed",
    "baseline": "--baseline",
}
_FLAGS = {"thorough": "--thorough", "allow_inconclusive": "--allow-inconclusive"}
_DEFAULTS = {"patients": "unseen", "seed": 0}


def command_line(record: Record) -> str:
    """The pytest command of an audit, quoted for a shell; "" for one that pytest did not run."""
    settings: Mapping[str, Any] = record["settings"]
    if not settings.get("checkpoint"):
        return ""
    words = ["pytest", f"--checkpoint={settings['checkpoint']}"]
    for key, option in _VALUES.items():
        value = settings.get(key)
        if value is not None and value != _DEFAULTS.get(key):
            words.append(f"{option}={value}")
    if settings.get("gate"):
        words.append(f"--gate={','.join(settings['gate'])}")
    words += [option for key, option in _FLAGS.items() if settings.get(key)]
    return " ".join(_quoted(word) for word in words)


def margins_table(record: Record) -> str:
    """The margins of `[tool.axis_audit]` in TOML, "" where there are none."""
    margins: Mapping[str, Any] = record["settings"].get("margins") or {}
    lines = [f"{json.dumps(check)} = {json.dumps(value)}" for check, value in margins.items()]
    return "\n".join(["[tool.axis_audit.margins]", *lines]) if lines else ""


def _quoted(word: str) -> str:
    """A word for a shell; line ends and characters that nobody sees are spelt out."""
    if not any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in word):
        return shlex.quote(word)
    return "$'" + word.encode("unicode_escape").decode("ascii").replace("'", "\\'") + "'"
