"""If age could train g through the age head, the axis would be fitted to its own label."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import mse_loss

from model.deformation.published import objective
from model.deformation.published.network import DeformationNetwork
from model.deformation.published.routing import (
    ROUTES,
    RoutingError,
    assert_routes,
    reached,
    trained_groups,
)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    x = torch.randn(16, 12, 120)
    return objective.Rows(x, x, torch.linspace(20, 90, 16), torch.ones(16))


def network(small, stage):
    torch.manual_seed(0)
    model = DeformationNetwork(small)
    for name, parameters in model.groups().items():
        for p in parameters:
            p.requires_grad_(name in trained_groups(stage))
    return model


@pytest.mark.parametrize("stage", list(ROUTES))
def test_every_loss_reaches_exactly_what_the_table_says(small, batch, stage):
    model = network(small, stage)
    losses = objective.stage_losses(model, batch, stage)
    assert_routes(losses, model.groups(), ROUTES[stage])


def test_the_groups_cover_every_parameter_once(small):
    model = DeformationNetwork(small)
    grouped = [p for members in model.groups().values() for p in members]
    assert {id(p) for p in grouped} == {id(p) for p in model.parameters()}
    assert len(grouped) == len(list(model.parameters()))


def test_no_loss_that_knows_ages_reaches_both_the_axis_and_the_age_head():
    for routes in ROUTES.values():
        assert not routes.get("age", frozenset()) & {"axis", "spline", "neutral"}


def test_an_age_head_fed_with_g_is_caught(small, batch):
    model = network(small, "joint")
    losses = objective.stage_losses(model, batch, "joint")
    losses["age"] = objective.age_error(model, model.spline(batch.ages), batch.ages)
    with pytest.raises(RoutingError, match=r"age reaches spline.*|age does not reach encoder"):
        assert_routes(losses, model.groups(), ROUTES["joint"])


def test_an_undetached_axis_in_the_reconstruction_is_caught(small, batch):
    model = network(small, "joint")
    x, ages = batch.x, batch.ages
    losses = objective.stage_losses(model, batch, "joint")
    losses["reconstruction"] = mse_loss(model(x).x50 + model.deformation(ages), x)
    with pytest.raises(RoutingError, match="reconstruction reaches axis"):
        assert_routes(losses, model.groups(), ROUTES["joint"])


def test_a_loss_that_trains_nothing_is_caught(small, batch):
    model = network(small, "joint")
    losses = objective.stage_losses(model, batch, "joint")
    losses["latent_leakage"] = losses["latent_leakage"].detach()
    with pytest.raises(RoutingError, match="latent_leakage does not reach encoder"):
        assert_routes(losses, model.groups(), ROUTES["joint"])


def test_a_loss_missing_from_the_table_is_caught(small, batch):
    model = network(small, "canonical")
    losses = objective.stage_losses(model, batch, "canonical")
    with pytest.raises(RoutingError, match="not in the table"):
        assert_routes(
            {**losses, "extra": losses["reconstruction"]}, model.groups(), ROUTES["canonical"]
        )


def test_a_gradient_that_happens_to_be_zero_still_counts(small):
    model = network(small, "joint")
    assert reached(model.axis.sum() * 0.0, model.groups()) == {"axis"}


def test_leakage_losses_see_a_planted_leak_and_nothing_in_noise():
    torch.manual_seed(0)
    ages = torch.linspace(20, 90, 2000)
    noise = torch.randn(2000, 8)
    assert objective.latent_leakage(noise, ages) < 0.005
    assert objective.latent_leakage(ages[:, None].repeat(1, 8), ages) > 0.99
    sign = torch.randn(2000, 1, 1).sign()
    # The published |x50| sees what a plain correlation cannot.
    assert objective.canonical_leakage(sign * ages[:, None, None], ages) > 0.9


def test_axis_consistency_is_least_at_the_regression_of_beats_on_g(small):
    torch.manual_seed(0)
    model = network(small, "axis")
    ages = torch.rand(500) * 70 + 20
    g = model.spline(ages).detach()
    truth = model.direction().detach()
    one = torch.ones(500)
    x = g[:, None, None] * truth + 0.1 * torch.randn(500, 12, 120)
    right = objective.axis_consistency(model, x, ages, one).item()
    wrong = objective.axis_consistency(model, x * 1.5, ages, one).item()
    with torch.no_grad():
        model.axis.copy_(torch.randn_like(model.axis))
    other = objective.axis_consistency(model, x, ages, one).item()
    assert right < min(wrong, other)
    assert right == pytest.approx(0.01, rel=0.1)


def test_transport_is_zero_only_when_the_projection_keeps_the_units_of_g():
    g = torch.linspace(-5, 5, 100)
    assert objective.transport(g + 3.0, g) < 1e-10
    assert objective.transport(0.5 * g, g).item() == pytest.approx(0.25, abs=1e-5)


def test_a_patient_with_two_records_weighs_as_much_as_one_with_one(small):
    torch.manual_seed(0)
    model = network(small, "axis")
    x, ages = torch.randn(20, 12, 120), torch.rand(20) * 70 + 20
    once = objective.axis_consistency(model, x, ages, torch.ones(20))
    twice = objective.axis_consistency(
        model, x.repeat(2, 1, 1), ages.repeat(2), torch.full((40,), 0.5)
    )
    assert twice.item() == pytest.approx(once.item(), rel=1e-5)


def test_smoothness_leaves_a_gentle_bend_alone_and_reins_in_a_kink(small):
    model = network(small, "axis")
    with torch.no_grad():
        model.spline.raw_increments.copy_(torch.linspace(1.0, 0.5, 16))
    assert objective.smoothness(model).item() == 0.0
    with torch.no_grad():
        model.spline.raw_increments[5] = 8.0
    assert objective.smoothness(model).item() > 1.0
