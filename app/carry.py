"""Edits of a mask, brought to another crop of the same photo. Knows nothing of Qt."""

import cv2
import numpy as np

from engine.affine import to_opencv
from engine.types import LabelMap, Portrait


def carried(old: Portrait, edited: LabelMap, new: Portrait) -> LabelMap:
    """Lay what was edited in one crop's mask into the mask of another crop.

    Parameters
    ----------
    old
        The portrait that was edited.
    edited
        Its mask as it is now, uint8 of its mask's shape.
    new
        The same photo cut out elsewhere.

    Returns
    -------
    ndarray
        A mask of the new portrait's size: the edited pixels' labels where they lie in it, its own ones elsewhere. What
        lies outside the new crop is left out.
    """
    height, width = new.base.shape[:2]
    to_photo, from_photo = new.to_picture(height, width), np.vstack([old.to_picture(height, width), [0, 0, 1]])
    back = np.linalg.inv(from_photo) @ np.vstack([to_photo, [0, 0, 1]])
    rows, columns = new.labels.shape
    changed = (edited != old.labels).astype(np.uint8)
    # Nearest neighbours: between two class ids lies a third one that has nothing to do with them.
    moved, labels = (
        cv2.warpAffine(plane, to_opencv(back[:2]), (columns, rows), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        for plane in (changed, edited)
    )
    return np.where(moved > 0, labels, new.labels).astype(np.uint8)
