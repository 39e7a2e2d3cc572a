"""Mutation score of the modules that a verdict rests on, a package at a time.

    python tests/mutation/score.py [decision] [statistics] [measures] [probes]

runs mutmut on a copy of the tree (the working tree is never touched), each package against its own
fast tests, writes the counts to record.json and lists the mutants that no test noticed. A survivor
is explained by its line in survivors.md; exit status 1 when one has none.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORD, EXPLAINED = HERE / "record.json", HERE / "survivors.md"
SLOW = (
    "covered_at",
    "spearman_interval_covers",
    "quantile_interval_covers",
    "interval_covers_the_population",
    "clopper",
    "rule_at_the_margin",
    "at_their_rates",
    "trap_size",
    "whatever_the_sizes",
    "moves_up",
)
"""Simulations of error rates are left out: seconds each, and no sharper than an exact answer."""
LONG = ("test_probes_traps.py", "test_probes_obvious_rule.py")
"""Left out as well: whole checks, and the comparison of two rules over many cohorts."""
TESTS = {
    "decision": ["tests/core/test_decision.py", "tests/core/test_decision_reasons.py"],
    "statistics": ["tests/statistics", "-k", " and ".join(f"not {name}" for name in SLOW)],
    "measures": ["tests/measures"],
    "probes": ["tests/probes", *(f"--ignore=tests/probes/{name}" for name in LONG)],
}
COPIED = ("axis_audit", "tests", "model", "conftest.py", "pyproject.toml")
STATUS = {0: "survived", 5: "survived", 33: "survived", 1: "killed", 3: "killed", None: "unchecked"}
"""Of mutmut's exit codes (5 and 33: no test runs the line); any other is a timeout or a crash."""


def main() -> int:
    """Score the packages named on the command line, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", metavar="package", help=", ".join(TESTS))
    parser.add_argument("--folder", type=Path, help="keep the copies here; run again to resume")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.packages) - set(TESTS):
        parser.error(f"no package {', '.join(sorted(unknown))}: choose from {', '.join(TESTS)}")
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    explained, unexplained = EXPLAINED.read_text("utf-8") if EXPLAINED.exists() else "", 0
    with tempfile.TemporaryDirectory() as passing:
        for package in options.packages or TESTS:
            copy = (options.folder or Path(passing)) / package
            prepare(copy, package)
            run(copy, options.jobs)
            record[package] = counted(copy)
            for line in survivors(copy):
                known = f"`{line}`" in explained
                unexplained += not known
                print(line if known else f"UNEXPLAINED {line}")
            print(json.dumps(record[package]["total"]))
    RECORD.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return 1 if unexplained else 0


def prepare(copy: Path, package: str) -> None:
    """Copy the tree and tell mutmut what to mutate and which tests to run."""
    for name in COPIED:
        source, target = ROOT / name, copy / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    single = (ROOT / "axis_audit" / f"{package}.py").exists()
    settings = {
        "source_paths": ["axis_audit"],
        "only_mutate": [f"axis_audit/{package}.py" if single else f"axis_audit/{package}/*"],
        "also_copy": ["conftest.py", "model"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": TESTS[package],
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    with (copy / "pyproject.toml").open("a", encoding="utf-8") as configuration:
        configuration.write("\n".join(["", "[tool.mutmut]", *SPEED, *lines, ""]))


SPEED = (
    "timeout_multiplier = 4.0",
    "timeout_constant = 2.0",
    "use_git_change_detection = false",
)


def run(copy: Path, jobs: int) -> None:
    """Run mutmut; hypothesis draws the same examples every time under its profile of CI."""
    threads = ("OMP", "OPENBLAS", "MKL")
    environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in threads} | {"CI": "true"}
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs)]
    with (copy / "mutmut.log").open("w", encoding="utf-8") as log:
        subprocess.run(command, cwd=copy, env=environment, stdout=log, stderr=log, check=True)


def results(copy: Path) -> Iterator[tuple[str, dict[str, int | None]]]:
    """The file of each mutated module and its mutants' exit codes."""
    for meta in sorted((copy / "mutants" / "axis_audit").rglob("*.py.meta")):
        codes = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        if codes:
            yield str(meta.relative_to(copy / "mutants")).removesuffix(".meta"), codes


def counted(copy: Path) -> dict[str, object]:
    """Counts by module and in total, with what produced them."""
    modules = {}
    for name, codes in results(copy):
        counts = Counter(STATUS.get(code, "timeout") for code in codes.values())
        modules[name] = {k: counts[k] for k in ("killed", "survived", "timeout", "unchecked")}
        modules[name]["total"] = len(codes)
    total = {k: sum(m[k] for m in modules.values()) for k in next(iter(modules.values()))}
    noticed = total["killed"] + total["timeout"]
    return {
        "total": total | {"score": round(noticed / total["total"], 4)},
        "modules": modules,
        "mutmut": version("mutmut"),
        "date": datetime.date.today().isoformat(),
        "command": f"python tests/mutation/score.py {copy.name}",
    }


def survivors(copy: Path) -> Iterator[str]:
    """`module.function: before -> after` of every mutant that no test noticed."""
    for name, codes in results(copy):
        alive = [k for k, code in codes.items() if STATUS.get(code) == "survived"]
        source = (copy / "mutants" / name).read_text("utf-8").splitlines()
        functions = {
            node.name: source[node.lineno - 1 : node.end_lineno]
            for node in ast.walk(ast.parse("\n".join(source)))
            if isinstance(node, ast.FunctionDef)
        }
        for key in alive:
            mutant = key.rpartition(".")[2]
            stem = mutant.rpartition("_")[0]
            label = stem.removesuffix("__mutmut")[2:].replace("ǁ", ".")  # x_name, xǁClassǁname
            module = name.removeprefix("axis_audit/").removesuffix(".py")
            renamed = [line.replace(mutant, f"{stem}_orig") for line in functions[mutant]]
            change = difflib.unified_diff(functions[f"{stem}_orig"], renamed, n=0)
            lines = [line for line in change if line[:3] not in ("---", "+++") and line[0] in "-+"]
            before = " ".join(line[1:].strip() for line in lines if line[0] == "-")
            after = " ".join(line[1:].strip() for line in lines if line[0] == "+")
            yield f"{module}.{label}: {before} -> {after}"


if __name__ == "__main__":
    sys.exit(main())
