"""Files that other repositories use as they stand: the workflows and the pre-commit hook."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from axis_audit.cli import main

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
INPUTS = {"checkpoint", "cohort", "gate", "adapter", "python-version", "baseline"}


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    place = shutil.which(name, path=str(Path(sys.executable).parent))
    assert place, f"{name} is among the dev requirements"
    return subprocess.run(
        [place, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_workflows_are_what_github_reads() -> None:
    done = tool(
        "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hook_is_what_pre_commit_reads() -> None:
    done = tool("pre-commit", "validate-manifest", ".pre-commit-hooks.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_no_input_is_pasted_into_a_script(path: Path) -> None:
    """An input or a branch's name in a script is a command of whoever chose it."""
    jobs = yaml.safe_load(path.read_text())["jobs"]
    for job in jobs.values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_the_audit_can_be_called_and_hands_over_what_it_found() -> None:
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "audit.yml").read_text())
    call = flow[True]["workflow_call"]  # YAML 1.1 reads the key "on" as true
    assert set(call["inputs"]) >= INPUTS
    assert all(given["description"] for given in call["inputs"].values())
    (job,) = flow["jobs"].values()
    audit = next(s for s in job["steps"] if s.get("name") == "Audit")
    assert "--baseline=$BASELINE" in audit["run"]
    keep = next(s for s in job["steps"] if "upload-artifact" in s.get("uses", ""))
    assert keep["if"] == "${{ !cancelled() }}"  # a failed audit's report is the one to read
    assert flow["permissions"] == {"contents": "read"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="the workflow's shell")
def test_the_audits_step_gives_pytest_what_was_asked_for(tmp_path: Path) -> None:
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "audit.yml").read_text())
    steps = flow["jobs"]["audit"]["steps"]
    audit = next(s for s in steps if s.get("name") == "Audit")
    script = audit["run"].replace("python -m pytest", "printf '%s\\n'")
    given = dict.fromkeys(audit["env"], "")
    given |= {"CHECKPOINT": "a b.pth", "COHORT": "atlas", "GATE": "leakage; rm -rf /"}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=given | {"PATH": "/bin"},
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.splitlines() == [
        "--checkpoint=a b.pth", "--cohort=atlas", "--report-dir=axis-audit-reports",
        "--gate=leakage; rm -rf /",
    ]  # fmt: skip


def test_the_hook_runs_an_audit_for_every_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    command, *words = hook["entry"].split()
    assert (command, hook["require_serial"]) == ("axis-audit", True)
    assert re.search(hook["files"], "runs/model.pth")
    started: list[list[str]] = []
    status = iter([0, 4, 1])

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        started.append(command[1:])
        return subprocess.CompletedProcess(command, next(status))

    monkeypatch.setattr("axis_audit.cli_reports.subprocess.run", run)
    files = [str(tmp_path / name) for name in ("a.pth", "b.pth", "c.pth")]
    for name in files:
        Path(name).touch()
    assert main([*words, "--gate=leakage", "--thorough", *files]) == 4
    assert started == [
        ["-m", "pytest", f"--checkpoint={name}", "--gate=leakage", "--thorough"] for name in files
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--gate=leakage"],
        ["nowhere.pth"],
        ["--gate", "leakage", __file__],
        ["--checkpoint=other.pth", __file__],
        [__file__, str(Path(__file__).parents[1] / "core" / Path(__file__).name)],
    ],
)
def test_a_hook_that_would_audit_nothing_or_something_else_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["each", *arguments]) == 4
    assert "Cure:" in capsys.readouterr().err


def test_other_commands_still_refuse_unknown_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["checks", "--gate=leakage"])
    assert stopped.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err
