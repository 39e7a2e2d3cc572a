"""A g that misses zero at a0, or ties between ages, would falsify every claim about the axis."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model.deformation.adapter import DeformationModel, model_of
from model.deformation.config import NetworkConfig
from model.deformation.network import DeformationNetwork
from model.deformation.spline import MonotoneSpline

CONFIG = NetworkConfig(age_channels=4, age_hidden=4, components=12, latent=8)


def model_with(neutral: float, raw: list[float]) -> DeformationModel:
    torch.manual_seed(0)
    network = DeformationNetwork(CONFIG)
    with torch.no_grad():
        network.spline.neutral_age.fill_(neutral)
        network.spline.raw_increments.copy_(torch.tensor(raw))
    return model_of(network)


increments = st.lists(st.floats(-6, 6, width=32), min_size=16, max_size=16)
neutral_ages = st.one_of(
    st.sampled_from([15.0, 50.0, 95.0, 0.0, 110.0]), st.floats(20, 90, width=32)
)
shapes = st.one_of(
    st.just(()), st.tuples(st.integers(1, 70)), st.tuples(st.integers(1, 9), st.integers(1, 9))
)


@settings(deadline=None)
@given(increments, neutral_ages, shapes, st.sampled_from([np.float32, np.float64]), st.data())
def test_g_is_bitwise_zero_at_a0_in_every_batch(raw, neutral, shape, dtype, data):
    model = model_with(neutral, raw)
    ages = data.draw(hnp.arrays(dtype, shape, elements=st.floats(0, 120, width=32)))
    here = data.draw(hnp.arrays(bool, shape))
    ages[here] = model.neutral_age
    g = model.axis_value(ages)
    assert g.shape == ages.shape
    assert g.dtype == dtype
    assert np.all(g[ages == model.neutral_age] == 0.0)


@settings(deadline=None)
@given(increments, neutral_ages, st.sampled_from([np.float32, np.float64]))
def test_g_rises_at_every_tenth_of_a_year(raw, neutral, dtype):
    ages = (np.arange(1201) / 10).astype(dtype)
    assert np.all(np.diff(model_with(neutral, raw).axis_value(ages)) > 0)


@settings(deadline=None)
@given(increments, st.floats(0, 120, width=32))
def test_one_age_has_one_value_whatever_stands_beside_it(raw, age):
    model = model_with(50.0, raw)
    alone = model.axis_value(np.float32(age))
    crowd = np.random.default_rng(0).uniform(0, 120, 37).astype(np.float32)
    crowd[11] = age
    assert model.axis_value(crowd)[11] == alone
    assert model.axis_value(crowd[::-1])[25] == alone


def test_strided_and_read_only_ages_are_read_as_they_stand():
    model = model_with(50.0, [0.0] * 16)
    ages = np.arange(100, dtype=np.float32)
    ages.setflags(write=False)
    np.testing.assert_array_equal(model.axis_value(ages)[::3], model.axis_value(ages[::3]))
    assert model.axis_value(np.arange(5)).dtype == np.float64


def test_g_goes_on_linearly_outside_its_knots():
    g = model_with(50.0, list(np.linspace(-2, 2, 16))).axis_value(np.arange(0.0, 121.0))
    np.testing.assert_allclose(np.diff(g[:16], 2), 0, atol=1e-6)
    np.testing.assert_allclose(np.diff(g[95:], 2), 0, atol=1e-6)


def test_an_unknown_age_stays_unknown():
    g = model_with(50.0, [0.0] * 16).axis_value(np.array([np.nan, 50.0, 60.0]))
    assert np.isnan(g[0])
    assert g[1] == 0.0
    assert g[2] > 0


def test_roughness_is_the_second_difference_on_a_one_year_grid():
    torch.manual_seed(1)
    spline = MonotoneSpline()
    torch.nn.init.normal_(spline.raw_increments)
    with torch.no_grad():
        g = spline(torch.arange(15.0, 96.0, dtype=torch.float64)).numpy()
        declared = spline.roughness().abs().max().item()
    measured = np.abs(np.diff(g, 2)).max() / np.ptp(g)
    assert declared == pytest.approx(measured, rel=1e-5)


def test_knots_of_another_spacing_keep_zero_at_a0():
    spline = MonotoneSpline(10.0, 90.0, 8.0, neutral_age=41.7)
    with torch.no_grad():
        assert spline(spline.neutral_age.repeat(5)).tolist() == [0.0] * 5
