"""A synthetic cohort, and networks small enough to train in a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from synthetic_beats import beats
from synthetic_cycles import cycles
from vae_runs import data_of, trained

from axis_audit.cohort import Cohort
from model.deformation.published.config import NetworkConfig


@pytest.fixture(autouse=True, scope="module")
def _torch_as_it_was() -> Iterator[None]:
    """Training switches determinism and threads for the whole process; other tests keep theirs."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(strict)
    torch.utils.deterministic.fill_uninitialized_memory = True


@pytest.fixture
def small() -> NetworkConfig:
    return NetworkConfig(channels=4, latent=8, age_hidden=4)


@pytest.fixture(scope="session")
def medians() -> Cohort:
    return beats(300)


@pytest.fixture(scope="session")
def singles() -> Cohort:
    return beats(300, per_record=2)


@pytest.fixture(scope="module")
def people():
    return cycles(80)


@pytest.fixture(scope="module")
def others():
    return cycles(60, seed=5, per_record=2)


@pytest.fixture(scope="module")
def reference(tmp_path_factory, people, others):
    return trained(tmp_path_factory.mktemp("run") / "vae.pth", data_of(people, others))
