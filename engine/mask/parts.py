"""Parts of a face in its mask: what is taken hold of as one thing, its counterpart, and what lies beneath it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.mask.regions import FEATURES, component_at, given_away, vacated
from engine.mask.steps import Mirror, clipped
from engine.types import LabelMap, Region
from resources.labels import BY_NAME, LABELS


def _ids(*names: str) -> tuple[int, ...]:
    return tuple(BY_NAME[name].id for name in names)


_SKIN, _GLASSES = _ids("skin", "eye_g")
_ON_GLASSES = _ids("l_eye", "r_eye", "l_brow", "r_brow")
_UPON = {_SKIN: FEATURES, _GLASSES: _ON_GLASSES}
_BENEATH = {
    **dict.fromkeys(FEATURES, (_SKIN,)),
    **dict.fromkeys(_ON_GLASSES, (_SKIN, _GLASSES)),
    **dict.fromkeys(_ids("u_lip", "l_lip"), _ids("skin", "mouth")),
    BY_NAME["mouth"].id: _ids("skin", "u_lip", "l_lip"),
}
_SPREADING = _ids("background", "skin", "l_ear", "r_ear", "hair", "hat", "neck", "cloth")
_SAMPLES = 4000


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What is taken hold of as one thing: a connected component of a class, and where it runs on unseen.

    The skin runs on beneath the features of the face that it touches; glasses run on beneath the eyes and brows that
    they enclose.

    Attributes
    ----------
    label
        Its class.
    region
        Its bounding box.
    shape
        Its pixels, those beneath others included, bool of the region's size.
    labels
        What the mask has there, uint8 of the region's size: what lies upon it, where they differ from `label`.
    """

    label: int
    region: Region
    shape: NDArray[np.bool_]
    labels: LabelMap

    @property
    def centre(self) -> NDArray[np.float64]:
        """The middle of its bounding box, (x, y), mask pixels."""
        region = self.region
        return np.array([region.x0 + region.x1, region.y0 + region.y1]) / 2

    @property
    def upon(self) -> NDArray[np.bool_]:
        """The pixels, bool of the region's size, of other classes that lie upon it."""
        return self.shape & (self.labels != self.label)

    def lying(self, label: int) -> "Part":
        """Return all of one class that lies upon it."""
        shape = self.upon & (self.labels == label)
        box = Region.of(shape)
        region = box.moved(self.region.y0, self.region.x0)
        return Part(label, region, shape[box.slices].copy(), self.labels[box.slices])


def among(labels: LabelMap, classes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pixels of a mask, bool of its shape, are of some classes."""
    table = np.zeros(256, np.uint8)
    table[list(classes)] = 1
    return np.asarray(cv2.LUT(labels, table), np.uint8).view(bool)


def lies_upon(label: int) -> tuple[int, ...]:
    """Return the ids of the classes that can lie upon parts of a class."""
    return _UPON.get(label, ())


def part_at(labels: LabelMap, x: float, y: float) -> Part | None:
    """Return the part under a point of a mask, in mask pixels; None outside the mask.

    What lies upon a part is a part by itself.
    """
    height, width = labels.shape
    if not (0 <= x < width and 0 <= y < height):
        return None
    label = int(labels[int(y), int(x)])
    shape = component_at(_merged(labels, label), x, y)
    return None if shape is None else _part(labels, label, shape)


def counterpart(labels: LabelMap, part: Part, mirror: Mirror) -> Part | None:
    """Return the part of the twin class that a part is the mirror image of, as good as a face is symmetric.

    It is the one that the part's mirror image covers most of, or if it covers none, the nearest one that is no farther
    away than the part is large. None if there is none, or if it is the part itself.
    """
    twin = LABELS[part.label].twin
    known = _merged(labels, twin)
    (height, width), region = labels.shape, part.region
    rows, columns = np.nonzero(part.shape)
    stride = max(1, len(rows) // _SAMPLES)
    places = np.stack([columns + region.x0, rows + region.y0], axis=1)[::stride] + 0.5
    images = mirror.points(places.astype(np.float32))
    x, y = np.floor(images).astype(int).T
    hits = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    hits[hits] = known[y[hits], x[hits]] == twin
    if not hits.any():
        size = max(region.x1 - region.x0, region.y1 - region.y0)
        shape = _nearest(known == twin, images.mean(axis=0), size)
    else:
        shape, most = None, 0
        while hits.sum() > most:
            first = int(hits.argmax())
            found = component_at(known, x[first], y[first])
            assert found is not None
            covered = hits.copy()
            covered[hits] = found[y[hits], x[hits]]
            hits &= ~covered
            if covered.sum() > most:
                shape, most = found, covered.sum()
    if shape is None or shape[rows[0] + region.y0, columns[0] + region.x0]:
        return None
    return _part(labels, twin, shape)


def _nearest(known: NDArray[np.bool_], place: NDArray[np.floating], reach: float) -> NDArray[np.bool_] | None:
    """Return the component of pixels, bool (H, W), whose centre is nearest to a place, None if none is within reach."""
    box = Region.of(known)
    if box.empty:
        return None
    count, numbers, _, centres = cv2.connectedComponentsWithStats(known[box.slices].astype(np.uint8), connectivity=8)
    away = np.hypot(*(np.asarray(centres) + 0.5 + [box.x0, box.y0] - place).T)[1:count]
    if away.min() > reach:
        return None
    result = np.zeros(known.shape, bool)
    result[box.slices] = np.asarray(numbers) == away.argmin() + 1
    return result


def laid_bare(labels: LabelMap, freed: NDArray[np.bool_], bare: NDArray[np.bool_], part: Part) -> LabelMap:
    """Return what comes to light where a part goes away, uint8 (N,), the classes of the pixels of ``bare``.

    What borders on them spreads, the nearest first: the skin under features of the face, but also glasses where an eye
    was seen through them, the open mouth where a lip was, and the lips where the mouth was; under all else what
    does not lie upon the face or body. Only where nothing of the kind borders on them does it come from afar.

    Parameters
    ----------
    labels
        uint8 (H, W), the part still in it.
    freed
        All pixels that go away, bool (H, W).
    bare
        Those of the part's pixels to be filled, bool of the size of its region.
    part
        The part.
    """
    if not bare.any():
        return np.empty(0, np.uint8)
    wanted = np.zeros(labels.shape, bool)
    wanted[part.region.slices] = bare
    box = Region.of(wanted)
    near = clipped(box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1, labels.shape)
    crop, filled = labels[near.slices], wanted[near.slices]
    giving = cv2.dilate(filled.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool) & ~freed[near.slices]
    takers = _BENEATH.get(part.label, _SPREADING)
    giving &= among(crop, takers)
    classes = np.unique(crop[giving])
    if len(classes) == 1:
        return np.full(np.count_nonzero(filled), classes[0], np.uint8)
    if len(classes):
        return given_away(crop, ~giving)[filled]
    if (among(labels, takers) & ~freed).any():
        return given_away(labels, freed, takers)[wanted]
    return vacated(labels, freed)[wanted]


def _merged(labels: LabelMap, label: int) -> LabelMap:
    """Return labels in which what lies upon the skin is skin, if that is the class."""
    if label != _SKIN:
        return labels
    table = np.arange(256, dtype=np.uint8)
    table[list(_UPON[_SKIN])] = _SKIN
    return np.asarray(cv2.LUT(labels, table), np.uint8)


def _part(labels: LabelMap, label: int, shape: NDArray[np.bool_]) -> Part:
    region = Region.of(shape)
    crop, own = labels[region.slices].copy(), shape[region.slices].copy()
    if label == _GLASSES:
        own |= _holes_of(crop, own, _ON_GLASSES)
    return Part(label, region, own, crop)


def _holes_of(labels: LabelMap, shape: NDArray[np.bool_], classes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the holes of a shape, bool (h, w), that hold nothing but some classes."""
    gaps = np.pad(~shape, 1, constant_values=True).astype(np.uint8)
    count, numbers = cv2.connectedComponents(gaps, connectivity=4)
    inner = np.asarray(numbers, np.int32)[1:-1, 1:-1]
    kept = np.ones(count, bool)
    kept[0] = kept[int(numbers[0, 0])] = False
    kept[np.unique(inner[~shape & ~among(labels, classes)])] = False
    return kept[inner]
