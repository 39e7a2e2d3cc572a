"""What tests share: the clean twin, fitted once, and cohorts of known truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from axis_audit import checkpoint
from axis_audit.cohort import Cohort
from axis_audit.defects.twin import Twin, atlas_trend, fit_twin, state
from axis_audit.defects.twins import (
    DIMENSIONS,
    FITTING,
    PEOPLE,
    REFERENCE_SEED,
    TRAINING,
    draw,
    manifest_of,
)

# The same examples at every run, so that a verdict follows from the code alone. To search new
# ones: pytest --hypothesis-profile=default.
settings.register_profile("same_examples", derandomize=True, deadline=None)
settings.load_profile("same_examples")


@pytest.fixture(scope="session")
def training_people() -> Cohort:
    return draw(TRAINING, REFERENCE_SEED, fold=1)


@pytest.fixture(scope="session")
def people() -> Cohort:
    return draw(PEOPLE, REFERENCE_SEED + 1, fold=9)


@pytest.fixture(scope="session")
def fitting_people() -> Cohort:
    return draw(FITTING, REFERENCE_SEED + 2, fold=8)


@pytest.fixture(scope="session")
def twin(training_people: Cohort) -> Twin:
    return fit_twin(training_people, DIMENSIONS, atlas_trend())


@pytest.fixture(scope="session")
def manifest(training_people: Cohort) -> checkpoint.Manifest:
    return manifest_of(training_people, REFERENCE_SEED)


@dataclass(frozen=True)
class Files:
    """Paths of a clean checkpoint and of the people it is audited on (fold 9; fold 8 to fit)."""

    checkpoint: Path
    cohort: Path

    @property
    def arguments(self) -> list[str]:
        """Command-line arguments of the plain audit."""
        cohort = ["--cohort", str(self.cohort), "--folds", "9", "--fit-folds", "8"]
        return [f"--checkpoint={self.checkpoint}", *cohort, "-p", "no:cacheprovider"]


def write_arrays(path: Path, *cohorts: Cohort) -> Path:
    """Cohorts as one .npz in the layout that users bring."""
    columns = {
        "signals": np.concatenate([c.signals for c in cohorts]),
        "rate": np.array(cohorts[0].rate),
        "leads": np.array(cohorts[0].leads),
        "kind": np.array("beat"),
        "r_index": np.array(cohorts[0].r_index),
    }
    for name in ("age", "patient_ids", "record_ids", "sex", "fold"):
        columns[name] = np.concatenate([getattr(c, name) for c in cohorts])
    np.savez(path, **columns)
    return path


@pytest.fixture(scope="session")
def files(
    tmp_path_factory: pytest.TempPathFactory,
    twin: Twin,
    manifest: checkpoint.Manifest,
    people: Cohort,
    fitting_people: Cohort,
) -> Files:
    folder = tmp_path_factory.mktemp("clean")
    path = folder / "twin.pth"
    checkpoint.save(path, kind="twin", config={}, state=state(twin), manifest=manifest)
    return Files(path, write_arrays(folder / "people.npz", people, fitting_people))


@pytest.fixture
def defective(tmp_path: Path, twin: Twin, manifest: checkpoint.Manifest):
    """Write a checkpoint with a planted defect, by name."""

    def write(name: str) -> Path:
        path = tmp_path / f"{name}.pth"
        config = {"defect": name}
        checkpoint.save(path, kind="twin", config=config, state=state(twin), manifest=manifest)
        return path

    return write
