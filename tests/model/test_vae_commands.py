"""The VAE's command line, and its variants compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vae_runs import CONFIG, HOME, OTHER, SMALL, data_of, trained

from axis_audit import checkpoint as checkpoints
from axis_audit.errors import InputError
from model.vae import __main__ as cli
from model.vae import compare
from model.vae.data import Source


@pytest.fixture
def source(people, monkeypatch):
    def opened(self):
        if self.path != "people":
            raise InputError(self.path, "does not exist", "check the path")
        return people

    monkeypatch.setattr(Source, "open", opened)
    return "people"


def test_the_command_line_trains_evaluates_draws_and_interpolates(tmp_path, source, capsys):
    path, out = tmp_path / "small.pth", tmp_path / "out"
    command = ["train", "--cohort", source, "--checkpoint", str(path), "--epochs", "2"]
    assert cli.main([*command, "--latent", "3", "--watched-share", "0.2"]) == 0
    assert json.loads(capsys.readouterr().out)["people_set_apart"] > 10
    pictures = ["--pictures", str(out)]
    evaluated = ["evaluate", "--checkpoint", str(path), "--cohort", source, *pictures]
    assert cli.main(evaluated) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert {"error", "active", "mmd_samples", "mmd_halves_95"} <= set(numbers)
    names = {"reconstructions", "traversals", "samples", "cloud"}
    assert names <= {p.stem for p in out.glob("*.png")}
    sample = ["sample", "--checkpoint", str(path), "--count", "5", "--output", str(out / "new")]
    assert cli.main(sample) == 0
    with np.load(out / "new" / "samples.npz") as drawn:
        assert drawn["cycles"].shape == (5, 1, 400)
    assert (out / "new" / "samples.png").exists()
    between = ["interpolate", "--checkpoint", str(path), "--cohort", source, "--output", str(out)]
    assert cli.main([*between, "--from", "p0-3", "--to", "p0-8"]) == 0
    with np.load(out / "path.npz") as along:
        assert along["cycles"].shape == (9, 1, 400)
    capsys.readouterr()
    assert cli.main([*between, "--from", "p0-3", "--to", "nobody"]) == 4
    assert "no record 'nobody'" in capsys.readouterr().err
    assert cli.main([*sample, "--sex", "female"]) == 4
    assert "cannot be told whose cycles" in capsys.readouterr().err


def test_a_conditional_model_is_told_whose_cycles_to_draw(tmp_path, people, capsys):
    path = tmp_path / "c.pth"
    trained(path, data_of(people), replace(SMALL, variant="conditional"))
    drawn = {}
    for lead in ("II", "V1"):
        command = ["sample", "--checkpoint", str(path), "--count", "3", "--lead", lead]
        told = ["--sex", "female", "--age", "70", "--class", "MI", "--output", str(tmp_path / lead)]
        assert cli.main([*command, *told]) == 0
        with np.load(tmp_path / lead / "samples.npz") as file:
            drawn[lead] = file["cycles"]
    assert not np.array_equal(drawn["II"], drawn["V1"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cohort", "elsewhere"], "elsewhere"),
        (["--cohort", "people@8-1"], "does not rise"),
        (["--cohort", "people@"], "neither a fold"),
        (["--cohort", "people", "--audit-share", "2"], "audit_share is 2.0, not a share"),
        (["--cohort", "people", "--home-epochs", "9"], "home_epochs is 9"),
        (["--cohort", "people", "--cohort", "people@1"], "in two sources"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(tmp_path, source, capsys, arguments, words):
    command = ["train", "--checkpoint", str(tmp_path / "a.pth"), "--epochs", "2"]
    assert cli.main([*command, "--watched-share", "0.2", *arguments]) == 4
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_a_checkpoint_of_another_kind_is_refused(tmp_path, reference, capsys):
    path = tmp_path / "m.pth"
    checkpoints.save(
        path, kind="other", config={}, state=reference.state, manifest=reference.manifest
    )
    assert cli.main(["sample", "--checkpoint", str(path), "--output", str(tmp_path)]) == 4
    assert "its kind is 'other'" in capsys.readouterr().err


def test_variants_are_compared_on_people_outside_the_audit(people, others, tmp_path):
    rows = [
        replace(row, network=replace(row.network, hidden=16, hidden_inner=8, latent=3, channels=2))
        for row in compare.entries(replace(CONFIG, epochs=1, home_epochs=1, watched_share=0.3))
    ]
    kept = []
    found = compare.compare(
        [(HOME, people), (OTHER, others)], rows, progress=False,
        keep=lambda so_far: kept.append(list(so_far["rows"])),
    )  # fmt: skip
    assert [len(rows) for rows in kept] == [1, 2, 3, 4, 5]
    compare.write(tmp_path / "new", found)
    assert json.loads((tmp_path / "new" / "comparison.json").read_text()) == found
    with pytest.raises(InputError, match="cannot be written"):
        compare.write(Path("/proc/nowhere"), found)
    assert set(found["rows"]) == {
        "as published", "mlp", "mlp, first source alone", "conv", "conditional",
    }  # fmt: skip
    assert len({row["people"] for row in found["rows"].values()}) == 1
    assert "| active units |" in compare.markdown(found)
