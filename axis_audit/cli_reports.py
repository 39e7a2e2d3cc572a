"""`axis-audit compare`, `schema` and `each`: what is done with reports, and many checkpoints."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axis_audit.errors import InputError

_COMPARE = """\
Compares two audit.json files check by check: what got worse, what got better, beyond noise, and
what is new or gone. Nothing is measured again.

A regression is any of these, for a check that decides (a gate, or a screen that FAILs) in either:
  verdict   PASS → INCONCLUSIVE, FAIL or ERROR; INCONCLUSIVE → FAIL or ERROR; FAIL → ERROR
  coverage  it decided in OLD and in NEW it is missing, not applicable or no longer a gate;
            it decides in NEW alone and is not PASS
  margin    it is looser in NEW than in OLD
  estimate  it moved towards its margin, or beyond, by more than noise
and an overall verdict that got worse. Other checks are listed and do not count.

Noise of an estimate with an interval: sqrt(arm_old² + arm_new²), the arms being those of the two
intervals (at the level of FAIL, .05 / m) that face each other; the estimates are taken for
independent (Zou & Donner 2008, Stat. Med. 27:1693). Two audits of one model on different people of
one population call the estimate of any gate worse at most 5 % of the time; on the same people less
often. Verdicts near a margin flip more often. Intervals know the chance of who was audited and not
that of training: another seed may be worse or better beyond this noise.
An exact number has no noise: any change beyond rounding (a millionth, or a thousandth of the
margin) is listed. It is a regression when it leaves its region, or loses more than half of the
distance to its margin.
What differs in definition, settings, people and versions is printed and never assumed away.

Exit status: 0 no regression, whatever NEW's own verdict is (it is printed); 1 a regression; 4 a
file that is no whole report or contradicts itself, another major version of the schema, synthetic
people against recorded ones, or no check in common.
"""
_COMPARE_EXAMPLES = """\
examples:
  axis-audit compare baseline.json reports/model/audit.json
  axis-audit compare main.json branch.json --format markdown --output comparison.md
"""
_EACH = """\
Audits several checkpoints, one after the other, each with its own report folder. Every option that
is not a file is given to pytest as it stands, so write --gate=leakage, with the equals sign. Made
for pre-commit, which appends the names of changed files.

Exit status: the greatest of the audits'.
"""
_EACH_EXAMPLES = """\
example:
  axis-audit each --cohort=people.npz --gate=leakage a.pth b.pth
"""


def add_parsers(commands: Any) -> None:
    """Add the commands of this module to `axis-audit`."""
    parser = _parser(
        commands, "compare", "what got worse or better between two reports", _COMPARE,
        _COMPARE_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("old", type=Path, metavar="OLD.json")
    parser.add_argument("new", type=Path, metavar="NEW.json")
    parser.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="of the comparison (default %(default)s)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write it there instead of printing it"
    )
    _parser(commands, "schema", "print the JSON Schema of audit.json", None, None)
    each = _parser(
        commands, "each", "audit several checkpoints (for pre-commit)", _EACH, _EACH_EXAMPLES
    )
    each.add_argument("files", nargs="*", metavar="FILE")


def runs() -> dict[str, Callable[[argparse.Namespace], int]]:
    """The functions that carry the commands out, by name."""
    return {"compare": _compare, "schema": _schema, "each": _each}


def _parser(
    commands: Any, name: str, short: str, description: str | None, epilog: str | None
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=short,
        description=description or short,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _compare(options: argparse.Namespace) -> int:
    from axis_audit.comparison.compare import compare
    from axis_audit.comparison.pages import as_markdown, as_text
    from axis_audit.report.reading import read

    old, new = read(options.old), read(options.new)
    found = compare(old, new, old_path=str(options.old), new_path=str(options.new))
    show: Callable[[Any], str] = {
        "text": as_text,
        "markdown": as_markdown,
        "json": lambda record: json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False),
    }[options.format]
    page = show(found.record) + "\n"
    if options.output is None:
        sys.stdout.write(page)
    else:
        try:
            options.output.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InputError(
                options.output, f"it cannot be written ({error.strerror})", "name another file"
            ) from None
    return 1 if found.regressions else 0


def _schema(_: argparse.Namespace) -> int:
    from axis_audit.report.reading import schema_text

    sys.stdout.write(schema_text())
    return 0


def _each(options: argparse.Namespace) -> int:
    files, given = list(options.files), list(options.further)
    if not files:
        raise InputError("axis-audit each", "no checkpoint is named", "name at least one file")
    if any(word.partition("=")[0] == "--checkpoint" for word in given):
        raise InputError("--checkpoint", "it would replace every file", "name the files alone")
    for name in files:
        if not Path(name).is_file():
            raise InputError(
                name, "there is no such file", "name checkpoints; give options as --name=value"
            )
    stems = [Path(name).stem for name in files]
    if len(set(stems)) < len(stems):
        raise InputError(
            ", ".join(files), "two of them share a report folder", "give each a name of its own"
        )
    worst = 0
    for name in files:
        command = [sys.executable, "-m", "pytest", f"--checkpoint={name}", *given]
        sys.stdout.flush()
        worst = max(worst, abs(subprocess.run(command, check=False, env=os.environ).returncode))
    return worst
