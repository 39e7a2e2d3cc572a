"""Hooks by which a project extends the audit from its conftest.py or its own plugin.

Whatever they name as a string is imported only when something is audited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest


@pytest.hookspec
def pytest_axis_audit_adapters() -> Mapping[str, str | Callable[[Any], Any]]:  # type: ignore[empty-body]
    """Say who can load which kind of checkpoint.

    Returns:
        kind -> a function that takes a `axis_audit.checkpoint.Checkpoint` and gives a model under
        audit, or its name as "package.module:function", which is imported only when needed.
    """


@pytest.hookspec
def pytest_axis_audit_checks() -> Iterable[str]:  # type: ignore[empty-body]
    """Say which modules hold checks of yours, functions under `@axis_audit.check`.

    A check written in the conftest.py itself needs no hook: it is there once it is imported.

    Returns:
        names of modules, to be imported before the audit begins.
    """


@pytest.hookspec
def pytest_axis_audit_cohorts() -> Mapping[str, str | Callable[..., Any]]:  # type: ignore[empty-body]
    """Say who can read which cohort, chosen with `--cohort NAME:SOURCE`.

    Returns:
        NAME -> a function `(source, folds, kind, rate)` that gives an `axis_audit.Cohort`, or its
        name as "package.module:function"; see `axis_audit.cohorts.readers`.
    """
