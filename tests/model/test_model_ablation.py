"""The deformation ablation: every row is a system that can be trained, and differs as it says."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from axis_audit.errors import InputError
from model.deformation.ablation import LEAKS, main, parser, taken_over
from model.deformation.ablation_pages import table
from model.deformation.ablation_rows import EARLIER, PENALTIES, ROWS
from model.deformation.config import NetworkConfig, TrainingConfig

TRAINED = [name for name, row in ROWS.items() if row.training is not None]


@pytest.mark.parametrize("name", TRAINED)
def test_every_row_describes_a_system(name):
    row = ROWS[name]
    assert row.network(NetworkConfig()).problems() == []
    assert row.training(TrainingConfig()).weights.keys() == TrainingConfig().weights.keys()


GROUPS = {
    f"{group}: {of}": {"people": 900, "r2": 0.031, "interval": [0.01, 0.06]}
    for group in ("normal", "not normal")
    for of in ("z", "x50")
}


def penalties(name):
    weights = ROWS[name].training(TrainingConfig()).weights
    return {k for k in PENALTIES if weights[k]}


def test_every_penalty_is_one_of_the_recipes_weights():
    assert set(PENALTIES) < TrainingConfig().weights.keys()
    assert {"reconstruction", "covariance", "consistency"} == (
        TrainingConfig().weights.keys() - set(PENALTIES)
    )


def test_ingredients_are_added_one_after_another():
    order = ("separate", "moments", "critics", "kernel", "canonical", "medians")
    for before, after in pairwise(order):
        assert penalties(before) < penalties(after)
    assert penalties("separate") == set()
    assert penalties("medians") == set(EARLIER)
    assert penalties("no_population") < {k for k in PENALTIES if TrainingConfig().weights[k]}


def test_rows_before_the_last_step_know_nothing_of_it():
    earlier = ROWS["eight"].training(TrainingConfig())
    assert earlier.apart == ()
    assert not earlier.twelve_leads
    assert not earlier.critics_see_sizes
    assert earlier.weights["reconstruction"] == 2 * TrainingConfig().weights["reconstruction"]
    assert earlier.epochs == 60


def test_a_failing_leak_is_bold_in_the_table():
    leak = {"estimate": 0.2, "interval": [0.1, 0.3], "verdict": "FAIL"}
    record = {"title": "a row", "mae": 7.7, "residual_share": 0.4, "verdict": "FAIL"}
    shown = table([{**record, **dict.fromkeys(LEAKS, leak), "groups": GROUPS}])
    assert shown.count("**0.200 [0.100, 0.300]**") == len(LEAKS)
    assert "| 0.031 | 0.031 | FAIL |" in shown


def test_all_rows_are_done_unless_some_are_named():
    needed = ["--cohort", "here", "--output", "there"]
    assert tuple(parser().parse_args(needed).rows) == tuple(ROWS)
    assert parser().parse_args([*needed, "--rows", "final"]).rows == ["final"]


def a_record(name):
    leak = {"estimate": 0.2, "interval": [0.1, 0.3], "verdict": "FAIL"}
    numbers = {"mae": 7.7, "residual_share": 0.4, "verdict": "FAIL", "groups": GROUPS}
    return {"row": name, "title": ROWS[name].title, **numbers, **dict.fromkeys(LEAKS, leak)}


def test_rows_of_an_earlier_run_are_taken_over(tmp_path, capsys):
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps([a_record("kernel"), a_record("eight")]))
    out = tmp_path / "out"
    command = ["--cohort", "nowhere", "--output", str(out), "--records", str(earlier)]
    assert main([*command, "--rows", "eight"]) == 0
    assert [r["row"] for r in json.loads((out / "ablation.json").read_text())] == ["eight"]
    assert "+ 8 dimensions" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["[{}]", '[{"row": "eight", "mae": 7.7}]', "nonsense"])
def test_what_is_no_record_of_rows_is_refused(tmp_path, text):
    broken = tmp_path / "broken.json"
    broken.write_text(text)
    with pytest.raises(InputError, match="no record of an ablation"):
        taken_over(broken)
