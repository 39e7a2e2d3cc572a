"""Markdown, notebook and GitHub outputs of a record: what they say, and that nothing escapes."""

from __future__ import annotations

import html
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import axis_audit
from axis_audit.comparison.compare import compare
from axis_audit.comparison.pages import as_markdown, as_text
from axis_audit.finding import AuditReport, Finding, Verdict
from axis_audit.report import markdown
from axis_audit.report.command_line import command_line
from axis_audit.report.github import SUMMARY_LIMIT, append_summary, command, workflow_commands
from axis_audit.report.model_card import model_card
from axis_audit.report.notebook import html_of
from axis_audit.report.pull_request import summary
from tests.report.changed_records import judged, settled, without
from tests.report.hostile import HOSTILE, poisoned

GATE = "leakage.linear"
OURS = {"details", "summary"}
MADE = {"h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code", "pre"}
MADE |= {"strong", *OURS}


def github() -> MarkdownIt:
    """GitHub's dialect: tables, strikethrough, bare addresses; HTML passes through."""
    return MarkdownIt("gfm-like")


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""
        self.attributes: list[tuple[str, str | None]] = []
        self.quiet = 0
        self.spoken = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.names.append(tag)
        self.attributes += attrs
        self.quiet += tag in ("code", "pre")

    def handle_endtag(self, tag: str) -> None:
        self.quiet -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        self.text += data
        self.spoken += "" if self.quiet else data


def compared_page(record: dict[str, Any]) -> str:
    return as_markdown(compare(record, poisonless(record)).record)


def poisonless(record: dict[str, Any]) -> dict[str, Any]:
    """Something to compare with: other versions and a finding less."""
    return {**record, "versions": {}, "findings": record["findings"][1:]}


PAGES = {"audit.md": summary, "model_card.md": model_card, "comparison": compared_page}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_foreign_strings_stay_strings_in_markdown(record, page: str, word: str) -> None:
    plain, hostile = (
        Tags(github().render(PAGES[page](poisoned(record, w)))) for w in ("plain", word)
    )
    assert set(hostile.names) <= MADE
    structure = [name for name in plain.names if name != "code"]
    assert [name for name in hostile.names if name != "code"] == structure
    assert not re.search(r"(^|\W)@\w", hostile.spoken)
    assert not re.search(r"#\d|\bgh-\d", hostile.spoken, re.IGNORECASE)
    assert not {"\x1b", "\x00", "\u202e", "\u2066"} & set(hostile.text)
    assert [a for a in hostile.attributes if a[0] not in ("class", "style")] == []


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_any_text_renders_to_itself_in_a_cell(word: str) -> None:
    shown = markdown.flat(word)
    rows = [[escape(word), "next"] for escape in (markdown.text, markdown.code)]
    page = github().render(markdown.table(["a", "b"], rows))
    cells = [html.unescape(c) for c in re.findall(r"<td>(.*?)</td>", page)]
    assert len(cells) == 4
    assert cells[0].replace("\u200b", "") == shown
    inside = re.sub(r"</?code>", "", cells[2]).replace("\u200b", "")
    assert " ".join(inside.split()) == (shown or "–")


def test_a_path_that_nobody_would_type_can_be_typed(record) -> None:
    odd = "runs/a\nb 'c' \u202e\x1b.pth"
    record["settings"] = {"checkpoint": odd}
    line = command_line(record)
    assert line.isascii()
    done = subprocess.run(["bash", "-c", line.replace("pytest", "printf %s", 1)],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == f"--checkpoint={odd}"


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_a_block_is_closed_by_its_own_fence_alone(word: str) -> None:
    tokens = github().parse(markdown.block(word, "sh") + "\n\nafter")
    assert [t.type for t in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


def test_the_summary_shows_what_is_not_pass_before_anything_else(record) -> None:
    failing = judged(judged(record, GATE, "INCONCLUSIVE"), "prediction.mae", "FAIL")
    page = summary(without(failing, "integrity.split", missing=True))
    head, _, folded = page.partition("<details>")
    assert page.startswith("## axis-audit: FAIL on synthetic patients\n")
    assert head.index("prediction.mae") < head.index(GATE) < head.index("integrity.split")
    assert "did not run" in head
    assert "prediction.calibration_slope" not in head
    assert "prediction.calibration_slope" in folded
    for check in ("leakage.quadratic", "prediction.error_by_group"):
        assert check in page


def test_the_summary_says_what_takes_weight_from_a_pass(record) -> None:
    record["settings"] = {"gate": ["leakage"], "allow_inconclusive": True}
    record["findings"][2]["acceptable"] = [None, 3.0]
    record["cohort"]["seen_patients_kept"] = 7
    for page in (summary(record), model_card(record), html_of(record)):
        shown = Tags(page).text
        for words in ("narrowed to leakage", "allow-inconclusive", "looser", "7 audited patients"):
            assert words in shown


def test_an_audit_without_a_gate_on_people_does_not_look_fine(record) -> None:
    record["findings"] = [{**f, "n_patients": 0} for f in record["findings"]]
    record["verdict"] = "INCONCLUSIVE"
    assert "not an audit" in summary(record)
    assert workflow_commands(record)[0].startswith("::error")


@pytest.mark.parametrize("page", [summary, model_card, html_of, as_text, workflow_commands])
def test_numbers_that_are_not_there_are_shown_as_such(record, page) -> None:
    gone = judged(record, GATE, "ERROR", estimate=None, interval=None, fail_interval=None)
    gone["findings"][3].update(interval=[None, None], minimum_detectable=None)
    shown = page(compare(record, gone).record) if page is as_text else page(gone)
    assert "None" not in str(shown)
    assert not re.search(r"\bnan\b", str(shown))


def test_the_model_card_says_what_whom_and_how_to_do_it_again(record) -> None:
    record["settings"] = {
        "checkpoint": "runs/my model.pth", "cohort": "people.npz", "folds": "9", "seed": 3,
        "gate": ["leakage"], "thorough": True, "margins": {"axis.length": [0.8, 1.2]},
        "patients": "unseen",
    }  # fmt: skip
    card = model_card(record)
    for words in (
        "'--checkpoint=runs/my model.pth' --cohort=people.npz --folds=9 --audit-seed=3",
        "--gate=leakage --thorough",
        '"axis.length" = [0.8, 1.2]',
        record["checkpoint"]["sha256"],
        record["cohort"]["fingerprint"],
        "What it does not say",
        "Families of checks that the model does not claim",
        "Age cannot be read linearly from the morphology latent",
    ):
        assert words in card
    failing = judged(record, GATE, "FAIL")
    assert f"does not certify: `{GATE}`" in model_card(failing)
    assert "axis_audit.audit(model, cohort)" in model_card({**record, "settings": {}})


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_workflow_commands_cannot_be_forged(record, word: str) -> None:
    lines = workflow_commands(without(poisoned(record, word), "integrity.split", missing=True))
    assert len(lines) == 3  # the verdict, the missing gate, the failing gate
    for line in lines:
        assert re.match(r"::(error|warning|notice) title=[^:,]*::[^\n\r]*$", line)
        assert "##[" not in line
        assert not re.search(r"%(?!25|0A|0D|3A|2C)", line)


def test_workflow_commands_follow_githubs_escaping() -> None:
    assert command("error", "a: b, c", "50 % of\nit") == "::error title=a%3A b%2C c::50 %25 of it"


def test_annotations_name_every_gate_that_is_not_pass(record) -> None:
    assert [line.split()[0] for line in workflow_commands(record)] == ["::notice"]
    failing = judged(judged(record, GATE, "INCONCLUSIVE"), "prediction.mae", "FAIL")
    lines = workflow_commands(failing)
    assert [line.split()[0] for line in lines] == ["::error"] * 3
    assert GATE in lines[0]
    assert "prediction.mae" in lines[0]  # GitHub shows ten: the first names all
    allowed = judged(record, GATE, "INCONCLUSIVE")
    allowed["settings"] = {"allow_inconclusive": True}
    assert [line.split()[0] for line in workflow_commands(allowed)] == ["::warning"] * 2


def test_the_jobs_summary_is_appended_within_githubs_limit(record, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("of an earlier command")
    assert append_summary(record, path) == ""
    assert path.read_text() == "of an earlier command\n\n" + summary(record)
    path.write_bytes(b"x" * (SUMMARY_LIMIT - 4000))
    assert append_summary(judged(record, GATE, "FAIL"), path) == ""
    assert GATE in path.read_text()
    assert path.stat().st_size <= SUMMARY_LIMIT
    path.write_bytes(b"x" * (SUMMARY_LIMIT - 10))
    assert "no room" in append_summary(record, path)
    assert path.stat().st_size == SUMMARY_LIMIT - 10


def test_a_jobs_summary_that_cannot_be_written_is_a_warning(record, tmp_path: Path) -> None:
    assert "could not be written" in append_summary(record, tmp_path / "no" / "summary.md")
    assert "could not be written" in append_summary(record, tmp_path)


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_foreign_strings_stay_strings_in_a_notebook(record, word: str) -> None:
    plain, hostile = (Tags(html_of(poisoned(record, w))) for w in ("plain", word))
    assert hostile.names == plain.names
    assert {name for name, _ in hostile.attributes} <= {"style", "title"}


def test_a_report_shows_itself_in_a_notebook(report: AuditReport) -> None:
    shown = Tags(report._repr_html_() or "")
    assert "PASS" in shown.text
    assert "leakage.linear" in shown.text
    styles = " ".join(value or "" for name, value in shown.attributes if name == "style")
    assert "color:inherit" in styles  # takes the page's colours, light or dark
    assert not re.search(r"background:(?!transparent)", styles)
    text = repr(report)
    assert text.startswith("<AuditReport PASS: 'twin' on 1200 patients of 'atlas'; ")
    assert len(text) < 200
    assert all(len(repr(finding)) < 2000 for finding in report.findings)


def test_a_report_made_by_hand_shows_itself_too() -> None:
    gate = Finding("axis.length", "<b>", "axis", True, Verdict.FAIL, reason="<i>")
    made = axis_audit.AuditReport({}, {}, "recorded", ("axis.length",), (gate,))
    shown = made._repr_html_() or ""
    assert "&lt;i&gt;" in shown
    assert "<i>" not in shown
    assert "FAIL" in repr(made)


def test_text_for_terminals_holds_no_control_characters(record) -> None:
    new = poisoned(record, "\x1b[2J\x07 \u202e")
    new["findings"][2].update(verdict="PASS", gate=record["findings"][2]["gate"], unit="y")
    page = as_text(compare(record, settled(new)).record)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", page)
    json.dumps(page)
