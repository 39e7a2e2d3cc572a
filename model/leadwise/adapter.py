"""A lead-wise classifier as a model under audit: numpy in, numpy out, nothing learned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.capabilities import InputSpec
from axis_audit.checkpoint import Checkpoint, load_state
from axis_audit.cohort import LEADS
from axis_audit.errors import InputError
from model.leadwise import attribution
from model.leadwise.config import KIND, NetworkConfig
from model.leadwise.network import LeadwiseNetwork, fused, prepare
from model.training import chunks

FloatArray = NDArray[np.float32]
CHUNK = 16
CLAIMS = frozenset({"attribution", "integrity"})


def load(checkpoint: Checkpoint) -> LeadwiseModel:
    """The model of a checkpoint of kind "leadwise".

    Raises:
        CheckpointError: its config or its weights do not describe such a network.
    """
    network = LeadwiseNetwork(NetworkConfig.from_mapping(checkpoint.config, checkpoint.path))
    load_state(network, checkpoint)
    return LeadwiseModel(network)


class LeadwiseModel:
    """Implements `Explains` and `Prepares`. Signals are mV, shape (n, 12, samples)."""

    kind = KIND
    claims = CLAIMS
    explanations = attribution.METHODS

    def __init__(self, network: LeadwiseNetwork) -> None:
        # Explanations need gradients of the input alone: half the work.
        self.network = fused(network).requires_grad_(False)
        config = network.config
        self.input_spec = InputSpec("record", LEADS, config.rate, config.samples)
        self.diseases = config.names
        self.keeps_record_scale = config.normalisation in ("none", "record")

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Signals as the encoder sees them, (n, leads, samples)."""
        return self._map(lambda s: prepare(s, self.network.config), self._checked(signals))

    def classify(self, signals: FloatArray) -> FloatArray:
        """Calibrated logits, (n, diseases).

        Raises:
            InputError: signals of another shape.
        """
        return self._map(
            lambda s: self.network(prepare(s, self.network.config)), self._checked(signals)
        )

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """Signed attributions to the samples, (n, leads, samples), in units of the logit.

        Raises:
            InputError: no such disease or method, or signals of another shape.
        """
        self._known("disease", disease, self.diseases)
        self._known("method", method, self.explanations)
        k = self.diseases.index(disease)
        return self._map(
            lambda s: attribution.explain(self.network, s, k, method), self._checked(signals)
        )

    def baseline(self, signals: FloatArray) -> FloatArray:
        """Every lead at its mean, (n, leads, samples) in mV: a record in which nothing beats."""
        means = self._checked(signals).mean(axis=2, keepdims=True)
        return np.broadcast_to(means, signals.shape).astype(np.float32)

    def randomised(self, seed: int) -> LeadwiseModel:
        """The same architecture with weights drawn anew."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return LeadwiseModel(LeadwiseNetwork(self.network.config))

    def _known(self, what: str, name: str, names: tuple[str, ...]) -> None:
        if name not in names:
            raise InputError(f"{what} {name!r}", f"there is no such {what}", f"name one of {names}")

    def _checked(self, signals: FloatArray) -> FloatArray:
        signals = np.asarray(signals)
        spec = self.input_spec
        if signals.ndim != 3 or signals.shape[1:] != (len(spec.leads), spec.samples):
            raise InputError(
                "signals",
                f"their shape is {signals.shape}, the model's is "
                f"(n, {len(spec.leads)}, {spec.samples})",
                f"give records of {spec.samples} samples at {spec.rate:g} Hz, twelve leads",
            )
        return signals

    def _map(self, function: Callable[[Tensor], Tensor], rows: FloatArray) -> FloatArray:
        # One row more than none, so that even an empty input has the right output shape.
        if len(rows) == 0:
            return self._map(function, np.zeros((1, *rows.shape[1:]), np.float32))[:0]
        with torch.no_grad():
            parts = [
                function(torch.from_numpy(np.array(rows[r], dtype=np.float32))).numpy()
                for r in chunks(len(rows), CHUNK)
            ]
        return np.concatenate(parts)
