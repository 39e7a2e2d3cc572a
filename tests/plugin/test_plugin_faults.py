"""Whatever goes wrong: findings are kept, the report names what did not run, nothing exits 0."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from axis_audit.containment import require_alarm
from axis_audit.errors import InputError
from tests.plugin.faulty import CONFTEST, REPORT, B, C, report, verdicts


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
