"""What an interrupted audit, or one that lost a worker, has found is used when it is resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.plugin.faulty import (
    ARGUMENTS,
    MODEL,
    REPORT,
    B,
    C,
    report,
    unfinished,
    verdicts,
)


def test_an_interrupted_audit_says_so_and_is_resumed(faulty) -> None:
    result = faulty(fault="KeyboardInterrupt")
    assert result.ret == 2
    unfinished(report(), {B, C})
    result.stdout.fnmatch_lines(
        ["NOT FINISHED: interrupted (KeyboardInterrupt*", f"gates that did not run: {B}, {C}",
         f"not run, it was running when the audit ended: {B}", "*--resume*"]
    )  # fmt: skip
    page = (REPORT.parent / "audit.html").read_text()
    assert "NOT FINISHED" in page
    result = faulty("--resume")
    assert result.ret == 0
    assert Path("ran").read_text() == "bc"
    assert {f["id"]: f["resumed"] for f in report()["findings"]} == {
        "integrity.fault_a": True, B: False, C: False
    }  # fmt: skip
    result.stdout.fnmatch_lines(["*resumed: 1 of * findings are of the interrupted run*"])
    assert not (REPORT.parent / "findings.jsonl").exists()


def test_errors_are_run_anew(faulty) -> None:
    faulty(fault="RuntimeError")
    assert faulty("--resume").ret == 0
    assert Path("ran").read_text() == "b"


def test_with_nothing_to_resume_everything_runs(faulty) -> None:
    result = faulty("--resume")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*nothing to resume (there is no *findings.jsonl)*"])
    assert Path("ran").read_text() == "abc"


@pytest.mark.parametrize("what", ["seed", "margin", "checkpoint", "cohort", "code"])
def test_findings_of_another_audit_are_never_used(faulty, pytester, what: str) -> None:
    faulty(fault="RuntimeError")
    arguments = ["--resume"]
    if what == "seed":
        arguments += ["--audit-seed=5"]
    elif what == "margin":
        pytester.makepyprojecttoml('[tool.axis_audit]\nmargins = {"integrity.fault_a" = [0, 2]}')
    elif what == "checkpoint":
        Path("model.bin").write_text("other weights")
    elif what == "cohort":
        with np.load("people.npz") as people:
            arrays = dict(people)
        np.savez("people.npz", **{**arrays, "age": arrays["age"] + 1})
    else:
        Path("faulty_model.py").write_text(MODEL + "\n# mended\n")
    result = faulty(*arguments)
    result.stdout.fnmatch_lines(["*nothing to resume (*holds no finding of this checkpoint*"])
    assert Path("ran").read_text() == "abc"


def test_a_line_cut_short_is_a_check_to_run_again(faulty) -> None:
    faulty(fault="RuntimeError")
    journal = REPORT.parent / "findings.jsonl"
    journal.write_bytes(journal.read_bytes()[:-200])
    assert faulty("--resume").ret == 0
    assert Path("ran").read_text() == "bc"


def _wait_for(path: Path, text: str) -> None:
    import time

    for _ in range(1200):
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never held {text}")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_signals_leave_a_report_and_can_be_resumed(faulty, pytester, monkeypatch, name) -> None:
    monkeypatch.setenv("AUDIT_FAULT", "slow")
    Path("ran").write_text("")
    command = [sys.executable, "-m", "pytest", "-p", "no:hypothesispytest", *ARGUMENTS]
    with (
        Path("output").open("w") as output,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
    ):
        _wait_for(Path("ran"), "ab")
        process.send_signal(getattr(signal, name))
        process.wait(timeout=120)
    assert process.returncode == (-9 if name == "SIGKILL" else 2)
    audit = report()
    unfinished(audit, {B, C})
    assert audit["not_run"][B] == "it was running when the audit ended"
    assert ("killed" if name == "SIGKILL" else name.replace("SIGINT", "Keyboard")) in audit[
        "stopped"
    ]
    assert "NOT FINISHED" in (REPORT.parent / "audit.html").read_text()
    assert faulty("--resume").ret == 0
    assert Path("ran").read_text() == "bc"


def test_a_worker_that_crashes_costs_its_check_alone_and_the_rest_is_resumed(
    faulty, pytester, monkeypatch
) -> None:
    monkeypatch.setenv("AUDIT_FAULT", "segfault")
    quick = ["-p", "no:hypothesispytest", "-n", "1"]
    assert pytester.runpytest_subprocess(*ARGUMENTS, *quick).ret == 1
    audit = report()
    assert verdicts(audit) == {"a": "PASS", "b": "ERROR", "c": "PASS"}
    assert "crashed while running" in audit["findings"][1]["reason"]
    Path("ran").write_text("")
    monkeypatch.setenv("AUDIT_FAULT", "")
    assert pytester.runpytest_subprocess(*ARGUMENTS, *quick, "--resume").ret == 0
    assert Path("ran").read_text() == "b"
