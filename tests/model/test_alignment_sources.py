"""Training on several sources: arrays, and folders of the CinC Challenges through their headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from synthetic_records import records

from axis_audit.checkpoint import hash_ids, load
from axis_audit.cohort import LEADS
from axis_audit.cohorts import cache
from axis_audit.errors import InputError
from model.alignment.config import NetworkConfig, TrainingConfig
from model.alignment.data import TrainingData, open_records, split
from model.alignment.train import Request, train

SMALL = NetworkConfig(
    width=8, blocks=1, heads=2, hidden=8, embedding=8, decoder_hidden=8, taps=21
)  # fmt: skip
QUICK = TrainingConfig(held_share=0.3, epochs=1, epoch_records=16, batch=8)
LONG, USUAL, SHORT = 3, 20, 2


def _write(folder: Path, name: str, seconds: int, seed: int) -> None:
    strip = records(1, seed, samples=seconds * 500, rate=500.0).signals[0]
    folder.mkdir(exist_ok=True)
    wfdb.wrsamp(
        name, fs=500, units=["mV"] * 12, sig_name=list(LEADS), p_signal=strip.T.astype(float),
        fmt=["16"] * 12, comments=["Age: 61", "Sex: Female", "Dx: 426783006"],
        write_dir=str(folder),
    )  # fmt: skip


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Records of ten seconds at 100 Hz, and a Challenge's folder of other lengths at 500 Hz."""
    root = tmp_path_factory.mktemp("sources")
    home = records(60)
    np.savez(root / "home.npz", signals=home.signals, rate=100.0, record_ids=home.record_ids,
             patient_ids=home.patient_ids)  # fmt: skip
    lengths = [14] * LONG + [10] * USUAL + [7] * SHORT
    for number, seconds in enumerate(lengths):
        _write(root / "georgia", f"E{number:05d}", seconds, 100 + number)
    return str(root / "home.npz"), str(root / "georgia")


@pytest.fixture(scope="module")
def data(sources: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        cohorts = [open_records(source, (1, 2), SMALL.rate) for source in sources]
    return split(cohorts, QUICK.held_share, SMALL.window, SMALL.samples)


def test_short_records_are_left_out_and_counted(data: TrainingData) -> None:
    home, georgia = data.cohorts
    assert len(home) == 60
    assert len(georgia) == LONG + USUAL
    assert georgia.exclusions == {"shorter than 10 s": SHORT}
    assert georgia.leads == LEADS
    assert (georgia.rate, georgia.signals.shape[2]) == (100.0, 1000)


def test_people_of_both_sources_are_set_apart_and_nobody_twice(data: TrainingData) -> None:
    apart = set(data.selectors.tolist())
    for cohort in data.cohorts:
        theirs = set(cohort.patient_ids.tolist())
        assert 0 < len(theirs & apart) < len(theirs)
    assert len(data.held) == len(apart)
    assert sum(map(len, data.cohorts)) == len(data) + len(apart)


def test_the_manifest_holds_all_sources(data: TrainingData, tmp_path: Path) -> None:
    path = tmp_path / "two.pth"
    train(data, SMALL, QUICK, Request(path, progress=False))
    manifest = load(path).manifest
    for cohort in data.cohorts:
        assert np.isin(hash_ids(cohort.patient_ids), manifest.patients).all()
        assert np.isin(cohort.hashes, manifest.waveforms).all()
    told = manifest.data
    assert told["sources"] == [c.name for c in data.cohorts]
    assert told["fingerprints"] == [c.fingerprint for c in data.cohorts]
    assert told["people"] == [60, LONG + USUAL]
    assert told["exclusions"] == {"shorter than 10 s": SHORT}


def test_a_source_without_a_lead_is_named(tmp_path: Path) -> None:
    home = records(3)
    np.savez(tmp_path / "eight.npz", signals=home.signals[:, 4:], rate=100.0,
             leads=np.array(LEADS[4:]))  # fmt: skip
    with pytest.raises(InputError, match="eight"):
        open_records(tmp_path / "eight.npz", None, 100.0)
