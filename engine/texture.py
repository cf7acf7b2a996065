"""Texture for new hair and cloth, taken from where the photo has the same: strands that no small network can draw.

Each piece of a new area looks for the shift that brings it onto known parts of its class, near by and in agreement with
its neighbours, and shows what the photo has there. The render has its say in light and shade. It is the idea of
shift-map editing (Pritch, Kav-Venaki and Peleg, ICCV 2009), with the shifts found by correlating masks, bit by bit.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import Matrix, scaling
from engine.compose import box_of
from engine.types import LabelMap, Pixels, Region
from engine.warp import chained, moving, warped
from resources.labels import BY_NAME

TEXTURED = tuple(BY_NAME[name].id for name in ("hair", "hat", "cloth"))
"""Classes whose texture is worth more than the network's."""

CELLS = 64
"""Shifts are looked for on a grid of so many cells along the longer side."""
PIECE = 6
"""The side of a piece in cells; its surroundings, as far again on all sides halved, vote too."""
WINDOW = 2 * PIECE
"""The side of a piece with its surroundings: a row of bits, of which four go into a number."""
SPAN = CELLS + WINDOW
"""No shift is of more cells."""
LEAST_OVERLAP = 0.3
"""The part of a piece that a shift must bring onto known texture."""
FAR, UNLIKE = 0.25, 0.1
"""How much overlap a shift by the whole picture, or one quite unlike its neighbour's, must gain to be worth it."""
ALIKE = 20.0
"""Cells beyond which one shift is quite unlike another."""
SMOOTH = 0.0205
"""What counts as light and shade: coarser than this share of the longer side."""
SOFT = 0.8
"""Standard deviation, in the network's pixels, of the edge of what is taken."""
SOFT_REACH = 4
"""Pixels beyond which nothing of that edge is left."""
PHOTO_SHARE = 0.75
"""How much of light and shade comes from the photo; the rest is the render's."""


@dataclass(frozen=True, slots=True, eq=False)
class Shifts:
    """Where new pixels of a class take their texture from.

    Attributes
    ----------
    known
        Where the photo shows the class, uint8 (h, w), 0 or 1.
    now
        Where the class is to be, the same.
    box
        Beyond it nothing is taken.
    offsets
        float32 (rows, columns, 2), of the box's size: what to add to a pixel's place (x, y).
    share
        float32 (rows, columns): how much of what lies there it takes.
    """

    known: NDArray[np.uint8]
    now: NDArray[np.uint8]
    box: Region
    offsets: NDArray[np.float32]
    share: NDArray[np.float32]


def find_shifts(labels: LabelMap, original: LabelMap, classes: tuple[int, ...] = TEXTURED) -> list[Shifts]:
    """Find texture for the new pixels of some classes.

    Parameters
    ----------
    labels, original
        The edited mask and the one before it, uint8 (h, w).
    classes
        The ids of the classes.

    Returns
    -------
    list of Shifts
        One for each class of which something is new, and something known fits.
    """
    result = []
    for label in classes:
        now, before = (labels == label).view(np.uint8), (original == label).view(np.uint8)
        # Where it is 1 and was 0.
        new: Any = cv2.subtract(now, before)
        box = box_of(new, SOFT_REACH)
        if box.empty:
            continue
        # The rim of a class shows a little of what lies beside it.
        known: Any = cv2.erode(now - new, np.ones((3, 3), np.uint8))
        found = _vote(new, known, box)
        if found is None:
            continue
        offsets, fits = found
        places = offsets + _places(box)
        there = _looked_up(known.astype(np.float32), places, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
        there *= fits
        there *= new[box.slices]
        share = np.asarray(cv2.GaussianBlur(there, (0, 0), SOFT), np.float32)
        if share.any():
            result.append(Shifts(known, now, box, offsets, share))
    return result


def _places(box: Region) -> NDArray[np.float32]:
    """Return the place (x, y) of each pixel of a box: float32 (rows, columns, 2)."""
    places = np.empty((box.y1 - box.y0, box.x1 - box.x0, 2), np.float32)
    places[..., 0] = np.arange(box.x0, box.x1, dtype=np.float32)
    places[..., 1] = np.arange(box.y0, box.y1, dtype=np.float32)[:, None]
    return places


def _looked_up(picture: NDArray, places: Any, how: int, border: int = cv2.BORDER_REPLICATE) -> Any:
    """Look up a picture, (h, w, ...), at places (rows, columns, 2)."""
    unused: Any = None
    return cv2.remap(picture, places, unused, how, borderMode=border)


def _vote(
    new: NDArray[np.uint8], known: NDArray[np.uint8], place: Region
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Find a shift for every pixel of a place: offsets (rows, columns, 2), and 1 or less where there is one."""
    height, width = new.shape
    rows, columns = (max(1, round(side * CELLS / max(height, width))) for side in (height, width))
    known_cells, new_cells = (
        np.asarray(cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)) > least
        for mask, least in ((known, 0.9), (new, 0.1))
    )
    if not known_cells.any():
        return None
    there, wanted = _windows(known_cells), _windows(new_cells)
    farness, unlikeness = _costs()
    cells = new_cells.astype(np.float32)
    pieces = np.maximum.reduceat(np.maximum.reduceat(new_cells, range(0, rows, PIECE)), range(0, columns, PIECE), 1)
    votes = np.zeros((rows, columns, 3), np.float32)
    last: tuple[int, int] | None = None
    # The corner of each piece's window, which may lie outside the grid.
    for y, x in (np.argwhere(pieces) * PIECE - PIECE // 2).tolist():
        box = np.s_[max(0, y) : y + WINDOW, max(0, x) : x + WINDOW]
        piece = cells[box]
        bits = wanted[:, y + WINDOW - 1, x + WINDOW - 1, None, None]
        overlap = np.bitwise_count(there & bits).sum(axis=0, dtype=np.uint8) * np.float32(1 / piece.sum())
        worth = overlap - _seen_from(farness, (-y, -x), overlap.shape)
        if last is not None:
            worth -= _seen_from(unlikeness, (-y - last[0], -x - last[1]), overlap.shape)
        row, column = divmod(int(worth.argmax()), worth.shape[1])
        last = row - WINDOW + 1 - y, column - WINDOW + 1 - x
        if overlap[row, column] >= LEAST_OVERLAP:
            votes[box] += piece[..., None] * np.array([last[1], last[0], 1], np.float32)
    votes = cv2.GaussianBlur(votes, (0, 0), PIECE / 4)
    weight = votes[..., 2:]
    if not weight.any():
        return None
    votes[..., :2] *= np.array([width / columns, height / rows], np.float32) / np.maximum(weight, np.float32(1e-3))
    votes[..., 2:] = np.minimum(weight / np.float32(0.05), 1)
    if height % rows or width % columns:
        found: Any = np.asarray(cv2.resize(votes, (width, height), interpolation=cv2.INTER_LINEAR))[place.slices]
    else:
        to_place = chained(moving(-place.x0, -place.y0), scaling((rows, columns), (height, width)))
        size = (place.x1 - place.x0, place.y1 - place.y0)
        found = warped(votes, to_place, size, cv2.INTER_LINEAR)
    return found[..., :2], found[..., 2]


def _windows(cells: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return each window of `WINDOW` by `WINDOW` cells as the bits of three numbers.

    Returns
    -------
    ndarray
        uint64 (3, rows + WINDOW - 1, columns + WINDOW - 1): for each place of the window's corner, the first being that
        which leaves only the window's last cell in the grid.
    """
    wide = np.pad(cells.astype(np.uint16), WINDOW - 1)
    two = wide[:, :-1] | wide[:, 1:] << 1
    four = two[:, :-2] | two[:, 2:] << 2
    row = (four[:, :-8] | four[:, 4:-4] << 4 | four[:, 8:] << 8).astype(np.uint64)
    double = row[:-1] | row[1:] << np.uint64(16)
    fourfold = double[:-2] | double[2:] << np.uint64(32)
    return np.stack([fourfold[:-8], fourfold[4:-4], fourfold[8:]])


@cache
def _costs() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what shifts by so many cells cost, and what differences between them do; none is in the middle."""
    along = np.arange(-2 * SPAN, 2 * SPAN + 1, dtype=np.float32)
    length = np.hypot(along[None], along[:, None])
    far, unlike = length * (FAR / CELLS), np.minimum(length / ALIKE, 1) * UNLIKE
    return np.asarray(far, np.float32), np.asarray(unlike, np.float32)


def _seen_from(costs: NDArray[np.float32], place: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Cut out what it costs to come to each window, (rows, columns), from one."""
    y, x = (2 * SPAN + side - WINDOW + 1 for side in place)
    return costs[y : y + shape[0], x : x + shape[1]]


def borrowed(
    shifts: Shifts, render: NDArray[np.float32], source: Pixels, photo: Pixels, region: Region, to_region: Matrix
) -> tuple[Region, NDArray[np.float32], NDArray[np.float32]] | None:
    """Take a class's texture out of the photo.

    Parameters
    ----------
    shifts
        From `find_shifts`, at the network's resolution, as are the following two.
    render
        float32 (h, w, 3) in [-1, 1].
    source
        uint8 (h, w, 3).
    photo
        uint8 (H, W, 3).
    region
        The part of the photo to make.
    to_region
        (2, 3): the map from the network's pixels to the region's.

    Returns
    -------
    part
        The part of the region, counted from its corner, in which texture is seen.
    colours
        float32 (rows, columns, 3), 0..255, of the part's size.
    share
        float32 (rows, columns): how much of it is to show.

    None where nothing is seen.
    """
    box = shifts.box
    part = _image_of(box, to_region, region)
    if part.empty:
        return None
    size = (part.x1 - part.x0, part.y1 - part.y0)
    # From the box's pixels to the part's, with one more on each side: beyond the box nothing is taken.
    to_part = chained(moving(-part.x0, -part.y0), chained(to_region, moving(box.x0 - 1, box.y0 - 1)))
    share = cv2.copyMakeBorder(shifts.share, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    share = np.asarray(warped(share, to_part, size, cv2.INTER_LINEAR))
    seen: Any = (share > 0).view(np.uint8)
    if not cv2.hasNonZero(seen):
        return None
    moved, tint = (
        warped(cv2.copyMakeBorder(field, 1, 1, 1, 1, cv2.BORDER_REPLICATE), to_part, size, cv2.INTER_LINEAR)
        for field in (shifts.offsets, _tint(shifts, render, source))
    )
    # A shift of the network's pixels, as one of the photo's.
    places = cv2.transform(moved, to_region[:, :2])
    places += _places(part.moved(region.y0, region.x0))
    # OpenCV cannot look into pictures of more than 32,767 pixels along a side.
    around = _seen_at(places, seen, photo.shape)
    places = cv2.subtract(places, np.array([around.x0, around.y0, 0, 0], np.float64))
    taken = _looked_up(photo[around.slices], places, cv2.INTER_CUBIC)
    return part, np.asarray(cv2.add(taken, tint, dtype=cv2.CV_32F), np.float32), share


def _image_of(box: Region, matrix: Matrix, region: Region) -> Region:
    """Return the pixels of a region, counted from its corner, that a box may come to."""
    corners = np.array([[x, y, 1] for x in (box.x0 - 1, box.x1 + 1) for y in (box.y0 - 1, box.y1 + 1)]) @ matrix.T
    (x0, y0), (x1, y1) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    height, width = region.y1 - region.y0, region.x1 - region.x0
    return Region(max(int(y0), 0), max(int(x0), 0), min(int(y1), height), min(int(x1), width))


def _seen_at(places: Any, seen: Any, shape: tuple[int, ...]) -> Region:
    """Return the part of a picture that cubic interpolation looks at, where it is seen at all."""
    sides = []
    for axis, side in ((1, shape[0]), (0, shape[1])):
        low, high, _, _ = cv2.minMaxLoc(cv2.extractChannel(places, axis), seen)
        sides.append((min(max(int(low) - 2, 0), side - 1), min(max(int(high) + 3, 1), side)))
    (y0, y1), (x0, x1) = sides
    return Region(y0, x0, y1, x1)


def _tint(shifts: Shifts, render: NDArray[np.float32], source: Pixels) -> NDArray[np.float32]:
    """Return what the render has more of light and shade than the photo: float32 (rows, columns, 3), of the box."""
    box = shifts.box
    places = shifts.offsets + _places(box)
    # Where nothing is taken, but right beside it something is, the tint still counts.
    seen = cv2.dilate((shifts.share > 0).view(np.uint8), np.ones((3, 3), np.uint8))
    around = _seen_at(places, seen, source.shape)
    places = cv2.subtract(places, np.array([around.x0, around.y0, 0, 0], np.float64))
    theirs = _looked_up(_shade(source, shifts.known, around), places, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
    tint = _shade(render, shifts.now, box)
    tint += 1
    tint *= np.float32(127.5)
    tint -= theirs
    tint *= np.float32(1 - PHOTO_SHARE)
    return tint


def _shade(picture: NDArray, mine: NDArray[np.uint8], box: Region) -> NDArray[np.float32]:
    """Return light and shade of a class by itself, going on smoothly beyond it, in a box: float32 (rows, columns, 3).

    What is smooth needs few pixels, and depends on few around it.
    """
    height, width = mine.shape
    sigma = SMOOTH * max(height, width)
    # Powers of two, as they divide the pictures' sides: pixels left over at a side would weigh less.
    step = 2 ** max(0, int(math.log2(sigma / 1.5)))
    # OpenCV ends its kernels at four standard deviations, and between two pixels both of them count.
    margin = round(4 * sigma / step) + 2
    top, left = max(0, box.y0 // step - margin), max(0, box.x0 // step - margin)
    rows = min(-(-height // step), -(-box.y1 // step) + margin) - top
    columns = min(-(-width // step), -(-box.x1 // step) + margin) - left
    y, x = top * step, left * step
    part = np.s_[y : y + rows * step, x : x + columns * step]
    colours, weight = (
        cv2.GaussianBlur(_fewer(field, rows, columns, step), (0, 0), sigma / step)
        for field in (cv2.copyTo(picture[part], mine[part]), mine[part])
    )
    mean = np.array(cv2.mean(colours)[:3]) / max(cv2.mean(weight)[0], 1e-6)
    colours += np.asarray(1e-4 * mean, np.float32)
    weight += np.float32(1e-4)
    colours /= cv2.merge([weight] * 3)
    large = cv2.resize(colours, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)[box.y0 - y : box.y1 - y, box.x0 - x : box.x1 - x]


def _fewer(field: Any, rows: int, columns: int, step: int) -> Any:
    """Average a field, (h, w, ...), over cells of ``step`` pixels, the last of which may lack some."""
    missing = rows * step - field.shape[0], columns * step - field.shape[1]
    field = field.astype(np.float32)
    if any(missing):
        field = cv2.copyMakeBorder(field, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
    return cv2.resize(field, (columns, rows), interpolation=cv2.INTER_AREA)
