"""An alignment system as a model under audit: numpy in, numpy out, nothing learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from axis_audit.capabilities import InputSpec
from axis_audit.checkpoint import Checkpoint, load_state
from axis_audit.cohort import LEADS
from axis_audit.errors import InputError
from model.alignment import inference
from model.alignment.config import KIND, NetworkConfig
from model.alignment.network import AlignmentNetwork
from model.training import chunks

FloatArray = NDArray[np.float32]
CHUNK = 64
CLAIMS = frozenset({"alignment", "integrity"})


def load(checkpoint: Checkpoint) -> AlignmentModel:
    """The model of a checkpoint of kind "alignment".

    Raises:
        CheckpointError: its config or its weights do not describe such a network.
    """
    network = AlignmentNetwork(NetworkConfig.from_mapping(checkpoint.config, checkpoint.path))
    load_state(network, checkpoint)
    return AlignmentModel(network)


class AlignmentModel:
    """Implements `AlignsLeads`. Signals are mV, shape (n, 12, samples).

    x is each lead about its mean, in millivolts. The one scale is 1 mV for every record: a scale
    taken from the record would tell a lead how large the others are.
    """

    kind = KIND
    claims = CLAIMS
    keeps_record_scale = True

    def __init__(self, network: AlignmentNetwork) -> None:
        self.network = network.eval()
        config = network.config
        self.input_spec = InputSpec("record", LEADS, config.rate, config.samples)

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Leads in mV about their means, shape (n, leads, samples); NaN stays NaN."""
        return self._map(inference.prepare, self._checked(signals))

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """Embeddings (n, d) of one lead alone, of unit norm.

        Raises:
            InputError: no such lead, or signals of another shape.
        """
        index = torch.tensor([self._index(lead)])
        return self._map(
            lambda s: inference.embed(self.network, s[None], index)[0],
            self._checked(signals)[:, int(index)],
        )

    def reconstruct_leads(self, signals: FloatArray, lead: str) -> FloatArray:
        """All leads drawn from one lead alone, (n, leads, samples), in mV.

        Raises:
            InputError: no such lead, or signals of another shape.
        """
        index = self._index(lead)
        return self._map(
            lambda s: inference.draw(self.network, s, index), self._checked(signals)[:, index]
        )

    def complete(self, signals: FloatArray, hidden: NDArray[np.bool_]) -> FloatArray:
        """Each lead completed from its own visible samples, (n, leads, samples), in mV.

        Raises:
            InputError: `hidden` is not (leads, samples), or signals have another shape.
        """
        spec, mask = self.input_spec, np.asarray(hidden, dtype=bool)
        if mask.shape != (len(spec.leads), spec.samples):
            raise InputError(
                "hidden",
                f"its shape is {mask.shape}, not ({len(spec.leads)}, {spec.samples})",
                "say for every lead and sample whether the model must not see it",
            )
        where = torch.from_numpy(np.ascontiguousarray(mask))
        return self._map(
            lambda s: inference.complete(self.network, s, where), self._checked(signals)
        )

    def _index(self, lead: str) -> int:
        if lead not in LEADS:
            raise InputError(f"lead {lead!r}", "there is no such lead", f"name one of {LEADS}")
        return LEADS.index(lead)

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

    def _map(self, function: Callable[[Tensor], Tensor], rows: NDArray[Any]) -> FloatArray:
        # One row more than none, so that even an empty input has the right output shape.
        if len(rows) == 0:
            return self._map(function, np.zeros((1, *rows.shape[1:]), np.float32))[:0]
        with torch.inference_mode():
            parts = [
                function(torch.from_numpy(np.array(rows[r], dtype=np.float32))).numpy()
                for r in chunks(len(rows), CHUNK)
            ]
        return np.concatenate(parts)
