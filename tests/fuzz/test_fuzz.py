"""500 damaged inputs a reader; 10,000 with `python tests/fuzz/run.py TARGET --inputs 10000`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")


def _fuzz(target: str, inputs: int) -> dict:
    # A process of its own: an audit hook stays for good, and a crash must not end the tests.
    result = subprocess.run(
        [sys.executable, str(RUN), target, "--inputs", str(inputs)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
    counts: dict = json.loads(result.stdout.splitlines()[-1])
    return counts


@pytest.mark.parametrize("target", ["checkpoint", "arrays", "directory", "folds"])
def test_a_damaged_input_is_sound_or_refused_with_cause_and_cure(target: str) -> None:
    counts = _fuzz(target, 500)
    assert counts["loaded"] + counts["refused"] == counts["inputs"] >= 450
    assert counts["refused"] > 100  # the damage reaches the reader
    assert counts["loaded"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("target", ["checkpoint", "arrays", "directory", "folds", "ludb"])
def test_ten_thousand_damaged_inputs(target: str) -> None:
    counts = _fuzz(target, 10_000)
    assert counts["loaded"] + counts["refused"] == counts["inputs"]
