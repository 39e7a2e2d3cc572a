"""What the command takes and writes: options, settings, choice of checks, reports, xdist."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from axis_audit.cli import main
from axis_audit.report import page as page_module
from tests.plugin.audits import FAST, audit_json


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
    page = (folder / "plain.html").read_text()
    assert "&lt;b&gt;&amp;sly.pth" in page
    assert "<b>&sly.pth" not in page
    assert "data:image/png;base64" in page
    tree = ET.parse(folder / "junit.xml")
    properties = {p.get("name"): p.get("value") for p in tree.iter("property")}
    assert properties["axis_audit.verdict"] == "PASS"


def test_report_and_plain_view_are_written_and_lead_to_each_other(
    run, pytester: pytest.Pytester
) -> None:
    result = run("--gate", FAST + ",prediction.mae", "-k", "monoton or split or mae")
    folder = pytester.path / "reports" / "twin"
    report, plain = (folder / n for n in ("audit.html", "plain.html"))
    result.stdout.fnmatch_lines(["report to read: *audit.html"])
    page = report.read_text()
    for name in ("./plain.html", "audit.json", "./junit.xml"):
        assert f'href="{name}"' in page
        assert (folder / name).exists()
    assert "./audit.html" in plain.read_text()
    assert "axis.smoothness" in page  # a gate in force that did not run
    assert "narrowed by the user" in page
    assert report.stat().st_size < 3_000_000
    assert (folder / "audit.json").stat().st_size < 1_000_000
    assert not re.search(r'(?:src|href)="?(?:https?:)?//', page)
    drawn_again = pytester.path / "again.html"
    assert main(["report", str(folder / "audit.json"), "-o", str(drawn_again)]) == 0
    body = [
        p.read_text().partition('<section aria-labelledby="claims">')[2]
        for p in (report, drawn_again)
    ]
    assert body[0] == body[1] != ""


def test_a_report_that_cannot_be_drawn_costs_no_verdict(
    run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("no ink")

    monkeypatch.setattr(page_module, "page", broken)
    result = run("--gate", FAST, "-k", "monoton or smooth or split")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["verdict: PASS*", "*audit.html could not be written*no ink"])
    assert audit_json(pytester)["verdict"] == "PASS"
    assert not (pytester.path / "reports" / "twin" / "audit.html").exists()


def test_users_own_report_paths_are_kept(run, pytester: pytest.Pytester) -> None:
    run(
        "--gate", FAST, "-k", "smoothness", "--html", "mine.html", "--junitxml", "mine.xml",
        "--report-dir", "elsewhere",
    )  # fmt: skip
    assert (pytester.path / "mine.html").exists()
    assert (pytester.path / "mine.xml").exists()
    folder = pytester.path / "elsewhere" / "twin"
    assert (folder / "audit.json").exists()
    assert not (folder / "plain.html").exists()
    assert 'href="./../../mine.html"' in (folder / "audit.html").read_text()
    assert "./elsewhere/twin/audit.html" in (pytester.path / "mine.html").read_text()


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


def test_a_plain_run_is_untouched(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\ndef test_light():\n    assert 'torch' not in sys.modules\n"
        "    assert 'sklearn' not in sys.modules\n    assert 'numpy' not in sys.modules"
    )
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)
    assert not (pytester.path / "reports").exists()
