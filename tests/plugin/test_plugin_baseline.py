"""`pytest --checkpoint --baseline`: one more gate, which can fail an audit and never save it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.plugin.audits import FAST, audit_json

CHOSEN = ["--gate", FAST, "-k", "monoton or smooth or split"]


@pytest.fixture(scope="module")
def kept() -> dict[str, bytes]:
    """The clean audit's report: it is the same for every test that needs it."""
    return {}


@pytest.fixture
def baseline(run, pytester: pytest.Pytester, kept: dict[str, bytes]) -> Path:
    """The report of a clean audit, put aside."""
    if not kept:
        assert run(*CHOSEN).ret == 0
        kept["twin"] = (pytester.path / "reports" / "twin" / "audit.json").read_bytes()
    path = pytester.path / "baseline.json"
    path.write_bytes(kept["twin"])
    return path


def test_an_audit_as_good_as_its_baseline_passes(run, pytester, baseline: Path) -> None:
    pytester.makepyprojecttoml(f'[tool.axis_audit]\nbaseline = "{baseline.name}"')
    result = run(*CHOSEN)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["verdict: PASS (4 PASS of 4 gates)", "no regression (*"])
    assert "\n::" not in result.stdout.str()  # we are not on GitHub
    audit = audit_json(pytester)
    assert audit["gates"][-1] == "baseline.regression"
    assert audit["baseline"]["regressed"] is False
    folder = pytester.path / "reports" / "twin"
    assert "Against the baseline" in (folder / "audit.md").read_text()
    assert "--baseline=" in (folder / "model_card.md").read_text()


def test_falling_behind_fails_though_every_other_gate_passes(run, pytester, baseline: Path) -> None:
    """A gate of the baseline that is left out: what is left PASSes, and the audit FAILs."""
    narrowed = ["--gate", "axis.monotonicity,integrity.split", "-k", "monoton or split"]
    result = run(*narrowed, f"--baseline={baseline}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["verdict: FAIL (2 PASS, 1 FAIL of 3 gates)", "*axis.smoothness*in force in OLD*"]
    )
    audit = audit_json(pytester)
    assert audit["verdict"] == "FAIL"
    assert audit["baseline"]["regressed"] is True
    tree = ET.parse(pytester.path / "reports" / "twin" / "junit.xml")
    (case,) = [c for c in tree.iter("testcase") if c.get("name") == "baseline.regression"]
    assert case.find("failure") is not None
    assert "baseline.regression" in (pytester.path / "reports" / "twin" / "audit.html").read_text()


@pytest.mark.parametrize(
    "further",
    [["--allow-inconclusive", "-x"], pytest.param(["-n", "2"], marks=pytest.mark.slow)],
)
def test_no_option_excuses_falling_behind(
    run, defective, pytester, baseline: Path, further: list[str]
) -> None:
    path = defective("non_monotone_axis")
    result = run(*CHOSEN, f"--baseline={baseline}", *further, path=path, process="-n" in further)
    assert result.ret == 1
    found = {f["id"]: f for f in audit_json(pytester, "non_monotone_axis")["findings"]}
    assert found["baseline.regression"]["verdict"] == "FAIL"


def test_a_bad_baseline_does_not_excuse_a_fail(run, defective, pytester) -> None:
    """The same failing model is as good as its baseline, and still FAILs."""
    path = defective("non_monotone_axis")
    assert run(*CHOSEN, path=path).ret == 1
    old = pytester.path / "old.json"
    (pytester.path / "reports" / "non_monotone_axis" / "audit.json").rename(old)
    result = run(*CHOSEN, f"--baseline={old}", "--allow-inconclusive", path=path)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["no regression*", "NEW is FAIL whatever OLD was*"])
    assert audit_json(pytester, "non_monotone_axis")["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "*nowhere.json: it cannot be read*"),
        ('{"verdict": "PASS"', "*broken or cut off*"),
        ('{"verdict": "PASS"}', "*no audit report*"),
        ('{"schema_version": "2.0"}', "*its schema is 2.0*"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_exit_4_before_anything_runs(
    run, pytester, text: str | None, message: str
) -> None:
    path = pytester.path / "nowhere.json"
    if text is not None:
        path.write_text(text)
    result = run(*CHOSEN, f"--baseline={path}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([message])
    assert "axis_audit" not in result.stdout.str()
    assert not (pytester.path / "reports" / "twin" / "audit.json").exists()


def test_synthetic_people_are_no_baseline_for_recorded_ones(run, pytester, baseline: Path) -> None:
    content = json.loads(baseline.read_text())
    baseline.write_text(json.dumps({**content, "scope": "synthetic"}))
    result = run(*CHOSEN, f"--baseline={baseline}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*synthetic people*recorded people*"])


@pytest.mark.parametrize("link", [False, True])
def test_an_audit_may_not_be_its_own_baseline(run, pytester, link: bool) -> None:
    """It would pass every second time: the file is overwritten with what was just found."""
    path = own = pytester.path / "reports" / "twin" / "audit.json"
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    if link:
        path = pytester.path / "link.json"
        path.symlink_to(own)
    result = run(*CHOSEN, f"--baseline={path}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*its own report*"])
    assert own.exists()  # it is somebody's baseline: not removed


def test_help_says_that_a_baseline_only_adds_a_failure(pytester: pytest.Pytester) -> None:
    text = " ".join(pytester.runpytest_inprocess("--help").stdout.str().split())
    assert "adds the gate baseline.regression" in text
    assert "can only add a failure" in text


def test_on_github_the_summary_and_annotations_are_written(
    run, defective, pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = pytester.path / "step.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place))
    path = defective("non_monotone_axis")
    result = run("--gate", FAST, "-k", "monoton or split", path=path)
    assert result.ret == 1
    commands = [line for line in result.outlines if line.startswith("::")]
    assert [c.split(":")[2].split()[0] for c in commands] == ["error"] * 3
    assert "axis.smoothness" in commands[1]
    assert "axis.monotonicity" in commands[2]
    page = (pytester.path / "reports" / "non_monotone_axis" / "audit.md").read_text()
    assert place.read_text().strip() == page.strip()


def test_a_summary_that_cannot_be_written_changes_no_verdict(
    run, pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path))
    result = run(*CHOSEN)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["warning: the job's summary could not be written: *"])
