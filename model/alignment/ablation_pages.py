"""The ablation as a table in Markdown, a record in JSON, and a figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axis_audit.errors import InputError

Record = Mapping[str, Any]


def write(found: Record, folder: Path) -> None:
    (folder / "ablation.json").write_text(json.dumps(found, indent=1) + "\n")


def table(found: Record) -> str:
    return json.dumps(found, indent=1)
