"""Strokes of the brush: capsules between the places of the hand, in a class or in what the mask was at first."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.mask.edges import kept_to_edges
from engine.mask.steps import (
    EMPTY,
    Ground,
    Mirror,
    Points,
    Step,
    checked_id,
    checked_mirror,
    checked_points,
    clipped,
    register,
)
from engine.types import LabelMap, Region
from resources.labels import LABELS


class Dab(NamedTuple):
    """A place of the brush, in mask pixels."""

    x: float
    y: float
    radius: float


@register
@dataclass(frozen=True, slots=True, eq=False)
class Stroke(Step):
    """A drag of the brush.

    A pixel is painted if a disc that goes from point to point, its radius changing evenly in between, passes over its
    centre. However small the radius, the pixel under each point and an unbroken line are painted.

    Attributes
    ----------
    label
        The class to paint; None restores what the portrait's own mask has there.
    points
        float32 (N, 3), columns (x, y, radius), mask pixels, radius at least 0; may lie outside the mask.
    mirror
        A line on whose other side the stroke's mirror image is painted in the twin class; None for no mirror image.
    snap
        Whether the stroke keeps to the picture's edges: see `engine.mask.edges`.

    Raises
    ------
    ValueError
        Where one of these does not hold.
    """

    kind: ClassVar[str] = "stroke"

    label: int | None
    points: Points
    mirror: Mirror | None = None
    snap: bool = False

    def __post_init__(self) -> None:
        if self.label is not None:
            object.__setattr__(self, "label", checked_id(self.label))
        object.__setattr__(self, "points", checked_points(self.points, 3))
        object.__setattr__(self, "mirror", checked_mirror(self.mirror))
        if (self.points[:, 2] < 0).any():
            raise ValueError("a brush cannot have a negative radius")
        if not isinstance(self.snap, bool):
            raise ValueError(f"snap is {self.snap!r}, neither true nor false")

    @property
    def title(self) -> tuple[str, ...]:
        return ("Restore",) if self.label is None else ("Paint {0}", LABELS[self.label].title)

    @property
    def pieces(self) -> int:
        return len(self.points)

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        points = self.points[max(piece - 1, 0) : piece + 1]
        region = self._draw(ground, work, points, self.label)
        if self.mirror is not None:
            twin = None if self.label is None else LABELS[self.label].twin
            region = region.union(self._draw(ground, work, self.mirror.points(points), twin))
        return region

    def _draw(self, ground: Ground, work: LabelMap, points: Points, label: int | None) -> Region:
        start, end = Dab(*points[0].tolist()), Dab(*points[-1].tolist())
        region, inside = capsule(start, end, work.shape)
        if inside is None:
            return EMPTY
        if self.snap:
            inside &= kept_to_edges(ground.pixels, start, end, region)
        colour = ground.source[region.slices] if label is None else np.uint8(label)
        np.copyto(work[region.slices], colour, where=inside)
        return region


def capsule(start: Dab, end: Dab, shape: tuple[int, ...]) -> tuple[Region, NDArray[np.bool_] | None]:
    """Return the bounding box of a capsule, clipped to a (H, W) shape, and its pixels as bool (h, w).

    A pixel is in it if its centre is in one of the discs that a disc on its way from the start to the end passes
    through, its radius changing evenly; as is each pixel under the way.

    The box is empty and the pixels are None where the capsule lies outside.
    """
    region = clipped(
        min(start.x - start.radius, end.x - end.radius),
        min(start.y - start.radius, end.y - end.radius),
        # The pixel of a point that lies on a pixel's border is the one right of and below it.
        math.floor(max(start.x + start.radius, end.x + end.radius)) + 1,
        math.floor(max(start.y + start.radius, end.y + end.radius)) + 1,
        shape,
    )
    if region.empty:
        return EMPTY, None
    x = np.arange(region.x0 + 0.5, region.x1, dtype=np.float64)
    y = np.arange(region.y0 + 0.5, region.y1, dtype=np.float64)
    left, right = _span(start, end, y)
    inside = (x >= left[:, None]) & (x <= right[:, None])
    if min(start.radius, end.radius) < math.sqrt(0.5):
        _add_thin_line(inside, start, end, region)
    return region, inside


def _span(start: Dab, end: Dab, y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return from where to where a capsule reaches in each row; from infinity to minus infinity where it does not.

    It is convex, and its border consists of parts of the ends' circles and of the two lines that touch both.
    """
    left, right = np.full(len(y), np.inf), np.full(len(y), -np.inf)
    for x0, y0, radius in (start, end):
        half2 = radius * radius - (y - y0) ** 2
        half = np.sqrt(np.maximum(half2, 0.0))
        np.minimum(left, x0 - half, out=left, where=half2 >= 0)
        np.maximum(right, x0 + half, out=right, where=half2 >= 0)
    dx, dy, growth = end.x - start.x, end.y - start.y, end.radius - start.radius
    length2 = dx * dx + dy * dy
    if length2 <= growth * growth:
        # One circle lies within the other.
        return left, right
    back, aside = -growth / length2, math.sqrt(length2 - growth * growth) / length2
    for side in (aside, -aside):
        # The lines touch the circles where their radii are perpendicular to them.
        nx, ny = back * dx - side * dy, back * dy + side * dx
        ax, ay = start.x + start.radius * nx, start.y + start.radius * ny
        bx, by = end.x + end.radius * nx, end.y + end.radius * ny
        if ay != by:
            beside = (y >= min(ay, by)) & (y <= max(ay, by))
            x = ax + (y - ay) * ((bx - ax) / (by - ay))
            np.minimum(left, x, out=left, where=beside)
            np.maximum(right, x, out=right, where=beside)
    return left, right


def _add_thin_line(inside: NDArray[np.bool_], start: Dab, end: Dab, region: Region) -> None:
    """Add the pixels under a segment to a (h, w) crop: one for each step along its longer axis, and those of its ends.

    A brush this small can miss every pixel centre; it still has to leave an unbroken line, and a dot on a click.
    """
    steep = abs(end.y - start.y) > abs(end.x - start.x)
    (a0, b0), (a1, b1) = sorted((point.y, point.x) if steep else (point.x, point.y) for point in (start, end))
    low, high = (region.y0, region.y1) if steep else (region.x0, region.x1)
    along = np.clip(np.arange(low, high) + 0.5, a0, a1)
    along = np.concatenate(([a0], along, [a1]))
    across = b0 + (along - a0) * ((b1 - b0) / (a1 - a0) if a1 > a0 else 0.0)
    across[-1] = b1
    rows, columns = (along, across) if steep else (across, along)
    rows, columns = np.floor(rows) - region.y0, np.floor(columns) - region.x0
    height, width = inside.shape
    hit = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    inside[rows[hit].astype(int), columns[hit].astype(int)] = True
