"""Does a generative model make signals like people's, and of each person the person's own?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axis_audit.capabilities import Generates
from axis_audit.checks import figures
from axis_audit.checks.generated_pictures import clouds, examples
from axis_audit.checks.measured import measured
from axis_audit.errors import MeasurementError
from axis_audit.evidence import Evidence
from axis_audit.finding import Below, Measurement, Within
from axis_audit.generated import Generated, generated
from axis_audit.measures import mmd
from axis_audit.measures.lags import lags
from axis_audit.registry import check
from axis_audit.statistics.bootstrap import bootstrap
from axis_audit.statistics.intervals import mean, proportion
from axis_audit.statistics.worst import largest, shared

Array = NDArray[np.float64]
PUBLISHED_MMD = 3.83e-3
"""Kuznetsov et al. 2021, Front. Genet. 12:638191: of their VAE; neither kernel nor bandwidth is
stated, so it stands beside our figures and decides nothing."""
HALVES = 500
LOST = 0.5
"""Of the usual variance between signals: who is missed by more is not redrawn at all."""
_LATEST_SHARE = 0.1
"""Of a signal: how late or early a reconstruction is looked for."""


@check(
    claim="Reconstructions are distributed as people's signals are",
    acceptable=Below(0.01, "MMD²"),
    cause="the decoder blurs, averages or shifts: peaks too low, waves missing, everybody alike",
    cure="more capacity or less weight on the KL term; look at real beside reconstructed signals",
    source="Gretton et al. 2012, JMLR 13:723 (unbiased, Gaussian kernel); patient bootstrap",
)
def reconstruction_mmd(model: Generates, evidence: Evidence) -> Measurement:
    """MMD² between people's signals and their reconstructions, paired by person.

    Gaussian kernel; its bandwidth was fixed beforehand as the median distance between training
    cycles of unit variance. The margin is what two groups of 100 real people differ by at most, 39
    times of 40 (PTB-XL, tests/benchmarks/mmd_scale.py). The estimate is unbiased, so it may lie a
    little below 0. In the details: what halves of the audited people differ by, and what a decoder
    would score that gives everybody the mean signal.
    """
    made = generated(evidence)
    h = mmd.paired(made.real, made.made, made.owners, made.bandwidth)
    estimate = bootstrap(mmd.off_diagonal_mean(h), evidence.n, evidence.levels, seed=evidence.seed)
    return measured(
        estimate,
        evidence,
        figure=figures.attempted(
            lambda: figures.together(
                clouds(made, {"real": made.real, "reconstructed": made.made}), examples(made)
            )
        ),
        details={
            **_real_against_real(made),
            "of a decoder of the mean signal": _of_the_mean(made),
            "published, of a kernel that is not stated": PUBLISHED_MMD,
        },
    )


@check(
    claim="Signals drawn from the model are distributed as people's are",
    acceptable=Below(0.03, "MMD²"),
    cause="the encoder fills another region than the prior the draws come from; modes are missing",
    cure="more weight on the KL term, a learned prior, or fewer dimensions",
    source="Gretton et al. 2012, JMLR 13:723 (unbiased, Gaussian kernel); patient bootstrap",
)
def sample_mmd(model: Generates, evidence: Evidence) -> Measurement:
    """MMD² between people's signals and 1,000 draws from the model.

    As `reconstruction_mmd`, but draws belong to nobody: nothing cancels, and people's own spread is
    in the interval. The margin is what two groups of 30 real people differ by, 39 times of 40. Of
    the model's own draws and of latents from N(0, I), decoded here; the larger counts.
    """
    made = generated(evidence)
    # Either source may FAIL, so they share its level; a PASS needs both.
    levels = shared(evidence.levels, 2)
    found = {}
    for name, draws in (("sample", made.draws), ("decoded N(0, I)", made.from_prior)):
        statistic = mmd.against_draws(made.real, made.owners, draws, made.bandwidth)
        found[name] = bootstrap(statistic, evidence.n, levels, seed=evidence.seed)
    return measured(
        largest(list(found.values())),
        evidence,
        figure=figures.attempted(lambda: clouds(made, {"real": made.real, "drawn": made.draws})),
        details={
            **{f"of {name}": e.value for name, e in found.items()},
            **_real_against_real(made),
            "published, of a kernel that is not stated": PUBLISHED_MMD,
        },
    )


def _real_against_real(made: Generated) -> dict[str, float]:
    within = mmd.between_people(made.real, made.owners, made.real, made.owners, made.bandwidth)
    halves = mmd.between_halves(within, HALVES, made.evidence.rng("halves of real people"))
    name = f"halves of the audited people ({len(within) // 2} each)"
    return {
        f"{name}, mean": float(halves.mean()),
        f"{name}, 97.5 % of the time below": float(np.quantile(halves, 0.975)),
    }


def _of_the_mean(made: Generated) -> float:
    everybody = np.broadcast_to(made.by_person(made.real).mean(axis=0), made.real.shape)
    h = mmd.paired(made.real, everybody, made.owners, made.bandwidth)
    return float(mmd.off_diagonal_mean(h)(np.ones((1, len(h))))[0])


@check(
    claim="A reconstruction is that person's own signal",
    acceptable=Below(0.25, "of the variance between signals"),
    cause="the latent does not tell people apart: collapsed, too small, or the decoder ignores it",
    cure="less weight on the KL term, more dimensions, a longer training",
    source="squared error over squared distance from the mean signal; patient bootstrap",
)
def fidelity(model: Generates, evidence: Evidence) -> Measurement:
    """Squared error of reconstructions over that of a decoder of the mean signal; the worst lead.

    An MMD cannot see whose signal is whose: reconstructions handed round among people have an MMD
    of 0 and a fidelity of about 2.
    """
    made = generated(evidence)
    error, total = _errors(made)
    leads = error.shape[1]
    levels = shared(evidence.levels, leads)
    found = []
    for lead in range(leads):

        def statistic(weights: Array, lead: int = lead) -> Array:
            return np.asarray((weights @ error[:, lead]) / (weights @ total[:, lead]))

        found.append(bootstrap(statistic, evidence.n, levels, seed=evidence.seed))
    shares = error.sum(axis=1) / total.sum(axis=1).mean()
    return measured(
        largest(found),
        evidence,
        details={
            **{f"lead {n}": e.value for n, e in zip(made.rows.leads, found, strict=True)},
            "median person": float(np.median(shares)),
            "worst person": float(shares.max()),
        },
    )


@check(
    claim="Nobody's signal is lost: reconstructions are right for all kinds of people",
    acceptable=Below(0.1, "of the people"),
    cause="a kind of people whom training hardly knew: their rhythm, pacing, sex or age",
    cure="look at those who are redrawn worst; train on more people like them",
    source="people whose squared error is half of the usual variance; Clopper & Pearson 1934",
)
def everybody(model: Generates, evidence: Evidence) -> Measurement:
    """Share of people whose reconstruction misses half of what a mean signal misses on average.

    A mean over people hides a few who are lost altogether.
    """
    made = generated(evidence)
    error, total = (values.sum(axis=1) for values in _errors(made))
    shares = error / total.mean()
    lost = shares > LOST
    order = np.argsort(-shares)[:5]
    ids = evidence.cohort.record_ids
    return measured(
        proportion(int(lost.sum()), len(lost), evidence.levels),
        evidence,
        figure=figures.line(
            np.arange(len(shares)),
            {"error, of the usual variance": np.sort(shares)},
            x_label="people, in order of their error",
            y_label="squared error, of the usual variance",
        ),
        details={"redrawn worst": [f"{ids[i]} ({shares[i]:.2g})" for i in order]},
    )


def _errors(made: Generated) -> tuple[Array, Array]:
    """Squared error and squared distance from the mean signal, (people, leads)."""
    leads = len(made.rows.leads)
    centre = made.by_person(made.real).mean(axis=0)

    def by_lead(difference: Array) -> Array:
        return made.by_person(np.sum(difference.reshape(len(difference), leads, -1) ** 2, axis=2))

    return by_lead(made.made - made.real), by_lead(made.real - centre)


@check(
    claim="Reconstructions come at the right time",
    acceptable=Within(-4.0, 4.0, "ms"),
    cause="an off-by-one in padding, pooling or resampling; a causal filter",
    cure="decode a spike: its place must not move",
    source="largest cross-covariance, between samples by a parabola; Student's t over people",
)
def timing(model: Generates, evidence: Evidence) -> Measurement:
    """Mean lag of reconstructions behind people's signals, one mean a person.

    4 ms are two samples at 500 Hz. In lead II if it is there, else in the first lead.
    """
    made = generated(evidence)
    real, redrawn = made.one_lead(made.real), made.one_lead(made.made)
    # A lead that was off when it was recorded has no time to come at.
    there = np.ptp(real, axis=1) > 0
    samples = real.shape[1]
    late = lags(real, redrawn, most=max(1, int(_LATEST_SHARE * samples)))
    if np.isnan(late[there]).any():
        raise MeasurementError("some reconstructions are constant: they come at no time")
    person = made.by_person(late * made.seconds / samples * 1000.0)
    person = person[np.isfinite(person)]
    return measured(
        mean(person, evidence.levels),
        evidence,
        figure=figures.line(
            np.arange(len(person)),
            {"lag (ms)": np.sort(person)},
            x_label="people, in order of their lag",
            y_label="lag of the reconstruction (ms)",
        ),
        details={
            "largest of any person in ms": float(np.abs(person).max(initial=0.0)),
            "people with a flat lead": evidence.n - len(person),
        },
    )
