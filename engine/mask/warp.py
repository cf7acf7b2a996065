"""Bending: a grid of handles over a box, and the smooth map that takes each of them where it was dragged."""

import numpy as np
from numpy.typing import NDArray

from engine.types import Region

Places = NDArray[np.float64]
"""float64 (N, 2), columns (x, y), mask pixels."""

_SHARES = (0.4, 0.7, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
_EXACT_PX, _CLOSE_PX = 0.01, 0.25


def handles_at_rest(box: Region, count: int) -> NDArray[np.float64]:
    """Return the places of ``count`` x ``count`` handles spread evenly over a box, its edges included.

    Returns
    -------
    ndarray
        float64 (count, count, 2), row by row from the top left one, (x, y) in mask pixels.
    """
    x, y = np.linspace(box.x0, box.x1, count), np.linspace(box.y0, box.y1, count)
    return np.stack(np.meshgrid(x, y), axis=-1)


def bent(places: Places, box: Region, grid: NDArray[np.floating]) -> Places:
    """Return where places (N, 2) come when the handles over a box are displaced.

    The map passes through the handles and is smooth in between: a Catmull-Rom spline along either axis, whose ends are
    parabolas, which go on straight beyond the box. Displacements that are an affine map of the handles' places are
    that map everywhere.

    Parameters
    ----------
    places
        float64 (N, 2), mask pixels.
    box
        What the handles are spread over.
    grid
        The displacements of the handles, (n, n, 2), n at least 3, mask pixels.
    """
    return places + _displacements(places, box, grid)[0]


def straightened(places: Places, box: Region, grid: NDArray[np.floating]) -> tuple[Places, NDArray[np.bool_]]:
    """Return which places come to ``places`` (N, 2) when bent, and for which of them, bool (N,), there is one.

    There may be none, or several of which one is returned, where the handles fold the box over.
    """
    found = places.copy()
    farthest = max(box.x1 - box.x0, box.y1 - box.y0, float(np.abs(grid).max()))
    # Newton's method on a bend that grows to its full extent keeps to the branch that starts at the unbent place.
    for share in _SHARES:
        displaced, along_x, along_y = _displacements(found, box, grid, share)
        missing = found + displaced - places
        if share == 1.0 and np.abs(missing).max(initial=0.0) <= _EXACT_PX:
            break
        a, b, c, d = 1 + along_x[:, 0], along_y[:, 0], along_x[:, 1], 1 + along_y[:, 1]
        # In a fold the determinant is nought or negative, and a step would lead away.
        determinant = np.maximum(a * d - b * c, 0.1)
        step = np.stack([d * missing[:, 0] - b * missing[:, 1], a * missing[:, 1] - c * missing[:, 0]], axis=1)
        found -= np.clip(step / determinant[:, None], -farthest, farthest)
    return found, np.abs(bent(found, box, grid) - places).max(axis=1) <= _CLOSE_PX


def _displacements(
    places: Places, box: Region, grid: NDArray[np.floating], share: float = 1.0
) -> tuple[Places, Places, Places]:
    """Return the displacements of places (N, 2), and their derivatives along x and along y, each (N, 2)."""
    count = len(grid)
    width, height = box.x1 - box.x0, box.y1 - box.y0
    across, across_slope = _weights((places[:, 0] - box.x0) / width, count)
    down, down_slope = _weights((places[:, 1] - box.y0) / height, count)
    result = np.empty((3, 2, len(places)))
    for axis in range(2):
        nodes = share * grid[..., axis].astype(np.float64)
        rows = nodes @ across
        result[0, axis] = (down * rows).sum(axis=0)
        result[1, axis] = (down * (nodes @ across_slope)).sum(axis=0) / width
        result[2, axis] = (down_slope * rows).sum(axis=0) / height
    return result[0].T, result[1].T, result[2].T


def _weights(at: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of ``count`` nodes spread evenly over 0..1 at places (N,), and their slopes, each (count, N).

    Outside 0..1 they change as steadily as at the nearer end.
    """
    inside = np.clip(at, 0.0, 1.0)
    scaled = inside * (count - 1)
    first = np.minimum(scaled.astype(np.intp), count - 2)
    t = scaled - first
    value, tangent = np.eye(count), _tangents(count)
    here, after, leaving, arriving = value[:, first], value[:, first + 1], tangent[:, first], tangent[:, first + 1]
    rest = 1 - t
    weights = (1 + 2 * t) * rest * rest * here + t * t * (3 - 2 * t) * after
    weights += t * rest * (rest * leaving - t * arriving)
    slopes = (count - 1.0) * (6 * t * rest * (after - here) + rest * (1 - 3 * t) * leaving + t * (3 * t - 2) * arriving)
    return weights + slopes * (at - inside), slopes


def _tangents(count: int) -> NDArray[np.float64]:
    """Return what the spline's slopes at its nodes are made of, (count, count): row = value, column = node."""
    result = 0.5 * (np.eye(count, k=1) - np.eye(count, k=-1))
    result[0, :3] = -1.5, 2.0, -0.5
    result[-1, -3:] = 0.5, -2.0, 1.5
    return result.T
