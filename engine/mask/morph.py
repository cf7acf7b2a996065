"""What is done to the outline of a whole class: grown or shrunk, smoothed, rid of islands and holes."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.mask.regions import FEATURES, Nearest
from engine.mask.steps import EMPTY, Ground, Step, checked_id, clipped, register
from engine.types import LabelMap, Region
from resources.labels import BY_NAME, LABEL_COUNT, LABELS

MOST_SMOOTHING = 200.0
"""The largest radius that an outline is smoothed by, in mask pixels."""

_SKIN = BY_NAME["skin"].id
_LAID_ON = (*FEATURES, BY_NAME["ear_r"].id, BY_NAME["neck_l"].id)
"""The classes that lie on others and are small by nature."""
_FULL = 4095
"""The value of a class's pixels before they are blurred: fine enough for a smooth outline, and 16 bits hold the sum."""
_PART = 0.25
"""The share of all its class's pixels that a piece needs to be a part of the portrait, not a speck."""
_SPECK = 1 / 5000
"""The share of the mask up to which a lone piece of a class that is large by nature is a speck all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shaping(Step):
    """A step that changes the outline of one class."""

    label: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", checked_id(self.label))

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        mine = ground.labels == self.label
        found, margin = Region.of(mine), self._margin
        if found.empty or self._idle:
            return EMPTY
        place = clipped(found.x0 - margin, found.y0 - margin, found.x1 + margin, found.y1 + margin, mine.shape)
        before = ground.labels[place.slices]
        after = self._shaped(before, mine[place.slices], ground)
        tight = Region.of(after != before)
        if tight.empty:
            return EMPTY
        region = tight.moved(place.y0, place.x0)
        work[region.slices] = after[tight.slices]
        return region

    @property
    def _margin(self) -> int:
        """How far around the class's bounding box labels count or may change, in mask pixels."""
        return 1

    @property
    @abstractmethod
    def _idle(self) -> bool:
        """Whether it changes nothing, whatever the mask."""

    @abstractmethod
    def _shaped(self, labels: LabelMap, mine: NDArray[np.bool_], ground: Ground) -> LabelMap:
        """Return what becomes of the labels around the class, uint8 (h, w); ``mine`` tells its pixels."""

    def _grown_over(self, labels: LabelMap, wanted: NDArray[np.bool_]) -> LabelMap:
        """Return labels with the class in the wanted pixels that it may cover.

        A feature of the face may cover anything. Other classes leave the features free: a face keeps its eyes, however
        far its hair grows.
        """
        result = labels.copy()
        covered = labels[wanted]
        kept = _is_in(FEATURES)[covered] & (self.label not in FEATURES)
        result[wanted] = np.where(kept, covered, np.uint8(self.label))
        return result


@register
@dataclass(frozen=True, slots=True, eq=False)
class Grown(_Shaping):
    """A class grows or shrinks evenly.

    It grows over every class but the features of the face, and over these if it is one itself. Where it shrinks, the
    nearest other class spreads; it does not shrink away from the mask's border. Distances are true to about two parts
    in a hundred.

    Attributes
    ----------
    label
        Its id.
    by
        How far, in mask pixels; it shrinks if negative.

    Raises
    ------
    ValueError
        If the class does not exist, or the number is not finite.
    """

    kind: ClassVar[str] = "grown"

    by: float

    def __post_init__(self) -> None:
        _Shaping.__post_init__(self)
        object.__setattr__(self, "by", _checked_number(self.by, -math.inf))

    @property
    def title(self) -> tuple[str, ...]:
        return ("Grow {0}" if self.by >= 0 else "Shrink {0}", LABELS[self.label].title)

    @property
    def _reach(self) -> float:
        """How far it changes anything, either way; no mask is larger than the limit."""
        return min(abs(self.by), 1e6)

    @property
    def _margin(self) -> int:
        return math.ceil(self._reach) if self.by > 0 else 1

    @property
    def _idle(self) -> bool:
        return self.by == 0

    def _shaped(self, labels: LabelMap, mine: NDArray[np.bool_], ground: Ground) -> LabelMap:
        if self.by > 0:
            away = cv2.distanceTransform((~mine).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
            return self._grown_over(labels, ~mine & (np.asarray(away) <= self._reach))
        if mine.all():
            return labels
        others = Nearest.around(labels, mine)
        return others.spread(labels, mine & (others.distances <= self._reach))


@register
@dataclass(frozen=True, slots=True, eq=False)
class Smoothed(_Shaping):
    """The outline of a class becomes smooth.

    What is narrower than the radius goes, notches and gaps as narrow close, and the class keeps its size in all: round
    shapes do not shrink. It covers what `Grown` covers, and the nearest other class takes what it leaves.

    Attributes
    ----------
    label
        Its id.
    by
        The radius, 0..`MOST_SMOOTHING` mask pixels.

    Raises
    ------
    ValueError
        If the class does not exist, or the radius is out of range.
    """

    kind: ClassVar[str] = "smoothed"

    by: float

    def __post_init__(self) -> None:
        _Shaping.__post_init__(self)
        object.__setattr__(self, "by", _checked_number(self.by, 0.0))
        if self.by > MOST_SMOOTHING:
            raise ValueError(f"an outline is smoothed by up to {MOST_SMOOTHING} pixels, not {self.by}")

    @property
    def title(self) -> tuple[str, ...]:
        return ("Smooth {0}", LABELS[self.label].title)

    @property
    def _side(self) -> int:
        """The side of the box that is blurred with three times over, which is all but a Gaussian."""
        return 2 * max(1, round(self.by * 2 / 3)) + 1

    @property
    def _margin(self) -> int:
        return 3 * (self._side // 2) + 1

    @property
    def _idle(self) -> bool:
        return self.by == 0

    def _shaped(self, labels: LabelMap, mine: NDArray[np.bool_], ground: Ground) -> LabelMap:
        # What lies on the skin makes no holes in it, nor notches.
        solid = mine | _is_in(FEATURES)[labels] if self.label == _SKIN else mine
        blurred = np.where(solid, np.uint16(_FULL), np.uint16(0))
        side = (self._side, self._side)
        for _ in range(3):
            # The class goes on beyond the mask's border, so that it does not draw back from it.
            blurred = cv2.blur(blurred, side, borderType=cv2.BORDER_REPLICATE)
        inside = np.asarray(blurred, np.uint16) >= _even_threshold(np.asarray(blurred, np.uint16), solid)
        freed = mine & ~inside
        if freed.any() and not mine.all():
            labels = Nearest.around(labels, mine).spread(labels, freed)
        return self._grown_over(labels, inside & ~solid)


@register
@dataclass(frozen=True, slots=True, eq=False)
class WithoutIslands(_Shaping):
    """Small pieces of a class go, and the nearest other class takes their place; its largest piece always stays.

    Attributes
    ----------
    label
        Its id.
    smallest
        How many pixels a piece needs to stay, 0 or more. Pixels that touch at a corner belong together.

    Raises
    ------
    ValueError
        If the class does not exist, or the number is no count.
    """

    kind: ClassVar[str] = "without_islands"

    smallest: int

    def __post_init__(self) -> None:
        _Shaping.__post_init__(self)
        object.__setattr__(self, "smallest", _checked_count(self.smallest))

    @property
    def title(self) -> tuple[str, ...]:
        return ("Remove islands of {0}", LABELS[self.label].title)

    @property
    def _idle(self) -> bool:
        return self.smallest <= 1

    def _shaped(self, labels: LabelMap, mine: NDArray[np.bool_], ground: Ground) -> LabelMap:
        pieces, sizes = _pieces(mine, 8)
        small = sizes < self.smallest
        small[0] = False
        small[1 + np.argmax(sizes[1:])] = False
        return Nearest.around(labels, mine).spread(labels, small[pieces]) if small.any() else labels


@register
@dataclass(frozen=True, slots=True, eq=False)
class HolesFilled(_Shaping):
    """Holes in a class are filled with it.

    A hole is what the class encloses on all sides, unless a part of the portrait shows there: a quarter or more of all
    pixels of some class (the eye in the skin, the ear in the hair, one of two earrings), and no mere speck of a class
    that is large by nature. A stray piece of a brow on the forehead is a hole in the skin; the brow is none.

    Attributes
    ----------
    label
        Its id.
    largest
        How many pixels a hole may have to be filled, 0 or more.

    Raises
    ------
    ValueError
        If the class does not exist, or the number is no count.
    """

    kind: ClassVar[str] = "holes_filled"

    largest: int

    def __post_init__(self) -> None:
        _Shaping.__post_init__(self)
        object.__setattr__(self, "largest", _checked_count(self.largest))

    @property
    def title(self) -> tuple[str, ...]:
        return ("Fill holes in {0}", LABELS[self.label].title)

    @property
    def _margin(self) -> int:
        # What reaches the border of the class's bounding box is not enclosed by it.
        return 0

    @property
    def _idle(self) -> bool:
        return self.largest == 0

    def _shaped(self, labels: LabelMap, mine: NDArray[np.bool_], ground: Ground) -> LabelMap:
        # Enclosed by pixels that may touch at corners alone, so the pieces between them hang together by sides.
        pieces, sizes = _pieces(~mine, 4)
        holes = sizes <= self.largest
        for edge in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
            holes[edge] = False
        holes[0] = False
        inside = holes[pieces]
        if not inside.any():
            return labels
        contents = np.zeros((len(sizes), LABEL_COUNT), np.int64)
        np.add.at(contents, (pieces[inside], labels[inside]), 1)
        totals = np.bincount(ground.labels.ravel(), minlength=LABEL_COUNT)
        least = np.where(_is_in(_LAID_ON), 0.0, _SPECK * ground.labels.size)
        parts = (contents > 0) & (contents >= _PART * totals) & (contents > least)
        holes &= ~parts.any(axis=1)
        return np.where(holes[pieces], np.uint8(self.label), labels)


def _pieces(pixels: NDArray[np.bool_], connectivity: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the number of each pixel's connected piece, (h, w), 0 for false ones, and the pieces' sizes by number."""
    count, pieces = cv2.connectedComponents(pixels.astype(np.uint8), connectivity=connectivity)
    pieces = np.asarray(pieces, np.int32)
    return pieces, np.bincount(pieces.ravel(), minlength=count)


def _even_threshold(blurred: NDArray[np.uint16], solid: NDArray[np.bool_]) -> int:
    """Return above which value as many pixels lie as the blurred ones, but for those that blurring all but took away.

    The latter are hairs and specks; what is left need not grow to make up for them.
    """
    least = _FULL // 4
    size = np.count_nonzero(solid & (blurred >= least))
    if not size:
        return _FULL + 1
    counts = np.asarray(cv2.calcHist([blurred], [0], None, [_FULL + 1], [0, _FULL + 1])).ravel()
    # How many pixels are left at each threshold, from the highest value down.
    left = np.cumsum(counts[::-1].astype(np.int64))
    return _FULL - int(np.argmin(np.abs(left - size)))


def _is_in(labels: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return for each id, (19,), whether it is one of these."""
    table = np.zeros(LABEL_COUNT, bool)
    table[list(labels)] = True
    return table


def _checked_number(value: object, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < least:
        raise ValueError(f"{value!r} is no size of a change")
    return float(value)


def _checked_count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no number of pixels")
    return value
