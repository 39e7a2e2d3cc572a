"""How far the MLP's reading of x50 hangs on the audit seed: same people, other plants and folds.

The cross-validated way alone, on the audited people (one record a patient, ages known). Where the
upper end lies near the margin, one seed PASSes what another leaves INCONCLUSIVE.

example:
  python tests/benchmarks/audit_seeds.py <PTB-XL> model/checkpoints/deformation.pth --seeds 6
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from axis_audit.checkpoint import load as load_checkpoint
from axis_audit.checks.leak_measurements import MARGIN
from axis_audit.cohort import Cohort
from axis_audit.decision import PASS_TAIL
from axis_audit.measures.canonical import canonical_features
from axis_audit.probes.planted import mlp_leak
from axis_audit.statistics.levels import Levels
from model.deformation.adapter import load_any
from model.deformation.data import open_beats
from model.deformation.evaluate import unseen


def readings(checkpoint: Path, cohort: Cohort, seeds: int) -> list[dict[str, Any]]:
    """Estimate and 95 % interval of R² of age from x50 at each audit seed."""
    loaded = load_checkpoint(checkpoint)
    model, people = load_any(loaded), unseen(cohort, loaded)
    features = canonical_features(model.canonical(model.encode(people.signals)))
    ages, levels = people.age.astype(float), Levels(PASS_TAIL, PASS_TAIL)
    found = []
    for seed in range(seeds):
        leak = mlp_leak(features, ages, margin=MARGIN, levels=levels, seed=seed)
        interval = [round(end, 4) for end in leak.interval]
        found.append({"seed": seed, "r2": round(leak.estimate, 4), "interval": interval})
    return found


def main() -> None:
    """Print the readings; write them with --output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ptbxl", type=Path, help="the PTB-XL directory")
    parser.add_argument("checkpoints", type=Path, nargs="+", help="deformation systems")
    parser.add_argument("--fold", type=int, default=9, help="audited (default 9)")
    parser.add_argument("--seeds", type=int, default=6, help="audit seeds, from 0 (default 6)")
    parser.add_argument("--output", type=Path, help="where the JSON record goes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cohort = open_beats(options.ptbxl, (options.fold,), singles=False)[0]
    record = {}
    for path in options.checkpoints:
        record[path.stem] = readings(path, cohort, options.seeds)
        ends = [row["interval"][1] for row in record[path.stem]]
        below = sum(end <= MARGIN for end in ends)
        print(f"{path.stem:<16} {below} of {len(ends)} upper ends within {MARGIN}: {ends}")
    if options.output:
        options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
