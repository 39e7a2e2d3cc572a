"""Properties of g that must hold for every input, searched for counterexamples by Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from axis_audit.capabilities import HasAgeAxis

YOUNGEST, OLDEST = 0.0, 120.0
CLOSEST = 0.1
"""Ages closer than this need not be told apart, in years."""
FINEST = 0.01
"""Step of the grid on which g may stand still but not fall, in years."""


def violated_properties(model: HasAgeAxis, reloaded: HasAgeAxis | None) -> dict[str, str]:
    """Search each property for a counterexample.

    Args:
        reloaded: the same model loaded afresh; without it serialisation is not examined.

    Returns:
        property -> the simplest counterexample found; empty when none was.
    """
    refuted = {}
    for name, test in _properties(model, reloaded).items():
        try:
            test()
        except Exception as error:  # Hypothesis re-raises whatever the model or the property raised
            refuted[name] = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return refuted


def _require(holds: bool, counterexample: str) -> None:
    # An explicit raise, so that `python -O` cannot turn a property into a no-op.
    if not holds:
        raise ValueError(counterexample)


def _on_a_grid(g: Callable[[Any], Any]) -> None:
    # A search draws few pairs beyond the ages of people; a narrow dip it does not meet at all.
    ages = np.arange(YOUNGEST, OLDEST + FINEST / 2, FINEST)
    values = np.asarray(g(ages), np.float64)
    rounding = 1e-6 * float(np.ptp(values))
    falls = np.flatnonzero(np.diff(values) < -rounding)
    _require(falls.size == 0, f"g falls after {ages[falls[0]] if falls.size else 0:.2f}")
    tenths = round(CLOSEST / FINEST)
    flat = np.flatnonzero(~(values[tenths:] > values[:-tenths]))
    _require(flat.size == 0, f"g is flat after {ages[flat[0]] if flat.size else 0:.2f}")


def _at_the_neutral_age(g: Callable[[Any], Any], neutral: float) -> None:
    # g(a0) = 0 by a special case for a0 alone: then g jumps as soon as the age leaves it.
    years = (OLDEST - YOUNGEST) / FINEST
    step = float(g([OLDEST])[0] - g([YOUNGEST])[0]) / years
    beside = np.abs(np.asarray(g([neutral - FINEST, neutral + FINEST]), np.float64))
    most = float(beside.max())
    _require(most <= 20 * abs(step), f"g is {most:g} a hundredth of a year beside the neutral age")


def _properties(model: HasAgeAxis, reloaded: HasAgeAxis | None) -> dict[str, Callable[[], None]]:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    ages = st.floats(YOUNGEST, OLDEST, width=32)
    lists = st.lists(ages, min_size=1, max_size=24)
    searched = settings(
        max_examples=100,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

    def g(values: Any) -> Any:
        return np.asarray(model.axis_value(np.asarray(values)))

    @searched
    @given(ages, ages)
    def strictly_monotone(a: float, b: float) -> None:
        low, high = min(a, b), max(a, b)
        if high - low >= CLOSEST:
            _require(bool(g([high])[0] > g([low])[0]), f"g({high}) is not above g({low})")

    @searched
    @given(lists)
    def independent_of_batch(values: list[float]) -> None:
        together, alone = g(values), np.array([g([v])[0] for v in values])
        _require(np.array_equal(together, alone), f"g of {values} differs from g one by one")

    @searched
    @given(lists)
    def keeps_shape(values: list[float]) -> None:
        for shape in ((len(values),), (len(values), 1), (1, len(values))):
            array = np.asarray(values).reshape(shape)
            _require(g(array).shape == shape, f"shape {shape} became {g(array).shape}")

    @searched
    @given(lists)
    def agrees_across_dtypes(values: list[float]) -> None:
        span = float(g([OLDEST])[0] - g([YOUNGEST])[0])
        single, double = g(np.asarray(values, np.float32)), g(np.asarray(values, np.float64))
        worst = float(np.abs(single.astype(np.float64) - double).max())
        _require(worst <= 1e-4 * abs(span), f"float32 and float64 differ by {worst:g} at {values}")

    @searched
    @given(lists, st.integers(0, 23))
    def neutral_in_company(values: list[float], place: int) -> None:
        array = np.asarray(values)
        array[place % len(array)] = model.neutral_age
        at_neutral = float(g(array)[place % len(array)])
        _require(at_neutral == 0.0, f"g(a0) = {at_neutral:g} at place {place} of {values}")

    properties: dict[str, Callable[[], None]] = {
        "rises over every tenth of a year and never falls, 0 to 120": lambda: _on_a_grid(g),
        "continuous at the neutral age": lambda: _at_the_neutral_age(g, model.neutral_age),
        "strictly monotone from 0 to 120": strictly_monotone,
        "the same alone and in a batch": independent_of_batch,
        "shape in, shape out": keeps_shape,
        "float32 and float64 agree": agrees_across_dtypes,
        "g(a0) = 0 beside any other ages": neutral_in_company,
    }
    if reloaded is not None:

        @searched
        @given(lists)
        def survives_reload(values: list[float]) -> None:
            again = np.asarray(reloaded.axis_value(np.asarray(values)))
            _require(np.array_equal(g(values), again), f"g of {values} changed on reload")

        properties["the same after reload"] = survives_reload
    return properties
