"""The `axis-audit` command: its help teaches, its records can be read, it refuses nonsense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axis_audit import calibration
from axis_audit.calibration.replicates import GATES, TRUE
from axis_audit.calibration.synthetic import draw_isotropic
from axis_audit.cli import main
from axis_audit.errors import InputError

SMALL = ["calibrate", "--people", "150", "--dimensions", "4", "--replicates"]


def test_without_a_command_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    for command in ("checks", "defects", "calibrate", "pytest --checkpoint"):
        assert command in text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("defects", ["planted", "Exit status", "--full", "--quick", "progress.jsonl", "examples:"]),
        ("calibrate", ["known R²", "Exit status", "--shard", "--fit-people", "examples:"]),
    ],
)
def test_help_teaches(command: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for word in words:
        assert word in text


def test_checks_lists_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    from axis_audit.registry import all_checks

    assert main(["checks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [check.id for check in all_checks()]


def test_calibrate_writes_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "both.json"
    assert main([*SMALL, "2", "--fit-people", "300", "--output", str(output)]) == 0
    record = json.loads(output.read_text())
    assert record["format"] == "axis-audit/calibration/2"
    assert record["finished"] == {"gaussian": 2, "t": 2}
    assert len(record["rates"]) == 2 * len(GATES) * len(TRUE)
    for row in record["rates"]:
        verdicts = [row[v] for v in ("PASS", "INCONCLUSIVE", "FAIL", "ERROR")]
        assert sum(v["count"] for v in verdicts) == row["n"] == 2
        for rate in verdicts:
            assert rate["interval"][0] <= rate["rate"] <= rate["interval"][1]
    assert output.with_suffix(".png").stat().st_size > 10_000  # the power curves
    table = capsys.readouterr().out
    assert "linear" in table
    assert "any gate's false FAIL, t, R² 0.05" in table


def test_shards_add_up_to_the_whole(tmp_path: Path) -> None:
    def run(name: str, *more: str) -> dict[str, object]:
        output = tmp_path / name / "linear.json"
        common = ["3", "--shared", "1", "--gates", "linear", "--output", str(output)]
        assert main([*SMALL, *common, *more]) == 0
        return json.loads(output.read_text())

    whole = run("whole")
    assert run("shards", "--shard", "1/2")["finished"] == {"gaussian": 2, "t": 2}
    assert run("shards", "--shard", "2/2") == whole


def test_finished_replicates_are_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = calibration.CalibrationSettings(2, 4, 150, gates=("linear",), shared=1)
    first = calibration.calibrate(settings, tmp_path / "r.json")

    def never(*_: object) -> None:
        raise AssertionError("ran again")

    monkeypatch.setattr(calibration, "run_draw", never)
    assert calibration.calibrate(settings, tmp_path / "r.json") == first
    more = calibration.CalibrationSettings(3, 4, 150, gates=("linear",), shared=1)
    with pytest.raises(AssertionError, match="ran again"):
        calibration.calibrate(more, tmp_path / "r.json")


def test_the_linear_gate_tells_a_large_leak_from_none(tmp_path: Path) -> None:
    settings = calibration.CalibrationSettings(20, 4, 800, gates=("linear",))
    record = calibration.calibrate(settings, tmp_path / "r.json")
    rows = {(r["latents"], r["true"]): r for r in record["rates"]}
    assert rows["gaussian", 0.0]["PASS"]["count"] >= 18
    assert rows["gaussian", 0.0]["FAIL"]["count"] == 0
    assert rows["gaussian", 0.1]["PASS"]["count"] == 0


def test_a_false_verdict_far_above_its_level_is_named() -> None:
    settings = calibration.CalibrationSettings(40, 4, 150, gates=("linear",))
    verdicts = {f"{r:g}": ["PASS"] * 10 for r in TRUE}
    pieces = {"gaussian": [{"linear": verdicts}] * 4, "t": []}
    record = calibration.summarise(settings, pieces, calibration.audit_levels())
    assert [line.split(":")[0] for line in record["too high"]] == [
        f"linear gate, gaussian latents, R² {r:g}" for r in TRUE if r >= settings.margin
    ]
    assert "TOO HIGH" in calibration.table(record)


def test_t_latents_have_unit_variance_and_heavy_tails() -> None:
    import numpy as np

    drawn = draw_isotropic("t", 200_000, 2, np.random.default_rng(0))
    assert np.var(drawn) == pytest.approx(1, abs=0.03)
    assert np.mean(np.abs(drawn) > 4) > 10 * 6.3e-5  # of the normal


@pytest.mark.parametrize(
    "arguments",
    [["0"], ["2", "--shard", "3/2"], ["2", "--shard", "x"], ["2", "--gates", "forest"],
     ["2", "--margin", "2"], ["2", "--people", "5"],
     ["1", "--gates", "linear", "--beside", "nowhere.json"]],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = ["--output", str(tmp_path / "r.json")]
    assert main([*SMALL[:-1], "--replicates", *arguments, *output]) == 4
    assert "Cure:" in capsys.readouterr().err


def test_a_shard_is_one_of_its_number() -> None:
    assert calibration.parse_shard("2/4") == (2, 4)
    with pytest.raises(InputError, match="not i/k"):
        calibration.parse_shard("0/4")
