"""`axis-audit defects`: kills defects, notices survivors, resumes, and writes what people read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from axis_audit import auditing, registry
from axis_audit.cli import main
from axis_audit.defects import kill_matrix, twins
from axis_audit.defects.catalogue import Defect, catalogue
from axis_audit.defects.kill_matrix import COSTLY, Job, KillSettings
from axis_audit.defects.matrix_pages import page
from axis_audit.defects.matrix_record import CLEAN, closing_lines, summarise
from axis_audit.defects.twin import Twin
from axis_audit.errors import InputError
from axis_audit.finished import Finished, settings_key
from axis_audit.registry import all_checks

NAMES = ("non_monotone_axis", "nan_latents")
SMALL = KillSettings(people=400, twins=1, only=NAMES)
FEW = {"axis.monotonicity", "axis.strictness", "leakage.linear", "integrity.finite"}


@pytest.fixture(scope="module")
def few_checks() -> Iterator[None]:
    """Four fast checks in place of all, the slowest of which is held to be costly."""
    few = tuple(check for check in all_checks() if check.id in FEW)
    with pytest.MonkeyPatch.context() as patch:
        for module in (registry, auditing):
            patch.setattr(module, "all_checks", lambda: few)
        patch.setattr(kill_matrix, "COSTLY", frozenset({"leakage.linear"}))
        yield


def piece(verdicts: dict[str, str]) -> dict[str, Any]:
    """A finished audit: PASS but for the verdicts given."""
    cells = {
        c.id: {"verdict": verdicts.get(c.id, "PASS"), "estimate": 0.0, "seconds": 0.1, "reason": ""}
        for c in all_checks()
    }
    return {"checks": cells, "seconds": 1.0, "cpu_seconds": 0.9}


def record_of(count: int, failing: dict[int, dict[str, str]]) -> dict[str, Any]:
    """The record of clean twins alone, some of which fail."""
    done = {CLEAN: piece({})}
    done |= {f"twin {s}": piece(failing.get(s, {})) for s in range(count)}
    return summarise(dataclasses.asdict(KillSettings(twins=count)), [], done)


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory, few_checks: None
) -> tuple[dict[str, Any], Path]:
    """Two defects and one clean twin."""
    folder = tmp_path_factory.mktemp("matrix")
    return kill_matrix.run(SMALL, folder), folder


def test_two_defects_and_a_twin(small: tuple[dict[str, Any], Path]) -> None:
    record, folder = small
    assert record["survivors"] == []
    assert [row["name"] for row in record["defects"]] == list(NAMES)
    for row in record["defects"]:
        assert row["checks"][row["fails"]]["verdict"] == "FAIL"
        assert not kill_matrix.COSTLY & set(row["checks"])
    assert set(record["clean"]["checks"]) > kill_matrix.COSTLY
    assert record["twins"]["count"] == 1
    assert not record["twins"]["exact_failures"]
    assert json.loads((folder / "kill_matrix.json").read_text()) == record
    assert (folder / "kill_matrix.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "kill_matrix.svg").read_text()


def test_costly_checks_exist() -> None:
    assert {check.id for check in all_checks()} >= COSTLY


def test_a_restart_reuses_finished_audits(
    small: tuple[dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    record, folder = small

    def never(job: Job) -> None:
        raise AssertionError(f"{job.name} ran again")

    monkeypatch.setattr(Job, "run", never)
    assert kill_matrix.run(SMALL, folder) == record
    with pytest.raises(AssertionError, match="twin 1 ran again"):
        kill_matrix.run(dataclasses.replace(SMALL, twins=2), folder)
    with pytest.raises(AssertionError, match="clean twin ran again"):
        kill_matrix.run(dataclasses.replace(SMALL, people=401), folder)


def test_the_command_and_its_processes_agree_with_one_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], small: tuple[dict[str, Any], Path]
) -> None:
    status = main([
        "defects", "--people", "400", "--twins", "0", "--quick", "--jobs", "2",
        "--output", str(tmp_path), "--only", *NAMES,
    ])  # fmt: skip
    assert status == 0
    assert "2 of 2 planted defects killed" in capsys.readouterr().out
    record = json.loads((tmp_path / "kill_matrix.json").read_text())
    for ours, theirs in zip(record["defects"], small[0]["defects"], strict=True):
        (cell,) = ours["checks"].values()
        assert cell["estimate"] == theirs["checks"][ours["fails"]]["estimate"]


def test_a_surviving_defect_makes_the_command_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    harmless = Defect("<b>harmless</b>", "axis.monotonicity", lambda s: s, "<i>Nothing.</i>")
    monkeypatch.setattr(kill_matrix, "catalogue", lambda: (*catalogue(), harmless))
    status = main([
        "defects", "--people", "400", "--twins", "0", "--quick", "--jobs", "1",
        "--output", str(tmp_path), "--only", harmless.name,
    ])  # fmt: skip
    assert status == 1
    assert "defect <b>harmless</b> survives" in capsys.readouterr().out
    text = (tmp_path / "kill_matrix.html").read_text()
    assert "<b>harmless" not in text
    assert "<i>Nothing" not in text
    assert "&lt;b&gt;harmless&lt;/b&gt; (survives)" in text


def test_reasons_cannot_break_out_of_the_page() -> None:
    record = record_of(1, {})
    cell = record["clean"]["checks"]["axis.monotonicity"]
    cell["verdict"], cell["reason"] = "ERROR", '"><script>alert(1)</script>'
    text = page(record)
    assert "<script" not in text

    class Titles(HTMLParser):
        found = ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found += dict(attrs).get("title") or ""

    titles = Titles()
    titles.feed(text)
    assert '"><script>alert(1)</script>' in titles.found


def test_more_failing_twins_than_chance_allows_are_too_many() -> None:
    def failing(count: int) -> dict[str, Any]:
        return record_of(60, {s: {"leakage.linear": "FAIL"} for s in range(count)})

    assert failing(7)["twins"]["allowed"] == 7  # Binomial(60, .05) at 99 %
    assert failing(7)["ok"]
    assert not failing(8)["ok"]
    assert "NOT OK: 8 of 60 clean twins FAIL; at most 7 may" in closing_lines(failing(8))


def test_inconclusive_twins_are_counted_and_not_failed() -> None:
    record = record_of(20, {s: {"leakage.linear": "INCONCLUSIVE"} for s in range(20)})
    assert record["ok"]
    assert len(record["twins"]["with_inconclusive_gate"]) == 20


@pytest.mark.parametrize("verdict", ["FAIL", "ERROR"])
def test_an_exact_check_may_never_fail_a_clean_twin(verdict: str) -> None:
    record = record_of(60, {3: {"integrity.finite": verdict}})
    assert not record["ok"]
    assert record["complaints"] == ["twin 3: exact checks FAIL: integrity.finite"]


def test_clean_twins_are_fresh_draws_throughout() -> None:
    first, second = twins.clean_twin(0, people=100), twins.clean_twin(1, people=100)
    cohorts = [s for t in (first, second) for s in (t.people, t.fitting)]
    seen: set[int] = set()
    for hashes in [c.hashes for c in cohorts] + [t.manifest.waveforms for t in (first, second)]:
        assert not seen & set(hashes.tolist())
        seen |= set(hashes.tolist())
    assert isinstance(first.twin, Twin)


def test_unknown_defects_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defects", "--only", "no_such", "--output", str(tmp_path)]) == 4
    assert "no_such" in capsys.readouterr().err
    with pytest.raises(InputError, match="at least 100 people"):
        KillSettings(people=3)


def test_a_line_cut_short_is_a_piece_not_finished(tmp_path: Path) -> None:
    store = Finished(tmp_path / "progress.jsonl", settings_key({"people": 1}))
    store.add("one", {"x": 1})
    with store.path.open("a") as stream:
        stream.write('{"key": "')
    assert store.read() == {"one": {"x": 1}}
    store.add("two", {"x": 2})
    assert store.read() == {"one": {"x": 1}, "two": {"x": 2}}
    assert Finished(store.path, settings_key({"people": 2})).read() == {}


def test_checks_that_no_twin_met_are_left_out_of_their_counts() -> None:
    """As the thorough ones are: an hour of audits once ended in a KeyError."""
    seen = {"axis.monotonicity": {"verdict": "PASS"}}
    done = {"twin 0": {"checks": seen, "seconds": 1.0, "cpu_seconds": 1.0}}
    record = summarise(dataclasses.asdict(KillSettings(twins=1)), [], done)
    assert list(record["twins"]["verdicts"]) == ["axis.monotonicity"]


def test_families_with_a_twin_of_their_own_are_put_to_it_and_to_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = {
        "axis.monotonicity", "alignment.uniformity", "generative.timing",
        "attribution.completeness",
    }  # fmt: skip
    few = tuple(check for check in all_checks() if check.id in wanted)
    for module in (registry, auditing):
        monkeypatch.setattr(module, "all_checks", lambda: few)
    cells = Job(KillSettings(people=200, twins=1), seed=0).run()["checks"]
    assert {name: cell["verdict"] for name, cell in cells.items()} == dict.fromkeys(wanted, "PASS")
