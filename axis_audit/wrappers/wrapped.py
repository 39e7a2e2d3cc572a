"""`wrap`: functions of signals become a model under audit with exactly their capabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from axis_audit.capabilities import Array, Batch, FloatArray, InputSpec
from axis_audit.checkpoint import Manifest
from axis_audit.errors import InputError, MeasurementError
from axis_audit.wrappers import outputs
from axis_audit.wrappers.inputs import trial_signals

SignalFunction = Callable[..., Any]
"""float32 millivolts (n, leads, samples) in; a tensor, array or list with n rows out."""

COVARIATES = ("age", "sex", "site", "device")


class WrappedModel:
    """A model under audit that `wrap` made; it has only the capabilities it was given."""

    def __init__(self, kind: str, input_spec: InputSpec, claims: Iterable[str]) -> None:
        self.kind = kind
        self.input_spec = input_spec
        self.claims = frozenset(claims)
        self.manifest: Manifest | None = None

    def __repr__(self) -> str:
        return f"<model {self.kind!r} with {', '.join(sorted(vars(self)))}>"


def wrap(
    kind: str,
    input_spec: InputSpec,
    claims: Iterable[str],
    *,
    encode: SignalFunction | None = None,
    encode_scale: SignalFunction | None = None,
    predict_age: SignalFunction | None = None,
    covariates: Sequence[str] = (),
    prepare: SignalFunction | None = None,
    keeps_record_scale: bool = False,
    canonical: SignalFunction | None = None,
    axis_value: Callable[[Array], Any] | None = None,
    axis_direction: Any = None,
    neutral_age: float | None = None,
    manifest: Manifest | None = None,
) -> WrappedModel:
    """Put functions together as a model under audit, and try each once on made-up signals.

    Every function may return a torch tensor, an array or lists, of any real type; shapes are
    checked each time it is called. NaN passes through, for the audit to count.

    Args:
        kind: what reports call the model.
        input_spec: the signals it takes, e.g. `BEAT` or `record_input(rate=500)`.
        claims: families of checks that it must pass, e.g. {"leakage", "integrity"}.
        encode: signals (n, leads, samples) in mV -> latents (n, d).
        encode_scale: signals -> log variances of the posterior, (n, d').
        predict_age: signals -> ages in years, (n,) or (n, 1). `covariates` names what it needs
            besides ("sex", "site", "device"): it then gets them as keyword arguments, arrays (n,).
        prepare: signals -> signals in the model's own units, (n, leads, samples);
            `keeps_record_scale` says that it divides a record by one number, not each lead.
        canonical: latents (n, d) -> beats at the neutral age, in the units of `prepare`.
        axis_value, axis_direction, neutral_age: g (ages -> values of the same shape), B (leads,
            samples) and a0 in years with g(a0) = 0; all three or none. With `prepare` and
            `canonical` the deformation g(a)·B follows from them.
        manifest: who was in training, `Manifest(patients=hash_ids(ids))` of
            `axis_audit.checkpoint`: these people are then left out of the audit. Without it
            `integrity.split` is INCONCLUSIVE.

    Raises:
        InputError: nothing was given, half an axis was given, or a function does not run on
            signals of `input_spec` or returns the wrong shape.
    """
    unknown = sorted(set(covariates) - set(COVARIATES))
    if unknown:
        raise InputError(
            f"model {kind!r}", f"unknown covariates {unknown}", f"choose from {COVARIATES}"
        )
    functions: dict[str, Any] = {}
    if axis_value is not None and axis_direction is not None and neutral_age is not None:
        functions |= _axis(axis_value, axis_direction, neutral_age)
    elif any(part is not None for part in (axis_value, axis_direction, neutral_age)):
        raise InputError(
            f"model {kind!r}",
            "an age axis is g, B and a0 together",
            "give wrap all of axis_value, axis_direction and neutral_age, or none",
        )
    if encode is not None:
        functions["encode"] = _checked("encode", encode, outputs.rows_by_features)
    if encode_scale is not None:
        functions["encode_scale"] = _checked("encode_scale", encode_scale, outputs.rows_by_features)
    if predict_age is not None:
        functions["predict_age"] = _age_head(predict_age, tuple(covariates))
    if prepare is not None:
        functions["prepare"] = _checked("prepare", prepare, outputs.beats)
        functions["keeps_record_scale"] = keeps_record_scale
    if canonical is not None:
        functions["canonical"] = _checked("canonical", canonical, outputs.beats)
        if axis_value is not None:
            functions["deformation"] = _deformation(functions)
    if not functions:
        raise InputError(
            f"model {kind!r}", "it can do nothing", "give wrap at least encode= or predict_age="
        )
    model = WrappedModel(kind, input_spec, claims)
    # On the object, not its class: a capability is there by having the method, and only then.
    vars(model).update(functions)
    model.manifest = manifest
    _try(model)
    return model


def _checked(name: str, function: SignalFunction, shape: Callable[..., FloatArray]) -> Any:
    def checked(rows: FloatArray) -> FloatArray:
        return shape(_called(name, function, rows), len(rows), name)

    return checked


def _age_head(function: SignalFunction, covariates: tuple[str, ...]) -> Any:
    def predict_age(batch: Batch) -> FloatArray:
        known = {name: batch.covariates[name] for name in covariates}
        ages = _called("predict_age", function, batch.signals, **known)
        return outputs.one_a_row(ages, len(batch.signals), "predict_age")

    return predict_age


def _axis(value: Callable[[Array], Any], direction: Any, neutral_age: float) -> dict[str, Any]:
    fixed = outputs.as_array(direction, "axis_direction")

    def axis_value(ages: Array) -> Array:
        return outputs.same_shape(_called("axis_value", value, ages), ages, "axis_value")

    return {
        "axis_value": axis_value,
        "axis_direction": fixed.copy,
        "neutral_age": float(neutral_age),
    }


def _deformation(functions: dict[str, Any]) -> Any:
    def deformation(latents: FloatArray, ages: Array) -> FloatArray:
        steps = np.asarray(functions["axis_value"](ages), np.float32).reshape(-1, 1, 1)
        return np.asarray(steps * functions["axis_direction"](), np.float32)

    return deformation


def _called(name: str, function: SignalFunction, rows: Array, **known: Array) -> Any:
    try:
        return function(rows, **known)
    except (InputError, MeasurementError):
        raise
    except Exception as error:  # whatever a stranger's network raises
        raise MeasurementError(
            f"{name} failed on an input of shape {np.shape(rows)} "
            f"({type(error).__name__}: {_short(error)})"
        ) from error


def _short(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines)[-400:] if lines else "no message"


def _try(model: Any) -> None:
    """Run everything once, so that a wrong shape is one message and not forty findings."""
    spec = model.input_spec
    signals = trial_signals(spec)
    n = len(signals)
    try:
        for name in ("encode_scale", "prepare"):
            if hasattr(model, name):
                getattr(model, name)(signals.copy())
        if hasattr(model, "encode"):
            latents = model.encode(signals.copy())
            if hasattr(model, "canonical"):
                model.canonical(latents)
        if hasattr(model, "axis_value"):
            model.axis_value(np.linspace(20.0, 80.0, n))
        if hasattr(model, "predict_age"):
            text = np.full(n, "")
            columns = {"age": np.full(n, np.nan), "sex": text, "site": text, "device": text}
            model.predict_age(Batch(signals.copy(), columns))
    except MeasurementError as error:
        shape = f"(n, {len(spec.leads)}, {spec.samples})"
        rate = f"{spec.rate:g} {'samples a cycle' if spec.kind == 'cycle' else 'Hz'}"
        raise InputError(
            f"model {model.kind!r}",
            str(error),
            f"see that input_spec says what it takes (now {spec.kind}s of shape {shape} in mV at "
            f"{rate}) and that its functions return what axis_audit.wrappers.wrap asks",
        ) from error
