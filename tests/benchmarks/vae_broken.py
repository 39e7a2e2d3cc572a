"""The committed VAE with its decoder broken in known ways, on the people it never saw.

    python tests/benchmarks/vae_broken.py <LUDB>

The same weights, people and audit; only what `decode` returns is changed. Prints a Markdown table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

sys.path.insert(0, str(Path(__file__).parents[2]))

from axis_audit import checkpoint
from axis_audit.auditing import prepare
from axis_audit.cohorts import open_cohort
from model.vae import adapter

CHECKPOINT = Path(__file__).parents[2] / "model" / "checkpoints" / "vae.pth"
CHECKS = ("reconstruction_mmd", "timing", "wave_durations", "wave_amplitudes")
Break = Callable[[np.ndarray], np.ndarray]


def blurred(samples: float) -> Break:
    """A Gaussian of so many samples."""
    return lambda rows: np.asarray(gaussian_filter1d(rows, samples, axis=2), np.float32)


def late(samples: int) -> Break:
    """So many samples too late."""
    return lambda rows: np.roll(rows, samples, axis=2)


def main() -> None:
    """Audit every broken decoder."""
    loaded = checkpoint.load(CHECKPOINT)
    people = open_cohort(sys.argv[1], kind="cycle")
    centre = adapter.load(loaded).sample(2000, 0).mean(axis=0)
    breaks: dict[str, Break] = {
        "as trained": lambda rows: rows,
        "blurred, 3 samples": blurred(3),
        "blurred, 5 samples": blurred(5),
        "blurred, 10 samples": blurred(10),
        "the mean of its draws": lambda rows: np.repeat(centre[None], len(rows), axis=0),
        "2 samples late": late(2),
        "10 samples late": late(10),
    }
    print("| decoder | " + " | ".join(f"`{name}`" for name in CHECKS) + " |")
    print("| --- " * (len(CHECKS) + 1) + "|")
    for name, broken in breaks.items():
        model = adapter.load(loaded)
        whole = model.decode
        model.decode = lambda z, whole=whole, broken=broken: broken(whole(z))
        audit = prepare(model, people, manifest=loaded.manifest, reload=lambda m=model: m)
        found = {c.id.rpartition(".")[2]: audit.run(c) for c in audit.checks
                 if c.id in {f"generative.{k}" for k in CHECKS}}  # fmt: skip
        cells = [
            f"{found[k].estimate:.4f} [{found[k].interval[0]:.4f}, {found[k].interval[1]:.4f}] "
            f"{found[k].verdict}"
            for k in CHECKS
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
