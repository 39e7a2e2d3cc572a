"""What other people's conftests and packages add to one pytest run: checks, adapters, cohorts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from axis_audit.errors import InputError
from axis_audit.registry import FAMILIES, Check, all_checks, import_checks


def merged(mappings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What several conftests say as one mapping; the one that pytest calls first wins."""
    known: dict[str, Any] = {}
    for mapping in reversed(list(mappings)):
        known.update(mapping)
    return known


def checks_of_this_run(config: pytest.Config) -> tuple[Check, ...]:
    """Every check there is once conftests, hooks and installed packages have had their say.

    From here on the number of checks is fixed, and with it the level of every FAIL.

    Raises:
        InputError: a module of checks that cannot be imported, or a name that is taken.
    """
    named: list[str] = []
    for modules in config.hook.pytest_axis_audit_checks():
        named += [modules] if isinstance(modules, str) else list(modules)
    try:
        import_checks(named)
    except ValueError as error:
        raise InputError("checks of yours", str(error), "mend the check") from error
    checks = all_checks()
    for family in sorted({check.family for check in checks} - set(FAMILIES)):
        config.addinivalue_line("markers", f"{family}: checks of {family}, added to axis-audit's")
    return checks


def header_lines(checks: Iterable[Check]) -> list[str]:
    """Say which checks did not come with axis-audit: they decide, and they count in every level."""
    others = [check for check in checks if not check.ours]
    if not others:
        return []
    places = sorted({check.home for check in others})
    return [
        f"axis-audit: checks of your own: {', '.join(check.id for check in others)} "
        f"(from {', '.join(places)})"
    ]


def expect_no_more_checks(known: Iterable[Check]) -> None:
    """Fail the collection where a check was registered after the levels were fixed.

    Raises:
        pytest.Collector.CollectError: there are such checks.
    """
    ids = {check.id for check in known}
    late = [check for check in all_checks() if check.id not in ids]
    if late:
        raise pytest.Collector.CollectError(
            f"the checks {[check.id for check in late]} were registered after the audit had begun, "
            f"in {late[0].home}: put them where pytest looks first (the conftest.py of the folder "
            "you start it in), or name their module with the hook pytest_axis_audit_checks"
        )
