"""The direction of age in beats: re-estimated by regression and compared with the model's.

The regression of beats x_i on g_i gives B̂ = Σ w_i x_i, w_i = (g_i - ḡ)/Σ(g - ḡ)². Its squared norm
is too large by the noise of the estimate, so that the plain cosine of B̂ with B is too small. The
norm is debiased by the terms of a patient with herself: |B̂|² - Σ w_i²|r_i|², r_i the residual.
With bootstrap multiplicities m_i a patient drawn twice is still one source of noise, and what is
subtracted is Σ (m_i w_i)²|r_i|² (a U-statistic over distinct patients).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def regress_direction(
    beats: NDArray[np.floating], g: NDArray[np.floating], weights: NDArray[np.floating] | None = None
) -> FloatArray:
    """Slope of beats (n, leads, samples) on axis values g (n,), optionally weighted (n,).

    Returns:
        B̂, shape (leads, samples), in units of the beats per unit of g; NaN where g is constant.
    """
    raise NotImplementedError


def direction_similarity(
    weights: FloatArray, beats: NDArray[np.floating], g: NDArray[np.floating], direction: FloatArray
) -> FloatArray:
    """Cosine of the re-estimated direction with the model's, its norm debiased.

    Args:
        weights: multiplicities of the patients, shape (k, n).
        beats: one beat a patient, shape (n, leads, samples) or (n, leads * samples).
        g: axis values, shape (n,). direction: the model's B, any shape of leads * samples.

    Returns:
        shape (k,); NaN where the debiased norm is not positive (nothing but noise was estimated).
        The debiased cosine can exceed 1 by the noise of the norm.
    """
    raise NotImplementedError


def transport_ratio(
    weights: FloatArray, beats: NDArray[np.floating], g: NDArray[np.floating], direction: FloatArray
) -> FloatArray:
    """<B_aug, B>/<B, B>, B_aug re-estimated by regressing (augmented) beats on g.

    Arguments as in `direction_similarity`. Returns shape (k,); 1 when the axis is transported
    unchanged, NaN where g or B does not vary.
    """
    raise NotImplementedError
