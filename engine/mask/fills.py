"""Whole regions and areas at once: fills, drawn outlines, one class in place of another, and the way back."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.mask.regions import component_at
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

SHAPES = ("polygon", "rectangle", "ellipse")
"""The shapes of an area."""


@register
@dataclass(frozen=True, slots=True, eq=False)
class Fill(Step):
    """A region that becomes another class.

    Attributes
    ----------
    label
        The class to fill with.
    x, y
        A point in the region, in mask pixels; nothing happens where it lies outside the mask.
    everywhere
        Whether all pixels of the class under the point are filled, or those alone that hang together with it.
    mirror
        A line on whose other side the counterpart is filled with the twin class: the region under the mirrored point,
        if it is of the twin of the class that is filled and not the same region, or everywhere all pixels of that twin.

    Raises
    ------
    ValueError
        Where one of these does not hold.
    """

    kind: ClassVar[str] = "fill"

    label: int
    x: float
    y: float
    everywhere: bool = False
    mirror: Mirror | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", checked_id(self.label))
        object.__setattr__(self, "x", _checked_place(self.x))
        object.__setattr__(self, "y", _checked_place(self.y))
        object.__setattr__(self, "mirror", checked_mirror(self.mirror))
        if not isinstance(self.everywhere, bool):
            raise ValueError(f"everywhere is {self.everywhere!r}, neither true nor false")

    @property
    def title(self) -> tuple[str, ...]:
        return ("Fill with {0}", LABELS[self.label].title)

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        filled = component_at(work, self.x, self.y)
        if filled is None:
            return EMPTY
        found = int(work[int(self.y), int(self.x)])
        if self.everywhere:
            filled = work == found
        other = None if self.mirror is None else self._counterpart(work, found, self.mirror)
        region = _put(work, filled, self.label)
        # Two regions are the same or have no pixel in common.
        if other is not None and not other[int(self.y), int(self.x)]:
            region = region.union(_put(work, other, LABELS[self.label].twin))
        return region

    def _counterpart(self, labels: LabelMap, found: int, mirror: Mirror) -> NDArray[np.bool_] | None:
        """Return the pixels on the other side, bool (H, W), for the class ``found`` on this one; None for none."""
        twin = LABELS[found].twin
        if self.everywhere:
            return labels == twin
        matrix = mirror.matrix()
        x, y = matrix[:, :2] @ [self.x, self.y] + matrix[:, 2]
        height, width = labels.shape
        # A face that is turned has something else there, say hair for an ear: no counterpart.
        if not (0 <= x < width and 0 <= y < height) or labels[int(y), int(x)] != twin:
            return None
        return component_at(labels, x, y)


@register
@dataclass(frozen=True, slots=True, eq=False)
class Area(Step):
    """An area within an outline that becomes a class; see `covered` for the pixels that lie in it.

    Attributes
    ----------
    label
        The class to put there; None restores what the portrait's own mask has there.
    points
        float32 (N, 2), mask pixels; may lie outside the mask.
    shape
        One of `SHAPES`. A ``"polygon"`` has its corners as points, and a drawn outline many of them. For a
        ``"rectangle"``, and an ``"ellipse"`` inscribed in it, the points are the four corners, in order around it, of
        a box that may be turned.
    replaced
        The only class whose pixels become another; None for any.
    mirror
        A line on whose other side the mirror image becomes the twin class, and in it only the twin of `replaced`;
        where the two overlap, the area itself prevails.

    Raises
    ------
    ValueError
        Where one of these does not hold.
    """

    kind: ClassVar[str] = "area"

    label: int | None
    points: Points
    shape: str
    replaced: int | None = None
    mirror: Mirror | None = None

    def __post_init__(self) -> None:
        for name in ("label", "replaced"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, checked_id(getattr(self, name)))
        object.__setattr__(self, "points", checked_points(self.points))
        object.__setattr__(self, "mirror", checked_mirror(self.mirror))
        if self.shape not in SHAPES:
            raise ValueError(f"an area cannot have the shape {self.shape!r}")
        if self.shape != "polygon" and len(self.points) != 4:
            raise ValueError(f"a box has 4 corners, not {len(self.points)}")

    @property
    def title(self) -> tuple[str, ...]:
        if self.label is None:
            return ("Restore area",)
        title = LABELS[self.label].title
        if self.replaced is None:
            return ("Fill area with {0}", title)
        return ("Replace {0} by {1} in an area", LABELS[self.replaced].title, title)

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        region = EMPTY
        if self.mirror is not None:
            points = self.mirror.points(self.points)
            region = self._draw(ground, work, points, _twin(self.label), _twin(self.replaced))
        return region.union(self._draw(ground, work, self.points, self.label, self.replaced))

    def _draw(self, ground: Ground, work: LabelMap, points: Points, label: int | None, replaced: int | None) -> Region:
        region, inside = covered(points, self.shape, work.shape)
        if inside is None:
            return EMPTY
        if replaced is not None:
            inside &= ground.labels[region.slices] == replaced
        content = ground.source[region.slices] if label is None else np.uint8(label)
        np.copyto(work[region.slices], content, where=inside)
        return region


@register
@dataclass(frozen=True, slots=True, eq=False)
class Relabelled(Step):
    """A class that becomes another one in the whole mask.

    Attributes
    ----------
    source, target
        The ids of the class that goes and the one that takes its place.

    Raises
    ------
    ValueError
        If one of them is no class.
    """

    kind: ClassVar[str] = "relabelled"

    source: int
    target: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", checked_id(self.source))
        object.__setattr__(self, "target", checked_id(self.target))

    @property
    def title(self) -> tuple[str, ...]:
        return ("Replace {0} by {1}", LABELS[self.source].title, LABELS[self.target].title)

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        return _put(work, ground.labels == self.source, self.target)


@register
@dataclass(frozen=True, slots=True, eq=False)
class Reverted(Step):
    """A region of pixels that differ from the portrait's own mask and hang together, and go back to it.

    Attributes
    ----------
    x, y
        A point in the region, in mask pixels; nothing happens where nothing differs.

    Raises
    ------
    ValueError
        If they are no finite numbers.
    """

    kind: ClassVar[str] = "reverted"

    x: float
    y: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", _checked_place(self.x))
        object.__setattr__(self, "y", _checked_place(self.y))

    @property
    def title(self) -> tuple[str, ...]:
        return ("Revert region",)

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        differs = ground.labels != ground.source
        found = component_at(differs.view(np.uint8), self.x, self.y)
        if found is None or not differs[int(self.y), int(self.x)]:
            return EMPTY
        np.copyto(work, ground.source, where=found)
        return Region.of(found)


def covered(points: Points, shape: str, mask_shape: tuple[int, ...]) -> tuple[Region, NDArray[np.bool_] | None]:
    """Return the bounding box of an area, clipped to a (H, W) mask, and the pixels whose centres lie in it.

    The result is exact, without any rounding of the points. An outline that crosses itself leaves out what it goes
    around twice (the even-odd rule). Of pixel centres on a straight outline those count that have the area on their
    right or, on a level line, below them, so that areas with a common side neither overlap nor leave a gap; those on
    an ellipse count.

    Parameters
    ----------
    points, shape
        As in `Area`.
    mask_shape
        (H, W).

    Returns
    -------
    region, inside
        bool (h, w) of the region's size. The region is empty and the pixels are None where the area covers none.
    """
    outline = points.astype(np.float64)
    if shape == "ellipse":
        return _ellipse(outline, mask_shape)
    (x0, y0), (x1, y1) = outline.min(axis=0), outline.max(axis=0)
    region = clipped(x0, y0, x1, y1, mask_shape)
    if region.empty:
        return EMPTY, None
    low, high = outline, np.roll(outline, -1, axis=0)
    # Each edge runs downwards, so that two areas find its crossings at the very same places.
    upwards = (low[:, 1] > high[:, 1])[:, None]
    low, high = np.where(upwards, high, low), np.where(upwards, low, high)
    first, last = (np.clip(np.ceil(end[:, 1] - 0.5), region.y0, region.y1).astype(np.int64) for end in (low, high))
    counts = last - first
    edges = np.repeat(np.arange(len(outline)), counts)
    rows = np.arange(len(edges)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    (ax, ay), (bx, by) = low[edges].T, high[edges].T
    crossings = ax + (rows + 0.5 - ay) * (bx - ax) / (by - ay)
    columns = np.clip(np.ceil(crossings - 0.5), region.x0, region.x1).astype(np.int64)
    # Around again, a closed outline has crossed each row an even number of times.
    places = np.sort((rows - region.y0) * (region.x1 - region.x0) + (columns - region.x0))
    return _from_runs(places, region)


def _ellipse(corners: NDArray[np.float64], mask_shape: tuple[int, ...]) -> tuple[Region, NDArray[np.bool_] | None]:
    """Return what `covered` does, for the ellipse inscribed in a box whose corners are (4, 2)."""
    cx, cy = (corners[1] + corners[3]) / 2
    (ux, uy), (vx, vy) = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    across, down = ux * ux + vx * vx, uy * uy + vy * vy
    thickness = abs(ux * vy - uy * vx)
    reach_x, reach_y = math.sqrt(across), math.sqrt(down)
    region = clipped(cx - reach_x, cy - reach_y, cx + reach_x, cy + reach_y, mask_shape)
    if region.empty or not thickness:
        return EMPTY, None
    # Each row's middle lies on the line through the ellipse's top and bottom, its half width follows a circle.
    offset = np.arange(region.y0, region.y1) + (0.5 - cy)
    met = down - offset * offset
    middle = cx + offset * ((ux * uy + vx * vy) / down)
    half = np.sqrt(np.maximum(met, 0.0)) * (thickness / down)
    left = np.clip(np.ceil(middle - half - 0.5), region.x0, region.x1)
    right = np.clip(np.floor(middle + half - 0.5) + 1, left, region.x1)
    right = np.where(met >= 0, right, left)
    starts = np.arange(region.y1 - region.y0) * (region.x1 - region.x0) - region.x0
    places = np.stack([starts + left, starts + right], axis=1).astype(np.int64).ravel()
    return _from_runs(places, region)


def _from_runs(places: NDArray[np.int64], region: Region) -> tuple[Region, NDArray[np.bool_] | None]:
    """Return what `covered` does, for pixels that change between out and in at ascending places of the flat region."""
    shape = (region.y1 - region.y0, region.x1 - region.x0)
    lengths = np.diff(places, prepend=0, append=shape[0] * shape[1])
    if not lengths[1::2].any():
        return EMPTY, None
    return region, np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(shape)


def _put(work: LabelMap, chosen: NDArray[np.bool_], label: int) -> Region:
    np.copyto(work, np.uint8(label), where=chosen)
    return Region.of(chosen)


def _twin(label: int | None) -> int | None:
    return None if label is None else LABELS[label].twin


def _checked_place(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no place in a mask")
    return float(value)
