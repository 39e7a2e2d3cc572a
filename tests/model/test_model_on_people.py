"""The committed reference model on people it has not seen (needs PTB-XL)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_audit_of_the_reference_model_on_fold_9(tmp_path: Path) -> None:
    """MAE as published or better, within two minutes; its leaks are found."""
    source = os.environ.get("AXIS_AUDIT_PTBXL")
    if not source:
        pytest.skip("set AXIS_AUDIT_PTBXL to a PTB-XL directory")
    environment = {**os.environ, "AXIS_AUDIT_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--checkpoint", "model/checkpoints/deformation.pth", "--cohort", source]
    command += ["--folds", "9", "--report-dir", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=120)
    audit = json.loads((tmp_path / "deformation" / "audit.json").read_text())
    found = {f["id"]: f for f in audit["findings"]}
    assert found["prediction.mae"]["details"]["MAE in years"] <= 9.63
    assert found["prediction.mae"]["verdict"] == "PASS"
    assert found["leakage.linear"]["verdict"] == "FAIL"
    assert audit["cohort"]["patients"] > 1800
