"""The command people run, pytest --checkpoint: what passes, what fails, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.audits import FAST, audit_json


@pytest.mark.parametrize("gate", ["leakage", "axis,prediction,invariance,leads,integrity"])
def test_a_clean_model_passes(run, pytester: pytest.Pytester, gate: str) -> None:
    families = " or ".join(gate.split(","))
    result = run("--gate", gate, "-m", families)
    result.stdout.fnmatch_lines(["verdict: PASS (*", "claims covered: *"])
    result.stdout.no_fnmatch_line("*nothing was audited*")
    assert result.ret == 0
    audit = audit_json(pytester)
    assert audit["verdict"] == "PASS"
    assert {f["verdict"] for f in audit["findings"] if f["gate"]} == {"PASS"}


def test_a_failing_gate_says_why_and_exits_1(run, defective) -> None:
    result = run("--gate", "axis", "-k", "neutral", path=defective("neutral_offset"))
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "axis.neutral_exactness",
            "*claim*the neutral age deforms nothing*",
            "*verdict*FAIL*",
            "*estimate*0.0*",
            "*acceptable*= 0*",
            "*likely cause*",
            "*next step*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*def runtest*")


def test_deselecting_a_gate_is_not_a_pass(run, pytester: pytest.Pytester) -> None:
    result = run("--gate", FAST, "-k", "monotonicity")
    assert result.ret == 1
    assert set(audit_json(pytester)["missing"]) == {"axis.smoothness", "integrity.split"}
    result.stdout.fnmatch_lines(["gates that did not run: *"])


def test_deselecting_everything_is_not_a_pass(run) -> None:
    assert run("--gate", FAST, "-k", "no_such_check").ret == 1


@pytest.mark.parametrize("mark", ["xfail", "skip"])
def test_a_conftest_cannot_excuse_a_gate(
    run, defective, pytester: pytest.Pytester, mark: str
) -> None:
    pytester.makeconftest(
        f"""
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.{mark})
        """
    )
    result = run(
        "--gate", FAST, "-k", "monotonicity or smoothness or split",
        path=defective("non_monotone_axis"),
    )  # fmt: skip
    assert result.ret == 1


def test_a_gate_on_nobody_is_not_an_audit(run) -> None:
    assert run("--gate", "axis.monotonicity", "-k", "monotonicity").ret == 1


def test_inconclusive_fails_unless_allowed_and_the_allowance_is_printed(
    run, pytester: pytest.Pytester, tmp_path: Path, twin
) -> None:
    from axis_audit import checkpoint
    from axis_audit.defects.twin import state

    path = tmp_path / "nomanifest.pth"
    empty = checkpoint.Manifest()
    checkpoint.save(path, kind="twin", config={}, state=state(twin), manifest=empty)
    assert run("--gate", FAST, "-k", "monoton or smooth or split", path=path).ret == 1
    result = run(
        "--gate", FAST, "-k", "monoton or smooth or split", "--allow-inconclusive", path=path
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*--allow-inconclusive*", "verdict: INCONCLUSIVE*", "INCONCLUSIVE: integrity.split*"]
    )
    assert audit_json(pytester, "nomanifest")["verdict"] == "INCONCLUSIVE"


def test_a_crash_in_the_model_is_an_error_finding_and_exit_1(
    run, pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makepyfile(
        crashing="""
        from dataclasses import dataclass
        from axis_audit.capabilities import InputSpec
        from axis_audit.cohort import LEADS
        class Crashing:
            kind = "crashing"
            input_spec = InputSpec("beat", LEADS, 100.0, 120, 40)
            claims = frozenset({"leakage"})
            def encode(self, signals):
                raise RuntimeError("no encoder today")
        def load(path):
            return Crashing()
        """
    )
    pytester.syspathinsert()
    path = tmp_path / "anything.bin"
    path.write_bytes(b"x")
    result = run("--checkpoint-adapter", "crashing:load", "-k", "leakage.linear", path=path)
    assert result.ret == 1
    found = {f["id"]: f for f in audit_json(pytester, "anything")["findings"]}
    assert found["leakage.linear"]["verdict"] == "ERROR"
    assert "no encoder today" in found["leakage.linear"]["reason"]


def test_claims_a_model_cannot_meet_are_failures(
    run, pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makepyfile(
        claiming="""
        import numpy as np
        from axis_audit.capabilities import InputSpec
        from axis_audit.cohort import LEADS
        class Encoder:
            kind = "encoder"
            input_spec = InputSpec("beat", LEADS, 100.0, 120, 40)
            claims = frozenset({"axis"})
            def encode(self, signals):
                return signals[:, :, 40]
        def load(path):
            return Encoder()
        """
    )
    pytester.syspathinsert()
    path = tmp_path / "encoder.bin"
    path.write_bytes(b"x")
    result = run("--checkpoint-adapter", "claiming:load", "-k", "monotonicity or mae", path=path)
    assert result.ret == 1
    found = {f["id"]: f for f in audit_json(pytester, "encoder")["findings"]}
    assert found["axis.monotonicity"]["verdict"] == "FAIL"
    assert "HasAgeAxis" in found["axis.monotonicity"]["reason"]
    assert found["prediction.mae"]["verdict"] == "NOT_APPLICABLE"
    assert not found["prediction.mae"]["gate"]


def test_bad_input_exits_4_with_one_message_and_no_report(
    run, pytester: pytest.Pytester, tmp_path: Path
) -> None:
    stale = pytester.path / "reports" / "broken" / "audit.json"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"verdict": "PASS"}')
    path = tmp_path / "broken.pth"
    path.write_bytes(b"PK not really")
    result = run(path=path)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: axis-audit: *broken.pth: *", "*Cure: *"])
    assert not stale.exists()


def test_only_audits_without_paths_and_runs_both_with_paths(run, pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass")
    pytester.makeini("[pytest]\ntestpaths = .")
    alone = run("--gate", FAST, "-k", "monoton or smooth or split or test_other")
    alone.assert_outcomes(passed=3)
    both = run("--gate", FAST, "-k", "monoton or smooth or split or test_other", "test_other.py")
    both.assert_outcomes(passed=4)


def test_a_failing_test_beside_a_passing_audit_still_fails(run, pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): assert 0")
    result = run("--gate", FAST, "-k", "monoton or smooth or split or test_other", "test_other.py")
    assert result.ret == 1


def test_seen_patients_are_left_out_or_fail(
    pytester: pytest.Pytester, tmp_path: Path, people, training_people, files
) -> None:
    from tests.conftest import write_arrays

    mixed = write_arrays(tmp_path / "mixed.npz", people, training_people)
    arguments = ["--cohort", str(mixed), "--folds", "1,9", "--gate", "integrity.split"]
    clean = [f"--checkpoint={files.checkpoint}", "-p", "no:cacheprovider", "-k", "split"]
    assert pytester.runpytest_inprocess(*clean, *arguments).ret == 0
    cohort = audit_json(pytester)["cohort"]
    assert cohort["patients"] == len(people)
    assert cohort["seen_patients_removed"] == len(training_people)
    assert pytester.runpytest_inprocess(*clean, *arguments, "--patients", "all").ret == 1
    (finding,) = audit_json(pytester)["findings"]
    assert (finding["verdict"], finding["estimate"]) == ("FAIL", len(training_people))


def test_everybody_seen_is_an_input_error(training_people, tmp_path, pytester, files) -> None:
    from tests.conftest import write_arrays

    path = write_arrays(tmp_path / "seen.npz", training_people)
    result = pytester.runpytest_inprocess(
        f"--checkpoint={files.checkpoint}", "--cohort", str(path), "-p", "no:cacheprovider"
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*were in the checkpoint's training or selection*"])


def test_python_without_asserts_changes_nothing(run, defective, pytester, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    result = run(
        "--gate", FAST, "-k", "monoton or smooth or split",
        path=defective("non_monotone_axis"), process=True,
    )  # fmt: skip
    assert result.ret == 1
