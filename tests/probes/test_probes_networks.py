"""The networks of the MLP probe: their hand-written descent, and what they read of a few people."""

import math

import numpy as np
import pytest
import torch

from axis_audit.probes.mlp import (
    DROPOUT,
    LEARNING_RATE,
    STILL_FALLING,
    WARM_UP,
    WEIGHT_DECAY,
    _Networks,
    cross_validated,
    fitted,
)

RNG = np.random.default_rng


def schedule(step, steps):
    """Linear to 1 over the warm-up, then half a cosine to 0."""
    done = step / steps
    if done < WARM_UP:
        return done / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))


def test_the_descent_is_adamw_on_the_mean_squared_error_of_each_target():
    d, count, steps = 5, 3, 20
    networks = _Networks(d, count, steps, seed=0)
    with torch.no_grad():
        networks._parameters[2].normal_(generator=torch.Generator().manual_seed(1))
    w1, b1, w2, b2 = (p.clone().requires_grad_() for p in networks._parameters)
    decay = WEIGHT_DECAY * d / (d + 16)
    adam = torch.optim.AdamW(
        [w1, b1, w2, b2], lr=1.0, betas=(0.9, 0.99), eps=1e-8, weight_decay=decay
    )
    generator = torch.Generator().manual_seed(2)
    for step in range(1, steps + 1):
        x = torch.randn(7, d, generator=generator)
        y = torch.randn(7, count, generator=generator)
        with torch.no_grad():
            networks._descend(x, y)
        units = torch.relu(x @ w1 + b1).reshape(7, count, -1)
        output = (units * w2).sum(2) + b2
        adam.param_groups[0]["lr"] = LEARNING_RATE * schedule(step, steps)
        adam.zero_grad()
        ((output - y) ** 2).mean(0).sum().backward()
        adam.step()
    for ours, theirs in zip(networks._parameters, (w1, b1, w2, b2), strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-3, atol=1e-5)


def test_an_epoch_sees_every_person_once_less_a_remainder_and_drops_inputs_at_its_rate():
    networks = _Networks(64, 1, 10, seed=0)
    seen = []
    networks._descend = lambda x, y: seen.append((x, y))
    people = torch.arange(1.0, 102.0)
    networks.epoch(torch.ones(101, 64) * people[:, None], people[:, None], 20)
    assert len(seen) == 5
    rows = torch.cat([y for _, y in seen])[:, 0]
    assert len(set(rows.tolist())) == 100
    assert (rows[1:] < rows[:-1]).any()
    kept = torch.cat([x for x, _ in seen]) / rows[:, None]
    rate = DROPOUT * 64 / 80
    assert sorted({round(v, 5) for v in kept.unique().tolist()}) == [0.0, round(1 / (1 - rate), 5)]
    assert (kept == 0).float().mean() == pytest.approx(rate, abs=0.02)


def test_networks_start_at_the_mean_of_every_target():
    networks = _Networks(4, 3, 10, seed=0)
    assert (networks.predict(torch.randn(6, 4)) == 0).all()
    assert networks.predict(torch.randn(6, 4)).shape == (6, 3)
    w1, b1 = networks._parameters[:2]
    wide = _Networks(400, 50, 1, seed=1)._parameters
    assert float(wide[0].std()) == pytest.approx(0.3 / 20, rel=0.02)
    assert float(wide[1].std()) == pytest.approx(0.5, rel=0.1)
    assert w1.shape == (4, 24)
    assert b1.shape == (24,)


@pytest.fixture(scope="module")
def people():
    rng = RNG(0)
    z = rng.standard_normal((240, 2))
    line, bend, noise = 60 + 10 * z[:, 0], np.abs(z[:, 1]), rng.standard_normal(240)
    return 1e-3 * z + 5, np.column_stack([line, bend, noise])


def test_lines_and_bends_are_read_in_their_own_units_and_noise_is_not(people):
    found = cross_validated(*people)
    line, bend, noise = np.tanh(found.score)
    assert line > 0.95
    assert bend > 0.6
    assert abs(noise) < 0.25
    assert found.score.shape == (3,)
    assert np.abs(found.predictions[:, 0] - people[1][:, 0]).mean() < 3.5
    assert found.predictions[:, 0].mean() == pytest.approx(60, abs=2)
    assert found.epochs == 40
    assert found.converged.dtype == np.bool_
    assert found.converged[0]
    again = cross_validated(*people, folds=5, seed=0)
    np.testing.assert_array_equal(found.score, again.score)
    assert (cross_validated(*people, seed=1).score != found.score).all()


def test_a_probe_fitted_on_others_predicts_people_it_never_saw(people):
    z, targets = people
    shifted = targets[:80] + np.array([0.0, 0.0, 5.0])
    found = fitted(z[80:], targets[80:], z[:80], shifted)
    assert np.tanh(found.score[0]) > 0.95
    r = np.corrcoef(found.predictions[:, 1], targets[:80, 1])[0, 1]
    assert np.tanh(found.score[1]) == pytest.approx(r, abs=1e-6)
    assert abs(np.tanh(found.score[2])) < 0.35
    assert found.predictions.shape == (80, 3)
    np.testing.assert_array_equal(
        fitted(z[80:], targets[80:], z[:80], shifted, seed=0).score, found.score
    )


@pytest.mark.parametrize(("n", "epochs"), [(2000, 20), (5000, 9)])
def test_many_people_need_few_epochs(n, epochs):
    z = RNG(1).standard_normal((n, 1))
    assert fitted(z, z, z[:50], z[:50]).epochs == epochs


def test_ten_people_in_five_folds_can_be_probed():
    z = RNG(2).standard_normal((10, 1))
    assert np.isfinite(cross_validated(z, z).score).all()
    assert 0 < STILL_FALLING < 0.1
