"""Where a part of a mask comes when it is bent and mapped, pixel by pixel."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import Matrix
from engine.mask.parts import Part
from engine.mask.steps import clipped
from engine.mask.warp import bent, straightened
from engine.types import Region

Places = NDArray[np.integer]
"""Coordinates in `STEPS`-th parts of a pixel, counted from the centre of a part's first one."""

Origins = Callable[[NDArray[np.intp], NDArray[np.intp]], tuple[Places, Places, NDArray[np.bool_]]]
"""Tells by rows and columns of a box where its pixels come from, x and y, and whether they come from anywhere."""

_STEP_BITS = 5
STEPS = 1 << _STEP_BITS
"""Places in a pixel. `cv2.remap` knows no finer ones; counted in whole ones, they are the same on every machine."""

_FINER_BITS = 9
_FINER = 1 << _FINER_BITS
_FAR, _FAR_32 = float(2**60), float(2**29)
_LAST_CELL = 2**15 - 1
_NODES = 1600
_MESH = 17
_SLACK_PX = 3
_BLOCK = 8
_OUTSIDE, _INSIDE, _UNKNOWN = np.uint8(0), np.uint8(1), np.uint8(2)
_SHARES = 64
_LEAST_SMOOTHED = 6


def determinant(matrix: Matrix) -> float:
    """Return by how much an affine map (2, 3) makes areas larger; negative where it flips them."""
    return float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])


def inverse(matrix: Matrix) -> Matrix:
    """Return the map back, (2, 3), of one whose determinant is not nought."""
    (a, b, x), (c, d, y) = matrix
    turn = np.array([[d, -b], [-c, a]]) / determinant(matrix)
    return np.c_[turn, -turn[:, 0] * x - turn[:, 1] * y]


def joined(outer: Matrix, inner: Matrix) -> Matrix:
    """Return the map (2, 3) that does first the inner one, then the outer one."""
    return outer @ np.vstack([inner, [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A part on its way: mapped by ``before``, bent, and mapped by ``after``.

    Where the edge of the mask cuts a part through, over more than half of its width, it goes on beyond the edge as wide
    as it is there, and as far as it is long.

    Attributes
    ----------
    part
        What moves.
    mask
        The mask's height and width.
    before, after
        Affine maps, (2, 3), that have inverses.
    box, grid
        What bends it between the two: see `engine.mask.warp.bent`. No grid for no bending.
    """

    part: Part
    mask: tuple[int, int]
    before: Matrix
    after: Matrix
    box: Region
    grid: NDArray[np.float64] | None = None

    def reach(self) -> Region:
        """Return a box of the mask that holds all that the part comes to; it may be empty."""
        region, (above, left, below, right) = self.part.region, self._cut()
        height, width = region.y1 - region.y0, region.x1 - region.x0
        x = np.linspace(region.x0 - left * width, region.x1 + right * width, _MESH)
        y = np.linspace(region.y0 - above * height, region.y1 + below * height, _MESH)
        places = _mapped(self.before, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
        if self.grid is not None:
            places = bent(places, self.box, self.grid)
        places = _mapped(self.after, places)
        (x0, y0), (x1, y1) = places.min(axis=0) - _SLACK_PX, places.max(axis=0) + _SLACK_PX
        return clipped(float(x0), float(y0), float(x1), float(y1), self.mask)

    def moved(self, spot: Region) -> NDArray[np.bool_]:
        """Return which pixels of a box of the mask, bool of its size, the part comes to.

        Its outline runs where its pixels, smoothed a little where it grows or turns, are half there: it does not become
        a staircase. Pixels that keep to the raster stay just as they are.
        """
        height, width = spot.y1 - spot.y0, spot.x1 - spot.x0
        if spot.empty:
            return np.zeros((height, width), bool)
        origins = self._bent_origins(spot, self.grid) if self.grid is not None else self._origins(spot)

        # Most of a large part is far from its outline. What lies there is told by the block, from its corners.
        rows, columns = np.arange(0, height, _BLOCK), np.arange(0, width, _BLOCK)
        corners = origins(np.append(rows, height - 1)[:, None], np.append(columns, width - 1))[:2]
        middles = [(axis[:-1, :-1] + axis[1:, 1:]) >> 1 for axis in corners]
        around = [axis[i : i - 1 or None, j : j - 1 or None] for axis in corners for i in (0, 1) for j in (0, 1)]
        reach = max(int(np.abs(corner - middles[k // 4]).max()) for k, corner in enumerate(around))
        reach = (reach >> _STEP_BITS) + _SLACK_PX
        margins = self._margins(corners, reach)
        field = self._field(margins)
        known = _by_block(field, reach)
        place = [
            np.clip(((middle >> _STEP_BITS) + margin) // _BLOCK + 1, 0, count - 1)
            for middle, margin, count in zip(middles, (margins[1], margins[0]), known.shape[::-1], strict=True)
        ]
        blocks = known[place[1], place[0]]
        result = np.empty((len(rows), _BLOCK, len(columns), _BLOCK), bool)
        result[:] = (blocks == _INSIDE)[:, None, :, None]

        i, j = np.nonzero(blocks == _UNKNOWN)
        if len(i):
            within = np.arange(_BLOCK)
            x, y, found = origins(
                np.minimum(rows[i][:, None, None] + within[:, None], height - 1),
                np.minimum(columns[j][:, None, None] + within, width - 1),
            )
            result[i, :, j, :] = _half_there(field, x + (margins[1] << _STEP_BITS), y + (margins[0] << _STEP_BITS))
            result[i, :, j, :] &= found
        return result.reshape(len(rows) * _BLOCK, -1)[:height, :width]

    def _origins(self, spot: Region) -> Origins:
        """Return what tells where pixels of a box come from."""
        _, offset = self._to_part()
        back = inverse(joined(self.after, self.before))
        # Flips, quarter turns and moves take whole pixels to whole pixels, whatever the hand's fractions are.
        rigid = bool(np.isin(np.abs(back[:, :2]).round(6), (0.0, 1.0)).all())
        terms = []
        for row, shift in zip(back, offset, strict=True):
            across = row[0] * (np.arange(spot.x0, spot.x1) + 0.5)
            down = row[1] * (np.arange(spot.y0, spot.y1) + 0.5) + (row[2] + shift)
            fine = [np.rint(np.clip(term * (STEPS * _FINER), -_FAR, _FAR)).astype(np.int64) for term in (across, down)]
            if max(np.abs(term).max() for term in fine) < _FAR_32:
                fine = [term.astype(np.int32) for term in fine]
            terms.append((fine[0], fine[1] + _FINER // 2))

        def origins(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[Places, Places, NDArray[np.bool_]]:
            x, y = ((across[columns] + down[rows]) >> _FINER_BITS for across, down in terms)
            if rigid:
                x, y = ((axis + STEPS // 2) >> _STEP_BITS << _STEP_BITS for axis in (x, y))
            return x, y, np.ones((1, 1, 1), bool)

        return origins

    def _bent_origins(self, spot: Region, grid: NDArray[np.float64]) -> Origins:
        """Do the same where the part is bent: at nodes of the box, between which the way is as good as straight."""
        to_part, offset = self._to_part()
        height, width = spot.y1 - spot.y0, spot.x1 - spot.x0
        step = max(1, math.ceil(math.sqrt(height * width / _NODES)))
        counts = (height - 1) // step + 2, (width - 1) // step + 2
        x, y = spot.x0 + 0.5 + np.arange(counts[1]) * step, spot.y0 + 0.5 + np.arange(counts[0]) * step
        places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float64)
        places, known = straightened(_mapped(inverse(self.after), places), self.box, grid)
        places = np.clip((_mapped(to_part, places) + offset) * STEPS, -_FAR_32, _FAR_32)
        planes = np.ascontiguousarray(places.T, np.float32)
        known = known.reshape(counts)
        whole = known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & known[1:, 1:]

        def origins(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[Places, Places, NDArray[np.bool_]]:
            i, j = rows // step, columns // step
            down, across = ((values % step / step).astype(np.float32) for values in (rows, columns))
            corner = i * counts[1] + j
            result = []
            for plane in planes:
                a, b, c, d = (plane.take(corner + more) for more in (0, 1, counts[1], counts[1] + 1))
                upper, lower = a + (b - a) * across, c + (d - c) * across
                result.append(np.rint(upper + (lower - upper) * down).astype(np.int32))
            return result[0], result[1], whole[i, j]

        return origins

    def _to_part(self) -> tuple[Matrix, NDArray[np.float64]]:
        """Return the map back from what is bent to the part, and what is added to count from its first pixel."""
        # Half a pixel's way is as near to either neighbour: without a nudge, shapes would swell or shrink there. The
        # counterpart's goes the other way, as all of it does.
        back = inverse(self.before)
        return back, back[:, :2] @ [1 / STEPS, 1 / STEPS] - 0.5 - [self.part.region.x0, self.part.region.y0]

    def _cut(self) -> tuple[bool, bool, bool, bool]:
        """Return whether the edge of the mask cuts the part through: above, left, below, right."""
        region, shape, (height, width) = self.part.region, self.part.shape, self.mask
        at_edge = region.y0 == 0, region.x0 == 0, region.y1 == height, region.x1 == width
        lines = shape[0], shape[:, 0], shape[-1], shape[:, -1]
        above, left, below, right = (edge and line.mean() > 0.5 for edge, line in zip(at_edge, lines, strict=True))
        return above, left, below, right

    def _margins(self, places: Sequence[Places], reach: int) -> tuple[int, int, int, int]:
        """Return how many pixels lie around the part: one of nothing, and what is asked for beyond the mask's edge.

        Above, left, below, right, for places, x and y, and those that are no farther from them than the reach.
        """
        region = self.part.region
        height, width = region.y1 - region.y0, region.x1 - region.x0
        x, y = places
        asked = -int(y.min()), -int(x.min()), int(y.max()) - height * STEPS, int(x.max()) - width * STEPS
        above, left, below, right = (
            1 + (min(max((pixels >> _STEP_BITS) + reach, 0), side) if cut else 0)
            for cut, pixels, side in zip(self._cut(), asked, (height, width) * 2, strict=True)
        )
        return above, left, below, right

    def _field(self, margins: tuple[int, int, int, int]) -> NDArray[np.float32]:
        """Return the part's shape with its margins, 0..1, in whole blocks."""
        above, left, below, right = (margin - 1 for margin in margins)
        shape = self.part.shape.view(np.uint8)
        if above or left or below or right:
            shape = np.asarray(cv2.copyMakeBorder(shape, above, below, left, right, cv2.BORDER_REPLICATE))
        rest = [-(side + 1) % _BLOCK for side in shape.shape]
        shape = cv2.copyMakeBorder(shape, 1, rest[0], 1, rest[1], cv2.BORDER_CONSTANT, value=0)
        field = np.asarray(shape).astype(np.float32)
        if min(self.part.shape.shape) < _LEAST_SMOOTHED:
            return field
        # Powers of two make every product and sum exact, whatever the machine.
        shares = [math.floor(min(strain, 1.0) / 6 * _SHARES) for strain in self._strains()]
        if not any(shares):
            return field
        across, down = (np.array([share, _SHARES - 2 * share, share], np.float32) / _SHARES for share in shares)
        return np.asarray(cv2.sepFilter2D(field, -1, across, down, borderType=cv2.BORDER_REPLICATE), np.float32)

    def _strains(self) -> list[float]:
        """Return for the part's x and y how far they are from keeping to the raster, 0 for not at all."""
        result = []
        for axis, (x, y) in enumerate(joined(self.after, self.before)[:, :2].T):
            growth = math.hypot(x, y)
            strain = max(growth - 1, 0.0) + 4 * abs(x * y) / growth**2
            if self.grid is not None:
                side = self.box.x1 - self.box.x0 if axis == 0 else self.box.y1 - self.box.y0
                strain += float(np.abs(np.diff(self.grid, axis=1 - axis)).max()) * (len(self.grid) - 1) / side
            result.append(strain)
        return result


def _by_block(field: NDArray[np.float32], reach: int) -> NDArray[np.uint8]:
    """Tell for each block of a field, and a ring of blocks around it, what all places within reach of it are."""
    height, width = (side // _BLOCK for side in field.shape)
    means = cv2.resize(field, (width, height), interpolation=cv2.INTER_AREA)
    means = np.pad(np.asarray(means).reshape(height, width), 1)
    blocks = min(reach // _BLOCK + 1, max(height, width) + 1)
    around = np.ones((2 * blocks + 1, 2 * blocks + 1), np.uint8)
    inside = cv2.erode((means > 0.999).astype(np.uint8), around, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    touched = cv2.dilate((means > 0.001).astype(np.uint8), around)
    return np.where(np.asarray(inside) > 0, _INSIDE, np.where(np.asarray(touched) > 0, _UNKNOWN, _OUTSIDE))


def _half_there(field: NDArray[np.float32], x: Places, y: Places) -> NDArray[np.bool_]:
    """Return at which places (N, h, w) of a field it is at least half, in between pixels too; beyond it is nought."""
    cells = np.empty((*x.shape, 2), np.int16)
    for axis, values in enumerate((x, y)):
        cells[..., axis] = np.clip(values >> _STEP_BITS, -2, _LAST_CELL)
    shares = ((y & (STEPS - 1)) << _STEP_BITS | (x & (STEPS - 1))).astype(np.uint16)
    values = cv2.remap(field, cells.reshape(len(x), -1, 2), shares.reshape(len(x), -1), cv2.INTER_LINEAR)
    return np.asarray(values).reshape(x.shape) >= 0.5


def _mapped(matrix: Matrix, places: NDArray[np.float64]) -> NDArray[np.float64]:
    return places @ matrix[:, :2].T + matrix[:, 2]
