"""What a model under audit can do: small protocols, arrays in and arrays out.

A model implements those it can. A check names those it needs in its annotations. Signals are
float32 millivolts of shape (n, leads, samples) in the order and rate of the model's `InputSpec`;
the model owns its preprocessing, so that the audit can perturb the raw signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Array = NDArray[Any]


@dataclass(frozen=True)
class InputSpec:
    """The signals a model takes.

    Attributes:
        kind: "beat", "record" or "cycle".
        leads: lead names in the model's order.
        rate: samples per second; of cycles, samples a cycle. samples: samples per lead.
        r_index: for beats and cycles, the sample at which the R peak stands.
    """

    kind: Literal["beat", "record", "cycle"]
    leads: tuple[str, ...]
    rate: float
    samples: int
    r_index: int = 0


@dataclass(frozen=True)
class Batch:
    """What an age head may look at: the signals, and the covariates it says it needs.

    The audit permutes, freezes and blanks the covariates to prove that none is the label in
    disguise. `covariates` always holds "age" (float years); it may hold "sex", "site", "device".
    """

    signals: FloatArray
    covariates: Mapping[str, Array]


@runtime_checkable
class ModelUnderAudit(Protocol):
    """The least a model is: a kind, an input, and the claims its adapter makes for it.

    `claims` are check families ("axis", "leakage", "invariance", "leads", "prediction",
    "integrity", ...): a check of a claimed family that the model cannot undergo is a FAIL.
    """

    @property
    def kind(self) -> str:
        """The kind of model, e.g. "deformation"."""

    @property
    def input_spec(self) -> InputSpec:
        """The signals it takes."""

    @property
    def claims(self) -> frozenset[str]:
        """Families of checks it must pass."""


@runtime_checkable
class Encodes(Protocol):
    """signal -> z."""

    def encode(self, signals: FloatArray) -> FloatArray:
        """Morphology latents, shape (n, d), of signals (n, leads, samples) in mV."""


@runtime_checkable
class EncodesPosterior(Encodes, Protocol):
    """signal -> z, and how sure of it: an encoder with a normal posterior N(z, σ²) a dimension."""

    def encode_scale(self, signals: FloatArray) -> FloatArray:
        """Natural log of the posterior variance σ², shape (n, d'), finite, of signals in mV."""


@runtime_checkable
class Prepares(Protocol):
    """signal -> x, the signal in the model's own units (after its normalisation).

    An adapter may declare `keeps_record_scale = True`: one scale a record, not one a lead, so that
    x obeys the laws of limb leads. A declaration that `prepare` breaks is a FAIL.
    """

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Signals as the model's equations see them, shape (n, leads, samples)."""


@runtime_checkable
class DecodesCanonical(Encodes, Prepares, Protocol):
    """z -> x50, the beat at the neutral age."""

    def canonical(self, latents: FloatArray) -> FloatArray:
        """Canonical beats D(z), shape (n, leads, samples), in the units of `prepare`."""


@runtime_checkable
class HasAgeAxis(Protocol):
    """age -> g(age), one global direction B, and a neutral age a0."""

    def axis_value(self, ages: Array) -> Array:
        """g(ages): any shape in, the same shape out; float64 or float32 as given."""

    def axis_direction(self) -> FloatArray:
        """B, shape (leads, samples), in the units of `prepare`; g is in multiples of it."""

    @property
    def neutral_age(self) -> float:
        """a0 in years, exactly representable in float32; g(a0) must be 0."""


@runtime_checkable
class Deforms(DecodesCanonical, HasAgeAxis, Protocol):
    """x = D(z) + Δ with Δ = g(a)·B."""

    def deformation(self, latents: FloatArray, ages: Array) -> FloatArray:
        """Δ for each row, shape (n, leads, samples)."""


@runtime_checkable
class Generates(Encodes, Prepares, Protocol):
    """z -> signal, and signals out of nothing: a generative model with the prior N(0, I) on z."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """Reconstructions, shape (n, leads, samples), in the units of `prepare`."""

    def sample(self, count: int, seed: int) -> FloatArray:
        """Signals drawn from the model, shape (count, leads, samples), in the units of `prepare`.

        The same seed gives the same signals.
        """


@runtime_checkable
class GeneratesFromPosterior(Generates, EncodesPosterior, Protocol):
    """A generative model that says how sure its encoder is: a variational autoencoder."""


@runtime_checkable
class AlignsLeads(Prepares, Protocol):
    """One lead -> an embedding in a space that all leads share, and all leads back from it."""

    def embed(self, signals: FloatArray, lead: str) -> FloatArray:
        """Embeddings (n, d) of one lead alone, of signals (n, leads, samples) in mV.

        The other leads must not matter.
        """

    def reconstruct_leads(self, signals: FloatArray, lead: str) -> FloatArray:
        """All leads drawn from one lead alone, (n, leads, samples), in the units of `prepare`."""

    def complete(self, signals: FloatArray, hidden: NDArray[np.bool_]) -> FloatArray:
        """Each lead completed from its own visible samples, (n, leads, samples).

        In the units of `prepare`; `hidden` (leads, samples) says what the model must not see.
        """


@runtime_checkable
class Classifies(Protocol):
    """signal -> how likely each of several diseases is."""

    @property
    def diseases(self) -> tuple[str, ...]:
        """Names of what is diagnosed, e.g. ("MI", "STTC", "CD", "HYP"); see `diseases.py`."""

    def classify(self, signals: FloatArray) -> FloatArray:
        """Logits, shape (n, diseases), of signals (n, leads, samples) in mV."""


@runtime_checkable
class Explains(Classifies, Protocol):
    """A classifier that says which samples made it decide."""

    @property
    def explanations(self) -> tuple[str, ...]:
        """Methods of attribution. The first is the one that is claimed, and must be complete:
        its maps sum to the logit less that of `baseline`."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """Signed attributions to the samples, shape (n, leads, samples), in units of the logit."""

    def baseline(self, signals: FloatArray) -> FloatArray:
        """What the signals are compared with, shape (n, leads, samples) in mV."""

    def randomised(self, seed: int) -> Explains:
        """The same architecture and explanations with weights drawn anew; self stays as it is."""


@runtime_checkable
class PredictsAge(Protocol):
    """signal -> predicted age."""

    def predict_age(self, batch: Batch) -> FloatArray:
        """Predicted ages in years, shape (n,)."""


@runtime_checkable
class PreparesAlongAxis(Prepares, HasAgeAxis, Protocol):
    """x and the axis (g, B) in the same units: what re-estimating B needs."""


CAPABILITIES: Mapping[str, type] = {
    p.__name__: p
    for p in (
        Encodes,
        EncodesPosterior,
        Prepares,
        DecodesCanonical,
        HasAgeAxis,
        Deforms,
        PredictsAge,
        Generates,
        AlignsLeads,
        Classifies,
        Explains,
    )
}
