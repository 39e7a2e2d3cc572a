"""The clean twin: a small linear model, fitted to the atlas, that has every property we audit.

It is a deformation model in closed form, x = D(z) + g(a)·B. B is the regression of beats on g(a);
z are principal components of the beats with the direction of B removed, in every order of leads
that the twin may read. The scale of a record is its norm at right angles to the age trend, so that
it does not depend on age either: on the atlas, which is Gaussian given age, z is then independent
of age and not merely uncorrelated. Its truth is known, which makes it the reference against which
checks are tested.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Batch, InputSpec
from axis_audit.checkpoint import Checkpoint
from axis_audit.cohort import LEADS, Cohort
from axis_audit.errors import CheckpointError
from axis_audit.perturbations import swap_arms, swap_leads

FloatArray = NDArray[np.float32]
KIND = "twin"
SPEC = InputSpec("beat", LEADS, 100.0, 120, 40)
NEUTRAL_AGE = 50.0
YEARS_PER_UNIT = 10.0
CLAIMS = frozenset({"axis", "leakage", "invariance", "leads", "prediction", "integrity"})
_ARRAYS = ("mean", "template", "ageing", "direction", "components", "carried", "head")


@dataclass(frozen=True)
class Twin:
    """A model under audit, in numpy.

    Attributes:
        mean: (12, 120), the prepared beat at the neutral age.
        template: (12, 120), the part of the mean beat that no reading of the age trend touches;
            how a record's leads are read is decided by its likeness to this.
        ageing: (3, 12 * 120), orthonormal: the age trend in every reading of swapped leads.
        direction: (12, 120), B in prepared units per unit of g (ten years).
        components: (d, 12 * 120), orthonormal, orthogonal to B.
        carried: (d,), how much of the beat's place along B morphology explains, per unit of z.
        head: (2,), age = head[0] + head[1] * projection.
    """

    mean: FloatArray
    template: FloatArray
    ageing: FloatArray
    direction: FloatArray
    components: FloatArray
    carried: FloatArray
    head: NDArray[np.float64]
    kind: str = KIND
    input_spec: InputSpec = SPEC
    claims: frozenset[str] = CLAIMS

    def prepare(self, signals: FloatArray) -> FloatArray:
        """Undo realisable lead swaps, then divide by one scale a record."""
        upright = self.upright(np.asarray(signals, np.float32))
        flat = upright.reshape(len(upright), -1)
        across = flat - np.einsum(
            "nk,kx->nx", np.einsum("nx,kx->nk", flat, self.ageing), self.ageing
        )
        norm = np.sqrt(np.einsum("nx,nx->n", across, across)) + np.float32(1e-6)
        return np.asarray(upright / norm[:, None, None], np.float32)

    def upright(self, signals: FloatArray) -> FloatArray:
        """The likeliest of four readings: as given, arms exchanged, V1 and V2 exchanged, both.

        They form a group, so a swapped record is read as its unswapped self.
        """
        readings = _readings(signals)
        likeness = [np.einsum("nlt,lt->n", reading, self.template) for reading in readings]
        best = np.argmax(likeness, axis=0)
        return np.asarray(np.stack(readings)[best, np.arange(len(signals))], np.float32)

    def encode(self, signals: FloatArray) -> FloatArray:
        """z, shape (n, d)."""
        return self._encode_prepared(self.prepare(signals))

    def _encode_prepared(self, beats: FloatArray) -> FloatArray:
        # einsum without optimisation sums in one order whatever the batch: rows stay independent.
        flat = (beats - self.mean).reshape(len(beats), -1)
        return np.asarray(np.einsum("nx,dx->nd", flat, self.components), np.float32)

    def canonical(self, latents: FloatArray) -> FloatArray:
        """D(z), shape (n, 12, 120)."""
        unit = self.direction.ravel() / np.linalg.norm(self.direction)
        flat = latents @ self.components + np.outer(latents @ self.carried, unit)
        return np.asarray(self.mean + flat.reshape(-1, *self.mean.shape), np.float32)

    @property
    def neutral_age(self) -> float:
        """a0 in years."""
        return NEUTRAL_AGE

    def axis_value(self, ages: NDArray[Any]) -> NDArray[Any]:
        """g(age): decades from the neutral age, any shape."""
        array = np.asarray(ages)
        array = array if array.dtype == np.float32 else array.astype(np.float64)
        return np.asarray((array - array.dtype.type(NEUTRAL_AGE)) / YEARS_PER_UNIT)

    def axis_direction(self) -> FloatArray:
        """B, shape (12, 120)."""
        return self.direction

    def deformation(self, latents: FloatArray, ages: NDArray[Any]) -> FloatArray:
        """Δ = g(a)·B, shape (n, 12, 120)."""
        values = self.axis_value(np.asarray(ages, np.float32))
        return np.asarray(values[:, None, None] * self.axis_direction(), np.float32)

    def predict_age(self, batch: Batch) -> FloatArray:
        """A straight line in <x - x50, B/|B|>."""
        beats = self.prepare(batch.signals)
        residual = beats - self.canonical(self.encode(batch.signals))
        unit = self.direction / np.linalg.norm(self.direction)
        projection = np.einsum("nlt,lt->n", residual, unit)
        return np.asarray(self.head[0] + self.head[1] * projection, np.float32)


def steepness(signals: FloatArray) -> FloatArray:
    """RMS of sample-to-sample steps of each record (n, 1, 1): a size that drift hardly moves."""
    steps = np.diff(signals, axis=2)
    rms = np.sqrt(np.mean(np.square(steps), axis=(1, 2), keepdims=True))
    return np.asarray(rms + np.float32(1e-6), np.float32)


def fit_twin(cohort: Cohort, dimensions: int = 32, trend: FloatArray | None = None) -> Twin:
    """Fit the twin to beats of known age, in closed form.

    Args:
        cohort: beats as in `SPEC`, ages known. dimensions: d of z.
        trend: the true age trend, (12, 120), any scale, where it is known (`atlas_trend`): an
            estimated one leaves a leak of about d / n in z.
    """
    shape = cohort.signals.shape[1:]
    blank = np.zeros(shape, np.float32)
    raw = cohort.signals.reshape(len(cohort), -1).astype(np.float64)
    if trend is None:
        trend = _slope(raw, cohort.age.astype(np.float64)).reshape(shape).astype(np.float32)
    basis = _basis(trend)
    typical = raw.mean(axis=0)
    first = Twin(
        mean=blank,
        template=(typical - basis @ (basis.T @ typical)).reshape(shape).astype(np.float32),
        ageing=basis.T.astype(np.float32),
        direction=blank,
        components=np.zeros((dimensions, blank.size), np.float32),
        carried=np.zeros(dimensions, np.float32),
        head=np.zeros(2),
    )
    beats = first.prepare(cohort.signals).reshape(len(cohort), -1).astype(np.float64)
    g = first.axis_value(cohort.age.astype(np.float64))
    slope = _slope(beats, g)
    mean = beats.mean(axis=0) - g.mean() * slope
    unit = slope / np.linalg.norm(slope)
    place = (beats - mean) @ unit
    rest = beats - mean
    components = _leading(rest - (rest @ basis) @ basis.T, dimensions)
    latents = (beats - mean) @ components.T
    carried = np.linalg.lstsq(np.column_stack([latents, g]), place, rcond=None)[0][:-1]
    projection = place - latents @ carried
    return replace(
        first,
        mean=mean.reshape(shape).astype(np.float32),
        direction=slope.reshape(shape).astype(np.float32),
        components=components.astype(np.float32),
        carried=carried.astype(np.float32),
        head=np.polyfit(projection, cohort.age.astype(np.float64), 1)[::-1],
    )


def _slope(rows: NDArray[np.float64], g: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = g - g.mean()
    return np.asarray(centred @ rows / (centred @ centred))


def atlas_trend() -> FloatArray:
    """The atlas's age trend on twelve leads, mV per year, shape (12, 120)."""
    from axis_audit.cohorts.atlas import load_atlas
    from axis_audit.cohorts.beats import derive_twelve_leads

    return np.asarray(derive_twelve_leads(load_atlas().age_trend[None])[0], np.float32)


def _basis(trend: FloatArray) -> NDArray[np.float64]:
    """Orthonormal basis (x, 3) of a trend (leads, samples) in every reading of swapped leads.

    Arms and V1, V2 touch different leads, so of the four readings one is a sum of the others; a
    direction made of its rounding would obey no law of the limb leads.
    """
    rows = np.stack([reading.ravel() for reading in _readings(trend[None])]).astype(np.float64)
    directions, sizes, _ = np.linalg.svd(rows.T, full_matrices=False)
    return np.asarray(directions[:, sizes > 1e-5 * sizes[0]])


def _readings(signals: FloatArray) -> list[FloatArray]:
    exchanged = swap_arms(signals, LEADS)
    return [signals, exchanged] + [
        swap_leads(reading, LEADS, "V1", "V2") for reading in (signals, exchanged)
    ]


def _leading(rows: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Leading principal directions (count, x) of centred rows (n, x), signs fixed."""
    from scipy.sparse.linalg import svds

    start = np.ones(min(rows.shape))
    _, values, directions = svds(rows, k=count, v0=start)
    directions = directions[np.argsort(-values)]
    signs = np.sign(directions[np.arange(count), np.abs(directions).argmax(axis=1)])
    return np.asarray(directions * signs[:, None])


def state(twin: Twin) -> dict[str, Any]:
    """The twin's arrays as tensors, for a checkpoint."""
    import torch

    return {name: torch.from_numpy(np.array(getattr(twin, name))) for name in _ARRAYS}


def load(checkpoint: Checkpoint) -> Twin:
    """Adapter of kind "twin"; `config["defect"]` may name a planted defect.

    Raises:
        CheckpointError: missing or misshapen arrays, or an unknown defect.
    """
    missing = [name for name in _ARRAYS if name not in checkpoint.state]
    if missing:
        raise CheckpointError(
            checkpoint.path, f"the arrays {missing} are missing", "write it with defects.twin.state"
        )
    arrays: dict[str, Any] = {name: checkpoint.state[name].numpy() for name in _ARRAYS}
    shapes, d = {name: array.shape for name, array in arrays.items()}, len(arrays["components"])
    beat, flat = (12, 120), 12 * 120
    wanted = {"mean": beat, "template": beat, "direction": beat, "components": (d, flat),
              "ageing": (len(arrays["ageing"]), flat), "carried": (d,), "head": (2,)}  # fmt: skip
    if shapes != wanted or d == 0 or any(a.dtype.kind != "f" for a in arrays.values()):
        raise CheckpointError(
            checkpoint.path, "the arrays have other shapes or types than a twin's", "refit it"
        )
    wild = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if wild:
        raise CheckpointError(checkpoint.path, f"{wild} are not finite", "refit it")
    twin = Twin(**arrays)
    name = checkpoint.config.get("defect")
    if name is None:
        return twin
    from axis_audit.defects.catalogue import find

    return find(str(name), checkpoint.path).model(twin)
