"""Whitening: every direction of the latents at unit variance, however small it was.

Age can hide in directions of tiny variance (eigenvalues 2e-4 beside 50): a probe that shrinks or
leaves the scale alone does not look there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axis_audit.errors import MeasurementError

FloatArray = NDArray[np.float64]
SMALLEST_RELATIVE_SINGULAR_VALUE = 1e-7
"""Below this share of the largest singular value a direction is float32 rounding."""


@dataclass(frozen=True)
class Whitening:
    """A fitted whitening: (latents - mean) @ matrix.

    Attributes:
        mean: shape (d,). matrix: shape (d, rank). rank: directions kept.
    """

    mean: FloatArray
    matrix: FloatArray

    @property
    def rank(self) -> int:
        """Directions kept."""
        return int(self.matrix.shape[1])

    def apply(self, latents: NDArray[np.floating]) -> FloatArray:
        """Whitened latents, shape (n, rank)."""
        return (np.asarray(latents, np.float64) - self.mean) @ self.matrix


def fit_whitening(latents: NDArray[np.floating]) -> Whitening:
    """Fit centring and whitening on latents (n, d), in float64.

    Raises:
        MeasurementError: not a matrix, fewer than 3 rows, NaN or infinite values, or nothing
            varies (rank 0: a constant latent passes every probe and must not be certified).
    """
    z = np.asarray(latents, np.float64)
    if z.ndim != 2:
        raise MeasurementError(f"latents need shape (n, d), got {z.shape}")
    if len(z) < 3:
        raise MeasurementError(f"{len(z)} rows of latents cannot be whitened")
    if not np.isfinite(z).all():
        bad = int(np.count_nonzero(~np.isfinite(z).all(axis=1)))
        raise MeasurementError(f"latents of {bad} of {len(z)} rows hold NaN or infinite values")
    mean = z.mean(axis=0)
    centred = z - mean
    deviation = np.sqrt(np.mean(centred**2, axis=0))
    # A column that varies less than float32 resolves around its own mean is constant.
    varies = deviation > 2e-7 * np.abs(mean)
    if not varies.any():
        raise MeasurementError("the latents are constant: there is nothing to audit")
    standard = centred[:, varies] / deviation[varies]
    # R of a QR has the singular values and right vectors of the whole, without its left ones.
    small = np.linalg.qr(standard, mode="r") if len(z) > 2 * z.shape[1] else standard
    _, singular, right = np.linalg.svd(small, full_matrices=False)
    keep = singular > SMALLEST_RELATIVE_SINGULAR_VALUE * singular[0]
    matrix = np.zeros((z.shape[1], int(keep.sum())))
    scale = singular[keep] / np.sqrt(len(z))
    matrix[varies] = right[keep].T / scale / deviation[varies][:, None]
    return Whitening(mean, matrix)


def whiten(
    latents: NDArray[np.floating], reference: NDArray[np.floating] | None = None
) -> FloatArray:
    """Latents (n, d) whitened by their own or by reference latents' (m, d) statistics.

    Returns:
        float64, shape (n, rank), in units of standard deviations of the reference.

    Raises:
        MeasurementError: see `fit_whitening`.
    """
    return fit_whitening(latents if reference is None else reference).apply(latents)
