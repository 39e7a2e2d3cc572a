"""The engine under training: where it runs, on how many devices, in what precision.

Lightning Fabric does the work (devices, processes, mixed precision). On one device nothing changes
but the device. Under `torchrun` every process takes its share of each batch's rows and gradients
are averaged (DistributedDataParallel); statistics within a batch are then those of a process's
share, so batches should grow with the number of processes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from axis_audit.errors import InputError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class EngineOptions:
    """Where to train.

    Attributes:
        accelerator: "cpu", "cuda", "mps" or "auto"; how many is torchrun's to say.
        precision: of `PRECISIONS`; closed-form steps stay in float32 or better.
    """

    accelerator: str = "cpu"
    precision: str = "32-true"


def start(options: EngineOptions) -> Fabric:
    """Start the engine; under torchrun this joins the other processes.

    Raises:
        InputError: the library is not installed, or the device is not there.
    """
    try:
        from lightning_fabric import Fabric
    except ImportError:
        raise InputError(
            "training", "lightning-fabric is not installed", "pip install -e '.[train]'"
        ) from None
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # set by torchrun
    nodes = int(os.environ.get("WORLD_SIZE", str(local))) // local
    try:
        fabric = Fabric(
            accelerator=options.accelerator,
            devices=local,
            num_nodes=nodes,
            precision=options.precision,  # type: ignore[arg-type]
        )
        fabric.launch()
    except Exception as error:
        raise InputError(
            f"--accelerator {options.accelerator}",
            str(error),
            "choose cpu, or a device that this machine has",
        ) from error
    return fabric


def own_rows(fabric: Fabric, rows: Tensor) -> Tensor:
    """This process's share of a batch's rows; all shares are of one size."""
    each = len(rows) // fabric.world_size
    return rows[fabric.global_rank :: fabric.world_size][:each]
