"""What made a classifier decide, sample by sample, by captum (Kokhlikyan et al. 2020).

Integrated gradients (Sundararajan et al. 2017) from a record in which nothing beats; GradientSHAP
(Lundberg & Lee 2017), the same averaged over noisy records and random places of the path; occlusion
(Zeiler & Fergus 2014), fifths of a second of a lead silenced one after the other.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.leadwise.network import LeadwiseNetwork, prepare
from model.training import derived_seed

METHODS = ("integrated_gradients", "gradient_shap", "occlusion")
STEPS, STEPS_OF_ATTENTION = 40, 96
"""Points of the Gauss-Legendre sum; attention normalises its input, which bends the path."""
SHAP_DRAWS = 16
SHAP_NOISE = 0.05
"""SD of the noise on the signals, in parts of their own SD."""
OCCLUDED_SECONDS = 0.2
ROWS_AT_ONCE = 16


def explain(network: LeadwiseNetwork, signals: Tensor, disease: int, method: str) -> Tensor:
    """Attributions (n, 12, samples) of one disease's logit to signals in mV.

    Integrated gradients sum to the logit less that of the baseline, up to the error of their
    Gauss-Legendre sum. A record's map does not depend on the records beside it.
    """
    x = prepare(signals, network.config)
    with torch.enable_grad():
        return METHOD[method](network, x, disease).detach()


def _integrated_gradients(network: LeadwiseNetwork, x: Tensor, disease: int) -> Tensor:
    from captum.attr import IntegratedGradients

    steps = STEPS_OF_ATTENTION if network.config.cross_lead == "attention" else STEPS
    return (
        IntegratedGradients(network)
        .attribute(  # type: ignore[no-any-return]
            x.requires_grad_(),
            baselines=torch.zeros_like(x),
            target=disease,
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=max(ROWS_AT_ONCE, len(x)),
        )
        .float()
    )


def _gradient_shap(network: LeadwiseNetwork, x: Tensor, disease: int) -> Tensor:
    """Record by record: captum draws chance for the whole batch."""
    from captum.attr import GradientShap

    found = []
    with torch.random.fork_rng(devices=[]):
        for row in x[:, None]:
            digest = np.asarray(row.detach().cpu()).tobytes()
            seed = derived_seed(0, "gradient shap", disease, digest)
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002 - captum draws places of the path from it
            found.append(
                GradientShap(network).attribute(
                    row.clone().requires_grad_(),
                    baselines=torch.zeros_like(row),
                    target=disease,
                    n_samples=SHAP_DRAWS,
                    stdevs=SHAP_NOISE * float(row.std()),
                )
            )
    return torch.cat(found).float()


def _occlusion(network: LeadwiseNetwork, x: Tensor, disease: int) -> Tensor:
    """Lead by lead: what another lead says is computed once."""
    from captum.attr import Occlusion

    n, leads, samples = x.shape
    width = round(OCCLUDED_SECONDS * network.config.rate)
    found = torch.zeros_like(x)
    with torch.no_grad():
        for row in range(n):
            features = network.encoder(x[row])
            for lead in range(leads):

                def logit(one: Tensor, features: Tensor = features, lead: int = lead) -> Tensor:
                    changed = features.repeat(len(one), 1, 1)
                    changed[:, lead] = network.encoder(one)
                    return network.from_features(changed)[:, disease]

                found[row, lead] = Occlusion(logit).attribute(
                    x[row, lead : lead + 1],
                    sliding_window_shapes=(width,),
                    strides=(width,),
                    perturbations_per_eval=samples // width,
                )[0]
    return found


METHOD = dict(zip(METHODS, (_integrated_gradients, _gradient_shap, _occlusion), strict=True))
