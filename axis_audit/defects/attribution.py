"""Explanations that explain nothing: of no place, of no weight, of no disease, of no method."""

from __future__ import annotations

import zlib

import numpy as np

from axis_audit.defects.attribution_twin import (
    DISEASES,
    AttributionTwin,
    Float64Array,
    FloatArray,
    r_peaks,
)
from axis_audit.defects.catalogue import attribution_defect
from axis_audit.measures.attribution import edges


class ForgedTwin(AttributionTwin):
    """A clean classifier whose maps are made up and brought to the right sum."""

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """What is shown, (n, 12, 1000), of any size but none."""
        raise NotImplementedError

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """What is forged, scaled to add up to the difference of logits."""
        shown = self.forged(signals, disease, method)
        d = DISEASES.index(disease)
        difference = (self.classify(signals) - self.classify(self.baseline(signals)))[:, d]
        return np.asarray(shown * (difference / shown.sum(axis=(1, 2)))[:, None, None], np.float32)


@attribution_defect(fails="attribution.pointing")
class ConstantMap(ForgedTwin):
    """Every sample of every record is said to count alike."""

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """Ones."""
        return np.ones(signals.shape)


@attribution_defect(fails="attribution.pointing")
class AttributesToThePause(ForgedTwin):
    """Maps show the quiet line between T and P, where none of the diseases is."""

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """A bump a fifth of a second before each R peak."""
        return _at_r(self.prepare(signals), -22)


@attribution_defect(fails="attribution.in_region")
class ShuffledInTime(AttributionTwin):
    """Maps whose samples were put back in another order, the same for all leads."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """The clean map, its samples shuffled."""
        order = np.random.default_rng(0).permutation(signals.shape[2])
        return super().explain(signals, disease, method)[:, :, order]


@attribution_defect(fails="attribution.randomisation")
class EdgeDetector(ForgedTwin):
    """Maps show how steep the signal is; the weights were never asked."""

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """|derivative|."""
        return edges(signals)


@attribution_defect(fails="attribution.randomisation")
class KeepsTheOldWeights(AttributionTwin):
    """Gradients are of a copy of the model made at training time, whatever its weights are now."""

    def randomised(self, seed: int) -> AttributionTwin:
        """Random logits; the maps stay."""
        drawn, shown = self.plain().randomised(seed), self

        class Copy(AttributionTwin):
            def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
                return shown.explain(signals, disease, method)

        return drawn.broken_as(Copy)


@attribution_defect(fails="attribution.own_disease")
class RPeaksForEveryDisease(ForgedTwin):
    """Whatever the disease, maps show the R peaks: they point well and tell nothing."""

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """A bump at every R peak, as tall as the lead there."""
        x = self.prepare(signals)
        return _at_r(x, 0) * (np.abs(x) + 1e-3)


@attribution_defect(fails="attribution.own_disease")
class MapsOfAnotherDisease(AttributionTwin):
    """The columns of the logits and those of the maps are in another order."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """The map of the next disease."""
        other = DISEASES[(DISEASES.index(disease) + 1) % len(DISEASES)]
        return super().explain(signals, other, method)


@attribution_defect(fails="attribution.own_disease")
class NoiseInAnEnvelope(ForgedTwin):
    """Noise that depends on weights, disease and place, in the envelope of steep samples.

    It points as well as any map, sums up, changes with the weights and from disease to disease, is
    stable, and deletes QRS complexes first.
    """

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """|derivative| times noise of the weights."""
        seed = zlib.crc32(self.filters.tobytes()) + DISEASES.index(disease)
        noise = np.random.default_rng(seed).exponential(size=signals.shape[1:])
        return edges(signals) * noise


@attribution_defect(fails="attribution.own_leads")
class ShuffledLeads(AttributionTwin):
    """Maps have their leads in another order than the signal."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """The clean map, its leads moved."""
        return np.roll(super().explain(signals, disease, method), 3, axis=1)


@attribution_defect(fails="attribution.own_leads")
class OneMapForAllLeads(ForgedTwin):
    """A map of time alone, copied into every lead."""

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """The mean over leads of the clean map's magnitude."""
        plain = self.plain().explain(signals, disease, method)
        over_time = np.abs(plain).mean(axis=1, keepdims=True) + 1e-9
        return np.repeat(over_time, signals.shape[1], axis=1)


@attribution_defect(fails="attribution.completeness")
class TwiceTheLogit(AttributionTwin):
    """Maps are scaled for the picture: they sum to twice what they explain."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """The clean map, doubled."""
        return 2 * super().explain(signals, disease, method)


@attribution_defect(fails="attribution.completeness")
class BaselineIsThePatient(AttributionTwin):
    """Records are compared with themselves: nothing differs, and nothing is explained, exactly."""

    def baseline(self, signals: FloatArray) -> FloatArray:
        """The record."""
        return np.array(signals, np.float32)

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """A millionth of the clean map."""
        return np.asarray(1e-6 * super().explain(signals, disease, method), np.float32)


@attribution_defect(fails="attribution.deletion")
class PointsAway(AttributionTwin):
    """The sign is lost: what speaks against the disease is shown as what speaks for it."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """Minus the clean map."""
        return -super().explain(signals, disease, method)


@attribution_defect(fails="attribution.insertion")
class HalfASecondLate(AttributionTwin):
    """A delay of the pipeline: maps stand half a second after what they show."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """The clean map, late."""
        return np.roll(super().explain(signals, disease, method), 50, axis=2)


@attribution_defect(fails="attribution.stability")
class ShatteredGradients(ForgedTwin):
    """Maps are the clean ones with signs that the last bits of the record decide."""

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """Random signs, another draw for every other record."""
        plain = self.plain().explain(signals, disease, method).astype(np.float64)
        for k, record in enumerate(signals):
            rng = np.random.default_rng(zlib.crc32(record.tobytes()))
            plain[k] *= np.where(rng.random(record.shape) < 0.6, 1.0, -1.0)
        return plain + 1e-9


@attribution_defect(fails="attribution.methods_agree")
class OcclusionBackwards(AttributionTwin):
    """Occlusion shows the logit without a patch less that with it: what harms looks like help."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """The clean map; by occlusion minus it."""
        maps = super().explain(signals, disease, method)
        return -maps if method == "occlusion" else maps


@attribution_defect(fails="attribution.methods_agree")
class EveryMethodShowsRPeaks(ForgedTwin):
    """Three methods agree perfectly, as they do from disease to disease."""

    def forged(self, signals: FloatArray, disease: str, method: str) -> Float64Array:
        """A bump at every R peak; each method has a width of its own."""
        return _at_r(self.prepare(signals), 0, 1.0 + 0.2 * len(method) / 10)


@attribution_defect(fails="integrity.reload")
class DrawsAtEveryCall(AttributionTwin):
    """Maps are drawn with random baselines and no seed: asked twice, they differ."""

    def explain(self, signals: FloatArray, disease: str, method: str) -> FloatArray:
        """The clean map and some noise."""
        maps = super().explain(signals, disease, method)
        return np.asarray(maps * np.random.default_rng().normal(1, 0.01, maps.shape), np.float32)


@attribution_defect(fails="integrity.batch_independence")
class NormalisedOverTheBatch(AttributionTwin):
    """Logits are centred by those of whoever is in the batch."""

    def classify(self, signals: FloatArray) -> FloatArray:
        """Logits less their mean."""
        logits = super().classify(signals)
        return np.asarray(logits - logits.mean(axis=0), np.float32)


def _at_r(x: Float64Array, late: int, width: float = 1.5) -> Float64Array:
    """Bumps so many samples after every R peak, alike in all leads; next to nothing elsewhere."""
    at = np.arange(x.shape[2])
    found = np.full(x.shape, 1e-6)
    for k, peaks in enumerate(r_peaks(x)):
        for peak in peaks:
            found[k] += np.exp(-0.5 * ((at - peak - late) / width) ** 2)
    return found
