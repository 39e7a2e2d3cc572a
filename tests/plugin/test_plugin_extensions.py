"""Checks and cohorts of other people's: they run, decide, count, and replace nothing of ours."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from axis_audit import Below, Measurement, registry
from axis_audit.auditing import prepare
from axis_audit.capabilities import Encodes
from axis_audit.decision import fail_tail
from axis_audit.finding import Verdict
from axis_audit.registry import statistical_gates
from tests.plugin.audits import audit_json

if TYPE_CHECKING:
    from axis_audit.evidence import Evidence

CHECKS = """
    import axis_audit
    from axis_audit.capabilities import Encodes, PredictsAge
    from axis_audit.evidence import Evidence

    @axis_audit.check(
        claim="Latents are <small>",
        acceptable=axis_audit.Below(1e6, "units"),
        family="mylab",
        exact=True,
        source="our lab's notebook",
    )
    def small_latents(model: Encodes, evidence: Evidence) -> axis_audit.Measurement:
        largest = float(abs(evidence.latents).max())
        return axis_audit.Measurement.exactly(largest, n=evidence.n, n_patients=evidence.n)

    @axis_audit.check(
        claim="Nobody is predicted to be a child",
        acceptable=axis_audit.Above(18.0, "years"),
        family="prediction",
    )
    def grown_up(model: PredictsAge, evidence: Evidence) -> axis_audit.Measurement:
        low = float(evidence.predictions.min())
        return axis_audit.Measurement(low, (low - 1, low + 1), evidence.n, evidence.n,
                                      fail_interval=(low - 2, low + 2))
"""
CHOSEN = ["-k", "small_latents"]
GATES = ["--gate", "mylab"]


@pytest.fixture(autouse=True)
def registry_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.all_checks()
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def found(pytester: pytest.Pytester) -> dict[str, dict]:
    return {finding["id"]: finding for finding in audit_json(pytester)["findings"]}


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["one process", "xdist"])
def test_a_check_in_a_conftest_runs_and_is_reported(
    run, pytester: pytest.Pytester, workers: list[str]
) -> None:
    pytester.makeconftest(CHECKS)
    result = run(*GATES, *CHOSEN, *workers, process=bool(workers))
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["axis-audit: checks of your own: prediction.grown_up, mylab.*"])
    audit = audit_json(pytester)
    assert "mylab.small_latents" in audit["gates"]
    finding = found(pytester)["mylab.small_latents"]
    assert (finding["verdict"], finding["gate"], finding["family"]) == ("PASS", True, "mylab")
    assert finding["source"] == "our lab's notebook"
    page = (pytester.path / "reports" / "twin" / "audit.html").read_text()
    assert "mylab.small_latents" in page
    assert "<small>" not in page


def test_a_gate_of_ones_own_decides_without_being_claimed(run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CHECKS.replace("1e6", "1e-6"))
    result = run("-k", "small_latents")
    assert result.ret == 1
    audit = audit_json(pytester)
    assert audit["verdict"] == "FAIL"
    assert {"mylab.small_latents", "prediction.grown_up"} <= set(audit["gates"])
    result.stdout.fnmatch_lines(["*mylab.small_latents*", "*acceptable*≤ 1e-06 units*"])


def test_a_model_that_cannot_undergo_it_fails_it(run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        CHECKS
        + """
    from typing import Protocol, runtime_checkable

    @runtime_checkable
    class Sings(Protocol):
        def sing(self): ...

    @axis_audit.check(claim="It sings", acceptable=axis_audit.Exactly(0), family="mylab",
                      exact=True)
    def song(model: Sings, evidence: Evidence):
        raise AssertionError("never asked")
    """
    )
    assert run("-k", "song").ret == 1
    finding = found(pytester)["mylab.song"]
    assert (finding["verdict"], finding["gate"]) == ("FAIL", True)
    assert "lacks the capability Sings" in finding["reason"]


def test_a_module_named_by_the_hook_is_imported_only_for_an_audit(
    run, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(lab_checks=CHECKS, test_other="def test_other(): pass")
    pytester.makeconftest("def pytest_axis_audit_checks(): return ['lab_checks']")
    pytester.syspathinsert()
    assert run(*GATES, *CHOSEN).ret == 0
    assert "mylab.small_latents" in found(pytester)
    pytester.makeconftest("def pytest_axis_audit_checks(): return ['no_such_module']")
    result = run(*GATES)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no_such_module cannot be imported*", "*Cure:*"])
    assert pytester.runpytest_inprocess("test_other.py", "-p", "no:cacheprovider").ret == 0


def test_a_name_of_ours_is_taken_whoever_comes_first(
    run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen = """
        import axis_audit
        from axis_audit.capabilities import Encodes
        @axis_audit.check(claim="all is well", acceptable=axis_audit.Below(9), family="leakage")
        def linear(model: Encodes, evidence):
            return axis_audit.Measurement(0, (0, 0), 1, 1)
    """
    pytester.makeconftest(stolen)
    result = run("--gate", "leakage", process=True)  # there, ours are imported later
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            "*check leakage.linear in conftest (*conftest.py)*comes with axis-audit*",
            "*Cure: rename*",
        ]
    )
    pytester.makeconftest("def pytest_axis_audit_checks(): return ['stealing']")
    pytester.makepyfile(stealing=stolen)
    pytester.syspathinsert()
    result = run("--gate", "leakage")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*two checks are called leakage.linear*"])


def test_a_check_that_comes_too_late_fails_the_run(run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_late=CHECKS + "\n    def test_late(): pass\n")
    result = run("--gate", "integrity.split", "-k", "split or late", "test_late.py")
    assert result.ret not in (0, 4)
    result.stdout.fnmatch_lines(["*'mylab.small_latents'*registered after the audit had begun*"])


def test_margins_from_pyproject_reach_it(run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CHECKS)
    pytester.makepyprojecttoml('[tool.axis_audit.margins]\n"mylab.small_latents" = 1e-6')
    assert run(*GATES, *CHOSEN).ret == 1
    assert found(pytester)["mylab.small_latents"]["acceptable"] == [None, 1e-6]
    pytester.makepyprojecttoml('[tool.axis_audit.margins]\n"mylab.small_latents" = 1e9')
    assert run(*GATES, *CHOSEN).ret == 0
    assert found(pytester)["mylab.small_latents"]["loosened"]


def test_strict_markers_and_choosing_by_family(run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CHECKS)
    text = run("--collect-only", "-q", "--strict-markers", "-m", "mylab").stdout.str()
    assert "axis_audit::mylab.small_latents" in text
    assert "axis_audit::leakage.linear" not in text


def encodes_check(name: str, **how):
    def function(model: Encodes, evidence: Evidence) -> Measurement:
        return Measurement(0.0, (0.0, 0.0), 1, 1)

    function.__name__ = name
    return registry.check(claim="c", acceptable=Below(1.0), **how)(function)


def test_it_counts_in_the_level_of_every_fail_whatever_the_options() -> None:
    before = statistical_gates({"leakage"})
    encodes_check("gate_of_mine", family="mylab")
    encodes_check("screen_of_mine", family="mylab", gate=False, condemns=True, thorough=True)
    encodes_check("exact_of_mine", family="mylab", exact=True)
    encodes_check("reported_of_mine", family="mylab", gate=False)
    encodes_check("in_your_family", family="leakage")
    encodes_check("elsewhere", family="generative")
    assert statistical_gates({"leakage"}) == before + 3
    assert math.isclose(fail_tail(before + 3), 0.05 / (before + 3))


@pytest.mark.parametrize("family", ["Skip", "skip", "xfail", "my-lab", "my.lab", "", "__x", "1a"])
def test_some_words_are_no_families(family: str) -> None:
    with pytest.raises(ValueError, match="will not do"):
        encodes_check("odd", family=family or "-")


def test_a_check_must_return_a_measurement_and_mean_what_it_says(twin, people) -> None:
    @registry.check(claim="c", acceptable=Below(1.0), family="mylab")
    def number(model: Encodes, evidence):
        return 0.5

    @registry.check(claim="c", acceptable=Below(1.0), family="mylab", exact=True)
    def not_exact(model: Encodes, evidence):
        return Measurement(0.0, (-0.1, 0.1), 1, 1)

    audit = prepare(twin, people)
    chosen = {check.id: check for check in audit.checks}
    for name, words in (("number", "must return a Measurement"), ("not_exact", "exact=True")):
        finding = audit.run(chosen[f"mylab.{name}"])
        assert (finding.verdict, finding.gate) == (Verdict.ERROR, True)
        assert words in finding.reason


READER = """
    import numpy as np
    import axis_audit

    def read(source, folds, kind, rate):
        whole = axis_audit.open_cohort(source)
        return whole.subset(np.isin(whole.fold, folds))
"""


@pytest.mark.parametrize("by", ["hook", "name"])
def test_a_cohort_reader_is_chosen_by_its_name(pytester: pytest.Pytester, files, by: str) -> None:
    entry = "read" if by == "hook" else "'lab_reader:read'"
    pytester.makepyfile(lab_reader=READER)
    pytester.syspathinsert()
    hook = f"\n    def pytest_axis_audit_cohorts(): return {{'mylab': {entry}}}\n"
    pytester.makeconftest((READER if by == "hook" else "") + hook)
    arguments = [a if a != str(files.cohort) else f"mylab:{a}" for a in files.arguments]
    result = pytester.runpytest_inprocess(*arguments, "--gate", "integrity.split", "-k", "split")
    assert result.ret == 0, result.stdout.str()
    assert audit_json(pytester)["settings"]["cohort"].startswith("mylab:")


def test_nobody_reads_it_is_exit_4(pytester: pytest.Pytester, files) -> None:
    result = pytester.runpytest_inprocess(
        files.arguments[0], "--cohort", "mylab:/data", "-p", "no:cacheprovider"
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*nobody here reads 'mylab'*", "*pytest_axis_audit_cohorts*"])


def test_entry_points_of_a_package_add_checks_and_cohorts(
    run, pytester: pytest.Pytester, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an installed wheel would: a folder on the path with its dist-info."""
    from axis_audit.cli import main

    folder = tmp_path / "site"
    info = folder / "lab_package-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[axis_audit.checks]\nlab = lab_package\n\n[axis_audit.cohorts]\nlab = lab_package:read\n"
    )
    import textwrap

    text = textwrap.dedent(CHECKS) + textwrap.dedent(READER)
    (folder / "lab_package.py").write_text(text)
    pytester.syspathinsert(folder)
    assert main(["checks"]) == 0
    assert "mylab.small_latents" in capsys.readouterr().out
    assert run(*GATES, *CHOSEN).ret == 0
    assert found(pytester)["mylab.small_latents"]["verdict"] == "PASS"
