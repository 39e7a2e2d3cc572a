"""What a newcomer meets first: the help of `python -m model.vae`, and the committed checkpoint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from axis_audit import checkpoint as checkpoints
from model.training import selection_rows
from model.vae import __main__ as cli
from model.vae import adapter
from model.vae.config import TrainingConfig

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["train", "evaluate", "sample", "interpolate"])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert "--checkpoint" in capsys.readouterr().out


def test_help_of_the_module_shows_examples_without_loading_torch():
    code = "import sys; from model.vae.__main__ import parser; parser().print_help(); "
    result = subprocess.run(
        [sys.executable, "-c", code + "print('torch' in sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "examples:" in result.stdout
    assert result.stdout.endswith("False\n")


def test_the_committed_checkpoint_is_small_and_has_never_seen_the_audits_people():
    path = ROOT / "model" / "checkpoints" / "vae.pth"
    assert path.stat().st_size < 5_000_000
    checkpoint = checkpoints.load(path)
    ludb = np.array([f"ludb/{i}" for i in range(1, 201)])
    apart = selection_rows(ludb, TrainingConfig().audit_share, purpose="audit")
    seen = np.isin(checkpoints.hashed(ludb), checkpoint.manifest.patients)
    assert seen.sum() > 50
    assert not (seen & apart).any()
    assert len(checkpoint.manifest.patients) > 10_000
    drawn = adapter.load(checkpoint).sample(200, 0)[:, 0]
    assert np.abs(drawn.std(axis=1) - 1).max() < 1e-3
    assert np.median(np.abs(drawn[:, 150:171]).max(axis=1)) > 3  # an R peak where R should be
