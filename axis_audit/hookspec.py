"""Hooks by which a project extends the audit from its conftest.py or its own plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest


@pytest.hookspec
def pytest_axis_audit_adapters() -> Mapping[str, str | Callable[[Any], Any]]:  # type: ignore[empty-body]
    """Say who can load which kind of checkpoint.

    Returns:
        kind -> a function that takes a `axis_audit.checkpoint.Checkpoint` and gives a model under
        audit, or its name as "package.module:function", which is imported only when needed.
    """
