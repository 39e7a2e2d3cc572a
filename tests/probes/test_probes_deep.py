"""The larger network finds what small ones miss, and admits that finding nothing proves little."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis_audit.checks import leakage_deep
from axis_audit.decision import decide
from axis_audit.errors import MeasurementError
from axis_audit.finding import Below, Measurement, Verdict
from axis_audit.probes import deep
from axis_audit.probes.deep import CONTROL, ENOUGH_PEOPLE, DeepLeak, deep_leak, inputs
from axis_audit.probes.planted import CROSS_VALIDATED, FITTED
from axis_audit.probes.random_members import random_members
from axis_audit.statistics.levels import Levels

LEVELS = Levels(0.025, 0.003)
MARGIN = 0.05
N, FIT, D = 600, 1200, 5


def people(seed: int, n: int = N + FIT, d: int = D) -> tuple[np.ndarray, np.ndarray]:
    """Latents and ages that they do not tell."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.uniform(20, 90, n)


def leak_of(latents: np.ndarray, ages: np.ndarray, seed: int = 0) -> DeepLeak:
    return deep_leak(
        latents[:N],
        ages[:N],
        margin=MARGIN,
        levels=LEVELS,
        fit_latents=latents[N:],
        fit_target=ages[N:],
        seed=seed,
    )


def measured(latents: np.ndarray, ages: np.ndarray, fit: int) -> Measurement:
    """The check on all but the last `fit` people, fitted on those."""
    n = len(latents) - fit
    evidence = SimpleNamespace(
        n=n,
        ages=ages[:n],
        latents=latents[:n],
        fit_latents=latents[n:] if fit else None,
        fit_ages=ages[n:] if fit else None,
        levels=LEVELS,
        seed=0,
    )
    return leakage_deep.deep_network(None, evidence, Below(MARGIN))


@pytest.fixture(scope="module")
def clean() -> DeepLeak:
    return leak_of(*people(0, n=N + ENOUGH_PEOPLE))


def test_noise_is_no_leak_and_the_control_was_found(clean: DeepLeak) -> None:
    assert clean.fail_interval[0] == 0
    assert clean.interval[1] < MARGIN
    assert not clean.complaint
    assert clean.control is not None
    assert clean.control[0] == pytest.approx(CONTROL, abs=0.1)
    assert clean.control[1][0] > MARGIN
    assert (clean.way, clean.n, clean.n_fit) == (FITTED, N, ENOUGH_PEOPLE)


def test_the_same_seed_reads_the_same() -> None:
    latents, ages = people(8, n=N + 200)
    first, again, other = (leak_of(latents, ages, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.predictions, again.predictions)
    assert not np.array_equal(first.predictions, other.predictions)


def test_a_product_of_three_signs_is_found() -> None:
    latents, ages = people(1)
    parity = np.sign(latents[:, 0] * latents[:, 1] * latents[:, 2])
    leak = leak_of(latents, ages + 25 * parity)
    assert leak.fail_interval[0] > MARGIN


def test_a_wide_network_is_found() -> None:
    latents, ages = people(2)
    wide = random_members(latents, 1, 7, hidden=64)[:, 0]
    leak = leak_of(latents, ages + 15 * wide)
    assert leak.fail_interval[0] > MARGIN


def test_an_ordinary_leak_is_read_in_years_and_not_overstated() -> None:
    latents, ages = people(3)
    ages += 20 * latents[:, 0]
    leak = leak_of(latents * np.geomspace(1e-4, 10, D), ages)
    there = 0.495  # 400 / (400 + 70²/12); some of it is lost on a network and 1,200 people
    assert leak.fail_interval[0] > 0.6 * there
    assert leak.interval[0] < there
    slope = np.polyfit(leak.predictions, ages[:N], 1)[0]
    assert slope == pytest.approx(1, abs=0.2)


def test_a_wild_person_blinds_nothing() -> None:
    latents, ages = people(4)
    ages += 20 * latents[:, 0]
    latents[-1] = 1e6
    assert leak_of(latents, ages).fail_interval[0] > MARGIN


@pytest.mark.parametrize("fit", [0, 300])
def test_few_people_are_no_witness_of_a_clean_latent(fit: int) -> None:
    latents, ages = people(5, n=200 + fit)
    verdict, reason = decide(measured(latents, ages, fit), Below(MARGIN))
    assert verdict is Verdict.INCONCLUSIVE
    assert "too few to teach" in reason


def test_few_people_may_still_betray_a_leak() -> None:
    latents, ages = people(6, n=300)
    measurement = measured(latents, ages + 20 * latents[:, 1], 0)
    assert decide(measurement, Below(MARGIN))[0] is Verdict.FAIL
    assert measurement.details["way that counts"] == CROSS_VALIDATED


def test_a_control_that_is_not_found_takes_the_pass_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "CONTROL", 0.01)
    latents, ages = people(7, n=N + ENOUGH_PEOPLE)
    verdict, reason = decide(measured(latents, ages, ENOUGH_PEOPLE), Below(MARGIN))
    assert verdict is Verdict.INCONCLUSIVE
    assert "did not find a planted leak" in reason


@pytest.mark.parametrize("broken", ["constant", "nan", "short", "few"])
def test_what_cannot_be_probed_is_refused(broken: str) -> None:
    latents, ages = people(0, n=60)
    if broken == "constant":
        latents = np.ones_like(latents)
    elif broken == "nan":
        latents[3, 1] = np.nan
    elif broken == "short":
        ages = ages[:-1]
    else:
        latents, ages = latents[:19], ages[:19]
    with pytest.raises(MeasurementError):
        deep_leak(latents, ages, margin=MARGIN, levels=LEVELS)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-6, 1e6), shift=st.floats(-10, 10))
def test_inputs_are_blind_to_units(seed: int, scale: float, shift: float) -> None:
    x = np.random.default_rng(seed).standard_normal((200, 3))
    plain = inputs(x, x)
    assert plain.shape == (200, 6)
    assert np.abs(plain).max() <= deep.LARGEST_INPUT
    moved = (x + shift) * scale
    # Whitened directions have no sign of their own.
    assert np.allclose(np.abs(inputs(moved, moved)), np.abs(plain), atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), r=st.floats(-0.9, 0.9))
def test_an_interval_holds_its_estimate_and_a_negative_reading_is_none(seed: int, r: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.standard_normal(400)
    y = r * p + np.sqrt(1 - r * r) * rng.standard_normal(400)
    reading = deep._Reading.of(p, y, np.zeros(400, int))
    low, high = reading.interval(0.025)
    assert 0 <= low <= reading.squared <= high < 1
    wide = reading.interval(0.001)
    assert wide[0] <= low
    assert high <= wide[1]
    if r < -0.5:
        assert reading.squared == high == 0
