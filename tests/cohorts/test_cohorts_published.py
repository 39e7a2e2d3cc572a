"""PTB-XL itself (1.0.3, folds 1-9): set AXIS_AUDIT_PTBXL to its folder and run with -m slow."""

import os
import time

import numpy as np
import pytest

from axis_audit.cohorts import open_cohort, parse_folds
from axis_audit.cohorts.atlas import ARRAYS, load_atlas
from axis_audit.cohorts.atlas_fit import fit_atlas

FOLDER = os.environ.get("AXIS_AUDIT_PTBXL", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="AXIS_AUDIT_PTBXL is not set to a folder of PTB-XL"),
]


def test_nearly_every_record_gives_a_beat_that_obeys_the_law():
    cohort = open_cohort(FOLDER, folds=parse_folds("1-9"))
    assert (len(cohort), cohort.n_patients) == (19_557, 16_936)
    assert cohort.exclusions == {
        "samples over 10 mV": 23,
        "flat lead": 1,
        "fewer than 3 beats are neither ectopic nor noisy": 20,
        "age over 89 (coded 300)": 186,
    }
    assert np.array_equal(cohort.signals[:, 2], cohort.signals[:, 1] - cohort.signals[:, 0])


def test_a_cached_start_takes_less_than_five_seconds():
    open_cohort(FOLDER)
    start = time.process_time()
    open_cohort(FOLDER)
    assert time.process_time() - start < 5


def test_the_shipped_atlas_is_what_the_script_fits():
    fitted = fit_atlas(open_cohort(FOLDER, folds=parse_folds("1-8")))
    for name in ARRAYS:
        np.testing.assert_allclose(
            np.asarray(fitted[name], np.float64), getattr(load_atlas(), name), atol=2e-3
        )
    assert fitted["metadata"] == load_atlas().metadata
