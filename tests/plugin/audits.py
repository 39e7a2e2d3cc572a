"""What tests of the plugin share besides fixtures."""

from __future__ import annotations

import json

import pytest

FAST = "axis.monotonicity,axis.smoothness,integrity.split"
"""Gates that take no time and include one that depends on the people."""


def audit_json(pytester: pytest.Pytester, name: str = "twin") -> dict:
    """The report of the last audit of a checkpoint called `name`."""
    return json.loads((pytester.path / "reports" / name / "audit.json").read_text())
