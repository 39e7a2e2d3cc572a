"""The report at the end of a pytest session, and its links to the session's other files.

Imported with `--checkpoint` by every session, so nothing heavy is loaded before there is a report.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from axis_audit.errors import InputError
from axis_audit.finding import AuditReport

NAME = "audit.html"
_OTHERS = {"htmlpath": "plain view of every test", "xmlpath": "JUnit"}
"""Attributes of pytest's options -> what the files they name are called in the report."""


@dataclass(frozen=True)
class SessionPage:
    """What became of the report.

    Attributes:
        written: whether it is there. line: for the terminal. link: HTML for the plain view.
        no_room: whether the disk refused it; the run must not look finished then.
    """

    written: bool
    line: str
    link: str
    no_room: bool = False


def write(report: AuditReport, folder: Path, option: Any) -> SessionPage:
    """Write `folder`/audit.html; a page that cannot be drawn costs neither verdict nor record."""
    links = {"audit.json, its record": "audit.json"}
    for name, words in _OTHERS.items():
        path = getattr(option, name, None)
        if path:
            links[words] = _address(Path(path), folder)
    try:
        from axis_audit.report.page import write_page

        write_page(report, folder / NAME, links)
    except Exception as error:  # the audit is measured and recorded: it must not be lost here
        line = f"{folder / NAME} could not be written: {type(error).__name__}: {error}"
        with suppress(OSError):  # the page of the running audit would say it never ended
            (folder / NAME).unlink(missing_ok=True)
        return SessionPage(False, line, "", isinstance(error, OSError))
    link = ""
    if getattr(option, "htmlpath", None):
        address = escape(_address(folder / NAME, Path(option.htmlpath).parent))
        link = f'<p><a href="{address}">The report with figures and explanations</a></p>'
    return SessionPage(True, f"report to read: {folder / NAME}", link)


def redraw(report: AuditReport, record: Path, output: Path | None = None) -> Path:
    """Draw the page of a record that was read, by default beside it; returns where it is.

    Raises:
        InputError: the page cannot be written.
    """
    from axis_audit.report.page import write_page

    path = output or record.with_name(NAME)
    beside = {record.name: record, "plain view of every test": record.with_name("plain.html")}
    links = {words: _address(p, path.parent) for words, p in beside.items() if p.exists()}
    try:
        write_page(report, path, links)
    except OSError as error:
        cause = f"it cannot be written ({error.strerror})"
        raise InputError(path, cause, "name another file with -o") from None
    return path


def _address(path: Path, folder: Path) -> str:
    """A relative address of a file, from a page in a folder; absolute across Windows' drives."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:
        return path.absolute().as_uri()
    # "./" keeps a name such as "a:b" from being read as a scheme.
    return "./" + quote(Path(relative).as_posix())
