"""Runs of the plugin on the clean twin or another checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from axis_audit import registry
from tests.plugin.faulty import ARGUMENTS, CONFTEST, MODEL


@pytest.fixture
def run(pytester: pytest.Pytester, files, monkeypatch: pytest.MonkeyPatch):
    """Audit the clean twin, or another checkpoint, with further arguments."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):  # of the job that runs these tests
        monkeypatch.delenv(name, raising=False)

    def start(*arguments: str, path: Path | None = None, process: bool = False):
        given = list(files.arguments)
        if path is not None:
            given[0] = f"--checkpoint={path}"
        runner = pytester.runpytest_subprocess if process else pytester.runpytest_inprocess
        return runner(*given, *arguments)

    return start


@pytest.fixture
def faulty(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Audit a model with a fault, in a folder of its own."""
    # The three checks are of this test alone.
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    rng = np.random.default_rng(0)
    np.savez(
        "people.npz", signals=rng.normal(0, 0.3, (30, 12, 120)), rate=100, kind="beat",
        r_index=40, age=rng.uniform(20, 80, 30),
    )  # fmt: skip
    Path("model.bin").write_text("weights")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(faulty_model=MODEL)
    pytester.syspathinsert()

    def run(*arguments: str, fault: str = ""):
        monkeypatch.setenv("AUDIT_FAULT", fault)
        Path("ran").write_text("")
        return pytester.runpytest_inprocess(*ARGUMENTS, *arguments, no_reraise_ctrlc=True)

    return run
