"""Options and [tool.axis_audit]: what a typo would otherwise silently loosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from axis_audit.errors import InputError
from axis_audit.settings import merge, read_table


def table(tmp_path: Path, text: str) -> dict:
    (tmp_path / "pyproject.toml").write_text("[tool.axis_audit]\n" + text)
    return read_table(tmp_path)


def test_command_line_beats_the_table(tmp_path: Path) -> None:
    values = table(tmp_path, 'cohort = "mine.npz"\nfolds = 9\ngate = ["leakage"]')
    settings = merge({"checkpoint": "m.pth", "cohort": "atlas"}, values)
    assert (settings.cohort, settings.folds, settings.gate) == ("atlas", "9", ("leakage",))


def test_the_table_is_found_from_a_folder_below(tmp_path: Path) -> None:
    table(tmp_path, "seed = 4")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert read_table(below) == {"seed": 4}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("leakage_margn = 0.5", "unknown key 'leakage_margn'"),
        ('leakage_margin = "big"', "has the wrong type"),
        ("seed = true", "has the wrong type"),
        ("gate = [", "not valid TOML"),
    ],
)
def test_a_bad_table_is_an_error_that_names_the_file(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(InputError, match=cause) as caught:
        table(tmp_path, text)
    assert "pyproject.toml" in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"patients": "some"}, {"leakage_margin": 0.0}, {"leakage_margin": 1.5}]
)
def test_senseless_values_are_refused(options: dict) -> None:
    with pytest.raises(InputError):
        merge({"checkpoint": "m.pth", **options}, {})


def test_gates_are_split_at_commas() -> None:
    assert merge({"checkpoint": "m", "gate": "leakage, axis,"}, {}).gate == ("leakage", "axis")
