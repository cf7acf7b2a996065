"""What a person changed, and how the render goes back into the picture: softly, and nowhere else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.generate import Image
from engine.types import LabelMap, Pixels, Region

REACH = 0.03
"""How far beyond the changed pixels the render may show, as a fraction of the longer side."""

KNOWN_PIXELS = 16
"""A class's colour is matched where at least so many of its pixels are known."""
SOFTNESS = 1.5
"""Standard deviation, in pixels of the network, of a class's edge in colour matching."""
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
    changed = labels != source
    if not changed.any():
        return np.zeros(labels.shape, np.float32)
    reach = reach_of(labels)
    distance = cv2.distanceTransform((~changed).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ramp = np.clip(1 - distance / np.float32(reach), 0, 1)
    return _smooth(ramp)


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
    mine = np.isin(labels, classes)
    if not mine.any():
        return np.zeros(labels.shape, np.float32)
    distance = cv2.distanceTransform((~mine).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ramp = np.clip(1 - distance / np.float32(max(2, reach_of(labels) // 3)), 0, 1)
    return _smooth(ramp)


def _smooth(ramp: NDArray[np.floating]) -> NDArray[np.float32]:
    """Ease a ramp of 0..1 in and out."""
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


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
    inside = region > 0
    box = Region.of(inside)
    if box.empty:
        return result
    # Nothing outside the region's box has a part in it.
    box = Region(*(side // 8 * 8 for side in (box.y0, box.x0)), *(-(-side // 8) * 8 for side in (box.y1, box.x1)))
    inside, changed, labels = inside[box.slices], changed[box.slices], labels[box.slices]
    part, truth = render[box.slices], source[box.slices].astype(np.float32) / 127.5 - 1
    border, missing = inside & ~changed, truth - part
    total = np.zeros_like(part)
    height, width = labels.shape
    # Colour varies slowly, so an eighth of the resolution is enough, and costs next to nothing.
    small = (-(-width // 8), -(-height // 8))
    for label in np.unique(labels[inside]):
        mine = labels == label
        weight = (border & mine).astype(np.float32)
        count = weight.sum()
        if count < KNOWN_PIXELS:
            continue
        stacked = np.dstack([missing * weight[..., None], weight])
        mean = stacked[..., :3].sum(axis=(0, 1)) / count
        near = cv2.GaussianBlur(cv2.resize(stacked, small, interpolation=cv2.INTER_AREA), (0, 0), 2)
        # Far from what is known, the class's mean takes over.
        offset = (near[..., :3] + FAR_WEIGHT * mean) / (near[..., 3:] + FAR_WEIGHT)
        # Softened by a pixel or two, for a label's edge is not the picture's.
        share = cv2.GaussianBlur((inside & mine).astype(np.float32), (0, 0), SOFTNESS)
        total += cv2.resize(offset, (width, height), interpolation=cv2.INTER_LINEAR) * share[..., None]
    result[box.slices] = np.where(inside[..., None], np.clip(part + total, -1, 1), part)
    return result


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
