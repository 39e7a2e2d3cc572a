"""Whose recording is it: what embeddings of single leads tell of the person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.aligned import Aligned, aligned
from axis_audit.capabilities import AlignsLeads
from axis_audit.checks import figures
from axis_audit.checks.leak_measurements import measured_leak
from axis_audit.checks.leak_questions import SMALLEST_SEX
from axis_audit.checks.measured import of_people
from axis_audit.cohort import Cohort
from axis_audit.errors import NotApplicable
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement, Region
from axis_audit.measures import shared_space
from axis_audit.measures.verification import Trials, trials
from axis_audit.probes.linear import linear_leak
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.intervals import proportion

FAMILY = "alignment"
FEWEST = 20
"""People with two recordings, below which nobody is identified."""
_MOST = 500
PUBLISHED = 0.9968
"""Rank-1 on ECG-ID, about 90 people (arXiv 2405.19359); it depends on how many there are."""


@check(
    family=FAMILY,
    gate=False,
    claim="A person is known again from one lead of another recording",
    acceptable=Below(0.1, "equal error rate"),
    cause="the embedding tells recordings apart (noise, moments of beats), not people",
    cure="positives from two recordings of one person; evaluate across sessions, never within",
    source="closed-set rank-1 and equal error rate of verification; patient bootstrap",
)
def identification(model: AlignsLeads, evidence: Evidence) -> Measurement:
    """Equal error rate of verification across recordings, one lead enrolled, the same lead probed.

    Mean over leads. A person's first recording is enrolled, the last of at most four is the probe;
    recordings of one waveform are one. Cosines about the mean of the enrolled; what is all alike
    has .5, like chance. Rank-1 of each lead among so many people stands in the details, with the
    published figure, which is of fewer people. It is asked of models that claim to identify people:
    `--gate alignment,integrity,alignment.identification`.

    Raises:
        NotApplicable: fewer than 20 audited people have two recordings.
    """
    found = aligned(evidence)
    enrolled, probes = _two_recordings(found)
    every = [_trials(found, enrolled, probes, lead) for lead in found.leads]

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.mean([t.equal_error(weights) for t in every], axis=0))

    n = len(enrolled)
    estimate = bootstrap(statistic, n, evidence.levels, seed=evidence.seed)
    ones = np.ones((1, n))
    by_lead = dict(zip(found.leads, every, strict=True))
    errors = {lead: float(t.equal_error(ones)[0]) for lead, t in by_lead.items()}
    return of_people(
        estimate,
        n,
        figure=figures.bars(errors, x_label="equal error rate", marks={"chance": 0.5}),
        details={
            **{f"{lead}: rank-1": _rank_1(t, evidence) for lead, t in by_lead.items()},
            "rank-1, mean over leads": float(np.mean([t.first.mean() for t in every])),
            "rank-1 by chance": 1.0 / n,
            "rank-1 published, about 90 people of ECG-ID": PUBLISHED,
            "people": n,
        },
    )


def _two_recordings(found: Aligned) -> tuple[Cohort, Cohort]:
    """First and last recording of everybody who has two different ones."""
    rows = found.evidence.rows
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    if rows is not None:
        wanted = set(found.people.patient_ids.tolist())
        for i, person in enumerate(rows.patient_ids.tolist()):
            if person not in wanted:
                continue
            start = first.setdefault(person, i)
            if rows.hashes[i] != rows.hashes[start]:
                last[person] = i
    people = list(last)[:_MOST]
    if rows is None or len(people) < FEWEST:
        raise NotApplicable(
            f"{len(people)} of the audited people have two recordings; {FEWEST} at least are needed"
        )
    return (
        rows.subset(np.array([first[p] for p in people])),
        rows.subset(np.array([last[p] for p in people])),
    )


def _trials(found: Aligned, enrolled: Cohort, probes: Cohort, lead: str) -> Trials:
    both = np.stack([found.embed(c.signals, lead) for c in (enrolled, probes)])
    centre = both[0].mean(axis=0)
    spread, size = float(np.sqrt(np.mean((both - centre) ** 2))), float(np.sqrt(np.mean(both**2)))
    moved = both - centre if spread > shared_space.NEXT_TO_NOTHING * size else np.zeros_like(both)
    ours, theirs = shared_space.directions(moved)
    return trials(np.round(ours.astype(np.float64) @ theirs.T.astype(np.float64), 6))


def _rank_1(found: Trials, evidence: Evidence) -> str:
    estimate = proportion(int(found.first.sum()), len(found.first), evidence.levels)
    return f"{estimate.value:.3f} [{estimate.interval[0]:.3f}, {estimate.interval[1]:.3f}]"


_CURE = "nothing, if nobody is misled; otherwise what leakage.linear advises"


@check(
    family=FAMILY,
    gate=False,
    claim="Age cannot be read from the embedding",
    acceptable=Below(0.05, "R²"),
    cause="most embeddings of hearts know their age: whoever uses them should know it, too",
    cure=_CURE,
    source="noncentral F of ordinary least squares on whitened embeddings (Lee 1971)",
)
def age_told(model: AlignsLeads, evidence: Evidence, acceptable: Region) -> Measurement:
    """Population R² of age on the embedding, mean over a recording's leads; reported, no gate."""
    found = aligned(evidence)
    return _told(found, np.ones(found.n, bool), found.people.age.astype(np.float64), acceptable)


@check(
    family=FAMILY,
    gate=False,
    claim="Sex cannot be read from the embedding",
    acceptable=Below(0.05, "R²"),
    cause="most embeddings of hearts know a person's sex: whoever uses them should know it, too",
    cure=_CURE,
    source="noncentral F of ordinary least squares on whitened embeddings (Lee 1971)",
)
def sex_told(model: AlignsLeads, evidence: Evidence, acceptable: Region) -> Measurement:
    """Population R² of sex (women 1, men 0) on the embedding; reported, no gate.

    Raises:
        NotApplicable: the cohort does not tell women from men.
    """
    found = aligned(evidence)
    female = found.people.sex == "female"
    known = female | (found.people.sex == "male")
    if min(int(female.sum()), int((known & ~female).sum())) < SMALLEST_SEX:
        raise NotApplicable("the cohort does not tell women from men")
    return _told(found, known, female.astype(np.float64), acceptable)


def _told(
    found: Aligned, who: NDArray[np.bool_], target: NDArray[np.float64], region: Region
) -> Measurement:
    evidence = found.evidence
    latents = found.embeddings.mean(axis=0)[who]
    leak = linear_leak(latents, target[who], region.high, evidence.levels, seed=evidence.seed)
    return measured_leak(leak, int(who.sum()), details={"in-sample R²": leak.r2})
