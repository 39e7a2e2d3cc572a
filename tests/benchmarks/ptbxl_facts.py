"""Four facts about PTB-XL that audits of models trained on it meet.

1. The same person stands under two patient ids: pairs of recordings of different ids whose median
   beats correlate by more than .985, with age, sex and whether a human validated the recording.
   `integrity.near_duplicates` FAILs on pairs above .99 among audited and fitting people.
2. Beats of recordings that a human validated move farther with age. All of fold 9 are validated,
   seven in ten of folds 1-8, so a B fitted on all of folds 1-8 is short for fold 9:
   <B_plain, B>/<B, B> by fold and by validation, 95 % bootstrap interval of people.
3. Folds 1-8 are a mixture of populations (those the device CS100 recorded, hardly any of them
   validated, and the others; the normal and the ill), and a leak can cancel in a mixture: R² of age
   from z and from x50, by least squares with the exact interval, in all people of folds 1-8, most
   of whom the checkpoint was trained on; in those validated and not; and, validated, in those whose
   recording is normal and in the others. The same of fold 9, whom it was not trained on.
4. Whom the device CS100 recorded, which has no share in the reference system's axis, and the
   others: share of folds 1-8 and of fold 9, and among them of validated recordings, women, and
   normal recordings; standard deviation of age.

Folds 1-9, one record a patient, ages known.

example:
  python tests/benchmarks/ptbxl_facts.py <PTB-XL> --checkpoint model/checkpoints/deformation.pth \\
      --output tests/benchmarks/records/ptbxl_facts.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from axis_audit.checkpoint import load as load_checkpoint
from axis_audit.cohort import Cohort
from axis_audit.measures.axis import transport_ratio
from axis_audit.measures.duplicates import near_duplicates, unit_rows
from model.deformation.adapter import load_any
from model.deformation.config import TrainingConfig
from model.deformation.data import normal_people, open_beats
from model.deformation.evaluate import leaks_of_groups

ALIKE, SAME = 0.985, 0.99
RESAMPLES = 2000


def same_people(cohort: Cohort, table: pd.DataFrame) -> dict[str, Any]:
    """Pairs of different patients whose median beats are alike, most alike first."""
    pairs = []
    for i, j, r in near_duplicates(unit_rows(cohort.signals), None, ALIKE):
        one, other = table.iloc[i], table.iloc[j]
        pairs.append(
            {
                "r": round(r, 4),
                "records": [int(one.name), int(other.name)],
                "folds": [int(one.strat_fold), int(other.strat_fold)],
                "years_apart": abs(float(one.age) - float(other.age)),
                "same_sex": bool(one.sex == other.sex),
                "validated": bool(one.validated_by_human or other.validated_by_human),
            }
        )
    return {
        "pairs": pairs,
        "above_.99": sum(pair["r"] > SAME for pair in pairs),
        "same_sex_and_age_within_a_year": sum(
            pair["same_sex"] and pair["years_apart"] <= 1 for pair in pairs
        ),
        "with_a_validated_recording": sum(pair["validated"] for pair in pairs),
    }


def axis_lengths(cohort: Cohort, table: pd.DataFrame, model: Any) -> dict[str, Any]:
    """<B_plain, B>/<B, B> with its interval in groups of people."""
    beats = np.concatenate([model.prepare(part) for part in np.array_split(cohort.signals, 20)])
    g, direction = model.axis_value(cohort.age), model.axis_direction()
    groups = {f"fold {k}": table.strat_fold == k for k in sorted(table.strat_fold.unique())}
    fitted = table.strat_fold < 9
    groups["folds 1-8, validated"] = fitted & table.validated_by_human
    groups["folds 1-8, not validated"] = fitted & ~table.validated_by_human
    rng = np.random.default_rng(0)
    lengths = {}
    for name, mask in groups.items():
        rows = np.flatnonzero(mask.to_numpy())
        n = len(rows)
        draws = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)
        weights = np.concatenate([np.ones((1, n)), draws])
        ratios = transport_ratio(weights, beats[rows], g[rows], direction)
        low, high = np.quantile(ratios[1:], [0.025, 0.975])
        lengths[name] = {
            "people": n,
            "validated": round(float(table.validated_by_human.to_numpy()[rows].mean()), 3),
            "length": round(float(ratios[0]), 3),
            "interval": [round(float(low), 3), round(float(high), 3)],
        }
    return lengths


def leaks(cohort: Cohort, table: pd.DataFrame, model: Any) -> dict[str, Any]:
    """Linear R² of age from z and from features of x50 in folds 1-8, fold 9 and parts of them."""
    fitted = (table.strat_fold < 9).to_numpy()
    validated = table.validated_by_human.to_numpy(bool)
    normal = normal_people(cohort)
    groups = {
        "folds 1-8": fitted,
        "folds 1-8, validated": fitted & validated,
        "folds 1-8, not validated": fitted & ~validated,
        "folds 1-8, validated, normal": fitted & validated & normal,
        "folds 1-8, validated, not normal": fitted & validated & ~normal,
        "fold 9": ~fitted,
        "fold 9, normal": ~fitted & normal,
        "fold 9, not normal": ~fitted & ~normal,
    }
    return leaks_of_groups(model, cohort, groups)


def devices(cohort: Cohort, table: pd.DataFrame) -> dict[str, Any]:
    """Who was recorded by the devices set apart in training, and who by others."""
    apart = np.isin(cohort.device, TrainingConfig().apart)
    fitted = (table.strat_fold < 9).to_numpy()
    found = {}
    for name, rows in (("set apart", apart), ("others", ~apart)):
        found[name] = {
            "share of folds 1-8": round(float(rows[fitted].mean()), 3),
            "share of fold 9": round(float(rows[~fitted].mean()), 3),
            "validated": round(float(table.validated_by_human.to_numpy(bool)[rows].mean()), 3),
            "women": round(float((cohort.sex[rows] == "female").mean()), 3),
            "normal": round(float(normal_people(cohort)[rows].mean()), 3),
            "SD of age": round(float(cohort.age[rows].std()), 1),
        }
    return found


def main() -> None:
    """Print the tables; write them with --output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ptbxl", type=Path, help="the PTB-XL directory")
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("model/checkpoints/deformation.pth")
    )
    parser.add_argument("--output", type=Path, help="where the JSON record goes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cohort = open_beats(options.ptbxl, range(1, 10), singles=False)[0]
    cohort = cohort.with_known_age().one_per_patient()
    database = pd.read_csv(options.ptbxl / "ptbxl_database.csv").set_index("ecg_id")
    table = database.loc[[int(name.rpartition("/")[2]) for name in cohort.record_ids]]
    model = load_any(load_checkpoint(options.checkpoint))
    record = {
        "people": len(cohort),
        "same_people": same_people(cohort, table),
        "axis_length": axis_lengths(cohort, table, model),
        "linear_leak": leaks(cohort, table, model),
        "devices": devices(cohort, table),
    }
    found = record["same_people"]
    print(
        f"{len(found['pairs'])} pairs of ids above r = {ALIKE} ({found['above_.99']} above {SAME}) "
        f"among {len(cohort)} people; same sex and age within a year in "
        f"{found['same_sex_and_age_within_a_year']}; a validated recording in "
        f"{found['with_a_validated_recording']}"
    )
    for name, row in record["axis_length"].items():
        print(f"{name:<26} {row['length']:.3f} {row['interval']}  {row['people']} people")
    for name, row in record["linear_leak"].items():
        print(f"{name:<38} R² {row['r2']:.4f} {row['interval']}  {row['people']} people")
    for name, row in record["devices"].items():
        print(f"{name:<10} {row}")
    if options.output:
        options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
