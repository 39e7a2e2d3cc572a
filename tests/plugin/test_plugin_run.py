"""The command people run: pytest --checkpoint, its exit status and its files."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

FAST = "axis.monotonicity,axis.smoothness,integrity.split"
"""Gates that take no time and include one that depends on the people."""


@pytest.fixture
def run(pytester: pytest.Pytester, files):
    """Audit the clean twin, or another checkpoint, with further arguments."""

    def start(*arguments: str, path: Path | None = None, process: bool = False):
        given = list(files.arguments)
        if path is not None:
            given[0] = f"--checkpoint={path}"
        runner = pytester.runpytest_subprocess if process else pytester.runpytest_inprocess
        return runner(*given, *arguments)

    return start


def audit_json(pytester: pytest.Pytester, name: str = "twin") -> dict:
    return json.loads((pytester.path / "reports" / name / "audit.json").read_text())


@pytest.mark.parametrize("gate", ["leakage", "axis,prediction,invariance,leads,integrity"])
def test_a_clean_model_passes(run, pytester: pytest.Pytester, gate: str) -> None:
    families = " or ".join(gate.split(","))
    result = run("--gate", gate, "-m", families)
    result.stdout.fnmatch_lines(["verdict: PASS (*", "claims covered: *"])
    assert result.ret == 0
    audit = audit_json(pytester)
    assert audit["verdict"] == "PASS"
    assert {f["verdict"] for f in audit["findings"] if f["gate"]} == {"PASS"}


def test_audit_json_has_what_its_readers_rely_on(run, pytester: pytest.Pytester) -> None:
    run("--gate", FAST, "-m", "axis or integrity or prediction")
    audit = audit_json(pytester)
    schema = resources.files("axis_audit.report") / "audit.schema.json"
    jsonschema.validate(audit, json.loads(schema.read_text()))
    top = ["schema_version", "verdict", "checkpoint", "cohort", "findings", "scope", "gates"]
    assert set(top) <= set(audit)
    assert {"path", "sha256", "kind"} <= set(audit["checkpoint"])
    assert {"name", "fingerprint", "records", "patients"} <= set(audit["cohort"])
    assert (audit["scope"], audit["cohort"]["patients"]) == ("recorded", audit["cohort"]["records"])
    keys = ["id", "claim", "family", "gate", "verdict", "estimate", "interval", "acceptable"]
    keys += ["unit", "n", "n_patients", "minimum_detectable", "reason"]
    for finding in audit["findings"]:
        assert set(keys) <= set(finding)
        assert finding["id"].startswith(finding["family"] + ".")
    assert {f["id"] for f in audit["findings"]} >= {"prediction.mae", "axis.neutral_exactness"}


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gate", "leekage"], "*leekage*neither families nor checks*"),
        (["--folds", "nine"], "*nine*"),
        (["--folds", "3"], "*"),
        (["--cohort", "nowhere.npz"], "*nowhere.npz*"),
        (["--patients", "most"], "*most*"),
        (["--leakage-margin", "7"], "*not an R²*"),
        (["--checkpoint-adapter", "nocolon"], "*names no function*"),
    ],
)
def test_bad_options_exit_4(run, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.ret == 4
    result.stderr.fnmatch_lines([message])


def test_options_without_a_checkpoint_are_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--gate", "leakage")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--gate: needs --checkpoint FILE*"])


def test_help_teaches(pytester: pytest.Pytester) -> None:
    text = pytester.runpytest_inprocess("--help").stdout.str()
    options = ["--checkpoint", "--cohort", "--folds", "--fit-folds", "--checkpoint-adapter"]
    options += ["--report-dir", "--gate", "--patients", "--leakage-margin", "--allow-inconclusive"]
    for option in options:
        assert option in text
    assert "Exit status 0" in text


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


def test_collect_only_lists_stable_ids_and_leaves_no_report(run, pytester) -> None:
    result = run("--collect-only", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*axis_audit::prediction.mae", "*axis_audit::leakage.linear"])
    assert not (pytester.path / "reports").exists()


def test_a_family_can_be_chosen_by_k_and_by_m(run) -> None:
    for option in ("-k", "-m"):
        text = run("--collect-only", "-q", option, "axis").stdout.str()
        assert "axis_audit::axis.smoothness" in text
        assert "axis_audit::leakage.linear" not in text


def test_markers_and_stop_at_the_first_failure(run, defective) -> None:
    result = run("-m", "axis", "-x", "-v", path=defective("non_monotone_axis"))
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*axis_audit::axis.monotonicity*FAIL*", "*stopping after 1 fail*"])


def test_settings_can_stand_in_pyproject(run, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(
        """
        [tool.axis_audit]
        gate = ["axis.smoothness", "integrity.split"]
        margins = { "axis.smoothness" = 0.5 }
        """
    )
    result = run("-k", "smoothness or split")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["margins looser than default: axis.smoothness"])
    (loose,) = [f for f in audit_json(pytester)["findings"] if f["loosened"]]
    assert loose["acceptable"] == [None, 0.5]
    assert loose["default_acceptable"] == [None, 0.01]


def test_html_and_junit_carry_the_verdicts_and_escape_names(
    run, pytester: pytest.Pytester, files, tmp_path: Path
) -> None:
    path = tmp_path / "<b>&sly.pth"
    path.write_bytes(files.checkpoint.read_bytes())
    run("--gate", FAST, "-k", "monoton or smooth or split", path=path)
    folder = pytester.path / "reports" / "<b>&sly"
    page = (folder / "audit.html").read_text()
    assert "&lt;b&gt;&amp;sly.pth" in page
    assert "<b>&sly.pth" not in page
    assert "data:image/png;base64" in page
    tree = ET.parse(folder / "junit.xml")
    properties = {p.get("name"): p.get("value") for p in tree.iter("property")}
    assert properties["axis_audit.verdict"] == "PASS"


def test_users_own_report_paths_are_kept(run, pytester: pytest.Pytester) -> None:
    run(
        "--gate", FAST, "-k", "smoothness", "--html", "mine.html", "--junitxml", "mine.xml",
        "--report-dir", "elsewhere",
    )  # fmt: skip
    assert (pytester.path / "mine.html").exists()
    assert (pytester.path / "mine.xml").exists()
    assert (pytester.path / "elsewhere" / "twin" / "audit.json").exists()


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


def test_xdist_gives_the_same_findings(run, pytester: pytest.Pytester) -> None:
    chosen = ["--gate", FAST + ",prediction.mae", "-k", "monoton or smooth or split or mae"]
    assert run(*chosen).ret == 0
    alone = audit_json(pytester)["findings"]
    result = run(*chosen, "-n", "2", process=True)
    assert result.ret == 0
    together = audit_json(pytester)["findings"]
    for finding in (*alone, *together):
        finding.pop("seconds")
    assert alone == together


def test_python_without_asserts_changes_nothing(run, defective, pytester, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    result = run(
        "--gate", FAST, "-k", "monoton or smooth or split",
        path=defective("non_monotone_axis"), process=True,
    )  # fmt: skip
    assert result.ret == 1


def test_a_plain_run_is_untouched(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\ndef test_light():\n    assert 'torch' not in sys.modules\n"
        "    assert 'sklearn' not in sys.modules\n    assert 'numpy' not in sys.modules"
    )
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)
    assert not (pytester.path / "reports").exists()
