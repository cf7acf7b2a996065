"""Regions of a mask: what hangs together, and what takes the place of a region that goes away."""

from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import LabelMap
from resources.labels import BY_NAME, LABEL_COUNT

FEATURES = tuple(
    BY_NAME[name].id
    for name in ("nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
)  # fmt: skip
"""The classes that lie on the skin."""

_SKIN, _BACKGROUND = BY_NAME["skin"].id, BY_NAME["background"].id


def component_at(labels: LabelMap, x: float, y: float) -> NDArray[np.bool_] | None:
    """Return the pixels, bool (H, W), that hang together (also over corners) with the one under a point, by class.

    Parameters
    ----------
    labels
        uint8 (H, W).
    x, y
        The point in mask pixels.

    Returns
    -------
    ndarray or None
        None where the point lies outside the mask.
    """
    height, width = labels.shape
    if not (0 <= x < width and 0 <= y < height):
        return None
    found = np.zeros((height + 2, width + 2), np.uint8)
    flags = 8 | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    # OpenCV counts the picture as written to, which it is not; some callers' labels are read-only.
    cv2.floodFill(labels.copy(), found, (int(x), int(y)), 0, 0, 0, flags)
    return found[1:-1, 1:-1] > 0


class Nearest(NamedTuple):
    """What lies nearest to some pixels, of all the others.

    Attributes
    ----------
    distances
        How far away it is, float32 (h, w), to within two parts in a hundred; 0 for the others.
    numbers
        The number of the nearest pixel, int32 (h, w).
    classes
        Its class by its number, uint8.
    """

    distances: NDArray[np.float32]
    numbers: NDArray[np.int32]
    classes: NDArray[np.uint8]

    @classmethod
    def around(cls, labels: LabelMap, mine: NDArray[np.bool_]) -> Self:
        """Look around some pixels, which must not be all that there are."""
        pixels = mine.astype(np.uint8)
        found = cv2.distanceTransformWithLabels(pixels, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
        distances, numbers = np.asarray(found[0], np.float32), np.asarray(found[1], np.int32)
        # OpenCV numbers the other pixels as it likes; those next to these tell their numbers where they lie.
        rim = (cv2.dilate(pixels, np.ones((3, 3), np.uint8)) > 0) & ~mine
        classes = np.zeros(int(numbers.max()) + 1, np.uint8)
        classes[numbers[rim]] = labels[rim]
        return cls(distances, numbers, classes)

    def spread(self, labels: LabelMap, freed: NDArray[np.bool_]) -> LabelMap:
        """Return labels, uint8 (h, w), in which freed ones of the pixels are of the class nearest to them."""
        result = labels.copy()
        result[freed] = self.classes[self.numbers[freed]]
        return result


def given_away(labels: LabelMap, freed: NDArray[np.bool_], takers: tuple[int, ...] | None = None) -> LabelMap:
    """Return labels, uint8 (H, W), in which freed pixels have become the class of the nearest pixel that is not freed.

    Parameters
    ----------
    labels
        uint8 (H, W), ids 0..18; not written to.
    freed
        bool (H, W).
    takers
        The ids of the classes that may spread into them; None for all. Background where there is no such pixel.
    """
    if not freed.any():
        return labels.copy()
    giving = ~freed
    if takers is not None:
        giving &= np.isin(labels, takers)
    if not giving.any():
        return np.where(freed, np.uint8(_BACKGROUND), labels)
    return Nearest.around(labels, ~giving).spread(labels, freed)


def vacated(labels: LabelMap, freed: NDArray[np.bool_]) -> LabelMap:
    """Return labels, uint8 (H, W), in which what a region leaves behind is filled as a person would expect.

    Under features of the face (eyes, brows, nose, lips, mouth, glasses) lies skin, if there is any; elsewhere the
    nearest class spreads that is no feature itself: hair that moves away from a brow does not leave a larger brow.

    Parameters
    ----------
    labels
        uint8 (H, W), ids 0..18, the region still in them; not written to.
    freed
        bool (H, W): the region.
    """
    features = freed & np.isin(labels, FEATURES)
    others = tuple(sorted(set(range(LABEL_COUNT)) - set(FEATURES)))
    result = given_away(labels, freed, others)
    if features.any() and (labels[~freed] == _SKIN).any():
        result[features] = _SKIN
    return result
