"""Runs of the plugin on the clean twin or another checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest


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
