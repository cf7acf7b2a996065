"""The liquify brush: the mask is dragged along under it like wet paint."""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.mask.steps import (
    EMPTY,
    Ground,
    Mirror,
    Points,
    Step,
    checked_mirror,
    checked_points,
    clipped,
    register,
)
from engine.mask.strokes import Dab
from engine.types import LabelMap, Region

_STRIDE = 0.25
_LEAST_RADIUS = 0.5
_FAR = 1e5


@register
@dataclass(frozen=True, slots=True, eq=False)
class Liquify(Step):
    """A drag of the brush that takes the borders of classes with it.

    What lies under the middle of the brush follows the hand by `strength` of its way, and all else the less the farther
    out it lies, down to nothing at the radius. Ways shorter than a pixel add up. Beyond the mask's edge its outermost
    pixels go on.

    Attributes
    ----------
    points
        float32 (N, 3), columns (x, y, radius), mask pixels, radius at least 0; may lie outside the mask.
    strength
        0..1.
    mirror
        A line on whose other side the mask is dragged in mirror image; None for no mirror image.

    Raises
    ------
    ValueError
        Where one of these does not hold.
    """

    kind: ClassVar[str] = "liquify"

    points: Points
    strength: float = 0.6
    mirror: Mirror | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", checked_points(self.points, 3))
        object.__setattr__(self, "mirror", checked_mirror(self.mirror))
        if (self.points[:, 2] < 0).any():
            raise ValueError("a brush cannot have a negative radius")
        strength = float(self.strength)
        if not 0 <= strength <= 1:
            raise ValueError(f"a strength must be within 0..1, not {strength}")
        object.__setattr__(self, "strength", strength)

    @property
    def title(self) -> tuple[str, ...]:
        return ("Liquify",)

    @property
    def pieces(self) -> int:
        return len(self.points)

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        flow = _flow_before(self, work.shape, piece)
        result = EMPTY
        for region in flow.advance(self):
            place = work[region.slices]
            dragged = flow.sampled(ground.labels, region)
            changed = Region.of(place != dragged)
            place[:] = dragged
            if not changed.empty:
                result = result.union(changed.moved(region.y0, region.x0))
        _keep(flow)
        return result


class _Flow:
    """Where each pixel's label comes from after the first points of a step: so that nothing is resampled twice."""

    def __init__(self, step: Liquify, shape: tuple[int, ...]) -> None:
        self._shape, self._strength, self._mirror = shape, step.strength, step.mirror
        self._points = step.points[:0]
        self._away = np.zeros((2, *shape), np.float32)
        """How far away, (x, y), in pixels."""

    def follows(self, step: Liquify, shape: tuple[int, ...], piece: int) -> bool:
        """Whether it is what the pieces before one lead to."""
        settings = (self._shape, self._strength, self._mirror) == (shape, step.strength, step.mirror)
        return settings and np.array_equal(self._points, step.points[:piece])

    def advance(self, step: Liquify) -> list[Region]:
        """Take in one more point of a step, and return where something may have changed: boxes that do not overlap."""
        count = len(self._points)
        self._points = step.points[: count + 1]
        if not count or not self._strength:
            return []
        start, end = (Dab(*(min(max(value, -_FAR), _FAR) for value in point)) for point in self._points[-2:].tolist())
        sides = [(start, end)]
        if self._mirror is not None:
            images = self._mirror.points(np.array([start, end], np.float32))
            sides.append((Dab(*images[0].tolist()), Dab(*images[1].tolist())))
        reaches = [EMPTY] * len(sides)
        for first, last in _strides(sides, self._shape):
            # A push and its mirror image are one, lest that which comes first be dragged along by the other.
            pushes = [(_between(*side, first), _between(*side, last)) for side in sides]
            boxes = [_box(dab, self._shape) for _, dab in pushes]
            for box in _apart(boxes):
                self._push(box, pushes)
            reaches = [reach.union(box) for reach, box in zip(reaches, boxes, strict=True)]
        return _apart(reaches)

    def _push(self, box: Region, pushes: list[tuple[Dab, Dab]]) -> None:
        """Drag what lies in a box by the ways from one place of the brush to the next."""
        x, y = np.arange(box.x0, box.x1) + 0.5, np.arange(box.y0, box.y1)[:, None] + 0.5
        way = np.zeros((2, box.y1 - box.y0, box.x1 - box.x0), np.float32)
        for before, dab in pushes:
            # Smaller than a pixel it drags nothing that could be seen.
            if dab.radius < 0.5:
                continue
            across = (((x - dab.x) / dab.radius) ** 2).astype(np.float32)
            down = (((y - dab.y) / dab.radius) ** 2).astype(np.float32)
            share = np.maximum(1 - (across + down), 0)
            share *= share
            for axis, length in enumerate((dab.x - before.x, dab.y - before.y)):
                way[axis] += share * np.float32(length * self._strength)
        corners, weights = _neighbours(x - way[0], y - way[1], self._shape)
        result = np.empty_like(way)
        for axis in range(2):
            plane = self._away[axis].ravel()
            result[axis] = sum(plane.take(corner) * weight for corner, weight in zip(corners, weights, strict=True))
        self._away[:, box.y0 : box.y1, box.x0 : box.x1] = result - way

    def sampled(self, labels: LabelMap, box: Region) -> LabelMap:
        """Return what comes into a box of a mask, uint8 of its size: of the classes around a place the one with most.

        Of four pixels each counts as much as it would in bilinear interpolation; a border between classes runs where
        theirs are even.
        """
        away = self._away[:, box.y0 : box.y1, box.x0 : box.x1]
        x, y = np.arange(box.x0, box.x1) + 0.5, np.arange(box.y0, box.y1)[:, None] + 0.5
        corners, weights = _neighbours(x + away[0], y + away[1], self._shape)
        flat = np.ascontiguousarray(labels).ravel()
        around = [flat.take(corner) for corner in corners]
        result = around[0]
        mixed = (around[1] != result) | (around[2] != result) | (around[3] != result)
        near = np.stack([each[mixed] for each in around])
        shares = np.stack([each[mixed] for each in weights])
        votes = np.stack([(shares * (near == each)).sum(axis=0) for each in near])
        result[mixed] = np.take_along_axis(near, votes.argmax(axis=0)[None], axis=0)[0]
        return result


_kept: list[_Flow] = []
_lock = threading.Lock()


def _flow_before(step: Liquify, shape: tuple[int, ...], piece: int) -> _Flow:
    """Return what the pieces before one lead to. It depends on nothing else; that of the latest piece is kept."""
    with _lock:
        flow = _kept.pop() if _kept else None
    if flow is None or not flow.follows(step, shape, piece):
        flow = _Flow(step, shape)
        for _ in range(piece):
            flow.advance(step)
    return flow


def _keep(flow: _Flow) -> None:
    with _lock:
        _kept[:] = [flow]


def _strides(sides: list[tuple[Dab, Dab]], shape: tuple[int, ...]) -> Iterator[tuple[float, float]]:
    """Cut a way, 0..1, into strides that are short for the brush, but for those that do not touch the mask at all.

    A longer one would tear what it drags.
    """
    start, end = sides[0]
    length = math.hypot(end.x - start.x, end.y - start.y)
    touching = [touch for side in sides if (touch := _touching(*side, shape)) is not None]
    if not length or not touching:
        return
    share, last = min(touch[0] for touch in touching), max(touch[1] for touch in touching)
    # Where the brush becomes smaller, a stride has to be short for what it is at its end.
    narrowing = 1 + _STRIDE * max(start.radius - end.radius, 0.0) / length
    while share < last:
        stride = _STRIDE * max(_between(start, end, share).radius / narrowing, _LEAST_RADIUS)
        after = min(share + stride / length, 1.0)
        yield share, after
        share = after


def _touching(start: Dab, end: Dab, shape: tuple[int, ...]) -> tuple[float, float] | None:
    """Return between which shares of a way, 0..1, the brush's box touches the mask; None for none."""
    radius = max(start.radius, end.radius)
    low, high = 0.0, 1.0
    for at, to, side in ((start.x, end.x, shape[1]), (start.y, end.y, shape[0])):
        if at == to:
            if not -radius <= at <= side + radius:
                return None
            continue
        ends = sorted(((-radius - at) / (to - at), (side + radius - at) / (to - at)))
        low, high = max(low, ends[0]), min(high, ends[1])
    return (low, high) if low <= high else None


def _between(start: Dab, end: Dab, share: float) -> Dab:
    x, y, radius = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return Dab(x, y, radius)


def _box(dab: Dab, shape: tuple[int, ...]) -> Region:
    return clipped(dab.x - dab.radius, dab.y - dab.radius, dab.x + dab.radius, dab.y + dab.radius, shape)


def _apart(boxes: list[Region]) -> list[Region]:
    """Return boxes, up to two, as one if they overlap, without empty ones."""
    boxes = [box for box in boxes if not box.empty]
    if len(boxes) == 2:
        a, b = boxes
        if a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1:
            return [a.union(b)]
    return boxes


def _neighbours(
    x: NDArray[np.floating], y: NDArray[np.floating], shape: tuple[int, ...]
) -> tuple[list[NDArray[np.int32]], list[NDArray[np.float32]]]:
    """Return the indices of the four pixels around places in a flattened (H, W) array, and their bilinear weights."""
    height, width = shape[:2]
    x, y = (np.clip(at - 0.5, 0, side - 1).astype(np.float32) for at, side in ((x, width), (y, height)))
    column, row = x.astype(np.int32), y.astype(np.int32)
    right, low = x - column.astype(np.float32), y - row.astype(np.float32)
    left, high = (np.subtract(1, share, dtype=np.float32) for share in (right, low))
    # The last pixel is its own neighbour.
    next_column, next_row = (column < width - 1).astype(np.int32), (row < height - 1) * np.int32(width)
    corner = row * np.int32(width) + column
    corners = [corner, corner + next_column, corner + next_row, corner + next_column + next_row]
    return corners, [left * high, right * high, left * low, right * low]
