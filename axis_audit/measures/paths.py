"""Paths between two waveforms: how evenly they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Steps of paths, one value a path, shape (n,).

    Attributes:
        largest: length of the longest step. blend: length of a step of the linear blend of the same
            two ends. length: of the whole path. distance: between its ends.
    """

    largest: FloatArray
    blend: FloatArray
    length: FloatArray
    distance: FloatArray


def steps(paths: NDArray[np.floating]) -> Steps:
    """Steps of paths (n, points, x) in Euclidean distance.

    The linear blend of a path's ends goes in equal steps: its longest step is `blend`, and no path
    of as many points between the same ends has a shorter longest step.
    """
    points = np.asarray(paths, np.float64)
    each = np.linalg.norm(np.diff(points, axis=1), axis=2)
    distance = np.linalg.norm(points[:, -1] - points[:, 0], axis=1)
    return Steps(each.max(axis=1), distance / each.shape[1], each.sum(axis=1), distance)
