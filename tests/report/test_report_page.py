"""What a reader of the report would miss or be misled by."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from axis_audit.cli import main
from axis_audit.defects.matrix_record import brief
from axis_audit.errors import InputError
from axis_audit.finding import Below, Verdict
from axis_audit.report.drawings import drawings
from axis_audit.report.json_report import report_record, write
from axis_audit.report.page import page
from axis_audit.report.reading import read_audit, report_of
from axis_audit.report.strips import strip
from axis_audit.report.words import headline
from tests.report.made_reports import (
    HOSTILE,
    every_figure,
    every_verdict,
    finding,
    made,
    unmeasured,
    with_every_string,
)

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """What a browser would make of a page: elements, their attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def attributes(self, name: str) -> list[str]:
        return [a[name] or "" for _, a in self.elements if name in a]


def test_every_verdict_is_explained() -> None:
    report = made(*every_verdict(), missing=("axis.use",))
    shown = Page(page(report))
    for told in report.findings:
        assert told.claim in shown.text
        assert f"how {told.id} is computed" in shown.text
        not_pass = told.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        assert (f"the cause of {told.id}" in shown.text) == not_pass
        assert (f"the cure of {told.id}" in shown.text) == not_pass
    assert "Gates that did not run: axis.use" in shown.text
    assert "ValueError in encode" in shown.text
    assert "a true value of 0.09 R² would have been a FAIL nine times in ten" in shown.text
    assert "axis.length loosened from in [0.8, 1.2] to in [0.5, 2]" in shown.text
    assert "A screen: its FAIL fails the audit, its PASS certifies nothing" in shown.text


def test_the_first_lines_say_what_was_audited_and_how() -> None:
    report = made(finding(), settings={"seed": 5, "gate": ["leakage"], "allow_inconclusive": True})
    text = Page(page(report)).text.partition("Every claim in one line")[0]
    for told in [
        "PASS", "model.pth", "0" * 64, "twin", "axis, leakage", "people", "900 patients",
        "7 left out as seen", "1500, never scored", "narrowed by the user to leakage",
        "all at their defaults", "INCONCLUSIVE gates were allowed", "torch 2", "took 61 s",
        "age unknown: 3", "2026-01-01",
    ]:  # fmt: skip
        assert told in text, told


@pytest.mark.parametrize(
    ("findings", "rest", "words"),
    [
        ([finding()], {}, "Every one of the 1 gates in force passed"),
        ([finding()], {"scope": "synthetic"}, "passed on synthetic patients"),
        ([finding()], {"missing": ("axis.use",)}, "1 did not run: this is not a PASS"),
        ([finding(verdict=Verdict.FAIL)], {}, "1 of the claims that decide does not hold"),
        ([unmeasured("leakage.mlp", Verdict.ERROR)], {}, "does not hold"),
        ([finding(verdict=Verdict.INCONCLUSIVE)], {}, "1 could not be decided"),
        ([finding(n_patients=0)], {}, "none of them depends on the people audited"),
        ([], {}, "none of them depends on the people audited"),
    ],
)
def test_the_headline_never_says_more_than_the_verdict(findings, rest, words: str) -> None:
    report = made(*findings, **rest)
    assert words in headline(report)
    assert (report.verdict is Verdict.PASS) == headline(report).startswith("Every one")


def test_no_string_of_a_checkpoint_or_cohort_becomes_markup() -> None:
    honest = report_record(made(*every_verdict(), missing=("axis.use",)))
    plain = Page(page(report_of(honest)))
    hostile = with_every_string(honest, HOSTILE)
    html = page(report_of(hostile), {HOSTILE: "./plain.html"})
    shown = Page(html)
    assert "script" not in {tag for tag, _ in shown.elements}
    assert "img" not in {tag for tag, _ in shown.elements}
    assert not [a for _, attrs in shown.elements for a in attrs if a.startswith("on")]
    # Neither opened nor closed anything: other elements only where their number depends on names.
    assert set(dict(shown.elements)) == set(dict(plain.elements))
    assert "49&#39;" not in html  # the template engine took no text for a template
    assert HOSTILE in shown.text


def test_nothing_is_loaded_and_nothing_could_be() -> None:
    html = page(made(*every_verdict()))
    shown = Page(html)
    tags = {tag for tag, _ in shown.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "image", "use", "base"}
    assert all(a.startswith(("#", "./")) for a in shown.attributes("href"))
    assert not shown.attributes("src")
    assert not shown.attributes("style")
    assert "url(" not in html.replace("url(#", "")
    policy = next(a["content"] for t, a in shown.elements if a.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")


def test_headings_landmarks_tables_and_figures_can_be_heard() -> None:
    shown = Page(page(made(*every_verdict())))
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    tags = [tag for tag, _ in shown.elements]
    assert {"main", "nav", "header", "footer"} <= set(tags)
    assert tags.count("table") == tags.count("caption")
    drawn = [a for t, a in shown.elements if t == "svg" and a.get("role") == "img"]
    assert drawn
    assert all(a.get("aria-label") for a in drawn)
    identities = shown.attributes("id")
    assert len(identities) == len(set(identities))
    targets = {a[1:] for a in shown.attributes("href") if a.startswith("#")}
    assert targets <= set(identities)


def test_all_kinds_of_figures_are_drawn() -> None:
    for figure in every_figure():
        (drawn,) = drawings(figure, Below(1.0))
        assert drawn.body, figure["kind"]
    assert drawings({}, Below(1.0)) == []
    assert drawings({"kind": "hologram"}, Below(1.0)) == []


def test_a_figure_whose_data_are_broken_costs_no_page() -> None:
    for figure in every_figure():
        for key in figure:
            if key not in ("kind", "title", "marks", "intervals", "diagonal"):
                broken = {k: v for k, v in figure.items() if k != key}
                assert "cannot be drawn" in page(made(finding(figure=broken)))
                assert "</html>" in page(made(finding(figure={**figure, key: "no data"})))


@pytest.mark.parametrize("values", [[None, None], [1.0, None], [2.0, 2.0], [0.0, 0.0], [1e300, -1]])
def test_numbers_that_are_missing_alike_or_enormous_are_drawn(values: list) -> None:
    figure = {
        "kind": "line", "x": [0.0, 1.0], "series": {"g": values}, "marks": {}, "x_label": "age",
        "y_label": "g",
    }  # fmt: skip
    assert "nan" not in str(drawings(figure, Below(1.0))[0].body)


def test_the_strip_tells_verdicts_apart_without_colour() -> None:
    shapes = {v: re.search(r'class="(dot|ring|cross)', strip(finding(verdict=v))) for v in Verdict}
    kinds = {v: m[1] for v, m in shapes.items() if m}
    assert (kinds[Verdict.PASS], kinds[Verdict.FAIL]) == ("dot", "cross")
    assert kinds[Verdict.INCONCLUSIVE] == "ring"


def test_the_strip_puts_an_interval_where_it_is() -> None:
    def ends(told) -> tuple[float, float, float, float]:
        drawn = strip(told)
        region = re.search(r'class="region" x="([\d.]+)" y="3" width="([\d.]+)"', drawn)
        thick = re.search(r'class="thick \w+" d="M([\d.]+) 13H([\d.]+)"', drawn)
        assert region
        assert thick
        left, width = map(float, region.groups())
        return left, left + width, *map(float, thick.groups())

    left, right, low, high = ends(finding(interval=(0.0, 0.03)))
    assert left <= low < high < right
    left, right, low, high = ends(
        finding(verdict=Verdict.FAIL, estimate=0.5, interval=(0.4, 0.6), fail_interval=(0.3, 0.7))
    )
    assert right < low < high
    left, right, low, high = ends(finding(interval=(0.01, 0.07)))
    assert low < right < high


def test_the_report_is_the_same_from_memory_and_from_its_record(tmp_path: Path, capsys) -> None:
    report = made(*every_verdict())
    write(report, tmp_path / "audit.json")
    schema = json.loads((resources.files("axis_audit.report") / "audit.schema.json").read_text())
    jsonschema.validate(json.loads((tmp_path / "audit.json").read_text()), schema)
    assert page(read_audit(tmp_path / "audit.json")) == page(report)
    assert main(["report", str(tmp_path / "audit.json")]) == 0
    assert (tmp_path / "audit.html").read_text().startswith("<!doctype html>")
    assert str(tmp_path / "audit.html") in capsys.readouterr().out
    assert main(["report", str(tmp_path / "audit.json"), "-o", str(tmp_path / "a.html")]) == 0
    assert (tmp_path / "a.html").exists()
    assert main(["report", str(tmp_path / "audit.json"), "-o", str(tmp_path / "no" / "a")]) == 4


def test_a_record_of_schema_1_0_is_still_drawn(tmp_path: Path) -> None:
    record = report_record(made(*every_verdict()))
    record["schema_version"] = "1.0"
    for told in record["findings"]:
        del told["explanation"], told["screen"]
    (tmp_path / "audit.json").write_text(json.dumps(record))
    assert "</html>" in page(read_audit(tmp_path / "audit.json"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: "{", "broken or cut off"),
        (lambda r: json.dumps([r]), "no audit report"),
        (lambda r: json.dumps({**r, "schema_version": "2.0"}), "its schema is 2.0"),
        (lambda r: json.dumps({**r, "findings": [{}]}), "is a required property"),
        (lambda r: json.dumps({**r, "cohort": 3}), "$.cohort: 3 is not of type"),
        (lambda r: json.dumps({**r, "verdict": "PASS"}), "it says PASS, its findings give FAIL"),
        (
            lambda r: json.dumps({**r, "findings": [{**r["findings"][0], "estimate": "low"}]}),
            "'low' is not of type",
        ),
    ],
)
def test_what_is_no_audit_is_refused_with_a_reason(
    tmp_path: Path, capsys, change, message: str
) -> None:
    path = tmp_path / "audit.json"
    path.write_text(change(report_record(made(*every_verdict()))))
    with pytest.raises(InputError, match=re.escape(message)):
        read_audit(path)
    assert main(["report", str(path)]) == 4
    assert message in capsys.readouterr().err
    assert not (tmp_path / "audit.html").exists()


def test_number_lists_stand_on_one_line_and_say_the_same(tmp_path: Path) -> None:
    report = made(finding(reason="[\n 1,\n 2\n]", figure={"x": [[1.0, None], [-2e-7, 3]]}))
    write(report, tmp_path / "audit.json")
    text = (tmp_path / "audit.json").read_text()
    assert json.loads(text) == report_record(report)
    assert "[1.0,null]" in text


def test_the_instruments_own_errors_are_those_on_record() -> None:
    record = json.loads((ROOT / "reports" / "examples" / "kill_matrix.json").read_text())
    stored = resources.files("axis_audit.report") / "data" / "kill_summary.json"
    assert json.loads(stored.read_text()) == brief(record)
    text = Page(page(made(finding("leakage.linear"), finding("leakage.new")))).text
    assert "165 of 165 did" in text
    assert "12 of 12 defects planted for it were caught" in text
    assert "Checks of this audit that were not put to this test: leakage.new" in text
    assert re.search(r"leakage\.linear 90\.4\s% \[87\.1, 93\.1\]", text)
    assert re.search(r"At least one false FAIL among these gates at the margin: 1\.8\s%", text)


def test_what_a_model_is_asked_comes_first_and_what_it_cannot_be_asked_is_one_line() -> None:
    absent = [
        unmeasured(f"axis.{name}", Verdict.NOT_APPLICABLE, gate=False) for name in ("use", "length")
    ]
    report = made(
        *absent,
        finding("integrity.split"),
        finding("generative.fidelity"),
        model={"kind": "vae", "claims": ["generative", "integrity"]},
    )
    read = Page(page(report))
    assert "No check of these families can be put to this model: The age axis (2)." in read.text
    order = [read.text.index(f"the claim of {c}") for c in ("generative.fidelity", "axis.use")]
    assert order == sorted(order)
    claims = read.text.partition("Not applicable")[0]
    assert "the claim of axis.use" not in claims
    assert "the claim of axis.use" in read.text  # its finding still says why
