"""The ablation: rows differ in one choice, are judged on people set apart, and are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_records import records

from axis_audit.checkpoint import hashed, load
from axis_audit.errors import InputError
from model.alignment import comparing
from model.alignment.ablation import Ablation, main, parser, possible, run
from model.alignment.ablation_pages import BETTER, SAME, WORSE, spreads, table, verdict, write
from model.alignment.ablation_rows import REFERENCE, ROWS, Budget
from model.alignment.config import NetworkConfig, TrainingConfig

SMALL = NetworkConfig(
    width=8, blocks=1, heads=2, hidden=8, embedding=8, decoder_hidden=8, taps=21
)  # fmt: skip
QUICK = TrainingConfig(held_share=0.3, epochs=1, epoch_records=16, batch=8)
NAMES = (REFERENCE, "no_filters")


@pytest.fixture(scope="module")
def ablation(tmp_path_factory: pytest.TempPathFactory) -> Ablation:
    folder = tmp_path_factory.mktemp("ablation")
    return Ablation([records(80)], Budget(QUICK, SMALL, 800), folder, progress=False)


@pytest.fixture(scope="module")
def found(ablation: Ablation) -> dict:
    kept: list[int] = []
    made = run(ablation, NAMES, lambda so_far: kept.append(len(so_far["rows"])))
    assert kept == [1, 2]
    return made


def test_every_row_differs_from_the_recipe_as_it_says() -> None:
    budget = Budget(replace(TrainingConfig(), epochs=1, epoch_records=1), NetworkConfig(), 1)
    recipe = {**budget.network.as_dict(), **budget.training.as_dict()}
    for name, row in ROWS.items():
        network, training = budget.of(row)
        made = {**network.as_dict(), **training.as_dict()}
        assert {k for k in recipe if made[k] != recipe[k]} == {*row.training, *row.network}, name
        assert not network.problems()
        assert row.training or row.network or row.everywhere or name == REFERENCE


def test_rows_that_the_sources_do_not_allow_are_left_out() -> None:
    one = possible([records(20)])
    assert not {"sources", "full"} & set(one)
    assert set(ROWS) - set(possible([records(20), records(20, 1)])) == {"full"}


def test_a_checkpoint_that_set_other_people_apart_is_not_compared(
    ablation: Ablation, found: dict
) -> None:
    again = Ablation(ablation.cohorts, ablation.budget, ablation.folder)
    again._same_people(ablation.cohorts[0].subset(np.arange(30)), Path("a.pth"))
    with pytest.raises(InputError, match="other people"):
        again._same_people(ablation.cohorts[0].subset(np.arange(31)), Path("b.pth"))


def test_people_who_were_trained_on_are_not_judged(ablation: Ablation, found: dict) -> None:
    manifest = load(ablation.folder / f"{REFERENCE}.pth").manifest
    assert found["people"] == len(manifest.selection)
    home = ablation.cohorts[0]
    apart = np.isin(hashed(home.patient_ids), manifest.selection)
    assert found["people"] == len(set(home.patient_ids[apart]))


def test_a_choice_switched_off_is_off(ablation: Ablation, found: dict) -> None:
    assert not load(ablation.folder / "no_filters.pth").state["filters"].any()
    assert load(ablation.folder / f"{REFERENCE}.pth").state["filters"].any()
    row = found["rows"]["no_filters"]
    assert row["differs"] == {"linear": False}
    low, high = row["less_committed"]["drawn"]["interval"]
    first, second = (found["rows"][n]["measures"]["drawn"]["estimate"] for n in NAMES)
    assert low <= second - first <= high


def test_finished_rows_are_kept(ablation: Ablation, found: dict) -> None:
    files = sorted(ablation.folder.glob("*.pth")) + sorted(ablation.folder.glob("*.npz"))
    before = {path: path.stat().st_mtime_ns for path in files}
    assert len(before) == 4
    again = Ablation(ablation.cohorts, ablation.budget, ablation.folder, progress=False)
    assert run(again, NAMES, lambda so_far: None) == found
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_other_people_are_judged_anew_and_other_budgets_refused(
    ablation: Ablation, found: dict
) -> None:
    kept = (ablation.folder / f"{REFERENCE}.npz").read_bytes()
    fewer = Ablation(ablation.cohorts, replace(ablation.budget, people=20), ablation.folder)
    assert len(fewer.values_of(REFERENCE)["first"]) == 20
    (ablation.folder / f"{REFERENCE}.npz").write_bytes(kept)
    longer = Budget(replace(QUICK, epochs=2), SMALL, 800)
    with pytest.raises(InputError, match="trained otherwise"):
        Ablation(ablation.cohorts, longer, ablation.folder).checkpoint_of(REFERENCE)
    with pytest.raises(InputError, match="trained otherwise"):
        Ablation([records(80, 3)], ablation.budget, ablation.folder).checkpoint_of(REFERENCE)


def _row(estimate: float, low: float, high: float, **differs: float) -> dict:
    one = {"estimate": estimate, "interval": [low, high]}
    return {
        "choice": "margin",
        "title": "other",
        "differs": differs,
        "measures": dict.fromkeys(comparing.MEASURES, one),
        "less_committed": dict.fromkeys(comparing.MEASURES, one),
    }


@pytest.mark.parametrize(
    ("row", "first", "hidden"),
    [
        (_row(0.3, 0.2, 0.4, margin=1.0), BETTER, WORSE),
        (_row(-0.3, -0.4, -0.2, margin=1.0), WORSE, BETTER),
        (_row(0.3, -0.1, 0.7, margin=1.0), SAME, SAME),
        (_row(0.1, 0.05, 0.15, margin=1.0), SAME, SAME),  # another seed is as far away
        (_row(0.9, 0.8, 1.0, seed=1), SAME, SAME),
    ],
)
def test_a_difference_counts_beyond_its_interval_and_other_seeds(
    row: dict, first: str, hidden: str
) -> None:
    spread = spreads({"rows": {"seed_1": _row(0.15, 0.1, 0.2, seed=1)}})
    assert spread["first"] == 0.15
    assert verdict(row, "first", spread["first"]) == first
    assert verdict(row, "hidden", spread["hidden"]) == hidden


def test_the_page_says_where_the_recipe_is_not_the_best(found: dict, tmp_path: Path) -> None:
    rows = {**found["rows"], "margin_10": _row(0.3, 0.2, 0.4, margin=1.0)}
    page = table({**found, "rows": rows})
    assert f"{found['people']} people set apart" in page
    assert "`margin_10` (margin: other) is better in retrieval: others farther" in page
    assert page.count("▲") > 1
    write(found, tmp_path)
    assert json.loads((tmp_path / "ablation.json").read_text())["rows"].keys() == set(NAMES)
    assert (tmp_path / "ablation.svg").stat().st_size > 1000
    assert (tmp_path / "ablation.png").exists()


def test_the_command_names_what_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--cohort", "nowhere", "--output", str(tmp_path)]
    assert main(common) == 4
    assert main([*common, "--rows", "sources"]) == 4
    assert "give more --cohort" in capsys.readouterr().err
    assert parser().parse_args([*common, "--rows", "floor_0"]).rows == (REFERENCE, "floor_0")
    with pytest.raises(SystemExit):
        main([*common, "--rows", "floor_9"])
    assert "floor_9" in capsys.readouterr().err
