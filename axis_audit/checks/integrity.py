"""Can the other numbers be trusted: the split, the file, the arithmetic?"""

from __future__ import annotations

from typing import Any

import numpy as np

from axis_audit.capabilities import AlignsLeads, Batch, Classifies, Explains, ModelUnderAudit
from axis_audit.cohort import Cohort
from axis_audit.errors import MeasurementError, NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Controls, Exactly, Measurement
from axis_audit.measures import duplicates
from axis_audit.registry import check

SAME_RECORDING = 0.99
FEWEST_LEADS = 8
_ROWS = 64
_MANY = 512
_OTHER_BATCH = 100
_EXPLAINED = 4
"""Rows whose maps are made: each takes as long as hundreds of logits."""


@check(
    claim="Nobody who is audited was seen in training or selection",
    acceptable=Exactly(0.0, "patients in both"),
    exact=True,
    cause="folds were split by record, or the audited folds were trained on",
    cure="audit people whose ids and waveforms are not in the checkpoint's manifest",
    source="64-bit hashes of patient ids and raw waveforms",
)
def split(model: ModelUnderAudit, evidence: Evidence) -> Measurement:
    """Audited people whose id or waveform is in the checkpoint's manifest."""
    manifest = evidence.manifest
    complaint, seen = "", evidence.seen_patients
    if not seen and (manifest is None or manifest.patients.size == 0):
        complaint = "the checkpoint has no manifest of its training people, so nobody can tell"
    return Measurement(
        float(seen),
        (float(seen), float(seen)),
        evidence.n,
        evidence.n,
        exact=True,
        controls=Controls(complaint=complaint),
        details={
            "people in the manifest": 0 if manifest is None else int(manifest.patients.size),
            "left out before the audit": evidence.removed_patients,
        },
    )


@check(
    claim="Loading the file again gives the same numbers, bit for bit",
    acceptable=Exactly(0.0, "changed values"),
    exact=True,
    cause="dropout or batch norm in training mode, unsaved buffers, unseeded randomness, work in "
    "place on the input",
    cure="call eval(), save every buffer, draw nothing at inference, copy before writing",
    source="bitwise comparison",
)
def reload(model: ModelUnderAudit, evidence: Evidence) -> Measurement:
    """Output values that differ between this model, itself again, and a fresh load.

    And samples that the model wrote into the signals it was given.
    """
    signals = evidence.cohort.signals[:_ROWS]
    given = signals.copy()
    _outputs(model, evidence.cohort, np.arange(len(given)), given)
    ours = _everything(model, evidence.cohort)
    again = _everything(model, evidence.cohort)
    changed = {f"{name}, asked twice": _differing(ours[name], again[name]) for name in ours}
    changed["signals, written to by the model"] = _differing(given, signals)
    complaint = "" if evidence.reload else "a model in memory has no file to load again"
    if evidence.reload:
        fresh = _everything(evidence.reload(), evidence.cohort)
        changed |= {f"{name}, reloaded": _differing(ours[name], fresh[name]) for name in ours}
    worst = float(max(changed.values(), default=0))
    if worst > 0:
        complaint = ""
    return Measurement(
        worst,
        (worst, worst),
        len(signals),
        len(signals),
        exact=True,
        controls=Controls(complaint=complaint),
        details=changed,
    )


@check(
    claim="A row's result does not depend on the rows beside it",
    acceptable=Below(1e-4, "SD of the output"),
    exact=True,
    cause="batch norm in training mode, or normalisation over the batch",
    cure="call eval(); normalise each record by itself",
    source="batch of 1 against batch of N; another order of rows",
)
def batch_independence(model: ModelUnderAudit, evidence: Evidence) -> Measurement:
    """Largest difference of an output between company and company, in that output's SD.

    Latents, canonical beats, reconstructions, logits, predicted ages and what is made of single
    leads, of 16 rows one by one and together; of the first 512 together and in reverse order by
    the hundred, so that neither a row's neighbours nor its place in the batch may matter.
    """
    cohort = evidence.cohort
    few, many = np.arange(min(16, evidence.n)), np.arange(min(_MANY, evidence.n))
    backwards = np.array_split(many[::-1], -(-len(many) // _OTHER_BATCH))
    found = {
        "one by one": (few, np.array_split(few, len(few))),
        "in reverse order, by the hundred": (many, backwards),
    }
    differences: dict[str, float] = {}
    for how, (rows, parts) in found.items():
        together = _outputs(model, cohort, rows)
        apart = [_outputs(model, cohort, part) for part in parts]
        for name, values in together.items():
            other = np.concatenate([outputs[name] for outputs in apart])
            placed = other[np.argsort(np.concatenate(parts))]
            differences[f"{name}, {how}"] = _in_deviations(values, placed)
    if not differences:
        raise MeasurementError("the model says nothing of single rows")
    worst = float(np.max(list(differences.values())))  # np.max keeps NaN
    return Measurement.exactly(worst, n=len(many), n_patients=len(many), details=differences)


@check(
    claim="Every output is a number",
    acceptable=Exactly(0.0, "NaN or infinite values"),
    exact=True,
    cause="a division by a flat lead's scale, an overflow, or training that diverged",
    cure="bound the scale from below; look at the records named",
    source="IEEE 754",
)
def finite(model: ModelUnderAudit, evidence: Evidence) -> Measurement:
    """Values of latents, canonical beats, reconstructions, logits and ages that are no numbers.

    Of everybody as recorded, and of the first 512 at half and double gain and with a lead flat,
    each person another: what a recorder may do must not make a number into none.
    """
    counts: dict[str, int] = {}
    if hasattr(model, "encode"):
        counts["latents"] = _not_finite(evidence.raw_latents)
    if hasattr(model, "predict_age"):
        counts["predicted ages"] = _not_finite(evidence.raw_predictions)
    people = evidence.cohort.subset(np.arange(min(_MANY, evidence.n)))
    flat = people.signals.copy()
    flat[np.arange(len(flat)), np.arange(len(flat)) % flat.shape[1]] = 0.0
    disturbed = {
        "": people.signals,
        ", half gain": people.signals * np.float32(0.5),
        ", double gain": people.signals * np.float32(2.0),
        ", a lead flat": flat,
    }
    for how, signals in disturbed.items():
        for name, values in _outputs(model, people, np.arange(len(people)), signals).items():
            if how or name not in counts:
                counts[name + how] = _not_finite(values)
    return Measurement.exactly(
        sum(counts.values()), n=evidence.n, n_patients=evidence.n, details=counts
    )


@check(
    claim="Nobody stands in the audit twice under two names",
    acceptable=Exactly(0.0, "pairs"),
    exact=True,
    cause="one recording entered under several patient ids: filtered, rescaled or re-exported",
    cure="remove the pairs named, or give both recordings one patient id",
    source="correlation of all leads; random projection (Johnson & Lindenstrauss 1984)",
)
def near_duplicates(model: ModelUnderAudit, evidence: Evidence) -> Measurement:
    """Pairs of different people, audited or with fitting people, whose signals correlate > .99.

    A copy with noise at 20 dB correlates by .995. Of 140 million pairs of ids in folds 1-9 of
    PTB-XL 17 correlate by more than .985, 5 by more than .99: all of one sex, and of one age within
    a year, so they are people who stand there under two ids (tests/benchmarks/ptbxl_facts.py).
    Strangers are less alike.

    Raises:
        NotApplicable: fewer than eight leads; in few leads strangers' beats are alike.
    """
    cohort, fit = evidence.cohort, evidence.fit_cohort
    if len(cohort.leads) < FEWEST_LEADS:
        raise NotApplicable(
            f"in {len(cohort.leads)} leads strangers' beats are too alike to tell copies"
        )
    ours = duplicates.unit_rows(cohort.signals)
    names = cohort.record_ids
    pairs = [
        f"{names[i]} and {names[j]} (r = {r:.4f})"
        for i, j, r in duplicates.near_duplicates(ours, None, SAME_RECORDING)
        if cohort.patient_ids[i] != cohort.patient_ids[j]
    ]
    if fit is not None:
        pairs += [
            f"{names[i]} and {fit.record_ids[j]} of the fitting people (r = {r:.4f})"
            for i, j, r in duplicates.near_duplicates(
                ours, duplicates.unit_rows(fit.signals), SAME_RECORDING
            )
            if cohort.patient_ids[i] != fit.patient_ids[j]
        ]
    return Measurement.exactly(
        len(pairs), n=evidence.n, n_patients=evidence.n, details={"pairs": pairs[:10]}
    )


def _outputs(
    model: Any, cohort: Cohort, rows: np.ndarray, signals: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """What a model says of some rows, or of other signals of theirs, as one batch."""
    signals = cohort.signals[rows] if signals is None else signals
    outputs = {}
    if hasattr(model, "encode"):
        outputs["latents"] = np.asarray(model.encode(signals))
    if hasattr(model, "canonical") and "latents" in outputs:
        outputs["canonical beats"] = np.asarray(model.canonical(outputs["latents"]))
    if hasattr(model, "decode") and "latents" in outputs:
        # Others are encoded in between: a decoder must know no more than the latents it is given.
        model.encode(np.ascontiguousarray(signals[::-1]))
        outputs["reconstructions"] = np.asarray(model.decode(outputs["latents"]))
    if isinstance(model, AlignsLeads):
        outputs |= _of_single_leads(model, cohort.leads, signals)
    if isinstance(model, Classifies):
        outputs["logits"] = np.asarray(model.classify(signals))
    if hasattr(model, "predict_age"):
        columns = {k: getattr(cohort, k)[rows] for k in ("age", "sex", "site", "device")}
        outputs["predicted ages"] = np.asarray(model.predict_age(Batch(signals, columns)))
    return outputs


def _of_single_leads(
    model: AlignsLeads, leads: tuple[str, ...], signals: np.ndarray
) -> dict[str, np.ndarray]:
    """Embeddings of every lead, all leads drawn from the first, and each lead completed."""
    hidden = np.zeros(signals.shape[1:], bool)
    hidden[:, signals.shape[2] // 4 : signals.shape[2] // 2] = True
    embedded = {f"embeddings of {lead}": model.embed(signals, lead) for lead in leads}
    return {name: np.asarray(values) for name, values in embedded.items()} | {
        f"leads drawn from {leads[0]}": np.asarray(model.reconstruct_leads(signals, leads[0])),
        "completed leads": np.asarray(model.complete(signals, hidden)),
    }


def _everything(model: Any, cohort: Cohort) -> dict[str, np.ndarray]:
    """`_outputs` of the first people, the axis, maps of a few, and draws."""
    outputs = _outputs(model, cohort, np.arange(min(_ROWS, len(cohort))))
    if hasattr(model, "axis_value"):
        outputs["g(age)"] = np.asarray(model.axis_value(np.linspace(18.0, 95.0, 155)))
        outputs["B"] = np.asarray(model.axis_direction())
    if isinstance(model, Explains):
        few = cohort.signals[:_EXPLAINED]
        for name in model.diseases:
            maps = model.explain(few.copy(), name, model.explanations[0])
            outputs[f"maps of {name}"] = np.asarray(maps)
    if hasattr(model, "sample"):
        outputs["draws"] = np.asarray(model.sample(_OTHER_BATCH, 0))
    return outputs


def _in_deviations(values: np.ndarray, others: np.ndarray) -> float:
    """Largest difference of two outputs (n, ...), over the largest SD across rows."""
    ours, theirs = (np.asarray(v, np.float64).reshape(len(v), -1) for v in (values, others))
    spread = float(ours.std(axis=0).max())
    difference = float(np.abs(ours - theirs).max())
    return difference / spread if spread > 0 else difference


def _differing(a: np.ndarray, b: np.ndarray) -> int:
    return int(a.size) if a.shape != b.shape else int(np.count_nonzero(a != b))


def _not_finite(values: np.ndarray) -> int:
    return int(values.size - np.count_nonzero(np.isfinite(values)))
