"""A VAE of cardiac cycles as a model under audit: numpy in, numpy out, nothing learned.

Signals are mV, shape (n, 1, 400): one lead. The conditional variant is told that lead and nothing
else, which is all that an audit gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.capabilities import InputSpec
from axis_audit.checkpoint import Checkpoint, load_state
from axis_audit.errors import InputError
from model.training import chunks, derived_seed
from model.vae import conditions
from model.vae.config import KIND, NetworkConfig
from model.vae.network import VariationalNetwork, prepare

FloatArray = NDArray[np.float32]
Array = NDArray[Any]
CHUNK = 512
CLAIMS = frozenset({"generative", "integrity"})


def load(checkpoint: Checkpoint) -> VariationalModel:
    """The model of a checkpoint of kind "vae".

    Raises:
        CheckpointError: its config or its weights do not describe such a network.
    """
    network = VariationalNetwork(NetworkConfig.from_mapping(checkpoint.config, checkpoint.path))
    load_state(network, checkpoint)
    return VariationalModel(network)


class VariationalModel:
    """Implements `Generates` and `EncodesPosterior`."""

    kind = KIND
    claims = CLAIMS

    def __init__(self, network: VariationalNetwork) -> None:
        config = network.config
        self.network = network.eval()
        self.latent, self.lead = config.latent, config.lead
        self.input_spec = InputSpec(
            "cycle", (config.lead,), float(config.samples), config.samples, config.r_index
        )

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Cycles (n, 1, samples), each centred and scaled to unit variance; NaN stays NaN."""
        return self._map(prepare, self._checked(signals))

    def encode(self, signals: FloatArray) -> FloatArray:
        """Posterior means mu, shape (n, latent)."""
        return self._map(lambda s: self._posterior(s)[0], self._checked(signals))

    def encode_scale(self, signals: FloatArray) -> FloatArray:
        """log sigma^2 of the posteriors, shape (n, latent)."""
        return self._map(lambda s: self._posterior(s)[1], self._checked(signals))

    def decode(self, latents: FloatArray, told: Tensor | None = None) -> FloatArray:
        """Cycles (n, 1, samples) of latents (n, latent), in the units of `prepare`.

        Args:
            told: conditions (CONDITIONS,) of all rows; by default the lead alone.

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
        row = conditions.lead_alone(self.lead, 1)[0] if told is None else told
        return self._map(lambda z: self.network.decode(z, row.expand(len(z), -1))[:, None], latents)

    def sample(self, count: int, seed: int, told: Tensor | None = None) -> FloatArray:
        """Cycles (count, 1, samples) decoded from draws of N(0, I); the seed decides them all.

        Raises:
            InputError: count is below 0.
        """
        if count < 0:
            raise InputError("count", f"is {count}", "draw 0 cycles or more")
        # numpy draws row after row: more cycles of a seed begin with the fewer.
        chance = np.random.default_rng(derived_seed(seed, "sample"))
        return self.decode(chance.standard_normal((count, self.latent), dtype=np.float32), told)

    def _posterior(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        told = conditions.lead_alone(self.lead, len(signals))
        return self.network.encode(prepare(signals)[:, 0], told)

    def _checked(self, signals: FloatArray) -> FloatArray:
        signals = np.asarray(signals)
        spec = self.input_spec
        if signals.ndim != 3 or signals.shape[1:] != (1, spec.samples):
            raise InputError(
                "signals",
                f"their shape is {signals.shape}, the model's is (n, 1, {spec.samples})",
                f"give cycles of lead {self.lead}, as its input_spec says",
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
