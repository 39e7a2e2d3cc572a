"""The fixed numbers of the generative audit's MMD: its bandwidth, and what real people differ by.

    python tests/benchmarks/mmd_scale.py --ludb PATH --ptb-xl PATH

Bandwidth: the median distance between cycles of two different people, lead II, each of unit
variance, over the root of 400 samples; of people whom the VAE's split does not set apart for the
audit. Real people: MMD² between two random groups of as many people of PTB-XL's folds 1-8 (8 folds,
never fold 9), 97.5 % of the time below.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from axis_audit.cohort import Cohort
from axis_audit.cohorts import open_cohort
from axis_audit.generated import BANDWIDTH
from axis_audit.measures import mmd

PEOPLE, GROUPS, SIZES = 2000, 4000, (30, 50, 100, 200)
OUTPUT = Path(__file__).parents[2] / "reports" / "examples" / "mmd_scale.json"


def shapes(cohort: Cohort) -> NDArray[np.float64]:
    """Cycles of lead II, centred and of unit variance, (n, 400)."""
    lead = cohort.signals[:, cohort.leads.index("II")].astype(np.float64)
    lead -= lead.mean(axis=1, keepdims=True)
    return np.asarray(lead / lead.std(axis=1, keepdims=True))


def median_distance(cohort: Cohort) -> float:
    """Median distance between cycles of different people."""
    x, (_, owners) = shapes(cohort), np.unique(cohort.patient_ids, return_inverse=True)
    return float(np.median(cdist(x, x)[owners[:, None] != owners[None]]))


def between_groups(cohort: Cohort, size: int) -> NDArray[np.float64]:
    """MMD² between random groups of `size` people each, (`GROUPS`,)."""
    x, (_, owners) = shapes(cohort), np.unique(cohort.patient_ids, return_inverse=True)
    within = mmd.between_people(x, owners, x, owners, BANDWIDTH * np.sqrt(x.shape[1]))
    rng = np.random.default_rng(0)
    found = []
    for _ in range(GROUPS):
        some = rng.choice(len(within), 2 * size, replace=False)
        found.append(mmd.between_halves(within[np.ix_(some, some)], 1, rng)[0])
    return np.array(found)


def main() -> None:
    """Measure, print and write."""
    from model.vae.config import TrainingConfig
    from model.vae.data import audit_rows

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ludb", type=Path, required=True)
    parser.add_argument("--ptb-xl", type=Path, required=True)
    options = parser.parse_args()
    ludb = open_cohort(options.ludb, kind="cycle", per_record=8)
    training = ludb.subset(~audit_rows(ludb, TrainingConfig().audit_share))
    folds = tuple(range(1, 9))
    ptb_xl = open_cohort(options.ptb_xl, kind="cycle", per_record=2, folds=folds, patients=PEOPLE)
    distance = median_distance(training)
    record = {
        "median distance, LUDB training people": distance,
        "over the root of the samples": distance / np.sqrt(400),
        "median distance, PTB-XL folds 1-8": median_distance(ptb_xl),
        "people": {"LUDB": training.n_patients, "PTB-XL": ptb_xl.n_patients},
        "bandwidth in force, of the root of the samples": BANDWIDTH,
        "PTB-XL, two groups of so many people: MMD², 97.5 % below": {
            str(size): float(np.quantile(between_groups(ptb_xl, size), 0.975)) for size in SIZES
        },
    }
    OUTPUT.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
