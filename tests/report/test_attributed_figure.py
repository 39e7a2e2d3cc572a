"""A record coloured by attribution: true to the map, to scale, and safe to show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from axis_audit.checks import figures
from axis_audit.finding import Below
from axis_audit.report import attributed as drawing
from axis_audit.report.drawings import drawings
from axis_audit.report.page import page
from tests.report.made_reports import HOSTILE, LEADS, attributed, finding, made

STYLE = Path(drawing.__file__).parent / "templates" / "style.css"


def panels(figure) -> dict[str, dict]:
    return {p["lead"]: p for row in figure["rows"][:3] for p in row}


def boxes(figure, style: str) -> list[tuple[float, ...]]:
    marks = [m for m in drawing.sheet(figure).marks if isinstance(m, drawing.Boxes)]
    return [box for m in marks if m.style == style for box in m.boxes]


def words(figure) -> str:
    marks = drawing.sheet(figure).marks
    return " | ".join(m.text for m in marks if isinstance(m, drawing.Words))


def test_the_twelve_leads_stand_where_a_cardiologist_looks_for_them() -> None:
    figure = attributed(leads=LEADS[::-1])
    assert [[p["lead"] for p in row] for row in figure["rows"]] == [
        ["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"], ["II"],
    ]  # fmt: skip
    assert [p["start"] for p in figure["rows"][0]] == [0, 2.5, 5, 7.5]
    assert len(figure["rows"][3][0]["signal"]) == 1000


@pytest.mark.parametrize("rate", [100.0, 500.0])
def test_a_second_is_25_mm_and_a_millivolt_10_mm(rate: float) -> None:
    time = np.arange(round(10 * rate)) / rate
    signals = np.zeros((12, len(time)))
    signals[:, (time >= 1.0) & (time < 1.4)] = 1.0
    masks = {"QRS": signals[0] > 0}
    figure = attributed(signals=signals, maps=signals, masks=masks, rate=rate)
    marks = drawing.sheet(figure).marks
    traces = [m.lines[0] for m in marks if isinstance(m, drawing.Lines) and m.style == "trace"]
    pulse, lead = traces[0], traces[1]
    for line in (pulse, lead):
        heights = [y for _, y in line]
        assert max(heights) - min(heights) == pytest.approx(10)
    high = [x for x, y in lead if y < lead[0][1]]
    assert high[-1] - high[0] == pytest.approx(10, abs=25 / 100 + 0.01)
    (left, _, width, _), *_ = boxes(figure, "wave1")
    assert (left, width) == (pytest.approx(20 + 25), pytest.approx(10))
    assert boxes(figure, "cell h5")[0][0] == pytest.approx(left)


def test_every_lead_has_its_own_colours_and_says_its_part_of_the_whole() -> None:
    figure = attributed()
    found = panels(figure)
    assert max(found["V2"]["levels"]) == max(found["I"]["levels"]) == 5
    assert found["V2"]["share"] == pytest.approx(0.3 / 1.4, abs=1e-3)
    assert "21 %" in words(figure)
    assert "99 % within QRS, which is 9 % of the time" in words(figure)


def test_the_sign_does_not_hide_what_counted_against() -> None:
    one, other = (attributed(maps=s * np.ones((12, 1000)), probability=0.5) for s in (1, -1))
    assert one == other


def test_one_spike_does_not_pale_the_rest_of_its_lead() -> None:
    maps = np.ones((12, 1000))
    maps[:, 7] = 1e6
    assert min(panels(attributed(maps=maps))["I"]["levels"]) == 5


def test_leads_without_attribution_stay_without_colour() -> None:
    figure = attributed(signals=np.zeros((12, 1000)), maps=np.zeros((12, 1000)))
    assert not [box for k in range(1, 6) for box in boxes(figure, f"cell h{k}")][5:]  # the key's
    assert "0 % within QRS" in words(figure)
    assert {p["share"] for p in panels(figure).values()} == {0.0}


def test_tall_records_are_drawn_smaller_and_say_so() -> None:
    signals = np.zeros((12, 1000))
    signals[:, 100:110] = 8.0
    assert "25 mm/s, 5 mm/mV" in words(attributed(signals=signals))
    signals[0, 105] = 3000.0
    assert "0.001 mm/mV" in words(attributed(signals=signals))


@pytest.mark.parametrize("leads", [("II",), ("A", "B"), tuple("ABCDEFGH")])
def test_other_leads_are_drawn_as_they_come(leads) -> None:
    some = np.ones((len(leads), 400))
    figure = attributed(signals=some, maps=some, masks={}, leads=leads)
    assert set(panels(figure)) == set(leads)
    assert drawings(figure, Below(1.0))[0].body


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"maps": np.full((12, 1000), np.nan)}, "maps with NaN"),
        ({"signals": np.full((12, 1000), np.inf)}, "signals with NaN"),
        ({"maps": np.zeros((12, 999))}, "are no record"),
        ({"masks": {"QRS": np.zeros(999)}}, "mask QRS"),
        ({"leads": ("I",) * 12}, "a lead twice"),
        ({"probability": float("nan")}, "no probability"),
        ({"probability": 1.2}, "no probability"),
        ({"leads": (), "signals": np.zeros((0, 9)), "maps": np.zeros((0, 9))}, "or none"),
        ({"rate": 20_000.0}, "too few to draw"),
        ({"rate": 0.0}, "no sampling rate"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        attributed(**given)


def test_hostile_strings_stay_words() -> None:
    leads = tuple(f"{HOSTILE}{i}" for i in range(12))
    masks = {HOSTILE: np.ones(1000, bool)}
    figure = attributed(leads=leads, masks=masks, title=HOSTILE, method=HOSTILE)
    shown = page(made(finding(figure=figure)))
    assert "cannot be drawn" not in shown
    assert "<script" not in shown
    assert "<img" not in shown


def test_a_record_stays_small_in_json() -> None:
    rng = np.random.default_rng(0)
    noisy = rng.normal(size=(12, 1000))
    figure = attributed(signals=noisy, maps=noisy)
    assert len(json.dumps(figure)) < 50_000
    at_500 = attributed(
        signals=np.repeat(noisy, 5, 1), maps=np.repeat(noisy, 5, 1), masks={}, rate=500.0
    )
    assert len(json.dumps(at_500)) < 60_000


def test_several_diseases_of_one_finding() -> None:
    figure = figures.together(*(attributed(title=name) for name in ("MI", "STTC", "CD", "HYP")))
    assert [d.title for d in drawings(figure, Below(1.0))] == ["MI", "STTC", "CD", "HYP"]
    assert all(d.wide for d in drawings(figure, Below(1.0)))


def test_colours_get_darker_with_every_level_on_white_paper() -> None:
    light = STYLE.read_text(encoding="utf-8").split("@media")[0]
    colours = [re.search(rf"--h{k}:#(\w+)", light)[1] for k in range(1, 6)]
    grey = [np.dot((0.2126, 0.7152, 0.0722), list(bytes.fromhex(c))) for c in colours]
    assert np.all(np.diff(grey) < -15)
