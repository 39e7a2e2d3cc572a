"""Small runs of the VAE on synthetic cycles."""

from __future__ import annotations

import torch

from axis_audit import checkpoint as checkpoints
from model.vae.config import NetworkConfig, TrainingConfig
from model.vae.data import Source, split
from model.vae.train import Request, train

SMALL = NetworkConfig(hidden=32, hidden_inner=16, latent=4, channels=4)
CONFIG = TrainingConfig(
    epochs=4, home_epochs=2, epoch_cycles=128, batch=64, seed=3, watched_share=0.2, warp=0.05,
    aggregate=1.0,
)  # fmt: skip
HOME, OTHER = Source("home"), Source("other", (1, 2), 2)


def data_of(people, others=None, config=CONFIG):
    sources = [(HOME, people)] + ([(OTHER, others)] if others is not None else [])
    return split(sources, config.audit_share, config.watched_share)


def trained(path, data, network=SMALL, config=CONFIG, **options):
    train(data, network, config, Request(path, ("home",), progress=False, save_every=2, **options))
    return checkpoints.load(path)


def same_weights(a, b):
    return a.state.keys() == b.state.keys() and all(
        torch.equal(a.state[k], b.state[k]) for k in a.state
    )
