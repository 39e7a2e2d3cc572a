"""Audit networks that nobody here wrote.

    pip install -e '.[examples]'
    python reports/examples/third_party/audit_third_party.py --cohort <PTB-XL directory>

Three models: an untrained ECG_CRNN of torch_ecg (what its architecture alone lets through), a small
InceptionTime1D of deepecgkit that learns age here for a minute on folds 1-6, and a scikit-learn PCA
fitted on the embedded atlas. Each is written to a file and audited by pytest through its adapter in
adapters.py, on fold 9, probes fitted on folds 7-8. Writes results.json and results.md beside this.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import adapters  # noqa: E402

from axis_audit.checkpoint import hash_ids  # noqa: E402
from axis_audit.cohorts import open_cohort  # noqa: E402

TRAINING, FITTING, AUDITED = "1-6", "7-8", "9"
EPOCHS, BATCH, RATE = 6, 128, 3e-3
ENCODER = (
    "leakage.linear,leakage.linear_ranked,leakage.linear_deviation,leakage.mlp,"
    "leakage.non_collapse,integrity"
)
"""Gates for a model that draws no canonical beats: the family leakage would ask for them."""
AGE_HEAD = "prediction,leads.swap_la_ra,leads.swap_v1_v2,leads.blindness"
MODELS = {
    "torch_ecg": ("crnn.pth", "leakage or integrity", ENCODER),
    "deepecgkit": (
        "inception.pth",
        "prediction or leads or leakage or integrity",
        f"{ENCODER},{AGE_HEAD}",
    ),
    "pca": ("pca.skops", "leakage or integrity", ENCODER),
}
"""File, markers of the checks that run, gates that decide."""


def write_torch_ecg(path: Path, _: str) -> str:
    """An untrained network."""
    torch.manual_seed(0)
    torch.save(adapters.torch_ecg_network().state_dict(), path)
    return "untrained, seed 0; its 26 outputs"


def write_deepecgkit(path: Path, source: str) -> str:
    """A network that learns age from median beats of folds 1-6."""
    people = open_cohort(source, folds=tuple(range(1, 7))).with_known_age().one_per_patient()
    torch.manual_seed(0)
    net = adapters.deepecgkit_network().train()
    signals, ages = torch.from_numpy(people.signals), torch.from_numpy(people.age) / 100
    optimiser = torch.optim.AdamW(net.parameters(), RATE)
    steps = EPOCHS * (len(ages) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    start = time.process_time()
    for _ in range(EPOCHS):
        order = torch.randperm(len(ages))[: len(ages) // BATCH * BATCH]
        for rows in order.split(BATCH):
            loss = torch.nn.functional.l1_loss(net(signals[rows])[:, 0], ages[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    hashes = torch.from_numpy(hash_ids(people.patient_ids).view(np.int64))
    torch.save({"net": net.state_dict(), "patients": hashes}, path)
    seconds = time.process_time() - start
    return f"trained for {seconds:.0f} s on {len(ages)} people of folds {TRAINING}; its features"


def write_pca(path: Path, _: str) -> str:
    """Principal components of the atlas."""
    import skops.io
    from sklearn.decomposition import PCA

    beats = open_cohort("atlas", folds=tuple(range(1, 9))).signals
    skops.io.dump(PCA(16, random_state=0).fit(beats.reshape(len(beats), -1)), path)
    return f"16 components of {len(beats)} synthetic people"


def audit(name: str, folder: Path, source: str) -> dict:
    """Run pytest on one model and read its report."""
    file, families, gates = MODELS[name]
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", families),
        *("-W", "ignore", "--gate", gates),
        *("--checkpoint", str(folder / file), "--report-dir", str(folder)),
        *("--checkpoint-adapter", f"{HERE / 'adapters.py'}:load_{name}"),
        *("--cohort", source, "--folds", AUDITED, "--fit-folds", FITTING),
    ]
    status = subprocess.run(command, check=False).returncode
    if status not in (0, 1):
        raise SystemExit(f"{name}: pytest ended with {status}")
    report = json.loads((folder / Path(file).stem / "audit.json").read_text())
    kept = ("id", "verdict", "gate", "estimate", "interval", "unit", "reason")
    return {
        "kind": report["model"]["kind"],
        "verdict": report["verdict"],
        "exit status": status,
        "people": report["cohort"]["patients"],
        "seconds": report["seconds"],
        "findings": [
            {key: found[key] for key in kept}
            for found in report["findings"]
            if found["verdict"] != "NOT_APPLICABLE"
        ],
    }


def table(results: dict[str, dict]) -> str:
    """The findings of all models side by side, in Markdown."""
    ids = list(dict.fromkeys(f["id"] for one in results.values() for f in one["findings"]))
    names = list(results)
    lines = [
        f"| check | {' | '.join(results[name]['kind'] for name in names)} |",
        "| --- " * (len(names) + 1) + "|",
        f"| what it is | {' | '.join(results[name]['what'] for name in names)} |",
        f"| overall | {' | '.join(results[name]['verdict'] for name in names)} |",
    ]
    for check in ids:
        cells = [
            next((_cell(f) for f in results[name]["findings"] if f["id"] == check), "")
            for name in names
        ]
        lines.append(f"| `{check}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(found: dict) -> str:
    if found["estimate"] is None:
        return f"{found['verdict']}: {found['reason']}"
    ends = found["interval"]
    interval = "" if ends is None or ends[0] == ends[1] else f" [{ends[0]:.3g}, {ends[1]:.3g}]"
    return f"{found['estimate']:.3g}{interval} {found['verdict']}"


def main() -> None:
    """Write, audit, tabulate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohort", required=True, help="a PTB-XL directory")
    parser.add_argument("--work", type=Path, default=Path("reports/third_party"))
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    kept = HERE / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for name in options.only:
        what = globals()[f"write_{name}"](options.work / MODELS[name][0], options.cohort)
        results[name] = {"what": what, **audit(name, options.work, options.cohort)}
        ordered = {known: results[known] for known in MODELS if known in results}
        kept.write_text(json.dumps(ordered, indent=1) + "\n")
        head = f"PTB-XL fold {AUDITED}, probes fitted on folds {FITTING}, audit seed 0.\n\n"
        (HERE / "results.md").write_text(head + table(ordered))


if __name__ == "__main__":
    main()
