"""Adapters of the example: networks of torch_ecg and deepecgkit, scikit-learn's PCA."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from axis_audit.checkpoint import Manifest, read_weights
from axis_audit.wrappers import (
    BEAT,
    estimator_function,
    network_function,
    open_skops,
    open_state_dict,
    wrap,
)

CLASSES = 26
"""Diagnoses of the PhysioNet challenge 2020, for which ECG_CRNN was made."""


def torch_ecg_network() -> torch.nn.Module:
    """ECG_CRNN of torch_ecg 0.0.33 on its multi-scopic convolutions, 26 outputs."""
    from torch_ecg.model_configs import ECG_CRNN_CONFIG
    from torch_ecg.models import ECG_CRNN

    config = deepcopy(ECG_CRNN_CONFIG)
    config.cnn.name = "multi_scopic"
    return ECG_CRNN(classes=[str(i) for i in range(CLASSES)], n_leads=12, config=config)


def deepecgkit_network() -> torch.nn.Module:
    """InceptionTime1D of deepecgkit 0.3.0, a small one, with one output: age / 100 years."""
    from deepecgkit.models import InceptionTime1D

    return InceptionTime1D(
        input_channels=12, output_size=1, n_filters=8, depth=3, bottleneck_channels=8
    )


def load_torch_ecg(path: Path) -> Any:
    """Its 26 outputs as the latent."""
    net = open_state_dict(path, torch_ecg_network(), batch=256)
    return wrap("torch_ecg ECG_CRNN", BEAT, {"leakage", "integrity"}, encode=net)


def load_deepecgkit(path: Path) -> Any:
    """Its features as the latent, its output as the age; it knows whom it was trained on."""
    network, content = deepecgkit_network(), read_weights(path)
    age = open_state_dict(path, network, key="net")
    return wrap(
        "deepecgkit InceptionTime1D",
        BEAT,
        {"prediction", "leads", "leakage", "integrity"},
        encode=network_function(network.extract_features),
        predict_age=lambda signals: 100.0 * age(signals),
        manifest=Manifest(patients=content["patients"].numpy().view("uint64")),
    )


def load_pca(path: Path) -> Any:
    """Sixteen principal components of beats."""
    encode = estimator_function(open_skops(path))
    return wrap("scikit-learn PCA", BEAT, {"leakage", "integrity"}, encode=encode)
