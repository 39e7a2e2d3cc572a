"""A deformation system as a model under audit: numpy in, numpy out, nothing learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.capabilities import Batch, InputSpec
from axis_audit.checkpoint import Checkpoint, load_state
from axis_audit.cohort import LEADS
from axis_audit.errors import InputError
from model.deformation.config import KIND, NetworkConfig
from model.deformation.network import DeformationNetwork
from model.deformation.spline import MonotoneSpline
from model.training import chunks

FloatArray = NDArray[np.float32]
Array = NDArray[Any]
CHUNK = 512
CLAIMS = frozenset({"axis", "leakage", "invariance", "leads", "prediction", "integrity"})


class Network(Protocol):
    """What either recipe's network does with tensors."""

    spline: MonotoneSpline

    def eval(self) -> Any:
        """Stop training."""

    def prepare(self, signals: Tensor) -> Tensor:
        """Millivolts (n, leads, samples) to x."""

    def encode(self, x: Tensor) -> Tensor:
        """x to z (n, latent)."""

    def canonical(self, z: Tensor) -> Tensor:
        """z to x50 (n, leads, samples)."""

    def predict_age(self, x: Tensor) -> Tensor:
        """x to years (n,)."""

    def direction(self) -> Tensor:
        """B (leads, samples)."""


def load(checkpoint: Checkpoint) -> DeformationModel:
    """The model of a checkpoint of kind "deformation".

    Raises:
        CheckpointError: its config or its weights do not describe such a network.
    """
    network = DeformationNetwork(NetworkConfig.from_mapping(checkpoint.config, checkpoint.path))
    load_state(network, checkpoint)
    return model_of(network)


def model_of(network: DeformationNetwork) -> DeformationModel:
    """A network in memory as a model under audit."""
    config = network.config
    spec = InputSpec("beat", LEADS, config.rate, config.samples, config.r_index)
    return DeformationModel(network, spec, config.latent, KIND, keeps_record_scale=True)


def load_published(checkpoint: Checkpoint) -> DeformationModel:
    """The model of a checkpoint of kind "deformation-published"; raises as `load`."""
    from model.deformation.published import config as published
    from model.deformation.published.network import DeformationNetwork as PublishedNetwork

    config = published.NetworkConfig.from_mapping(checkpoint.config, checkpoint.path)
    network = PublishedNetwork(config)
    load_state(network, checkpoint)
    spec = InputSpec("beat", config.leads, config.rate, config.samples, config.r_index)
    by_record = config.normalisation == "record"
    return DeformationModel(
        network, spec, config.latent, published.KIND, keeps_record_scale=by_record
    )


def load_any(checkpoint: Checkpoint) -> DeformationModel:
    """The model of a checkpoint of either recipe.

    Raises:
        CheckpointError: it is of neither.
    """
    return (
        load_published(checkpoint) if checkpoint.kind.endswith("-published") else load(checkpoint)
    )


class DeformationModel:
    """Implements `Deforms` and `PredictsAge`. Signals are mV, shape (n, leads, samples).

    `keeps_record_scale` says that x keeps one scale a record, so that the laws of limb leads hold.
    """

    claims = CLAIMS

    def __init__(
        self,
        network: Network,
        input_spec: InputSpec,
        latent: int,
        kind: str,
        *,
        keeps_record_scale: bool,
    ) -> None:
        network.eval()
        self.network, self.input_spec, self.latent = network, input_spec, latent
        self.kind, self.keeps_record_scale = kind, keeps_record_scale

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Normalised beats x, shape (n, leads, samples); NaN stays NaN."""
        return self._map(self.network.prepare, self._checked(signals))

    def encode(self, signals: FloatArray) -> FloatArray:
        """Morphology latents z, shape (n, latent)."""
        return self._map(
            lambda s: self.network.encode(self.network.prepare(s)), self._checked(signals)
        )

    def canonical(self, latents: FloatArray) -> FloatArray:
        """Canonical beats D(z), shape (n, leads, samples), in the units of `prepare`.

        Raises:
            InputError: latents are not (n, latent).
        """
        latents = np.asarray(latents)
        if latents.ndim != 2 or latents.shape[1] != self.latent:
            raise InputError(
                "latents",
                f"their shape is {latents.shape}, the model's is (n, {self.latent})",
                "give what `encode` returns",
            )
        return self._map(self.network.canonical, latents)

    def axis_value(self, ages: Array) -> Array:
        """g(ages): the shape of `ages`; float32 stays float32, anything else is float64."""
        given = np.asarray(ages)
        values = np.array(given, dtype=np.float32 if given.dtype == np.float32 else np.float64)
        with torch.inference_mode():
            return np.asarray(self.network.spline(torch.from_numpy(values)).numpy())

    def axis_direction(self) -> FloatArray:
        """B, shape (leads, samples), unit norm, in the units of `prepare`; Δ = g·B."""
        with torch.inference_mode():
            return np.asarray(self.network.direction().numpy().copy(), dtype=np.float32)

    @property
    def neutral_age(self) -> float:
        """a0 in years, exactly representable in float32."""
        return float(self.network.spline.neutral_age.item())

    def deformation(self, latents: FloatArray, ages: Array) -> FloatArray:
        """Δ = g(ages)·B, shape (n, leads, samples); it does not depend on the latents."""
        g = self.axis_value(ages).astype(np.float32)
        if g.shape != (len(latents),):
            raise InputError(
                "ages", f"their shape is {g.shape} for {len(latents)} latents", "give one age a row"
            )
        return g[:, None, None] * self.axis_direction()

    def predict_age(self, batch: Batch) -> FloatArray:
        """Predicted ages in years, shape (n,), from the signals alone."""

        return self._map(
            lambda s: self.network.predict_age(self.network.prepare(s)),
            self._checked(batch.signals),
        )

    def _checked(self, signals: FloatArray) -> FloatArray:
        signals = np.asarray(signals)
        spec = self.input_spec
        if signals.ndim != 3 or signals.shape[1:] != (len(spec.leads), spec.samples):
            raise InputError(
                "signals",
                f"their shape is {signals.shape}, the model's is "
                f"(n, {len(spec.leads)}, {spec.samples})",
                "give beats of the model's input_spec",
            )
        return signals

    def _map(self, function: Callable[[Tensor], Tensor], rows: Array) -> FloatArray:
        # One row more than none, so that even an empty input has the right output shape.
        if len(rows) == 0:
            return self._map(function, np.zeros((1, *rows.shape[1:]), np.float32))[:0]
        with torch.inference_mode():
            parts = [
                function(torch.from_numpy(np.array(rows[r], dtype=np.float32))).numpy()
                for r in chunks(len(rows), CHUNK)
            ]
        return np.concatenate(parts)
