"""Which parameters each loss may reach, as a table, and the assertion that it is so.

The table is exact: a loss that reaches a group it should not is a leak (label circularity, if age
could train g), and one that no longer reaches its own group trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

Routes = Mapping[str, frozenset[str]]


def _to(*groups: str) -> frozenset[str]:
    return frozenset(groups)


ROUTES: Mapping[str, Routes] = {
    "canonical": {
        "reconstruction": _to("encoder", "decoder"),
    },
    "axis": {
        "axis_consistency": _to("axis", "spline"),
        "smoothness": _to("spline"),
        "neutral": _to("neutral"),
        "age": _to("age_head"),
    },
    "joint": {
        "reconstruction": _to("encoder", "decoder", "neutral"),
        "age": _to("encoder", "decoder", "age_head"),
        "neutral": _to("neutral"),
        "smoothness": _to("spline"),
        "axis_consistency": _to("axis", "spline"),
        "latent_leakage": _to("encoder"),
        "canonical_leakage": _to("encoder", "decoder"),
        "transport": _to("encoder", "decoder"),
    },
}
"""stage -> loss -> groups of `DeformationNetwork.groups` it reaches."""


class RoutingError(AssertionError):
    """A loss reaches parameters that the table does not give it, or misses its own."""


def trained_groups(stage: str) -> frozenset[str]:
    """Groups that any loss of the stage reaches; the others are frozen in it."""
    return frozenset().union(*ROUTES[stage].values())


def reached(loss: Tensor, groups: Mapping[str, Sequence[nn.Parameter]]) -> frozenset[str]:
    """Groups that a loss is connected to, whatever the gradient's value happens to be."""
    trained = [(name, p) for name, members in groups.items() for p in members if p.requires_grad]
    if not (trained and loss.requires_grad):
        return frozenset()
    gradients = torch.autograd.grad(
        loss, [p for _, p in trained], retain_graph=True, allow_unused=True
    )
    return frozenset(name for (name, _), g in zip(trained, gradients, strict=True) if g is not None)


def assert_routes(
    losses: Mapping[str, Tensor],
    groups: Mapping[str, Sequence[nn.Parameter]],
    routes: Routes,
) -> None:
    """Compare the gradients of losses with a table of routes.

    Raises:
        RoutingError: names every loss and group that do not match. (An exception, not a bare
            assert, which `python -O` would drop.)
    """
    problems = [f"loss {n!r} is not in the table" for n in losses if n not in routes]
    problems += [f"loss {n!r} of the table was not computed" for n in routes if n not in losses]
    for name in losses.keys() & routes.keys():
        found, allowed = reached(losses[name], groups), routes[name]
        problems += [f"{name} reaches {g}, which it must not" for g in sorted(found - allowed)]
        problems += [f"{name} does not reach {g}" for g in sorted(allowed - found)]
    if problems:
        raise RoutingError("gradient routing is broken: " + "; ".join(sorted(problems)))
