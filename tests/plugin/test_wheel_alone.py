"""From an empty folder with only the wheel installed: init, edit five lines, audit a network.

    python -m pytest -m slow tests/plugin/test_wheel_alone.py

The network is a third party's where deepecgkit can be imported (the extra `examples`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import warnings
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
EDITS = {
    'KIND = "my-model"': 'KIND = "inception-time"',
    "INPUT = BEAT": "INPUT = BEAT",
    'CLAIMS = {"leakage", "integrity"}': 'CLAIMS = {"integrity", "leakage"}',
    "net = open_torchscript(path)": "net = open_torchscript(path, batch=64)",
    "return net(signals)  #": "return net(signals / signals.std(axis=(1, 2), keepdims=True))  #",
}


def write_network(path: Path) -> None:
    torch.manual_seed(0)
    try:
        from deepecgkit.models import InceptionTime1D

        net: torch.nn.Module = InceptionTime1D(input_channels=12, output_size=8)
    except ImportError:
        net = torch.nn.Sequential(torch.nn.Flatten(1), torch.nn.Linear(1440, 8), torch.nn.Tanh())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(net.eval(), torch.zeros(2, 12, 120), check_trace=False).save(str(path))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment: our wheel, and everything heavy but us from this one."""
    folder = tmp_path_factory.mktemp("fresh")
    source = folder / "source"
    ignored = shutil.ignore_patterns("*.egg-info", "build", "__pycache__")
    shutil.copytree(ROOT / "axis_audit", source / "axis_audit", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder)]
    subprocess.run([*build, str(source)], check=True, capture_output=True)
    shutil.rmtree(source)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    python = str(folder / "env/bin/python")
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.check_output([python, "-c", asked], text=True).strip())
    heavy = folder / "heavy"
    heavy.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("axis_audit", "__editable__")) and entry.suffix != ".pth":
            (heavy / entry.name).symlink_to(entry)
    (site / "heavy.pth").write_text(f"{heavy}\n")
    (wheel,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return folder


@pytest.mark.slow
def test_init_edit_five_lines_and_audit(fresh: Path, tmp_path: Path) -> None:
    scripts = fresh / "env/bin"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
    clean["PATH"] = f"{scripts}{os.pathsep}{clean['PATH']}"

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
        )

    where = run(str(scripts / "python"), "-c", "import axis_audit; print(axis_audit.__file__)")
    assert str(fresh) in where.stdout
    write_network(tmp_path / "model.pt")
    refused = run(str(scripts / "python"), "-m", "pytest", "--checkpoint", "model.pt")
    assert refused.returncode == 4
    assert "axis-audit init --kind torchscript --checkpoint model.pt" in refused.stderr
    assert run(str(scripts / "axis-audit"), "init", "--checkpoint", "model.pt").returncode == 0
    adapter = tmp_path / "my_adapter.py"
    text = adapter.read_text()
    for old, new in EDITS.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    adapter.write_text(text)
    # The pytest of a script, which does not put the current folder on the path.
    pytest_script = tmp_path / "pytest_script.py"
    pytest_script.write_text(
        f"import sys; sys.path.remove({str(tmp_path)!r}); import pytest; sys.exit(pytest.main())"
    )
    tested = run(str(scripts / "python"), str(pytest_script), "test_my_adapter.py")
    assert tested.returncode == 0, tested.stdout
    audited = run(str(scripts / "python"), str(pytest_script), "--checkpoint", "model.pt")
    print(audited.stdout[-3000:])
    assert audited.returncode == 1, audited.stdout + audited.stderr
    report = json.loads((tmp_path / "reports/model/audit.json").read_text())
    assert report["model"]["kind"] == "inception-time"
    assert report["missing"] == []
    found = {f["id"]: f for f in report["findings"]}
    assert {f["verdict"] for f in found.values()}.isdisjoint({"ERROR"})
    assert found["integrity.batch_independence"]["verdict"] == "PASS"
    assert found["leakage.linear"]["verdict"] == "FAIL"  # age is in the signal, and in its image
