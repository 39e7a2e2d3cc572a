"""A record of a training run in MLflow, where it is installed and asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from axis_audit.errors import InputError

EXPERIMENT = "leadwise"


class Tracker(Protocol):
    """Takes what an epoch showed."""

    def __call__(self, epoch: int, numbers: Mapping[str, float]) -> None:
        """Record an epoch's numbers."""


@contextmanager
def tracked(folder: Path | None, parameters: Mapping[str, Any]) -> Iterator[Tracker]:
    """A run in MLflow's file store in `folder`; nothing is recorded where it is None.

    Raises:
        InputError: MLflow is not installed.
    """
    if folder is None:
        yield lambda epoch, numbers: None
        return
    try:
        import mlflow
    except ImportError:
        raise InputError(
            "--mlflow", "mlflow is not installed", "pip install -e '.[tracking]'"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{folder.resolve() / 'mlflow.db'}")
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run():
        mlflow.log_params(dict(parameters))
        yield lambda epoch, numbers: mlflow.log_metrics(dict(numbers), step=epoch)
