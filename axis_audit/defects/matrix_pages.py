"""The kill matrix as JSON, as a page and as a figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from axis_audit.defects.matrix_record import brief, closing_lines

_LOOKS = {
    "PASS": ("P", "#e8f3ea", "passes"),
    "FAIL": ("F", "#c2571a", "fails"),
    "INCONCLUSIVE": ("I", "#f4e3b5", "is inconclusive"),
    "ERROR": ("E", "#8c1c4f", "could not be measured"),
    "NOT_APPLICABLE": ("–", "#ffffff", "does not apply"),
}
"""Letter, colour and words of a verdict: the letter tells what the colour cannot."""
_NOT_RUN = ("·", "#ffffff", "was not run")
_DARK = ("#c2571a", "#8c1c4f")
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; margin: 2em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { border: 1px solid #ddd; padding: 2px 6px; text-align: center; }
thead th { vertical-align: bottom; }
thead th span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: normal; }
tbody th { text-align: left; font-weight: normal; white-space: nowrap; position: sticky; left: 0;
  background: #fff; }
td.named { outline: 3px solid #1f3f8f; outline-offset: -3px; font-weight: bold; }
.survives { color: #8c1c4f; font-weight: bold; }
dl { display: grid; grid-template-columns: max-content auto; gap: .2em 1em; }
dd { margin: 0; }
"""


def write(record: Mapping[str, Any], folder: Path) -> None:
    """Write kill_matrix.json, .html, .png and .svg, and kill_summary.json.

    The last is what audits print of it in their reports; axis_audit/report/data/ holds a copy.
    """
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    (folder / "kill_matrix.json").write_text(text, encoding="utf-8")
    text = json.dumps(brief(record), indent=1, allow_nan=False) + "\n"
    (folder / "kill_summary.json").write_text(text, encoding="utf-8")
    (folder / "kill_matrix.html").write_text(page(record), encoding="utf-8")
    draw(record, folder)


def page(record: Mapping[str, Any]) -> str:
    """One self-contained HTML page; every name and reason is escaped."""
    checks = [check["id"] for check in record["checks"]]
    summary = "".join(f"<li>{escape(line)}</li>" for line in closing_lines(record))
    head = "".join(f'<th scope="col"><span>{escape(c)}</span></th>' for c in checks)
    rows = "".join(_row(row, checks) for row in _rows(record))
    key = ", ".join(f"{letter} {words}" for letter, _, words in (*_LOOKS.values(), _NOT_RUN))
    stories = "".join(
        f"<dt>{escape(row['name'])}</dt><dd>{escape(row['story'])}</dd>"
        for row in record["defects"]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>Kill matrix</title>\n<style>{_STYLE}</style>\n<h1>Kill matrix</h1>\n"
        f"<ul>{summary}</ul>\n<p>Rows are planted defects, columns are checks. {escape(key)}. "
        "The framed cell is the check that must fail.</p>\n"
        f'<div class="wide"><table><thead><tr><th scope="col">defect</th>{head}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>\n{_twins_table(record)}"
        f"<h2>What each defect breaks</h2>\n<dl>{stories}</dl>\n"
        f"<p>{escape(_provenance(record))}</p>\n</html>\n"
    )


def _rows(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    clean = [record["clean"]] if record["clean"]["checks"] else []
    return [*clean, *record["defects"]]


def _row(row: Mapping[str, Any], checks: Sequence[str]) -> str:
    name = escape(row["name"])
    if not row.get("killed", True):
        name = f'<span class="survives">{name} (survives)</span>'
    cells = "".join(_cell(row, check) for check in checks)
    return f'<tr><th scope="row">{name}</th>{cells}</tr>\n'


def _cell(row: Mapping[str, Any], check: str) -> str:
    cell = row["checks"].get(check, {})
    letter, colour, words = _LOOKS.get(cell.get("verdict", ""), _NOT_RUN)
    named = ' class="named"' if row.get("fails") == check else ""
    ink = "#fff" if colour in _DARK else "#222"
    title = f"{row['name']}: {check} {words}. {cell.get('reason', '')}".strip()
    style = f"background:{colour};color:{ink}"
    return f'<td{named} style="{style}" title="{escape(title)}">{letter}</td>'


def _twins_table(record: Mapping[str, Any]) -> str:
    clean = record["twins"]
    if not clean["count"]:
        return ""
    verdicts = tuple(_LOOKS)
    head = "".join(f'<th scope="col">{escape(v)}</th>' for v in verdicts)
    rows = "".join(
        f'<tr><th scope="row">{escape(check)}</th>'
        + "".join(f"<td>{counts.get(v) or ''}</td>" for v in verdicts)
        + "</tr>\n"
        for check, counts in clean["verdicts"].items()
    )
    return (
        f"<h2>{clean['count']} clean twins, seeds 0 to {clean['count'] - 1}</h2>\n"
        f'<div class="wide"><table><thead><tr><th scope="col">check</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _provenance(record: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{k} {v}" for k, v in record["settings"].items() if v not in ([], ""))
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    return f"{settings}. {versions}."


def draw(record: Mapping[str, Any], folder: Path) -> None:
    """kill_matrix.png and kill_matrix.svg: the same table, letters in coloured squares."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    checks = [check["id"] for check in record["checks"]]
    rows = _rows(record)
    figure = Figure(
        figsize=(4.0 + 0.26 * len(checks), 3.0 + 0.24 * len(rows)), layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for y, row in enumerate(rows):
        for x, check in enumerate(checks):
            verdict = row["checks"].get(check, {}).get("verdict", "")
            letter, colour, _ = _LOOKS.get(verdict, _NOT_RUN)
            named = row.get("fails") == check
            axes.add_patch(
                Rectangle(
                    (x - 0.5, y - 0.5),
                    1,
                    1,
                    facecolor=colour,
                    edgecolor="#1f3f8f" if named else "#dddddd",
                    linewidth=1.8 if named else 0.5,
                    zorder=2 if named else 1,
                )
            )
            ink = "white" if colour in _DARK else "#222222"
            axes.text(x, y, letter, ha="center", va="center", fontsize=7, color=ink, zorder=3)
    # parse_math off: a name with a dollar sign is text, not a formula.
    axes.set_xticks(range(len(checks)), checks, rotation=90, fontsize=7, parse_math=False)
    names = [row["name"] for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=7, parse_math=False)
    axes.set(xlim=(-0.5, len(checks) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.set_title(
        "F fails, P passes, I inconclusive; framed: the check that must fail", fontsize=8
    )
    figure.savefig(folder / "kill_matrix.png", dpi=110)
    figure.savefig(folder / "kill_matrix.svg", metadata={"Date": None})
