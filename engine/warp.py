"""Bringing pictures to other places and sizes by affine maps, at no more cost than what is seen of them."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import Matrix, scaling, to_opencv
from engine.types import Region

INTERPOLATED = 3
"""Pixels that interpolation may look at beyond those it shows."""
AVERAGED = 0.67
"""Pictures that shrink to less than this are averaged first, as warping skips pixels."""


def chained(outer: Matrix, inner: Matrix) -> Matrix:
    """Return the map that does ``inner`` first, then ``outer``."""
    result = outer[:, :2] @ inner
    result[:, 2] += outer[:, 2]
    return result


def moving(x: float, y: float) -> Matrix:
    """Return the map that moves by so many pixels."""
    return np.array([[1.0, 0, x], [0, 1, y]])


def footprint(matrix: Matrix, size: tuple[int, int], shape: tuple[int, ...], margin: int) -> Region:
    """Return the part of an array (H, W, ...) that a picture is made of.

    Parameters
    ----------
    matrix
        The map from the array's pixels to the picture's.
    size
        Width and height of the picture.
    shape
        Of the array.
    margin
        How many pixels more the part has on each side, inside the array.

    Returns
    -------
    Region
        Never empty: of a picture beside the array, the pixels of its border that are nearest.
    """
    # In plain numbers, as arrays of six cost more than what they save.
    (a, b, x), (c, d, y) = matrix.tolist()
    determinant = a * d - b * c
    half_x, half_y = size[0] / 2, size[1] / 2
    x, y = half_x - x, half_y - y
    (x0, x1), (y0, y1) = (
        (int(min(max(place - reach, 0), side - 1)), int(min(max(place + reach, 0), side - 1)) + 1)
        for place, reach, side in (
            ((d * x - b * y) / determinant, (abs(d) * half_x + abs(b) * half_y) / abs(determinant) + margin, shape[1]),
            ((a * y - c * x) / determinant, (abs(a) * half_y + abs(c) * half_x) / abs(determinant) + margin, shape[0]),
        )
    )
    return Region(y0, x0, y1, x1)


def warped(array: NDArray, matrix: Matrix, size: tuple[int, int], how: int, border: int = cv2.BORDER_REPLICATE) -> Any:
    """Bring an array to a picture.

    Parameters
    ----------
    array
        (H, W, ...), uint8 or float32.
    matrix
        The map from the array's pixels to the picture's.
    size
        Width and height of the picture.
    how
        OpenCV's number of the interpolation.
    border
        OpenCV's number of what lies around the array.

    Returns
    -------
    ndarray
        Of that size; float32 if the interpolation is cubic, else as the array. It may be a view of the array.
    """
    scale = math.sqrt(abs(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]))
    if how == cv2.INTER_CUBIC and scale < AVERAGED:
        rows, columns = (max(1, round(side * scale)) for side in array.shape[:2])
        matrix = chained(matrix, scaling((rows, columns), array.shape[:2]))
        array = np.asarray(cv2.resize(array.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA))
    part = footprint(matrix, size, array.shape, INTERPOLATED)
    array, matrix = array[part.slices], chained(matrix, moving(part.x0, part.y0))
    if how == cv2.INTER_CUBIC:
        array = array.astype(np.float32, copy=False)
    # Enlarging repeats the array's edges; the nearest pixel, where it is inside, does not depend on what lies around.
    if border == cv2.BORDER_REPLICATE or how == cv2.INTER_NEAREST:
        enlarged = _enlarged(array, matrix, size, how)
        if enlarged is not None:
            return enlarged
    return cv2.warpAffine(array, to_opencv(matrix), size, flags=how, borderMode=border)


def _enlarged(array: NDArray, matrix: Matrix, size: tuple[int, int], how: int) -> Any | None:
    """Do the same by enlarging upright by whole numbers, several times as fast; None where it is not the same."""
    if matrix[0, 1] or matrix[1, 0] or not np.array_equal(matrix, np.rint(matrix)):
        return None
    (across, _, x), (_, down, y) = matrix.astype(int).tolist()
    x, y, (height, width) = -x, -y, array.shape[:2]
    if min(across, down) < 1 or min(x, y) < 0 or x + size[0] > across * width or y + size[1] > down * height:
        return None
    if (across, down) != (1, 1):
        array = np.asarray(cv2.resize(array, (across * width, down * height), interpolation=how))
    return array[y : y + size[1], x : x + size[0]]
