"""`axis-audit init`: what it writes runs, and it writes over nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from axis_audit.cli import main
from axis_audit.file_kinds import KINDS
from axis_audit.wrappers import open_exported, open_onnx
from tests.wrappers.foreign_files import (
    linear,
    write_exported,
    write_onnx,
    write_skops,
    write_torchscript,
)

FILES = {
    "torchscript": "net.pt",
    "export": "net.pt2",
    "onnx": "net.onnx",
    "sklearn": "pca.skops",
    "state_dict": "weights.pth",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each kind; their libraries are loaded here, before pytester, which unloads."""
    folder = tmp_path_factory.mktemp("made")
    net = linear()
    write_torchscript(folder / "net.pt", net)
    write_onnx(folder / "net.onnx", net)
    write_skops(folder / "pca.skops")
    torch.save(net.state_dict(), folder / "weights.pth")
    open_exported(write_exported(folder / "net.pt2", net))
    open_onnx(folder / "net.onnx")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_passes_its_own_test(
    kind: str, made: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    name = FILES[kind]
    shutil.copy(made / name, pytester.path)
    assert main(["init", str(pytester.path), "--checkpoint", str(pytester.path / name)]) == 0
    printed = capsys.readouterr().out
    assert f"pytest --checkpoint {name} --checkpoint-adapter my_adapter:load" in printed
    adapter = pytester.path / "my_adapter.py"
    text = adapter.read_text()
    assert [text.count(f"EDIT {i}") for i in range(1, 6)] == [1] * 5
    if kind == "state_dict":  # nobody can guess the network
        network = "torch.nn.Sequential(torch.nn.Flatten(1), torch.nn.Linear(1440, 4))"
        adapter.write_text("import torch\n" + text.replace("MyNetwork()", network))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "test_my_adapter.py")
    result.assert_outcomes(passed=3)


def test_its_test_finds_randomness_and_neighbours(made: Path, pytester: pytest.Pytester) -> None:
    shutil.copy(made / "net.pt", pytester.path / "model.pt")
    assert main(["init", str(pytester.path)]) == 0
    path = pytester.path / "my_adapter.py"
    text = path.read_text()
    for broken, fails in (
        ("net(signals) * np.random.rand()", 2),
        ("signals[:, 0] - signals[0, 0]", 1),
    ):
        path.write_text("import numpy as np\n" + text.replace("net(signals) ", broken + " "))
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "test_my_adapter.py")
        result.assert_outcomes(passed=3 - fails, failed=fails)


@pytest.mark.parametrize("present", ["my_adapter.py", "test_my_adapter.py"])
def test_nothing_is_written_over_or_beside(
    present: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / present).write_text("mine")
    assert main(["init", str(tmp_path)]) == 4
    assert f"{present}: it is there already" in capsys.readouterr().err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(present, "mine")]


def test_a_pyproject_at_or_above_is_left_alone(tmp_path: Path, capsys) -> None:
    table = tmp_path / "pyproject.toml"
    table.write_text("[project]\n")
    assert main(["init", str(tmp_path / "audits"), "--name", "theirs"]) == 0
    assert table.read_text() == "[project]\n"
    assert {p.name for p in (tmp_path / "audits").iterdir()} == {"theirs.py", "test_theirs.py"}
    printed = capsys.readouterr().out
    assert "was left alone" in printed
    assert 'checkpoint_adapter = "theirs:load"' in printed


def test_the_table_it_writes_is_one_that_an_audit_reads(tmp_path: Path) -> None:
    from axis_audit.settings import read_table

    assert main(["init", str(tmp_path)]) == 0
    assert read_table(tmp_path) == {"checkpoint_adapter": "my_adapter:load"}


@pytest.fixture
def in_a_folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.bin").write_bytes(b"odd")
    shutil.copy(made / "net.pt", tmp_path)


@pytest.mark.usefixtures("in_a_folder")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", "my-adapter"], "no name for a module"),
        (["--checkpoint", "nowhere.pt"], "no such file"),
        (["--checkpoint", "odd.bin"], "cannot be told"),
        (["--checkpoint", "net.pt", "--kind", "onnx"], "it is of kind torchscript, not onnx"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "here", *arguments]) == 4
    error = capsys.readouterr().err
    assert words in error
    assert "Cure:" in error
    assert not (tmp_path / "here").exists()


def test_odd_names_of_files_are_data(made: Path, tmp_path: Path) -> None:
    path = tmp_path / 'a"""$x\\n b.pt'
    shutil.copy(made / "net.pt", path)
    assert main(["init", str(tmp_path), "--checkpoint", str(path)]) == 0
    for name in ("my_adapter.py", "test_my_adapter.py"):
        compile((tmp_path / name).read_text(), name, "exec")
