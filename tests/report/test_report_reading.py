"""`axis-audit compare` and `schema` as commands: exit status, formats, files that are refused."""

from __future__ import annotations

import copy
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from axis_audit.cli import main
from axis_audit.comparison.baseline import with_baseline
from axis_audit.comparison.compare import compare
from axis_audit.finding import AuditReport
from axis_audit.report.json_report import report_record
from axis_audit.report.reading import read, report_of, schema_text
from tests.report.changed_records import finding, judged, without

GATE = "leakage.linear"


@pytest.fixture
def compared(record, saved, capsys):
    """Run `axis-audit compare` of the twin's record with another; exit status and output."""

    def run(new: dict[str, Any] | Path, *options: str) -> tuple[int, str, str]:
        path = new if isinstance(new, Path) else saved(new, "new.json")
        status = main(["compare", str(saved(record, "old.json")), str(path), *options])
        return status, *capsys.readouterr()

    return run


def test_exit_status_follows_regressions(record, compared) -> None:
    assert compared(record)[0] == 0
    status, text, _ = compared(judged(record, GATE, "FAIL"))
    assert status == 1
    assert "PASS → FAIL" in text


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_every_format_goes_to_a_file_too(record, compared, tmp_path: Path, form: str) -> None:
    output = tmp_path / "comparison"
    new = judged(record, GATE, "FAIL")
    status, shown, _ = compared(new, "--format", form)
    assert compared(new, "--format", form, "--output", str(output)) == (1, "", "")
    assert output.read_text() == shown
    assert GATE.replace("_", r"\_") in shown
    if form == "json":
        assert json.loads(shown)["regressed"] is (status == 1)


def test_an_output_that_cannot_be_written_is_exit_4(record, compared, tmp_path: Path) -> None:
    assert compared(record, "--output", str(tmp_path / "no" / "x"))[0] == 4


def broken(record: dict[str, Any]) -> dict[str, str]:
    text = json.dumps(record)
    lying = judged(record, GATE, "FAIL")
    lying["verdict"] = "PASS"
    silenced = judged(record, GATE, "FAIL")
    finding(silenced, GATE)["gate"] = False
    silenced["verdict"] = "PASS"
    hollow = copy.deepcopy(record)
    finding(hollow, GATE).update(estimate=None, interval=None)
    outside = copy.deepcopy(record)
    finding(outside, GATE)["interval"] = [0.3, 0.4]
    dropped = without(record, GATE, missing=True)
    dropped.update(missing=[], verdict="PASS")
    doubled = copy.deepcopy(record)
    doubled["findings"].append(finding(record, GATE))
    nameless = copy.deepcopy(record)
    del nameless["findings"][0]["interval"]
    return {
        "cut off": text[: len(text) // 2],
        "empty": "",
        "no object": "[]",
        "another file": '{"format": "axis-audit/calibration/2"}',
        "schema 2": json.dumps({**record, "schema_version": "2.0"}),
        "schema 0": json.dumps({**record, "schema_version": "0.9"}),
        "schema text": json.dumps({**record, "schema_version": "one"}),
        "NaN": text.replace('"seconds": 3.0', '"seconds": NaN'),
        "infinity": text.replace('"seconds": 3.0', '"seconds": 1e999'),
        "key twice": text.replace('{"schema_version"', '{"verdict": "FAIL", "schema_version"'),
        "deep": "[" * 100_000,
        "missing key": json.dumps(nameless),
        "verdict is not its findings'": json.dumps(lying),
        "a gate that decides nothing": json.dumps(silenced),
        "PASS without a number": json.dumps(hollow),
        "PASS outside the region": json.dumps(outside),
        "a gate without finding": json.dumps(dropped),
        "a finding twice": json.dumps(doubled),
        "unknown verdict": text.replace('"INCONCLUSIVE"', '"MAYBE"').replace('"PASS"', '"MAYBE"'),
    }


def test_files_that_are_no_sound_report_are_exit_4_and_say_so(
    record, compared, tmp_path: Path
) -> None:
    path = tmp_path / "broken.json"
    for name, text in broken(record).items():
        path.write_text(text, encoding="utf-8")
        status, shown, error = compared(path)
        assert (status, shown) == (4, ""), name
        assert str(path) in error, name
        assert "Cure:" in error, name
        assert "Traceback" not in error, name


def test_unreadable_files_are_exit_4(compared, tmp_path: Path) -> None:
    assert compared(tmp_path / "nowhere.json")[0] == 4
    assert compared(tmp_path)[0] == 4
    binary = tmp_path / "model.pth"
    binary.write_bytes(b"PK\x03\x04\xff\xfe")
    assert compared(binary)[0] == 4


def test_an_older_minor_version_of_the_schema_is_read_and_told(record, compared) -> None:
    older = {k: v for k, v in record.items() if k != "baseline"}
    status, text, _ = compared({**older, "schema_version": "1.0"})
    assert status == 0
    assert "1.0" in text


def test_keys_of_a_later_minor_version_are_no_error(record, compared) -> None:
    later = {**copy.deepcopy(record), "schema_version": "1.7", "news": 1}
    later["findings"][0]["news"] = 1
    assert compared(later)[0] == 0


def test_help_states_the_rule(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    text = capsys.readouterr().out
    for words in (
        "sqrt(arm_old² + arm_new²)",
        "at most 5 %",
        "Exit status",
        "coverage",
        "examples:",
    ):
        assert words in text


def test_schema_prints_the_schema(capsys) -> None:
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    assert printed == schema_text()
    schema = json.loads(printed)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("https://")


def closed(schema: Any) -> Any:
    """The schema with every object that names its keys closed: no key may be undescribed."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        found.setdefault("additionalProperties", False)
    return found


def examples(record: dict[str, Any], report: AuditReport) -> list[dict[str, Any]]:
    failing = judged(record, GATE, "FAIL")
    in_memory = {**record, "checkpoint": {}, "settings": {}}
    held = report_record(with_baseline(report, failing, "old.json"))
    return [record, failing, in_memory, held, without(record, GATE, missing=True)]


def test_every_key_that_is_written_is_described(record, report) -> None:
    validator = jsonschema.Draft202012Validator(closed(json.loads(schema_text())))
    for example in examples(record, report):
        assert [e.message for e in validator.iter_errors(example)] == []


def test_every_key_that_is_described_is_written(record, report) -> None:
    schema = json.loads(schema_text())
    held = report_record(with_baseline(report, record, "old.json"))
    assert set(schema["properties"]) == set(held)
    definitions = schema["$defs"]
    assert set(definitions["finding"]["properties"]) == set(held["findings"][0])
    assert set(definitions["comparison"]["properties"]) == set(held["baseline"])
    assert set(definitions["compared"]["properties"]) == set(held["baseline"]["old"])
    assert set(definitions["change"]["properties"]) == set(held["baseline"]["changes"][0])
    assert set(definitions["side"]["properties"]) == set(held["baseline"]["changes"][0]["old"])


def test_the_comparison_alone_follows_its_definition(record) -> None:
    schema = json.loads(schema_text())
    part = {**schema, "$ref": "#/$defs/comparison"}
    for key in ("required", "properties", "type"):
        part.pop(key)
    jsonschema.validate(compare(record, record).record, part)


def test_the_schema_travels_with_the_package() -> None:
    assert (resources.files("axis_audit.report") / "audit.schema.json").is_file()


def test_reading_gives_back_what_was_written(record, report, saved) -> None:
    again = report_of(read(saved(record, "x.json")))
    assert report_record(again) == report_record(report)


def test_a_comparison_that_breaks_is_an_error_and_no_pass(report) -> None:
    held = with_baseline(report, {"scope": "synthetic"}, "old.json")
    assert (report.verdict, held.verdict) == ("PASS", "FAIL")
    assert held.findings[-1].verdict == "ERROR"


def test_a_better_audit_than_its_baseline_still_fails(record, report) -> None:
    """The baseline adds a gate; it never excuses one."""
    worse = judged(judged(record, GATE, "FAIL"), "prediction.mae", "FAIL")
    new = report_of(judged(record, GATE, "FAIL"))
    held = with_baseline(new, worse, "old.json")
    assert held.findings[-1].verdict == "PASS"
    assert held.verdict == "FAIL"
    assert with_baseline(report, worse, "old.json").verdict == "PASS"
