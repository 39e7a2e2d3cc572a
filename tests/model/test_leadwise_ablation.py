"""The ablation's table: what is judged on whom, and what is kept when it runs again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_leadwise_training import sick

from axis_audit.cohort import Cohort
from model.leadwise import ablation, inference

TINY = {"stem": 2, "width_1": 2, "width_2": 4, "width_3": 4, "width_4": 4}


def both(n: int, seed: int) -> Cohort:
    """Every other person has one disease of each family."""
    cohort = sick(n, seed)
    codes = ({"IMI": 100.0, "CLBBB": 100.0, "NDT": 100.0, "LVH": 100.0}, {"NORM": 100.0})
    object.__setattr__(cohort, "diagnoses", tuple(codes[i % 2] for i in range(n)))
    return cohort


def test_rows_are_trained_once_judged_on_others_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def opened(source: str, folds: tuple[int, ...], rate: float, samples: int) -> Cohort:
        return both(40, folds[0])

    monkeypatch.setattr(inference, "open_records", opened)
    monkeypatch.setattr(ablation, "SMALL", TINY)
    command = ["--cohort", "x", "--output", str(tmp_path), "--epochs", "1"]
    assert ablation.main([*command, "--rows", "both"]) == 0
    found = json.loads((tmp_path / "ablation.json").read_text())
    assert list(found["rows"]) == ["recipe", "both"]
    assert found["people"] == 40
    assert set(found["rows"]["both"]) == {"MI", "STTC", "CD", "HYP", "mean", "over the recipe"}
    assert "both, as published" in (tmp_path / "ablation.md").read_text()
    before = (tmp_path / "both.npz").stat().st_mtime_ns
    assert ablation.main([*command, "--rows", "both"]) == 0
    assert (tmp_path / "both.npz").stat().st_mtime_ns == before
    assert ablation.main([*command[:-1], "2", "--rows", "both"]) == 4
    assert "another budget" in capsys.readouterr().err


def test_an_area_counts_people_with_labels_alone() -> None:
    from model.alignment.intervals import area

    scores, truth = np.array([0.1, 0.9, 0.8, 0.2]), np.array([0.0, 1.0, np.nan, 1.0])
    value = area(scores, truth)(np.array([[1.0, 1, 1, 1], [1, 1, 9, 1], [2, 1, 1, 0]]))
    assert value == pytest.approx([1.0, 1.0, 1.0])
    assert area(-scores, truth)(np.ones((1, 4))) == pytest.approx([0.0])


def test_an_unknown_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ablation.parser().parse_args(["--cohort", "x", "--output", "y", "--rows", "magic"])
    assert "no row magic" in capsys.readouterr().err
