"""The direction of imports, and what importing us costs other people's test runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "axis_audit"
FLOORS: dict[str, int] = {
    # The ground floor: knows nothing above it.
    "errors": 0, "finding": 0, "capabilities": 0, "cohort": 0, "measures": 0, "statistics": 0,
    "perturbations": 0, "containment": 0, "plain_values": 0, "delineation": 0, "diseases": 0,
    "diagnosis_codes": 0,
    # What a check is made of.
    "decision": 1, "checkpoint": 1, "checkpoint_archive": 1, "cohorts": 1, "probes": 1,
    "evidence": 1, "report": 1, "registry": 1, "settings": 1, "finished": 1, "journal": 1,
    "file_kinds": 1, "named": 1, "comparison": 1, "generated": 1,
    "aligned": 1, "regions": 1, "explained": 1,
    "explained_curves": 1,
    "gates": 2, "people": 2, "checks": 2, "auditing": 3, "adapters": 3, "opening": 3,
    "defects": 3, "calibration": 3, "wrappers": 3, "scaffold": 4,
    "plugin_items": 4, "plugin_extensions": 4, "plugin_audit": 4, "plugin_outputs": 4,
    "plugin_faults": 4, "plugin_watch": 4, "hookspec": 4, "plugin": 4,
    "cli": 5, "cli_page": 5, "cli_reports": 5, "__init__": 5,
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = FLOORS[part(path)]
    for name in imports(path):
        root, _, rest = name.partition(".")
        assert root != "model", f"{path} imports the reference systems"
        if root == "axis_audit" and part(path) not in ("__init__", "defects"):
            target = rest.split(".")[0]
            assert FLOORS.get(target, 5) <= own, f"{path} imports {name}, a floor above it"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_plugin_knows_pytest(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imports(path)}
    if part(path) in ("measures", "statistics"):
        assert not roots & {"torch", "pytest"}
    if part(path) not in (
        "plugin",
        "plugin_audit",
        "plugin_items",
        "plugin_extensions",
        "plugin_outputs",
        "plugin_watch",
        "hookspec",
    ):
        assert "pytest" not in roots


def test_files_can_be_read_in_one_sitting() -> None:
    long = {p.name: n for p in modules() if (n := len(p.read_text().splitlines())) > 300}
    assert not long


def _loaded(code: str) -> set[str]:
    heavy = "('torch', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'wfdb', 'numpy')"
    command = f"import sys; {code}; print(*[m for m in {heavy} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert _loaded("import axis_audit") == set()


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    assert _loaded("import axis_audit.plugin") == set()


def test_the_plugin_costs_a_plain_run_under_50_ms() -> None:
    code = (
        "import pytest, time; start = time.process_time(); import axis_audit.plugin; "
        "print(time.process_time() - start)"
    )
    costs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                             check=True).stdout)
        for _ in range(3)
    ]  # fmt: skip
    assert min(costs) < 0.05


def test_the_public_names_exist_and_stay_functions() -> None:
    import axis_audit
    import axis_audit.auditing

    for name in axis_audit.__all__:
        assert getattr(axis_audit, name) is not None
    assert callable(axis_audit.audit)
    assert callable(axis_audit.check)
    with pytest.raises(AttributeError, match="no attribute 'adit'"):
        _ = axis_audit.adit
