"""The parts of the alignment system: what they must never do, and what they must."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from synthetic_records import records

from axis_audit.cohort import LEADS
from axis_audit.errors import CheckpointError, InputError
from model.alignment import inference, objective, rhythm
from model.alignment.config import NetworkConfig
from model.alignment.data import (
    drawn_sources,
    hidden_patches,
    open_records,
    split,
    with_all_leads,
)
from model.alignment.filters import fit_filters
from model.alignment.network import AlignmentNetwork
from model.training import generator

SMALL = NetworkConfig(
    samples=1000, window=500, patch=25, width=8, blocks=1, heads=2, hidden=8, embedding=6,
    decoder_hidden=8, taps=21,
)  # fmt: skip


@pytest.fixture(scope="module")
def network() -> AlignmentNetwork:
    torch.manual_seed(0)
    made = AlignmentNetwork(SMALL).eval()
    made.filters.normal_(std=0.1)
    return made


def test_the_curriculum_goes_from_reconstruction_to_alignment_and_stops_at_the_floor() -> None:
    assert objective.curriculum(0.0, 0.0) == (0.0, 1.0)
    align, reconstruct = objective.curriculum(0.5, 0.0)
    assert align == pytest.approx(math.sqrt(0.5))
    assert reconstruct == pytest.approx(math.sqrt(0.5))
    assert objective.curriculum(1.0, 0.0)[1] == pytest.approx(0.0, abs=1e-9)
    assert objective.curriculum(1.0, 0.3) == (1.0, 0.3)


def test_a_collapsed_space_has_the_whole_margin_for_loss() -> None:
    same = torch.nn.functional.normalize(torch.ones(3, 5, 4), dim=2)
    assert float(objective.alignment(same, same, 0.4, 0.5)) == pytest.approx(0.4)
    apart = torch.eye(5).expand(3, 5, 5)
    assert float(objective.alignment(apart, apart, 0.4, 0.5)) == 0.0


def test_shifted_windows_alone_do_not_ask_that_seconds_agree() -> None:
    first, second = torch.eye(4).expand(2, 4, 4), torch.eye(4)[[1, 0, 3, 2]].expand(2, 4, 4)
    assert float(objective.alignment(first, second, 0.4, 1.0)) > 0.5
    assert float(objective.alignment(first, second, 0.4, 0.0)) == 0.0


def test_filters_find_what_was_filtered() -> None:
    chance = torch.Generator().manual_seed(0)
    source = torch.randn(40, 1, 600, generator=chance)
    source = source - source.mean(2, keepdim=True)
    target = torch.nn.functional.pad(source, (0, 2))[..., 2:] * 0.5  # y[t] = x[t + 2] / 2
    found = fit_filters([torch.cat([source, target], 1)], 9)
    expected = torch.zeros(9)
    expected[4 + 2] = 0.5
    assert torch.allclose(found[0, 1], expected, atol=0.02)
    assert not found[0, 0].any()


def test_filters_are_used_as_they_were_fitted(network: AlignmentNetwork) -> None:
    x = torch.randn(2, 3, 400)
    pair = torch.tensor([[0, 1, 2], [3, 3, 3]]), torch.tensor([[4, 4, 4], [0, 1, 2]])
    made = network.filtered(x, *pair)
    kernels = network.filters[pair].flatten(0, 1)[:, None]
    direct = torch.nn.functional.conv1d(x.flatten(0, 1)[None], kernels, padding=10, groups=6)
    assert torch.allclose(made, direct.view(2, 3, 400), atol=1e-4)


def test_every_lead_is_drawn_from_a_visible_one_and_a_share_of_patches_is_hidden() -> None:
    visible = torch.tensor([3, 7, 11])
    sources = drawn_sources(visible, 12, 50, generator(0, "t"))
    assert set(sources.unique().tolist()) == {3, 7, 11}
    hidden = hidden_patches(12, 50, 20, (0.5, 0.75), generator(0, "t"))
    shares = hidden.float().mean(2)
    assert float(shares.min()) >= 0.5
    assert float(shares.max()) <= 0.75


def test_a_lead_knows_nothing_of_the_others(network: AlignmentNetwork) -> None:
    signals = torch.from_numpy(records(3).signals)
    two = torch.tensor([0, 7])
    alone = network.encode(signals[:, [7]].transpose(0, 1)[..., :500], torch.tensor([7]))
    beside = network.encode(signals[:, two].transpose(0, 1)[..., :500], two)
    assert torch.allclose(alone.embedding[0], beside.embedding[1], atol=1e-5)


def test_what_is_hidden_is_not_seen(network: AlignmentNetwork) -> None:
    signals = torch.from_numpy(records(2).signals)
    hidden = torch.zeros(12, 1000, dtype=torch.bool)
    hidden[:, 130:310] = True
    hidden[4] = True
    other = signals.clone()
    other[:, hidden] = torch.nan
    with torch.no_grad():
        made, again = (inference.complete(network, s, hidden) for s in (signals, other))
    assert torch.equal(made, again)
    assert torch.isfinite(made).all()
    kept = signals[:, 0, ~hidden[0]]
    expected = kept - kept.mean(1, keepdim=True)
    assert torch.allclose(made[:, 0, ~hidden[0]], expected, atol=1e-5)


def test_drawn_leads_obey_the_limb_laws_and_come_from_one_lead(network: AlignmentNetwork) -> None:
    signals = torch.from_numpy(records(2).signals)
    with torch.no_grad():
        for source in (0, 4, 9):
            drawn = inference.draw(network, signals[:, source], source)
            one, two, three, avr, avl, avf = drawn[:, :6].unbind(1)
            assert torch.allclose(three, two - one, atol=1e-4)
            assert torch.allclose(avr, -(one + two) / 2, atol=1e-4)
            assert torch.allclose(avl + avf - two / 2 - one / 2, torch.zeros_like(one), atol=1e-4)


def test_laws_do_not_move_the_lead_that_others_are_drawn_from() -> None:
    drawn = torch.randn(12, 2, 50)
    for source in range(12):
        assert torch.allclose(inference.lawful(drawn, source)[source], drawn[source], atol=1e-5)


def test_a_regular_rhythm_says_what_is_hidden() -> None:
    beats = torch.zeros(1, 1, 500)
    beats[..., 20::80] = 1.0
    beats = torch.nn.functional.conv1d(
        beats, torch.hann_window(9, periodic=False)[None, None], padding=4
    )
    seen = torch.ones_like(beats)
    seen[..., 175:200] = 0  # a beat at 180
    x = (beats - beats.mean()) * seen
    correlation = rhythm.autocorrelation(x, seen, 250)
    made = rhythm.guess(x, seen, correlation, 100.0)
    assert float(correlation[..., 0]) == pytest.approx(1.0, abs=0.02)
    assert int(correlation[0, 0, 30:].argmax()) + 30 in (80, 160, 240)
    assert int(made.argmax()) == 180
    assert not made[..., :175].any()


def test_sources_are_joined_and_their_people_set_apart() -> None:
    data = split([records(60, 1), records(60, 2, samples=1200)], 0.3, 500, 1000)
    assert len(data.parts) == 2
    assert len(data) + len(data.held) == 120
    windows = data.windows(torch.tensor([0, len(data) - 1]), 500, generator(0, "w"))
    assert windows.shape == (12, 2, 500)
    assert set(data.selectors) <= {*records(60, 1).patient_ids, *records(60, 2).patient_ids}


def test_a_source_that_lacks_leads_or_seconds_says_so(tmp_path) -> None:
    cohort = records(40)
    np.savez(tmp_path / "few.npz", signals=cohort.signals[:, :8], rate=100.0, leads=LEADS[:8])
    with pytest.raises(InputError, match="V3, V4, V5, V6"):
        open_records(tmp_path / "few.npz", (1,), 100.0)
    with pytest.raises(InputError, match="at least 5 s"):
        split([records(40, samples=400)], 0.3, 500, 1000)
    with pytest.raises(InputError, match="records to fit"):
        split([records(17)], 0.3, 500, 1000)


def test_other_rates_and_orders_of_leads_are_put_right(tmp_path) -> None:
    cohort = records(3, samples=5000, rate=500.0)
    turned = LEADS[::-1]
    np.savez(tmp_path / "fast.npz", signals=cohort.signals[:, ::-1], rate=500.0, leads=turned)
    read = open_records(tmp_path / "fast.npz", None, 100.0)
    assert read.leads == LEADS
    assert (read.rate, read.signals.shape[2]) == (100.0, 1000)
    slow = cohort.signals[:, :, ::5]
    assert np.corrcoef(read.signals[0, 7], slow[0, 7])[0, 1] > 0.98
    assert with_all_leads(read) is read


@pytest.mark.parametrize(
    ("change", "word"),
    [({"patch": 30}, "multiple of patch"), ({"taps": 20}, "odd"), ({"heads": 3}, "heads"),
     ({"window": 300}, "multiple of window"), ({"width": 0}, "positive")],
)  # fmt: skip
def test_a_config_that_makes_no_network_says_why(change: dict[str, int], word: str) -> None:
    with pytest.raises(CheckpointError, match=word):
        NetworkConfig.from_mapping({**SMALL.as_dict(), **change})
