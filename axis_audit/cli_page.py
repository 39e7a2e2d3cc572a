"""`axis-audit report`: the page of an audit, drawn anew from its record."""

from __future__ import annotations

import argparse
from pathlib import Path

_REPORT = """\
Draws the report from an audit's record alone: one HTML file that loads nothing from anywhere, with
the verdict, every claim with its interval, figures, and how often this instrument is wrong.
Nothing is measured again.

Exit status: 0, whatever the verdict; 4 the file is no audit.json or the page cannot be written.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `axis-audit`."""
    parser = commands.add_parser(
        "report",
        help="draw the HTML report of an audit anew from its audit.json",
        description=_REPORT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("record", type=Path, metavar="audit.json", help="what an audit wrote")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where the page goes (default: audit.html beside the record)",
    )


def report(options: argparse.Namespace) -> int:
    """Draw the page and print where it is.

    Raises:
        InputError: the record is no audit.json, or the page cannot be written.
    """
    from axis_audit.report.reading import read_audit
    from axis_audit.report.session_page import redraw

    print(redraw(read_audit(options.record), options.record, options.output))
    return 0
