"""The clean attribution twin: matched filters about every R peak, explained in closed form.

A disease has one filter, which answers a beat of it with about 1; what exceeds a threshold counts,
up to a second one, and the logit follows its mean over the beats. Where the R peaks are depends on
no scale, so the logit is piecewise linear along the straight line from silence to the record, and
integrated gradients (Sundararajan et al. 2017) are x · T · counted(s) / s, exactly: s, the filter's
response, grows along the line from 0 on.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from axis_audit.capabilities import InputSpec
from axis_audit.cohort import LEADS
from axis_audit.defects.attribution_people import RATE, SAMPLES, Drawn

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]
KIND = "attribution-twin"
SPEC = InputSpec("record", LEADS, RATE, SAMPLES)
DISEASES = ("MI", "STTC", "CD", "HYP")
METHODS = ("integrated_gradients", "gradient_shap", "occlusion")
BEFORE, AFTER = 5, 40
"""Samples before and after R that a filter sees."""
LENGTH = BEFORE + AFTER + 1
ABOUT = 2
"""Samples either side of R at which the filter is asked too: a peak may be found a little off."""
_SEEN = {"MI": (0, LENGTH), "STTC": (11, LENGTH), "CD": (0, 12), "HYP": (0, 12)}
"""Samples of its filter that each disease reads: of its own waves."""
FROM, UP_TO = 0.35, 0.85
"""What counts of a response; a beat of ordinary severity answers with about 1."""
_RIDGE = 1e-4
"""mV²."""
_PADDED = 1080
_APART = 25
"""Samples within which there is one beat."""
_LOUDER = 3.0
"""Random filters than fitted ones, which know what to answer."""
_TALL = 20
"""Samples that are steeper than the one that others are measured by."""
_DRAWS, _JITTER = 16, 0.01
"""Of gradient SHAP: points on the line, and noise in mV about the baseline."""
_PATCH = 5
"""Samples of one lead that occlusion hides at a time."""


@dataclass(frozen=True)
class AttributionTwin:
    """A model under audit, in numpy; x are centred leads in mV.

    Attributes:
        filters: (4, 12, 46), one a disease. gain, offset: (4,), from summed responses to logits.
    """

    filters: Float64Array
    gain: Float64Array
    offset: Float64Array
    kind: str = KIND
    input_spec: InputSpec = SPEC
    claims: frozenset[str] = frozenset({"attribution", "integrity"})
    diseases: tuple[str, ...] = DISEASES
    explanations: tuple[str, ...] = METHODS

    def broken_as(self, kind: type[AttributionTwin]) -> AttributionTwin:
        """This twin's arrays in a subclass."""
        return kind(self.filters, self.gain, self.offset)

    def plain(self) -> AttributionTwin:
        """This twin's arrays without a defect."""
        return AttributionTwin(self.filters, self.gain, self.offset)

    @cached_property
    def _spectra(self) -> NDArray[np.complex128]:
        return np.fft.rfft(self.filters, _PADDED, axis=2)

    def prepare(self, signals: FloatArray) -> Float64Array:
        """Centred leads in mV."""
        x = np.asarray(signals, np.float64)
        return np.asarray(x - x.mean(axis=2, keepdims=True))

    def responses(self, x: Float64Array, disease: int) -> Float64Array:
        """The filter's response at every place of centred records, (n, 1080), circular."""
        spectra = np.fft.rfft(x, _PADDED, axis=2)
        # einsum sums in one order whatever the batch: rows stay independent.
        product = np.einsum("nlf,lf->nf", spectra, self._spectra[disease].conj())
        return np.fft.irfft(product, _PADDED, axis=1)

    def places(self, x: Float64Array) -> Float64Array:
        """How much each place of centred records counts, (n, 1080): alike about R, 0 elsewhere."""
        found = np.zeros((len(x), _PADDED))
        for row, about in zip(found, places_about_r(x), strict=True):
            row[about] = 1.0 / max(1, about.size)
        return found

    def counted(self, x: Float64Array) -> Float64Array:
        """Mean over beats of what counts of each filter's responses, (n, diseases)."""
        found = np.zeros((len(x), len(DISEASES)))
        for row, record, places in zip(found, x, places_about_r(x), strict=True):
            if places.size:
                windows = record[:, places[:, None] + np.arange(LENGTH)]
                # einsum sums in one order whatever the batch: rows stay independent.
                row[:] = clipped(np.einsum("lpk,dlk->pd", windows, self.filters)).mean(axis=0)
        return found

    def classify(self, signals: FloatArray) -> FloatArray:
        """Logits (n, 4)."""
        logits = self.counted(self.prepare(signals)) * self.gain + self.offset
        return np.asarray(logits, np.float32)

    def baseline(self, signals: FloatArray) -> FloatArray:
        """Every lead at its own level, (n, 12, 1000) in mV: silence, once it is centred."""
        level = np.asarray(signals, np.float32).mean(axis=2, keepdims=True)
        return np.asarray(np.broadcast_to(level, signals.shape), np.float32).copy()

    def spread(self, weights: Float64Array, disease: int) -> Float64Array:
        """What each sample is multiplied with, (n, 12, 1000), where places have these weights."""
        spectra = np.fft.rfft(weights, _PADDED, axis=1)[:, None] * self._spectra[disease]
        return np.fft.irfft(spectra, _PADDED, axis=2)[..., :SAMPLES]

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """Attributions (n, 12, 1000)."""
        d, x = DISEASES.index(disease), self.prepare(signals)
        made = {
            "integrated_gradients": self._integrated,
            "gradient_shap": self._shap,
            "occlusion": self._occluded,
        }[method](x, d)
        return np.asarray(self.gain[d] * made, np.float32)

    def _integrated(self, x: Float64Array, d: int) -> Float64Array:
        s = self.responses(x, d)
        # Of a unit step along the line, the share on which the response counts: counted(s) / s.
        return x * self.spread(self.places(x) * clipped(s) / np.maximum(s, FROM), d)

    def _shap(self, x: Float64Array, d: int) -> Float64Array:
        """Expected gradients (Lundberg & Lee 2017; Erion 2021) about noisy silence."""
        rng = np.random.default_rng(0)
        total, weights = np.zeros_like(x), self.places(x)
        for share in (np.arange(_DRAWS) + 0.5) / _DRAWS:
            start = _JITTER * rng.standard_normal(x.shape[1:])
            s = self.responses(start + share * (x - start), d)
            total += (x - start) * self.spread(weights * ((s > FROM) & (s < UP_TO)), d)
        return total / _DRAWS

    def _occluded(self, x: Float64Array, d: int) -> Float64Array:
        """What the logit loses with each patch of a lead (Zeiler & Fergus 2014), spread evenly."""
        n, leads, samples = x.shape
        s = self.responses(x, d)
        patches = x.reshape(n, leads, samples // _PATCH, _PATCH)
        reach = LENGTH + _PATCH - 1
        # Places whose filters see a patch: from its first sample less LENGTH - 1 on.
        part = np.zeros((leads, _PATCH, reach))
        for j in range(_PATCH):
            part[:, j, j : j + LENGTH] = self.filters[d][:, ::-1]
        start = np.arange(samples // _PATCH) * _PATCH
        places = (start[:, None] - (LENGTH - 1) + np.arange(reach)) % _PADDED
        weights = self.places(x)[:, places]
        before = np.sum(weights * clipped(s[:, places]), axis=2)
        lost = np.empty((n, leads, len(start)))
        for lead in range(leads):
            without = s[:, places] - np.einsum("npj,jr->npr", patches[:, lead], part[lead])
            lost[:, lead] = before - np.sum(weights * clipped(without), axis=2)
        return np.repeat(lost / _PATCH, _PATCH, axis=2)

    def randomised(self, seed: int) -> AttributionTwin:
        """Filters drawn anew, long enough for most beats to be answered."""
        drawn = np.random.default_rng(seed).standard_normal(self.filters.shape)
        lengths = [np.sqrt(np.sum(f**2, axis=(1, 2), keepdims=True)) for f in (self.filters, drawn)]
        made = {f.name: getattr(self, f.name) for f in fields(self)}
        return type(self)(**{**made, "filters": _LOUDER * drawn * lengths[0] / lengths[1]})


def clipped(responses: Float64Array) -> Float64Array:
    """What counts of responses."""
    return np.asarray(np.clip(responses - FROM, 0.0, UP_TO - FROM))


def places_about_r(x: Float64Array) -> list[NDArray[np.int64]]:
    """Where windows of `LENGTH` samples begin that have an R peak of records (n, 12, samples) in
    their place, or a sample or two off."""
    return [
        (peaks[:, None] + np.arange(-ABOUT, ABOUT + 1) - BEFORE).ravel() for peaks in r_peaks(x)
    ]


def r_peaks(x: Float64Array) -> list[NDArray[np.int64]]:
    """Where the steepest waves of records (n, 12, samples) stand: their QRS complexes."""
    steep = np.zeros((len(x), x.shape[2]))
    steep[:, 1:-1] = np.sum((x[..., 2:] - x[..., :-2]) ** 2, axis=1)
    steep = uniform_filter1d(steep, 5, axis=1)
    highest = maximum_filter1d(steep, 2 * _APART + 1, axis=1)
    # Only what is a share of the steepest: silence has none, and no scale matters.
    enough = 0.25 * np.partition(steep, -_TALL, axis=1)[:, -_TALL, None]
    size = np.sum(x**2, axis=1)
    peaks = []
    for row, wave in zip((steep == highest) & (steep > enough), size, strict=True):
        starts = [max(0, int(place) - 5) for place in np.flatnonzero(row)]
        # The tallest sample beside the steepest place.
        tallest = np.array([s + int(np.argmax(wave[s : s + 11])) for s in starts], np.int64)
        # At the ends a filter would look at nothing.
        inside = (tallest >= BEFORE + ABOUT) & (tallest < SAMPLES - AFTER - ABOUT)
        peaks.append(tallest[inside])
    return peaks


def fit_attribution_twin(drawn: Drawn) -> AttributionTwin:
    """Fit filters by ridge regression of beats on how ill people are, then two numbers each.

    Args:
        drawn: people whose diseases are known.
    """
    twin = AttributionTwin(np.zeros((4, len(LEADS), LENGTH)), np.ones(4), np.zeros(4))
    x = twin.prepare(drawn.people.signals)
    windows, ill = [], []
    for record, about, severity in zip(x, places_about_r(x), drawn.severity, strict=True):
        windows.append(record[:, about[:, None] + np.arange(LENGTH)].transpose(1, 0, 2))
        ill.append(np.broadcast_to(np.minimum(severity, 1.0), (len(about), len(severity))))
    every, target = np.concatenate(windows), np.concatenate(ill)
    for d, disease in enumerate(DISEASES):
        first, last = _SEEN[disease]
        seen = every[:, :, first:last].reshape(len(every), -1)
        square = seen.T @ seen / len(seen) + _RIDGE * np.eye(seen.shape[1])
        found = np.linalg.solve(square, seen.T @ target[:, d] / len(seen))
        twin.filters[d, :, first:last] = found.reshape(len(LEADS), -1)
    fitted = replace(twin)  # afresh: what is cached of its filters is of zeros
    gain, offset = _logistic(fitted.counted(x), drawn.severity > 0)
    return replace(fitted, gain=gain, offset=offset)


def _logistic(counted: Float64Array, ill: NDArray[np.bool_]) -> tuple[Float64Array, Float64Array]:
    from sklearn.linear_model import LogisticRegression

    columns = zip(counted.T, ill.T, strict=True)
    fits = [LogisticRegression(C=100.0).fit(given[:, None], truth) for given, truth in columns]
    return (
        np.array([fit.coef_[0, 0] for fit in fits]),
        np.array([fit.intercept_[0] for fit in fits]),
    )
