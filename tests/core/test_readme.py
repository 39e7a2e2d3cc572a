"""README says what the code says."""

from __future__ import annotations

from pathlib import Path

from axis_audit.registry import all_checks
from axis_audit.report.checks_table import as_markdown, as_text

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def own_checks():
    return [check for check in all_checks() if check.ours]


def test_the_table_of_checks_is_the_codes_own() -> None:
    _, marker, rest = README.partition("<!-- axis-audit checks --markdown -->\n")
    assert marker, "README lost the marker of its table"
    table = rest.partition("\n\n")[0]
    assert table == as_markdown(own_checks()), (
        "print it anew with `axis-audit checks --markdown` and put it below the marker"
    )


def test_every_check_stands_in_the_list_with_its_role() -> None:
    lines = as_text(own_checks()).splitlines()
    assert len(lines) == len({line.split()[0] for line in lines}) == len(own_checks())
    by_id = {line.split()[0]: line for line in lines}
    assert " gate " in by_id["leakage.linear"]
    assert " screen " in by_id["leakage.quadratic"]
    assert " screen, thorough" in by_id["leakage.trees"]


def test_pictures_and_files_that_readme_shows_are_there() -> None:
    import re

    root = Path(__file__).parents[2]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
