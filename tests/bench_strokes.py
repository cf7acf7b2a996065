"""What `tests.bench` paints: dabs, a line and a whole mask, on the sample portraits."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engine.mask.steps import Entry, Ground, done
from engine.mask.strokes import Stroke
from engine.reader import read_portrait
from engine.types import LabelMap, Portrait
from resources import RESOURCES
from resources.labels import BY_NAME, twins
from tests.bench_table import WHOLE_MASK

SIDE = 512
"""All lengths and places are in pixels of a mask of this side."""
SIZES = (24, 48, 96, 192)
LINE = "48 px line"
PLACES = ((375, 345, "hair", "background"), (90, 190, "background", "hair"), (120, 230, "skin", "hair"),
          (110, 400, "hair", "cloth"))  # fmt: skip
"""Where to paint: column and row, the class, and the one to paint where that is there already."""


class Change(NamedTuple):
    """A change of a mask: what it is called, and the mask after it, uint8 (H, W)."""

    name: str
    labels: LabelMap


def sample(index: int) -> Portrait:
    """Return one of the sample portraits; they come in turn."""
    paths = sorted((RESOURCES / "samples").glob("*.jpg"))
    return read_portrait(paths[index % len(paths)])


def earlier_edit(portrait: Portrait) -> LabelMap:
    """Return a portrait's mask with a lock of hair on the forehead."""
    return _painted(portrait, portrait.labels, "hair", 48, ((200, 190), (260, 200), (320, 195)))


def dab(portrait: Portrait, labels: LabelMap, size: float, place: int) -> LabelMap:
    """Return a mask after a touch of the brush, ``size`` pixels across, at one of the places."""
    x, y, label = _at(labels, place)
    return _painted(portrait, labels, label, size, ((x, y),))


def mirrored(labels: LabelMap) -> LabelMap:
    """Return a mask as its mirror image: another face, whose every contour has moved."""
    return np.ascontiguousarray(twins()[labels[:, ::-1]])


def changes(portrait: Portrait, labels: LabelMap, place: int) -> Iterator[Change]:
    """Yield what is painted on a mask at one of the places, each on the mask as it is."""
    for size in SIZES:
        yield Change(f"{size} px", dab(portrait, labels, size, place))
    x, y, label = _at(labels, place)
    yield Change(LINE, _painted(portrait, labels, label, 48, ((x, y - 60), (x + 10, y), (x, y + 60))))
    yield Change(WHOLE_MASK, mirrored(labels))


def strokes(portrait: Portrait, labels: LabelMap, place: int) -> Iterator[Change]:
    """Yield dabs, each at another place and on the mask that the one before left, and in the end a whole mask."""
    for index, size in enumerate(SIZES):
        labels = dab(portrait, labels, size, place + index)
        yield Change(f"{size} px", labels)
    yield Change(WHOLE_MASK, mirrored(labels))


def _at(labels: LabelMap, place: int) -> tuple[int, int, str]:
    x, y, wanted, other = PLACES[place % len(PLACES)]
    there = labels[y * labels.shape[0] // SIDE, x * labels.shape[1] // SIDE]
    return x, y, other if there == BY_NAME[wanted].id else wanted


def _painted(
    portrait: Portrait, labels: LabelMap, label: str, size: float, points: tuple[tuple[int, int], ...]
) -> LabelMap:
    scale = labels.shape[0] / SIDE
    path = np.c_[np.array(points) * scale, np.full(len(points), size * scale / 2)]
    return done(Ground(labels, portrait.labels, portrait.view), Entry(Stroke(BY_NAME[label].id, path)))
