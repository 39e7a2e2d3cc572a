"""Whatever goes wrong: findings are kept, the report names what did not run, nothing exits 0."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from axis_audit import registry
from axis_audit.containment import require_alarm
from axis_audit.errors import InputError
from tests.plugin.faulty import ARGUMENTS, CONFTEST, MODEL

REPORT = Path("reports/model/audit.json")
SCHEMA = json.loads((Path(registry.__file__).parent / "report/audit.schema.json").read_text())


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


def report() -> dict:
    audit = json.loads(REPORT.read_text())
    jsonschema.validate(audit, SCHEMA)
    return audit


def verdicts(audit: dict) -> dict[str, str]:
    return {f["id"].removeprefix("integrity.fault_"): f["verdict"] for f in audit["findings"]}


def unfinished(audit: dict, named: set[str]) -> None:
    assert audit["verdict"] != "PASS"
    assert not audit["finished"]
    assert audit["stopped"]
    assert named <= set(audit["not_run"])
    assert named <= set(audit["missing"])


B, C = "integrity.fault_b", "integrity.fault_c"


def test_nothing_wrong_is_a_pass_and_leaves_no_journal(faulty) -> None:
    result = faulty()
    assert result.ret == 0
    audit = report()
    assert (audit["verdict"], audit["finished"]) == ("PASS", True)
    assert set(audit["not_run"].values()) == {"deselected"}
    assert not (REPORT.parent / "findings.jsonl").exists()


@pytest.mark.parametrize(
    "fault", ["sys.exit", "os._exit", "BaseException", "pytest.skip", "RuntimeError"]
)
def test_a_model_that_ends_its_process_or_its_test_is_an_error(faulty, fault: str) -> None:
    result = faulty(fault=fault)
    assert result.ret == 1
    audit = report()
    assert (audit["verdict"], audit["missing"]) == ("FAIL", [])
    assert verdicts(audit) == {"a": "PASS", "b": "ERROR", "c": "PASS"}
    result.stdout.fnmatch_lines(["ERROR: integrity.fault_b: *"])


def test_a_check_over_its_time_is_an_error_and_the_next_ones_run(faulty) -> None:
    before = signal.getsignal(signal.SIGALRM)
    result = faulty("--check-timeout", "0.3", fault="slow")
    assert result.ret == 1
    audit = report()
    assert verdicts(audit) == {"a": "PASS", "b": "ERROR", "c": "PASS"}
    assert "timed out after 0.3 s" in audit["findings"][1]["reason"]
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_timeout_that_is_no_time_is_refused(faulty, seconds: str) -> None:
    result = faulty(f"--check-timeout={seconds}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--check-timeout*is no time*"])


def test_a_timeout_that_cannot_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "setitimer")
    with pytest.raises(InputError, match="no alarm signal"):
        require_alarm()


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


@pytest.mark.parametrize("fault", ["deleted", "changed"])
def test_a_checkpoint_that_changes_meanwhile_is_no_pass(faulty, fault: str) -> None:
    result = faulty(fault=fault)
    assert result.ret == 1
    audit = report()
    assert (audit["verdict"], audit["finished"]) == ("INCONCLUSIVE", False)
    assert "model.bin" in audit["stopped"]


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_leaves_the_unfinished_report(faulty, monkeypatch) -> None:
    from axis_audit.plugin_faults import Progress

    start = Progress.start

    def fills(progress: Progress, check: str) -> None:
        start(progress, check)
        monkeypatch.setattr("axis_audit.report.json_report.os.replace", _full)
        monkeypatch.setattr("axis_audit.finished.Finished.add", _full)

    monkeypatch.setattr(Progress, "start", fills)
    result = faulty()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["NOT WRITTEN: *findings.jsonl*No space left*",
                                 "NOT WRITTEN: *audit.json*No space left*"])  # fmt: skip
    assert report()["verdict"] == "INCONCLUSIVE"


def test_a_page_that_cannot_be_written_takes_no_verdict_along(faulty) -> None:
    result = faulty("--junitxml=/dev/full")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["NOT WRITTEN: *No space left*"])
    assert report()["verdict"] == "PASS"  # it is whole; the run fails for what was not written


def test_a_report_folder_that_cannot_be_written_is_refused_at_once(faulty) -> None:
    Path("file").write_text("")
    result = faulty("--report-dir=file")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*reports cannot be written there*", "*--report-dir*"])
    assert Path("ran").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["-x"], {C: "the audit ended before it"}),
        (["--maxfail=1"], {C: "the audit ended before it"}),
        (["--deselect=axis_audit::integrity.fault_b"], {B: "deselected"}),
        (["-p", "no:html"], {}),
        (["-p", "no:junitxml"], {}),
        (["--setup-only"], {B: "it ended without a finding"}),
    ],
)
def test_pytests_own_options_excuse_no_gate(faulty, arguments: list[str], named: dict) -> None:
    fault = "" if "deselect" in arguments[0] or "setup" in arguments[0] else "RuntimeError"
    assert faulty(*arguments, fault=fault).ret == 1
    audit = report()
    assert audit["verdict"] != "PASS"
    assert named.items() <= audit["not_run"].items()


@pytest.mark.parametrize(
    "hook",
    [
        "@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item):\n"
        "    report = yield\n    report.outcome = 'passed'\n    return report",
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_makereport(item):\n"
        "    report = yield\n    report.outcome = 'passed'\n"
        "    report.__dict__.pop('axis_audit_finding', None)\n    return report",
        "@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session):\n"
        "    session.exitstatus = 0",
        "def pytest_runtest_setup(item):\n    if 'fault_b' in item.name: pytest.skip('not today')",
        "def pytest_runtest_setup(item):\n    if 'fault_b' in item.name: raise ValueError('no')",
        "def pytest_runtest_protocol(item):\n    return True",
    ],
)  # fmt: skip
def test_a_conftest_that_swallows_failures_does_not_pass(faulty, pytester, hook: str) -> None:
    pytester.makeconftest(CONFTEST + "\nimport pytest\n" + hook)
    fault = "" if "setup" in hook else "RuntimeError"
    assert faulty(fault=fault).ret == 1
    audit = report()
    assert audit["verdict"] != "PASS"
    if "not today" in hook:
        assert audit["not_run"][B] == "Skipped: not today"


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
