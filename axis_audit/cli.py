"""The `axis-audit` command: what pytest does not do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `axis-audit`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="axis-audit",
        description="Audits are run by pytest: pytest --checkpoint model.pth (see pytest --help).",
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("checks", help="list every check with its claim and acceptable region")
    options = parser.parse_args(arguments)
    if options.command == "checks":
        _print_checks()
        return 0
    parser.print_help()
    return 0


def _print_checks() -> None:
    from axis_audit.registry import all_checks

    for check in all_checks():
        gate = "gate" if check.gate else "reported"
        print(f"{check.id:<34} {gate:<9} {check.acceptable!s:<42} {check.claim}")
