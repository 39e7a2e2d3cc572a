"""The rows of the deformation ablation: recipes that differ by one ingredient after another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from model.deformation.config import NetworkConfig, TrainingConfig

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
PENALTIES = (
    "critics", "kernel", "canonical", "canonical_linear", "linear", "products", "straight", "bent",
    "straight_within", "features", "canonical_features",
)  # fmt: skip
OF_POPULATION = ("straight", "bent", "straight_within", "features", "canonical_features")
EARLIER = {
    "critics": 5.0, "kernel": 30.0, "canonical": 8.0, "canonical_linear": 5.0, "linear": 1.0,
    "products": 3.0,
}  # fmt: skip
"""Weights of the penalties before readers of the population took most of their work."""
RECONSTRUCTION = 10.0
"""Its weight before the last step."""


def _earlier(config: TrainingConfig, kept: Collection[str] = tuple(EARLIER)) -> TrainingConfig:
    """The recipe before the last step, with the leakage penalties named and no others."""
    penalties = {k: EARLIER.get(k, 0.0) if k in kept else 0.0 for k in PENALTIES}
    weights = {**config.weights, **penalties, "reconstruction": RECONSTRUCTION}
    return replace(
        config, weights=weights, apart=(), twelve_leads=False, critics_see_sizes=False, epochs=60
    )


def _bent(network: NetworkConfig, latent: int = 16) -> NetworkConfig:
    """A decoder with hidden layers."""
    return replace(network, latent=latent, decoder_hidden=384)


def _mixed(config: TrainingConfig, *kept: str) -> TrainingConfig:
    """As `_earlier`, on a mixture of median and single beats and with a light hand on products."""
    config = _earlier(config, kept)
    weights = {**config.weights, "products": min(config.weights["products"], 0.3)}
    return replace(config, weights=weights, first_single_share=0.5, second_single_share=0.5)


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        title: what it says. training, network: of the age-free recipe; None where the checkpoint is
            there already or `published` says how to train it.
        published: arguments of `train-published`. checkpoint: an existing one.
    """

    title: str
    training: Callable[[TrainingConfig], TrainingConfig] | None = None
    network: Callable[[NetworkConfig], NetworkConfig] = lambda config: config
    published: tuple[str, ...] = ()
    checkpoint: Path | None = None


ROWS: Mapping[str, Row] = {
    "published": Row("published recipe", checkpoint=CHECKPOINTS / "deformation_published.pth"),
    "published_record": Row(
        "published recipe, one scale a record", published=("--normalisation", "record")
    ),
    "separate": Row(
        "separate age networks, axis in closed form; no leakage penalty",
        lambda config: replace(_mixed(config), target="age"),
        _bent,
    ),
    "moments": Row(
        "+ correlations of age with z and its products",
        lambda config: replace(_mixed(config, "linear", "products"), target="age"),
        _bent,
    ),
    "critics_age": Row(
        "+ critics that read age",
        lambda config: replace(
            _mixed(config, "linear", "products", "critics"), target="age", crossed=False
        ),
        _bent,
    ),
    "critics": Row(
        "+ critics on the cross-fitted estimate, judging people they did not learn from",
        lambda config: _mixed(config, "linear", "products", "critics"),
        _bent,
    ),
    "kernel": Row(
        "+ kernel machine on z",
        lambda config: _mixed(config, "linear", "products", "critics", "kernel"),
        _bent,
    ),
    "canonical": Row(
        "+ kernel machine on D(z)",
        lambda config: _mixed(config, "linear", "products", "critics", "kernel", "canonical"),
        _bent,
    ),
    "medians": Row(
        "+ penalties on median beats, more weight on products, correlations with D(z)",
        _earlier,
        _bent,
    ),
    "eight": Row(
        "+ 8 dimensions instead of 16",
        _earlier,
        lambda network: _bent(network, 8),
    ),
    "linear": Row(
        "+ a linear decoder of 14 dimensions, errors over twelve leads",
        lambda config: replace(_earlier(config), twelve_leads=True),
    ),
    "readers": Row(
        "+ readers of all people, and within groups, in place of most penalties within a batch, "
        "critics that see the sizes of D(z); B without one device; 40 epochs",
        lambda config: replace(
            config, epochs=40, weights={**config.weights, "reconstruction": RECONSTRUCTION}
        ),
    ),
    "one_start": Row("+ half the weight on reconstruction, 70 epochs", lambda config: config),
    "final": Row(
        "+ of three starts the one that tells least of held-out people's ages: "
        "the reference system",
        checkpoint=CHECKPOINTS / "deformation.pth",
    ),
    "no_noise": Row(
        "the reference system without noise and consistency",
        lambda config: replace(config, noise=0.0, weights={**config.weights, "consistency": 0.0}),
    ),
    "no_population": Row(
        "the reference system without readers of the population",
        lambda config: replace(
            config,
            weights={**config.weights, **dict.fromkeys(OF_POPULATION, 0.0)},
        ),
    ),
    "latent_32": Row(
        "the reference system, 32 dimensions",
        lambda config: config,
        lambda network: replace(network, latent=32),
    ),
}
