"""Affine maps between pictures: (2, 3), of places (x, y), (0, 0) being the top left corner of the first pixel."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""(2, 3): place of the result = M @ (x, y, 1)."""


def scaling(inner: tuple[int, ...], outer: tuple[int, ...]) -> Matrix:
    """Return the map from a picture of ``inner`` (height, width) to the same picture of ``outer`` (height, width)."""
    return np.array([[outer[1] / inner[1], 0.0, 0.0], [0.0, outer[0] / inner[0], 0.0]])


def to_opencv(matrix: Matrix) -> Matrix:
    """Turn a map between corners of pixels, (2, 3), into one between their centres, as OpenCV counts."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    return shifted
