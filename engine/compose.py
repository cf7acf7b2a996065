"""What a person changed, and how the render goes back into the picture: softly, and nowhere else."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.generate import Image
from engine.types import LabelMap, Pixels, Region

REACH = 0.03
"""How far beyond the changed pixels the render may show, as a fraction of the longer side."""

KNOWN_PIXELS = 16
"""A class's colour is matched where at least so many of its pixels are known."""
CELL = 8
"""Colour varies slowly, so that it is enough, and costs next to nothing, to spread it on cells of so many pixels."""
SPREAD = 2.0
"""Standard deviation, in cells, of how far it is spread."""
SOFTNESS = 1.5
"""Standard deviation, in pixels of the network, of a class's edge in colour matching."""
SOFT_REACH = 6
"""Pixels beyond which nothing of that edge is left."""
FAR_WEIGHT = 0.05
"""How much the mean counts beside what is known nearby."""


def reach_of(labels: LabelMap) -> int:
    """Return that distance in mask pixels, at least 2."""
    return max(2, round(REACH * max(labels.shape)))


def edit_alpha(labels: LabelMap, source: LabelMap) -> NDArray[np.float32]:
    """Weigh the render against the source picture.

    Parameters
    ----------
    labels, source
        The edited and the source mask, uint8 (H, W).

    Returns
    -------
    ndarray
        float32 (H, W): 1 where the label changed, falling smoothly to exactly 0 at `reach_of` pixels from there.
    """
    return _faded((labels != source).view(np.uint8), reach_of(labels))


def class_alpha(labels: LabelMap, classes: tuple[int, ...]) -> NDArray[np.float32]:
    """Weigh the render where it gives classes another look: 1 on them, falling smoothly to 0 close by.

    Parameters
    ----------
    labels
        The mask, uint8 (H, W).
    classes
        Their ids.

    Returns
    -------
    ndarray
        float32 (H, W).
    """
    marks = np.zeros(256, np.uint8)
    marks[np.array(classes, np.intp)] = 1
    return _faded(cv2.LUT(labels, marks), max(2, reach_of(labels) // 3))


def _faded(marked: Any, reach: int) -> NDArray[np.float32]:
    """Weigh what is not 0 of a uint8 (H, W) with 1, and what lies around it less, down to 0 at ``reach`` pixels."""
    alpha = np.zeros(marked.shape, np.float32)
    box = box_of(marked, reach)
    if not box.empty:
        # All that a distance in the box depends on lies in it, too.
        away = (marked[box.slices] == 0).view(np.uint8)
        distance = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        ramp = np.divide(distance, np.float32(-reach), out=distance)
        ramp += 1
        alpha[box.slices] = _smooth(np.clip(ramp, 0, 1, out=ramp))
    return alpha


def box_of(marked: Any, margin: int = 0, cell: int = 1) -> Region:
    """Return the box around all that is not 0, inside the picture; empty if that is nothing.

    Parameters
    ----------
    marked
        uint8 (H, W).
    margin
        How many pixels it reaches beyond that.
    cell
        Its sides lie at multiples of this, or on the picture's border.
    """
    x, y, columns, rows = cv2.boundingRect(marked)
    if not columns:
        return Region(0, 0, 0, 0)
    height, width = marked.shape
    return Region(
        max(0, (y - margin) // cell * cell),
        max(0, (x - margin) // cell * cell),
        min(height, -(-(y + rows + margin) // cell) * cell),
        min(width, -(-(x + columns + margin) // cell) * cell),
    )


def _smooth(ramp: NDArray[np.floating]) -> NDArray[np.float32]:
    """Ease a ramp of 0..1 in and out."""
    result = ramp * np.float32(-2)
    result += 3
    result *= ramp
    result *= ramp
    return np.asarray(result, np.float32)


def match_colours(
    render: Image, source: Pixels, labels: LabelMap, region: NDArray[np.float32], changed: NDArray[np.bool_]
) -> Image:
    """Shift a render's colours, class by class, to those of the picture around it.

    Around what was changed lies a border that the network made anew although its label is the source's: there the true
    colours are known. What the render misses there is spread over the same class's pixels nearby.

    Parameters
    ----------
    render
        float32 (H, W, 3) in [-1, 1].
    source
        The source picture, uint8 (H, W, 3).
    labels
        The label map that was rendered, uint8 (H, W).
    region
        What was made anew, float32 (H, W), 1 inside.
    changed
        Where the label is not the source's, bool (H, W).

    Returns
    -------
    ndarray
        float32 (H, W, 3) in [-1, 1]; the same outside the region, and for classes that the border does not hold.
    """
    result = render.copy()
    inside: Any = (region > 0).view(np.uint8)
    # Nothing outside the region's box has a part in it.
    box = box_of(inside, cell=CELL)
    if box.empty:
        return result
    inside, labels, part = inside[box.slices], np.ascontiguousarray(labels[box.slices]), render[box.slices]
    border: Any = cv2.subtract(inside, changed[box.slices].view(np.uint8))
    missing = source[box.slices] * np.float32(1 / 127.5)
    missing -= 1
    missing -= part
    total = np.zeros_like(part)
    known = cv2.calcHist([labels], [0], border, [256], [0, 256]).ravel()
    for label in np.flatnonzero(known >= KNOWN_PIXELS):
        mine: Any = cv2.bitwise_and((labels == label).view(np.uint8), inside)
        place = box_of(mine, SOFT_REACH, CELL)
        offset = _offsets(missing, cv2.bitwise_and(mine, border), place)
        # Softened by a pixel or two, for a label's edge is not the picture's.
        share = cv2.GaussianBlur(mine[place.slices].astype(np.float32), (0, 0), SOFTNESS)
        total[place.slices] += cv2.multiply(offset, cv2.merge([share] * 3))
    total += part
    np.clip(total, -1, 1, out=total)
    np.copyto(result[box.slices], total, where=inside[..., None].view(bool))
    return result


def _offsets(missing: NDArray[np.float32], known: Any, place: Region) -> NDArray[np.float32]:
    """Spread what a class's colours miss over what lies near.

    Parameters
    ----------
    missing
        float32 (h, w, 3).
    known
        Where that counts for the class, uint8 (h, w), 1 or 0.
    place
        A box that holds all of it, its sides at multiples of `CELL` or on the border.

    Returns
    -------
    ndarray
        float32 (rows, columns, 3), of the box's size.
    """
    mean = np.array(cv2.mean(missing, known)[:3], np.float32)
    height, width = place.y1 - place.y0, place.x1 - place.x0
    top, left, rows, columns = place.y0 // CELL, place.x0 // CELL, -(-height // CELL), -(-width // CELL)
    few = np.zeros((-(-known.shape[0] // CELL), -(-known.shape[1] // CELL), 4), np.float32)
    for channels, picture in (
        (slice(3), cv2.copyTo(missing[place.slices], known[place.slices])),
        (slice(3, 4), known[place.slices].astype(np.float32)),
    ):
        if (rows * CELL, columns * CELL) != (height, width):
            more = (0, rows * CELL - height, 0, columns * CELL - width)
            picture = cv2.copyMakeBorder(picture, *more, cv2.BORDER_CONSTANT)
        cells = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
        few[top : top + rows, left : left + columns, channels] = np.asarray(cells).reshape(rows, columns, -1)
    near = cv2.GaussianBlur(few, (0, 0), SPREAD)
    # Far from what is known, the class's mean takes over.
    offset = (near[..., :3] + FAR_WEIGHT * mean) / (near[..., 3:] + FAR_WEIGHT)
    # What lies between the outermost cells and the next ones counts for almost nothing: there the soft edge ends.
    offset = np.ascontiguousarray(offset[top : top + rows, left : left + columns])
    large = cv2.resize(offset, (columns * CELL, rows * CELL), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)[:height, :width]


def border_fade(shape: tuple[int, int], to_photo: NDArray[np.float64], photo: tuple[int, int]) -> NDArray[np.float32]:
    """Weigh a crop so that an edit which reaches its border ends softly in the photo.

    Parameters
    ----------
    shape
        Height and width of the crop's mask.
    to_photo
        (2, 3): the map from the mask's pixels to the photo's.
    photo
        Height and width of the photo.

    Returns
    -------
    ndarray
        float32 of that shape: 0 on those parts of the border that lie inside the photo, 1 away from them.
    """
    height, width = shape
    away = np.ones(shape, np.uint8)
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    # Each row or column along the border, and where the border itself is.
    for side, x, y in (
        (away[0], across, np.zeros(width)),
        (away[-1], across, np.full(width, float(height))),
        (away[:, 0], np.zeros(height), down),
        (away[:, -1], np.full(height, float(width)), down),
    ):
        x, y = to_photo @ np.stack([x, y, np.ones(len(x))])
        side[(x >= 1) & (y >= 1) & (x <= photo[1] - 1) & (y <= photo[0] - 1)] = 0
    if away.all():
        return np.ones(shape, np.float32)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ramp = np.clip(distance / np.float32(max(2, round(REACH * max(height, width)))), 0, 1)
    return _smooth(ramp)
