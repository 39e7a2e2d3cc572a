"""Is there one age axis: monotone, neutral at a0, smooth, and visible in the signal itself?"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Deforms, HasAgeAxis, PreparesAlongAxis
from axis_audit.checks import figures
from axis_audit.checks.measured import measured
from axis_audit.checks.spline_properties import violated_properties
from axis_audit.errors import MeasurementError
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Controls, Exactly, Measurement, Within
from axis_audit.measures.axis import direction_similarity, regress_direction, transport_ratio
from axis_audit.measures.monotonicity import smallest_increment, spearman_exact
from axis_audit.measures.smoothness import largest_second_difference
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.intervals import spearman

YOUNGEST, OLDEST = 18.0, 95.0
"""Ages over which g is examined, in years: adults, as in PTB-XL."""


def _grid(step: float) -> NDArray[np.float64]:
    return np.round(np.arange(YOUNGEST, OLDEST + step / 2, step), 6)


def _values(model: HasAgeAxis, ages: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.asarray(model.axis_value(ages), np.float64)
    if values.shape != ages.shape:
        raise MeasurementError(f"axis_value gave shape {values.shape} for ages {ages.shape}")
    return values


@check(
    claim="g rises with age: Spearman(g(age), age) = 1",
    acceptable=Exactly(1.0, "Spearman"),
    exact=True,
    cause="increments of g are not positive by construction, or they vanish in low precision",
    cure="build g from softplus increments in float32 or better",
    source="Spearman 1904",
)
def monotonicity(model: HasAgeAxis, evidence: Evidence) -> Measurement:
    """Spearman correlation of g with age on a grid of 0.1 years from 18 to 95."""
    ages = _grid(0.1)
    values = _values(model, ages)
    marks = {"a0": float(model.neutral_age)}
    return Measurement.exactly(
        spearman_exact(ages, values),
        n=len(ages),
        figure=figures.line(
            ages[::5], {"g": values[::5]}, x_label="age (years)", y_label="g(age)", marks=marks
        ),
        details={"neutral age": float(model.neutral_age)},
    )


@check(
    claim="g has no flat stretch: every 0.1-year step rises",
    acceptable=Above(1e-3, "of the mean step"),
    exact=True,
    cause="g is clamped, saturated or a staircase: ages there share one deformation",
    cure="bound the increments from below, and do not clamp ages",
    source="finite differences",
)
def strictness(model: HasAgeAxis, evidence: Evidence) -> Measurement:
    """Smallest 0.1-year increment of g from 18 to 95, as a share of the mean increment."""
    ages = _grid(0.1)
    values = _values(model, ages)
    mean_step = (values[-1] - values[0]) / (len(values) - 1)
    if not mean_step > 0:
        return Measurement.exactly(
            -1.0, n=len(ages), details={"g(95) - g(18)": float(np.ptp(values))}
        )
    return Measurement.exactly(
        smallest_increment(values) / mean_step,
        n=len(ages),
        figure=figures.line(
            ages[10::10],
            {"increment": values[10::10] - values[:-10:10]},
            x_label="age (years)",
            y_label="g(age) − g(age − 1)",
            title="what each year adds to g",
        ),
    )


@check(
    claim="the neutral age deforms nothing: g(a0) = 0 and Δ(z, a0) = 0 exactly",
    acceptable=Exactly(0.0),
    exact=True,
    cause="g(a0) is not subtracted by the very arithmetic that makes g(a)",
    cure="evaluate g_raw(a) and g_raw(a0) elementwise and alike; a basis matmul rounds by batch",
    source="design: spline evaluated by basis matmul",
)
def neutral_exactness(model: Deforms, evidence: Evidence) -> Measurement:
    """Largest |g(a0)| and |Δ(z, a0)| over batches of 1, 2, 7, 64 and 513 rows and mixed ages."""
    neutral, worst = model.neutral_age, 0.0
    latents = evidence.latents
    sizes = [1, 2, 7, 64, 513]
    for size in sizes:
        ages = np.full(size, neutral)
        rows = latents[np.arange(size) % len(latents)]
        mixed = np.linspace(YOUNGEST, OLDEST, size + 1)
        mixed[size // 2] = neutral
        off = [
            np.abs(_values(model, ages)).max(),
            abs(_values(model, mixed)[size // 2]),
            np.abs(np.asarray(model.deformation(rows, ages), np.float64)).max(),
        ]
        worst = float(np.max([worst, *off]))  # np.max keeps NaN; max would lose it
    return Measurement.exactly(worst, n=sum(sizes), details={"neutral age": float(neutral)})


@check(
    claim="Whoever the person is, ageing deforms the beat by g(age)·B and by nothing else",
    acceptable=Below(1e-4, "of the largest |g·B|"),
    exact=True,
    cause="the deformation depends on z, or is not made of the g and B that are shown and audited",
    cure="compute Δ as g(age)·B from the very g and B that the adapter hands out",
    source="design: one global direction; elementwise comparison",
)
def one_direction(model: Deforms, evidence: Evidence) -> Measurement:
    """Largest |Δ(z, age) - g(age)·B| over 64 people, each at an age from 18 to 95."""
    latents = evidence.latents[:64]
    ages = np.linspace(YOUNGEST, OLDEST, len(latents))
    expected = _values(model, ages)[:, None] * evidence.direction
    found = np.asarray(model.deformation(latents, ages), np.float64).reshape(len(latents), -1)
    if found.shape != expected.shape:
        raise MeasurementError(f"deformation gave {found.shape[1]} values a person, not B's")
    size = float(np.abs(expected).max())
    off = float(np.abs(found - expected).max())
    return Measurement.exactly(off / size if size > 0 else off, n=len(latents))


@check(
    claim="g bends gently: no kink in how fast the heart ages",
    acceptable=Below(0.01, "of g's range per year²"),
    exact=True,
    cause="too few or too free knots, or no smoothness loss",
    cure="penalise second differences of g relative to its range",
    source="central second difference on a 1-year grid",
)
def smoothness(model: HasAgeAxis, evidence: Evidence) -> Measurement:
    """Largest second difference of g on a 1-year grid from 18 to 95, over the range of g."""
    ages = _grid(1.0)
    values = _values(model, ages)
    bends = np.diff(values, 2)
    return Measurement.exactly(
        largest_second_difference(values, 1.0),
        n=len(ages),
        figure=figures.line(
            ages[1:-1],
            {"second difference of g": bends / max(float(np.ptp(values)), 1e-300)},
            x_label="age (years)",
            y_label="of g's range per year²",
        ),
    )


@check(
    claim="g keeps its promises for any input: shapes, dtypes, order, batches, extremes, reload",
    acceptable=Exactly(0.0, "violated properties"),
    exact=True,
    cause="the spline's arithmetic depends on the batch, the dtype or the position in an array",
    cure="evaluate g elementwise; see the counterexamples",
    source="property-based tests (MacIver et al. 2019, JOSS 4:1891)",
)
def spline_properties(model: HasAgeAxis, evidence: Evidence) -> Measurement:
    """Number of properties of g that a search for counterexamples (Hypothesis) refutes."""
    reloaded = evidence.reload() if evidence.reload else None
    refuted = violated_properties(model, reloaded)
    return Measurement.exactly(len(refuted), n=8 if reloaded is not None else 7, details=refuted)


@check(
    claim="the signal itself shows its age on the axis: <x - x50, B> rises with age",
    acceptable=Above(0.4, "Spearman"),
    cause="B is decorative: g(age) rises by construction, but the signals do not lie along B",
    cure="train x - x50 against g(age)·B, and see axis.direction",
    source="Bonett & Wright 2000, Psychometrika 65:23",
)
def signal_projection(model: Deforms, evidence: Evidence) -> Measurement:
    """Spearman correlation, over patients, of the signal's projection on B with age."""
    estimate = spearman(evidence.projections, evidence.ages, evidence.levels)
    return measured(
        estimate,
        evidence,
        figure=figures.scatter(
            evidence.ages, evidence.projections, x_label="age (years)", y_label="<x − x50, B>/|B|"
        ),
    )


@check(
    claim="B is the direction in which beats change with age",
    acceptable=Above(0.9, "cosine"),
    cause="B points where the losses were easy, not where beats move with age",
    cure="fit B to the regression of beats on g; check that D(z) does not carry the age trend",
    source="regression of x on g(age); debiased norm, patient bootstrap (Efron 1987)",
)
def direction(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """Cosine between B and the slope of beats on g(age), re-estimated on patient bootstraps."""
    return measure_direction(evidence, evidence.prepared, "direction similarity")


@check(
    claim="B has the right length: beats move by B for each unit of g",
    acceptable=Within(0.85, 1.15, "<B_plain, B>/<B, B>"),
    cause="D(z) carries part of the age trend, or B is scaled against g arbitrarily",
    cure="tie the scale of g(age)·B to the regression of beats on g",
    source="regression of x on g(age); patient bootstrap (Efron 1987)",
)
def length(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """<B_plain, B>/<B, B>, B_plain the slope of beats on g(age)."""
    flat = evidence.prepared.reshape(evidence.n, -1).astype(np.float64)
    g, b = evidence.axis_values, evidence.direction
    if not b.any():
        return Measurement.exactly(0.0, n=evidence.n, n_patients=evidence.n)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return transport_ratio(weights, flat, g, b)

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    places = flat @ b / (b @ b)
    return measured(
        estimate,
        evidence,
        figure=figures.scatter(
            g,
            places - places.mean() + g.mean(),
            x_label="g(age)",
            y_label="place along B, <x, B>/<B, B>, centred",
            title="people's beats along B; the dashed line is a B of the right length",
            diagonal=True,
        ),
    )


def measure_direction(evidence: Evidence, beats: NDArray[np.float32], purpose: str) -> Measurement:
    """Cosine of B with B re-estimated from beats (n, leads, samples), with its interval."""
    flat = beats.reshape(evidence.n, -1).astype(np.float64)
    g, direction = evidence.axis_values, evidence.direction
    if not direction.any():
        return Measurement.exactly(0.0, n=evidence.n, n_patients=evidence.n)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return direction_similarity(weights, flat, g, direction)

    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    complaint = ""
    if np.isfinite(estimate.value) and not np.isfinite(estimate.interval).all():
        # Some resample of so few people moved with g by less than its own noise.
        complaint = f"{evidence.n} people are too few to re-estimate B: resamples are mostly noise"
        estimate = dataclasses.replace(estimate, interval=(-1.0, 1.0), fail_interval=(-1.0, 1.0))
    spec = evidence.model.input_spec
    shape = evidence.cohort.signals.shape[1:]
    return measured(
        estimate,
        evidence,
        controls=Controls(complaint=complaint),
        figure=figures.leads(
            spec.leads,
            {
                "B of the model": direction.reshape(shape),
                "re-estimated": regress_direction(beats, g).reshape(shape),
            },
            rate=spec.rate,
            unit="model units per unit of g",
            title="" if purpose == "direction similarity" else f"B under {purpose}",
        ),
        details={"draws under": purpose},
    )
