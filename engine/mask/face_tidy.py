"""Specks that a change of a face leaves, such as single pixels of skin between a brow and a frame of glasses."""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.mask.face_patch import widened
from engine.types import LabelMap, Region

_SPECK = 0.0012
"""What is smaller than this is a speck, in squares of the face's unit."""


def tidied(before: LabelMap, work: LabelMap, region: Region, unit: float) -> Region:
    """Give specks that a change has made to what surrounds them.

    Parts of a class that are small, that the change has touched, and that are not all there is of the class vanish.

    Parameters
    ----------
    before
        The mask before the change, uint8 (H, W).
    work
        The mask after it, uint8 (H, W); written to.
    region
        Where they differ.
    unit
        The unit of the face's frame in pixels.

    Returns
    -------
    Region
        Where they differ now.
    """
    largest = _SPECK * unit**2
    if region.empty or largest < 1:
        return region
    place = widened(region, 2, work.shape)
    old, new = before[place.slices], work[place.slices]
    changed = old != new
    touched = cv2.dilate(changed.view(np.uint8), np.ones((3, 3), np.uint8))
    classes = np.flatnonzero(np.bincount(old[changed], minlength=256) + np.bincount(new[changed], minlength=256))
    for label in classes:
        for speck in _small_parts(new == label, largest):
            if touched[speck[:, 1], speck[:, 0]].any():
                _give_away(new, changed, speck)
    found = Region.of(old != new)
    if found.empty:
        return found
    return Region(place.y0 + found.y0, place.x0 + found.x0, place.y0 + found.y1, place.x0 + found.x1)


def _small_parts(plane: NDArray[np.bool_], largest: float) -> list[NDArray[np.int32]]:
    """Return the borders, (N, 2), of what hangs together in a plane (h, w) and is small, unless all of it is."""
    contours, hierarchy = cv2.findContours(plane.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return []
    outer = [
        np.asarray(contour, np.int32)[:, 0]
        for contour, (*_, parent) in zip(contours, np.asarray(hierarchy)[0], strict=True)
        if parent < 0
    ]
    small = [
        border for border in outer if len(border) <= 2 * largest and np.prod(np.ptp(border, axis=0) + 1) <= largest
    ]
    return small if len(small) < len(outer) else []


def _give_away(labels: LabelMap, changed: NDArray[np.bool_], border: NDArray[np.int32]) -> None:
    """Give a small part of a mask, by its border, to the class that most of the change around it is of."""
    (x0, y0), (x1, y1) = np.maximum(border.min(axis=0) - 1, 0), border.max(axis=0) + 2
    crop = labels[y0:y1, x0:x1]
    inside = np.zeros(crop.shape, np.uint8)
    cv2.drawContours(inside, [border - (x0, y0)], -1, 1, cv2.FILLED)
    part = (inside > 0) & (crop == labels[border[0, 1], border[0, 0]])
    around = cv2.dilate(part.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool) & ~part
    new = around & changed[y0:y1, x0:x1]
    if around.any():
        crop[part] = np.bincount(crop[new if new.any() else around]).argmax()
