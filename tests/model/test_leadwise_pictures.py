"""Attribution on ECG paper as SVG and PNG files."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from axis_audit.errors import InputError
from axis_audit.report import attributed
from model.leadwise import pictures

MASKS = {"QRS": np.arange(1000) % 80 < 10, "ST-T": np.arange(1000) % 80 > 20}


def drawn(folder: Path, maps, record: str = "ptb-xl/1", signals=None) -> list[Path]:
    signals = np.tile(np.sin(np.arange(1000) / 9), (12, 1)) if signals is None else signals
    probabilities = dict.fromkeys(maps, 0.3)
    return pictures.draw(signals, maps, MASKS, probabilities, folder, record, "occlusion")


def test_one_svg_and_one_png_a_disease(tmp_path: Path) -> None:
    maps = {"MI": np.ones((12, 1000)), "<b>$x": np.zeros((12, 1000))}
    paths = drawn(tmp_path / "new", maps, "../<i>&$_{1}")
    assert [p.suffix for p in paths] == [".svg", ".png"] * 2
    assert {p.parent for p in paths} == {tmp_path / "new"}
    assert all(p.stat().st_size > 20_000 for p in paths)
    root = ElementTree.parse(paths[0]).getroot()
    shown = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "MI, myocardial infarction: record ../<i>&$_{1}" in shown
    assert "predicted probability 0.30" in shown
    assert {"I", "aVR", "V6", "25 mm/s, 10 mm/mV"} <= set(shown)
    # Points of 1/72 inch: the page prints true to scale.
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(275 / 25.4 * 72)


def test_maps_with_nan_leave_no_picture(tmp_path: Path) -> None:
    maps = {"MI": np.ones((12, 1000)), "CD": np.full((12, 1000), np.nan)}
    with pytest.raises(ValueError, match="NaN"):
        drawn(tmp_path / "none", maps)
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        drawn(tmp_path / "file", {"MI": np.ones((12, 1000))})


def test_files_and_report_have_the_same_colours() -> None:
    style = (Path(attributed.__file__).parent / "templates" / "style.css").read_text("utf-8")
    light = dict(re.findall(r"--(\w+):(#\w+)", style.split("@media")[0]))
    assert {k: light[k] for k in pictures.HEAT} == pictures.HEAT
    assert {k: light[k] for k in ("wave1", "wave2")}.items() <= pictures.FILLS.items()
    assert (light["ink"], light["quiet"], light["sheet"]) == (
        pictures.INK,
        pictures.QUIET,
        pictures.SHEET,
    )
    assert tuple(colour for _, colour, _ in pictures.GRID) == (light["fine"], light["coarse"])
