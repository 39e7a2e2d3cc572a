"""Do the axis and the predicted age stand still when only amplitude changes?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axis_audit import perturbations
from axis_audit.capabilities import PredictsAge, PreparesAlongAxis
from axis_audit.checks import figures
from axis_audit.checks.axis import measure_direction
from axis_audit.checks.measured import measured
from axis_audit.evidence import Evidence
from axis_audit.finding import Above, Below, Measurement, Within
from axis_audit.measures.axis import transport_ratio
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.intervals import quantile

RATIO = Within(0.9, 1.1, "<B_aug, B>/<B_plain, B>")
COSINE = Above(0.9, "cosine")
NOISE_DECIBELS = 20.0
_PICTURED = 256
"""People in the picture of other levels of noise, which decides nothing."""
GAINS = (0.5, 0.77, 1.3, 2.0)
"""Not powers of two alone: those leave every mantissa, and what is computed from it, as it was."""
_CAUSE = "the axis is partly an amplitude axis: scaling the signal moves people along it"
_CURE = "augment with gain, lead scale and drift; normalise inside the model"
_SOURCE = (
    "B re-estimated by regressing the same people's beats on g(age), perturbed and plain; "
    "patient bootstrap (Efron 1987)"
)


@check(
    claim="The axis keeps its length under a random gain of .5-2x",
    acceptable=RATIO,
    cause=_CAUSE,
    cure=_CURE,
    source=_SOURCE,
)
def transport_gain(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """<B_aug, B>/<B_plain, B>, B_aug re-estimated from beats under a random gain a record."""
    return _transport(evidence, "gain")


@check(
    claim="The axis keeps its length under a random scale of every lead, .7-1.4x",
    acceptable=RATIO,
    cause=_CAUSE,
    cure=_CURE,
    source=_SOURCE,
)
def transport_lead_scale(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """<B_aug, B>/<B_plain, B>, B_aug re-estimated from beats with every lead scaled on its own."""
    return _transport(evidence, "lead_scale")


@check(
    claim="The axis keeps its length under baseline drift of up to .1 mV",
    acceptable=RATIO,
    cause=_CAUSE,
    cure=_CURE,
    source=_SOURCE,
)
def transport_drift(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """<B_aug, B>/<B_plain, B>, B_aug re-estimated from beats with a slow sinusoid added."""
    return _transport(evidence, "drift")


@check(
    claim="The axis keeps its direction under a random gain of .5-2x",
    acceptable=COSINE,
    cause=_CAUSE,
    cure=_CURE,
    source=_SOURCE,
)
def direction_gain(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """Cosine of B with B re-estimated under gain: never cos(B, B), which is 1 for any model."""
    return measure_direction(evidence, evidence.prepared_under("gain"), "gain")


@check(
    claim="The axis keeps its direction under a random scale of every lead, .7-1.4x",
    acceptable=COSINE,
    cause=_CAUSE,
    cure=_CURE,
    source=_SOURCE,
)
def direction_lead_scale(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """Cosine of B with B re-estimated under lead scale."""
    return measure_direction(evidence, evidence.prepared_under("lead_scale"), "lead scale")


@check(
    claim="The axis keeps its direction under baseline drift of up to .1 mV",
    acceptable=COSINE,
    cause=_CAUSE,
    cure=_CURE,
    source=_SOURCE,
)
def direction_drift(model: PreparesAlongAxis, evidence: Evidence) -> Measurement:
    """Cosine of B with B re-estimated under drift."""
    return measure_direction(evidence, evidence.prepared_under("drift"), "baseline drift")


@check(
    claim="A gain of .5-2x, applied to the raw signal, does not age anybody",
    acceptable=Below(1.0, "years"),
    cause="the age head reads amplitude",
    cure="normalise before the first layer, with one scale a record",
    source="order-statistic interval of the 95th percentile (Conover 1999)",
)
def gain_age_shift(model: PredictsAge, evidence: Evidence) -> Measurement:
    """95th percentile of the largest |change of predicted age| under gains of .5, .77, 1.3, 2."""
    shifts = []
    for factor in GAINS:
        scaled = (evidence.cohort.signals * np.float32(factor)).astype(np.float32)
        shifts.append(np.abs(evidence.predict(scaled).astype(np.float64) - evidence.predictions))
    worst = np.max(shifts, axis=0)
    estimate = quantile(worst, 0.95, evidence.levels, low=0.0)
    return measured(
        estimate,
        evidence,
        figure=figures.together(
            _shift_curve(
                [*GAINS[:2], 1.0, *GAINS[2:]],
                [*shifts[:2], np.zeros(evidence.n), *shifts[2:]],
                "gain",
            ),
            figures.scatter(
                evidence.ages, worst, x_label="age (years)", y_label="largest |shift| (years)"
            ),
        ),
    )


@check(
    claim="White noise at 20 dB hardly ages anybody",
    acceptable=Below(3.0, "years"),
    cause="the age head reads high frequencies, where muscle and mains live",
    cure="augment with noise; smooth the first layer or filter inside the model",
    source="order-statistic interval of the median (Conover 1999)",
)
def noise_age_shift(model: PredictsAge, evidence: Evidence) -> Measurement:
    """Median |change of predicted age| under white noise at a tenth of the record's RMS.

    Three years, as for exchanged electrodes: what a usual recording does to a person's age must
    stay well under the error of any honest age head (eight years or more on PTB-XL).
    """
    noisy = perturbations.noise(evidence.cohort.signals, evidence.rng("noise"), NOISE_DECIBELS)
    shift = np.abs(evidence.predict(noisy).astype(np.float64) - evidence.predictions)
    estimate = quantile(shift, 0.5, evidence.levels, low=0.0)
    return measured(
        estimate,
        evidence,
        figure=figures.attempted(lambda: _noise_curve(evidence)),
        details={"95th percentile in years": float(np.quantile(shift, 0.95))},
    )


def _noise_curve(evidence: Evidence) -> dict[str, Any]:
    """The first people's shifts from hardly any noise to as much of it as signal."""
    few, decibels = slice(0, _PICTURED), (40.0, 30.0, 25.0, 20.0, 15.0, 10.0, 5.0, 0.0)
    signals, plain = evidence.cohort.signals[few], evidence.predictions[few]
    rng = evidence.rng("noise, pictured")
    shifts = [
        np.abs(evidence.predict(perturbations.noise(signals, rng, level)) - plain)
        for level in decibels
    ]
    amplitudes = [10 ** (-level / 20) for level in decibels]
    return _shift_curve(
        [0.0, *amplitudes],
        [np.zeros(len(plain)), *shifts],
        "noise, of the record's RMS",
        marks={"audited": 10 ** (-NOISE_DECIBELS / 20)},
    )


def _shift_curve(
    doses: Sequence[float],
    shifts: Sequence[NDArray[np.floating]],
    x_label: str,
    marks: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Median and 95th percentile of |change of predicted age| against the size of a disturbance."""
    curves = figures.line(
        doses,
        {
            "95th percentile": [float(np.quantile(s, 0.95)) for s in shifts],
            "median": [float(np.median(s)) for s in shifts],
        },
        x_label=x_label,
        y_label="|change of predicted age| (years)",
        marks=marks,
    )
    return figures.limited(curves, "y")


def _transport(evidence: Evidence, name: str) -> Measurement:
    g, direction = evidence.axis_values, evidence.direction
    perturbed = evidence.prepared_under(name).reshape(evidence.n, -1).astype(np.float64)
    plain = evidence.prepared.reshape(evidence.n, -1).astype(np.float64)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        # Against the same people unperturbed: their sampling noise cancels. Whether B itself has
        # the right length is another claim, axis.length.
        plain_ratio = transport_ratio(weights, plain, g, direction)
        return np.asarray(transport_ratio(weights, perturbed, g, direction) / plain_ratio)

    if not direction.any():
        return Measurement.exactly(0.0, n=evidence.n, n_patients=evidence.n)
    estimate = bootstrap(statistic, evidence.n, evidence.levels, seed=evidence.seed)
    ones = np.ones((1, evidence.n))
    return measured(
        estimate,
        evidence,
        details={
            "<B_aug, B>/<B, B>": float(transport_ratio(ones, perturbed, g, direction)[0]),
            "perturbation": (perturbations.AMPLITUDE[name].__doc__ or "").split("\n")[0],
        },
    )
