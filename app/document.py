"""The mask being edited: strokes drawn into a numpy buffer, and edits that can be undone. Knows nothing of Qt.

Coordinates are mask pixels as floats, (x, y): (0, 0) is the top left CORNER of the first pixel, (0.5, 0.5) its centre.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.types import LabelMap, Region
from resources.labels import LABEL_COUNT, LABELS

EMPTY = Region(0, 0, 0, 0)


class Point(NamedTuple):
    """A place in the mask, in mask pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """One drag of the brush, as data.

    Attributes
    ----------
    label
        The class to paint, 0..18.
    radius
        The brush's radius in mask pixels, at least 0.
    points
        float32 of shape (N, 2), N >= 1, columns (x, y), finite. The stroke keeps a read-only copy.

    Raises
    ------
    ValueError
        Where one of these does not hold.
    """

    label: int
    radius: float
    points: NDArray[np.float32]

    def __post_init__(self) -> None:
        _check_brush(self.label, self.radius)
        points = np.array(self.points, dtype=np.float32)
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ValueError(f"points must be of shape (N, 2) with N >= 1, not {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError("points must be finite")
        points.setflags(write=False)
        object.__setattr__(self, "points", points)


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A change of a rectangle of the mask; undo writes ``before``, redo writes ``after``.

    Attributes
    ----------
    name
        What was done, for the undo menu.
    region
        The rectangle.
    before, after
        Its labels on either side of the change, uint8 of the region's shape (h, w). The edit keeps read-only copies.

    Raises
    ------
    ValueError
        If a crop does not have the region's shape, or is not a label map.
    """

    name: str
    region: Region
    before: LabelMap
    after: LabelMap

    def __post_init__(self) -> None:
        shape = (self.region.y1 - self.region.y0, self.region.x1 - self.region.x0)
        for side in ("before", "after"):
            crop = np.array(_checked(getattr(self, side), shape))
            crop.setflags(write=False)
            object.__setattr__(self, side, crop)

    @property
    def nbytes(self) -> int:
        """The memory that the crops take, for the undo budget."""
        return self.before.nbytes + self.after.nbytes


@dataclass(slots=True)
class _Drag:
    """A stroke under way: its brush, where it is, what the mask was before it and where it may have changed."""

    label: int
    radius: float
    last: Point
    before: LabelMap
    region: Region


class MaskDocument:
    """The mask of one portrait while it is edited.

    Parameters
    ----------
    source
        The mask to start from, uint8 of shape (H, W), ids 0..18. It is copied.

    Attributes
    ----------
    labels
        The current mask, uint8 of shape (H, W), C-contiguous. It is one buffer for the document's whole life, written
        in place, because the canvas's image wraps it. Others read it; only the document writes to it.
    source
        The original mask, read-only.

    Raises
    ------
    ValueError
        If the source is not a label map.
    """

    def __init__(self, source: LabelMap) -> None:
        if source.ndim != 2 or not source.size:
            raise ValueError(f"a mask must be of shape (H, W) and hold a pixel, not {source.shape}")
        self.source: LabelMap = np.array(_checked(source, source.shape), order="C")
        self.source.setflags(write=False)
        self.labels: LabelMap = self.source.copy()
        self._drag: _Drag | None = None

    @property
    def painting(self) -> bool:
        """Whether a stroke is under way."""
        return self._drag is not None

    @property
    def changed(self) -> bool:
        """Whether the mask differs from the source."""
        return not np.array_equal(self.labels, self.source)

    def begin(self, label: int, radius: float, x: float, y: float) -> Region:
        """Start a stroke with a dot.

        Parameters
        ----------
        label
            The class to paint, 0..18.
        radius
            The brush's radius in mask pixels. However small, the pixel under the point is painted.
        x, y
            The point, in mask pixels; may lie outside the mask.

        Returns
        -------
        Region
            Nothing changed outside it. It may be empty.

        Raises
        ------
        ValueError
            If a stroke is already under way, the label is no class, or a number is not finite.
        """
        self._require_idle()
        _check_brush(label, radius)
        point = _point(x, y)
        self._drag = _Drag(int(label), float(radius), point, self.labels.copy(), EMPTY)
        return self._draw(self._drag, point)

    def extend(self, x: float, y: float) -> Region:
        """Draw the capsule from the stroke's last point to this one.

        A pixel is painted if its centre lies within the radius of the segment.

        Returns
        -------
        Region
            Nothing changed outside it. It may be empty.

        Raises
        ------
        ValueError
            If no stroke is under way, or a coordinate is not finite.
        """
        return self._draw(self._require_drag(), _point(x, y))

    def commit(self) -> Edit | None:
        """End the stroke and return it as an edit, None if it changed nothing.

        Raises
        ------
        ValueError
            If no stroke is under way.
        """
        drag = self._require_drag()
        self._drag = None
        name = f"Paint {LABELS[drag.label].title.lower()}"
        return _difference(name, drag.region, drag.before[drag.region.slices], self.labels[drag.region.slices])

    def abort(self) -> Region:
        """Take the stroke under way back, and return where it was; harmless if there is none."""
        if self._drag is None:
            return EMPTY
        drag, self._drag = self._drag, None
        self.labels[drag.region.slices] = drag.before[drag.region.slices]
        return drag.region

    def paint(self, stroke: Stroke) -> Edit | None:
        """Paint a whole stroke: the very pixels of `begin`, `extend` and `commit` with its points.

        Raises
        ------
        ValueError
            If a stroke is already under way.
        """
        first, *others = stroke.points.tolist()
        self.begin(stroke.label, stroke.radius, *first)
        for point in others:
            self.extend(*point)
        return self.commit()

    def write(self, region: Region, crop: LabelMap, name: str) -> Edit | None:
        """Write a rectangle and return that as an edit, None if it changed nothing.

        Parameters
        ----------
        region
            The rectangle, inside the mask.
        crop
            Its new labels, uint8 of the region's shape (h, w), ids 0..18.
        name
            What was done, for the undo menu.

        Raises
        ------
        ValueError
            If a stroke is under way, or region or crop do not fit.
        """
        self._require_idle()
        self._require_inside(region)
        place = self.labels[region.slices]
        edit = _difference(name, region, place, _checked(crop, place.shape))
        if edit is not None:
            self.labels[edit.region.slices] = edit.after
        return edit

    def replace(self, labels: LabelMap, name: str) -> Edit | None:
        """Write a whole mask, uint8 of shape (H, W), ids 0..18, as one edit; otherwise like `write`."""
        height, width = self.labels.shape
        return self.write(Region(0, 0, height, width), labels, name)

    def apply(self, edit: Edit, undo: bool = False) -> Region:
        """Redo an edit, or undo it, and return where.

        Raises
        ------
        ValueError
            If a stroke is under way, or the edit belongs to a mask of another size.
        """
        self._require_idle()
        self._require_inside(edit.region)
        self.labels[edit.region.slices] = edit.before if undo else edit.after
        return edit.region

    def _draw(self, drag: _Drag, point: Point) -> Region:
        region, inside = _capsule(drag.last, point, drag.radius, self.labels.shape)
        if inside is not None:
            self.labels[region.slices][inside] = drag.label
            drag.region = drag.region.union(region)
        drag.last = point
        return region

    def _require_drag(self) -> _Drag:
        if self._drag is None:
            raise ValueError("no stroke is under way")
        return self._drag

    def _require_idle(self) -> None:
        if self._drag is not None:
            raise ValueError("a stroke is under way")

    def _require_inside(self, region: Region) -> None:
        height, width = self.labels.shape
        if not (0 <= region.y0 <= region.y1 <= height and 0 <= region.x0 <= region.x1 <= width):
            raise ValueError(f"{region} does not lie within a mask of {height} rows and {width} columns")


def _check_brush(label: int, radius: float) -> None:
    if label not in range(LABEL_COUNT):
        raise ValueError(f"no class has the id {label}")
    if not (math.isfinite(radius) and radius >= 0):
        raise ValueError(f"a brush cannot have the radius {radius}")


def _checked(labels: LabelMap, shape: tuple[int, ...]) -> LabelMap:
    if labels.dtype != np.uint8 or labels.shape != shape:
        raise ValueError(f"expected uint8 labels of shape {shape}, not {labels.dtype} of shape {labels.shape}")
    if labels.size and labels.max() >= LABEL_COUNT:
        raise ValueError(f"no class has the id {labels.max()}")
    return labels


def _point(x: float, y: float) -> Point:
    # A stroke records its points as float32, so a live one must round to them too, to paint the same pixels.
    limit = float(np.finfo(np.float32).max)
    if not (abs(x) <= limit and abs(y) <= limit):
        raise ValueError(f"({x}, {y}) is no point of the mask's plane")
    return Point(float(np.float32(x)), float(np.float32(y)))


def _difference(name: str, region: Region, before: LabelMap, after: LabelMap) -> Edit | None:
    """Return the edit of the tight bounding box of what differs between two crops (h, w) of a region."""
    tight = Region.of(before != after)
    if tight.empty:
        return None
    place = Region(region.y0 + tight.y0, region.x0 + tight.x0, region.y0 + tight.y1, region.x0 + tight.x1)
    return Edit(name, place, before[tight.slices], after[tight.slices])


def _capsule(
    start: Point, end: Point, radius: float, shape: tuple[int, ...]
) -> tuple[Region, NDArray[np.bool_] | None]:
    """Return the bounding box of a capsule, clipped to a (H, W) shape, and its pixels as bool (h, w).

    The box is empty and the pixels are None where the capsule lies outside.
    """
    (y0, y1), (x0, x1) = (
        (max(math.floor(min(a, b) - radius), 0), min(math.floor(max(a, b) + radius) + 1, size))
        for a, b, size in zip((start.y, start.x), (end.y, end.x), shape, strict=True)
    )
    region = Region(y0, x0, y1, x1)
    if region.empty:
        return EMPTY, None
    x = np.arange(x0, x1) + (0.5 - start.x)
    y = np.arange(y0, y1)[:, None] + (0.5 - start.y)
    dx, dy = end.x - start.x, end.y - start.y
    length2 = dx * dx + dy * dy
    if length2:
        along = np.clip((x * dx + y * dy) / length2, 0.0, 1.0)
        inside = (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius
    else:
        inside = x * x + y * y <= radius * radius
    if radius < math.sqrt(0.5):
        _add_thin_line(inside, start, end, region)
    return region, inside


def _add_thin_line(inside: NDArray[np.bool_], start: Point, end: Point, region: Region) -> None:
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
