"""What the user asked for: options of the command line and of `[tool.axis_audit]`, validated."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axis_audit.errors import InputError

PATIENTS = ("unseen", "all")


@dataclass(frozen=True)
class Settings:
    """One audit's settings.

    Attributes:
        gate: families or check ids that decide; empty means every gate of the model's claims.
        thorough: run the checks that take minutes, too.
        margins: check id -> margin (a number, or [low, high] for a two-sided region).
        baseline: an older audit.json that this audit must not fall behind.
        seed: of every resampling, plant and perturbation.
        check_timeout: seconds after which a check is stopped and is an ERROR.
        resume: use the findings of the same audit, where it was interrupted.
    """

    checkpoint: Path
    cohort: str = "atlas"
    folds: str | None = None
    fit_folds: str | None = None
    checkpoint_adapter: str | None = None
    report_dir: Path = Path("reports")
    gate: tuple[str, ...] = ()
    patients: str = "unseen"
    leakage_margin: float | None = None
    allow_inconclusive: bool = False
    thorough: bool = False
    margins: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    baseline: str | None = None
    check_timeout: float | None = None
    resume: bool = False

    @property
    def name(self) -> str:
        """Folder of this audit's report: the checkpoint's stem."""
        return self.checkpoint.stem or "audit"


_OPTIONS = {
    "cohort": str,
    "folds": (str, int),
    "fit_folds": (str, int),
    "checkpoint_adapter": str,
    "report_dir": str,
    "gate": (str, list),
    "patients": str,
    "leakage_margin": (int, float),
    "allow_inconclusive": bool,
    "thorough": bool,
    "margins": dict,
    "seed": int,
    "baseline": str,
    "check_timeout": (int, float),
}


def read_table(folder: Path) -> dict[str, Any]:
    """`[tool.axis_audit]` of the nearest pyproject.toml at or above a folder; {} if there is none.

    Not pytest's rootdir: pytest guesses it before it knows our options, and takes an absolute path
    given to `--checkpoint` for a test path.

    Raises:
        InputError: broken TOML, an unknown key or a value of the wrong type.
    """
    paths = (place / "pyproject.toml" for place in (folder, *folder.parents))
    path = next((p for p in paths if p.is_file()), None)
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(path, f"it is not valid TOML ({error})", "mend the file") from None
    table = content.get("tool", {}).get("axis_audit", {})
    for key, value in table.items():
        if key not in _OPTIONS:
            raise InputError(
                f"{path} [tool.axis_audit]", f"unknown key {key!r}", f"use {', '.join(_OPTIONS)}"
            )
        wrong_bool = isinstance(value, bool) and _OPTIONS[key] is not bool
        if wrong_bool or not isinstance(value, _OPTIONS[key]):  # type: ignore[arg-type]
            raise InputError(
                f"{path} [tool.axis_audit]",
                f"{key} = {value!r} has the wrong type",
                "see `pytest --help`, section axis-audit, for what it takes",
            )
    return dict(table)


def merge(options: Mapping[str, Any], table: Mapping[str, Any]) -> Settings:
    """Command line over pyproject table over defaults.

    Args:
        options: command-line values, None where not given; "checkpoint" is required.

    Raises:
        InputError: a value that makes no sense.
    """
    values = {key: value for key, value in table.items() if value is not None}
    values.update({key: value for key, value in options.items() if value is not None})
    values["checkpoint"] = Path(values["checkpoint"])
    if "report_dir" in values:
        values["report_dir"] = Path(values["report_dir"])
    for key in ("folds", "fit_folds"):
        if key in values:
            values[key] = str(values[key])
    gate = values.get("gate", ())
    parts = gate.split(",") if isinstance(gate, str) else list(gate)
    values["gate"] = tuple(part.strip() for part in parts if part.strip())
    settings = Settings(**values)
    if settings.patients not in PATIENTS:
        raise InputError(
            "--patients", f"{settings.patients!r} is not a choice", "use unseen or all"
        )
    margin = settings.leakage_margin
    if margin is not None and not 0.0 < margin < 1.0:
        raise InputError("--leakage-margin", f"{margin} is not an R²", "give a number in (0, 1)")
    timeout = settings.check_timeout
    if timeout is not None and not 0.0 < timeout < float("inf"):
        raise InputError("--check-timeout", f"{timeout} is no time", "give seconds, more than 0")
    return settings
