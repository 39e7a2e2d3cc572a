"""`wrap`: what a stranger's function may return, and what it is told when it may not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from axis_audit.capabilities import CAPABILITIES, Batch, ModelUnderAudit
from axis_audit.errors import InputError, MeasurementError
from axis_audit.wrappers import BEAT, record_input, trial_signals, wrap

CLAIMS = {"leakage"}


def means(signals):
    return signals.mean(axis=2)


def capabilities(model) -> set[str]:
    return {name for name, protocol in CAPABILITIES.items() if isinstance(model, protocol)}


AXIS = {
    "axis_value": lambda ages: (ages - 50.0) / 10.0,
    "axis_direction": np.ones((12, 120)),
    "neutral_age": 50.0,
}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"encode": means}, {"Encodes"}),
        ({"predict_age": lambda x: x[:, 0, 0]}, {"PredictsAge"}),
        ({"encode": means, "encode_scale": means}, {"Encodes", "EncodesPosterior"}),
        ({"prepare": lambda x: x}, {"Prepares"}),
        (AXIS, {"HasAgeAxis"}),
        (
            {
                "encode": means,
                "prepare": lambda x: x,
                "canonical": lambda z: np.repeat(z[:, :, None], 120, axis=2),
                **AXIS,
            },
            {"Encodes", "Prepares", "DecodesCanonical", "HasAgeAxis", "Deforms"},
        ),
    ],
)
def test_a_model_can_do_what_it_was_given_and_nothing_else(given: dict, names: set[str]) -> None:
    model = wrap("m", BEAT, CLAIMS, **given)
    assert isinstance(model, ModelUnderAudit)
    assert capabilities(model) == names


def test_the_deformation_is_g_times_b() -> None:
    decode = lambda z: np.repeat(z[:, :, None], 120, axis=2)  # noqa: E731
    model = wrap("m", BEAT, CLAIMS, encode=means, prepare=lambda x: x, canonical=decode, **AXIS)
    moved = model.deformation(np.zeros((2, 12), np.float32), np.array([50.0, 70.0]))
    assert np.array_equal(moved, np.stack([np.zeros((12, 120)), np.full((12, 120), 2.0)]))


@pytest.mark.parametrize(
    "convert",
    [
        lambda z: z.astype(np.float64),
        lambda z: z.tolist(),
        lambda z: torch.from_numpy(z).requires_grad_(),
        lambda z: torch.from_numpy(z).double(),
    ],
    ids=["float64", "lists", "tensor with gradient", "double tensor"],
)
def test_numbers_of_any_type_become_float32(convert) -> None:
    signals = trial_signals(BEAT, 5)
    model = wrap("m", BEAT, CLAIMS, encode=lambda x: convert(means(x)))
    found = model.encode(signals)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, means(signals), rtol=1e-6)


def test_bfloat16_and_integers_are_numbers_too() -> None:
    ages = wrap("m", BEAT, CLAIMS, predict_age=lambda x: torch.full((len(x), 1), 50)).predict_age(
        Batch(trial_signals(BEAT, 4), {})
    )
    assert (ages.shape, ages.dtype) == ((4,), np.float32)
    half = wrap("m", BEAT, CLAIMS, encode=lambda x: torch.ones(len(x), 2, dtype=torch.bfloat16))
    assert half.encode(trial_signals(BEAT, 2)).tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (lambda x: means(x)[:, :, None], r"\(3, 12, 1\) where \(n, d\) is needed.*reshape"),
        (lambda x: x[:, 0, 0], r"\(3,\) where \(n, d\).*z\[:, None\]"),
        (lambda x: means(x)[:-1], r"\(2, 12\) for 3 signals.*one row a signal"),
        (lambda x: means(x).mean(), "a single number for 3 signals"),
        (lambda x: (means(x), means(x)), r"tuple of 2 outputs.*net\(x\)\[0\]"),
        (lambda x: {"z": means(x)}, r"dict with the keys \['z'\]"),
        (lambda x: means(x) * 1j, "complex.* values, not real numbers"),
        (lambda x: [[1.0], [1.0, 2.0], [1.0]], "no array of numbers"),
        (lambda x: [["a"]] * len(x), "not real numbers"),
        (lambda x: None, "object values"),
        (lambda x: x[:, :, :0].reshape(len(x), 0), r"\(3, 0\) where \(n, d\)"),
        (lambda x: x @ np.ones((5, 2)), r"failed on an input of shape \(3, 12, 120\) \(ValueError"),
    ],
)  # fmt: skip
def test_a_wrong_output_is_one_message_with_a_cure(encode, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        wrap("mine", BEAT, CLAIMS, encode=encode)
    assert "model 'mine'" in str(caught.value)
    assert "(n, 12, 120) in mV at 100 Hz" in str(caught.value)


def test_the_wrong_leads_are_named_with_the_shape_that_input_spec_promises() -> None:
    net = torch.nn.Conv1d(8, 3, 5)
    with pytest.raises(InputError, match=r"8 channels.*\n.*records of shape \(n, 12, 5000\)"):
        wrap("m", record_input(), CLAIMS, encode=lambda x: net(torch.from_numpy(x)).mean(-1))


def test_ages_need_one_number_a_signal() -> None:
    with pytest.raises(InputError, match=r"\(3, 12\) where one number a signal"):
        wrap("m", BEAT, CLAIMS, predict_age=means)


def test_nan_passes_through_to_be_counted() -> None:
    model = wrap("m", BEAT, CLAIMS, encode=lambda x: means(x) * np.nan)
    assert np.isnan(model.encode(trial_signals(BEAT))).all()


def test_a_model_that_fails_later_fails_with_its_own_words() -> None:
    def encode(signals):
        if len(signals) == 1:
            raise ValueError("Expected more than 1 value per channel when training")
        return means(signals)

    model = wrap("m", BEAT, CLAIMS, encode=encode)
    with pytest.raises(MeasurementError, match=r"shape \(1, 12, 120\) \(ValueError: Expected more"):
        model.encode(trial_signals(BEAT, 1))


def test_an_age_head_gets_the_covariates_it_names_and_no_others() -> None:
    seen = []

    def head(signals, **known):
        seen.append(known)
        return np.zeros(len(signals))

    model = wrap("m", BEAT, CLAIMS, predict_age=head, covariates=["sex"])
    columns = {"sex": np.array(["male", "female"]), "age": np.array([1.0, 2.0])}
    model.predict_age(Batch(trial_signals(BEAT, 2), columns))
    assert {name: values.tolist() for name, values in seen[-1].items()} == {
        "sex": ["male", "female"]
    }
    with pytest.raises(InputError, match="unknown covariates"):
        wrap("m", BEAT, CLAIMS, predict_age=head, covariates=["weight"])


def test_half_an_axis_and_no_function_at_all_are_refused() -> None:
    with pytest.raises(InputError, match="g, B and a0 together"):
        wrap("m", BEAT, CLAIMS, encode=means, neutral_age=50.0)
    with pytest.raises(InputError, match="it can do nothing"):
        wrap("m", BEAT, CLAIMS)
