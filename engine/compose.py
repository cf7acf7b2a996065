"""What a person changed, and how the render goes back into the picture: softly, and nowhere else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import LabelMap, Pixels

REACH = 0.03
"""How far beyond the changed pixels the render may show, as a fraction of the longer side."""


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
    return ramp * ramp * (3 - 2 * ramp)


def blend(picture: Pixels, render: Pixels, alpha: NDArray[np.float32]) -> Pixels:
    """Lay the render over the picture.

    Parameters
    ----------
    picture, render
        uint8 (H, W, 3) of one size.
    alpha
        float32 of any size and the same aspect, in [0, 1]; brought to the picture's size.

    Returns
    -------
    ndarray
        uint8 (H, W, 3); identical to ``picture`` wherever the weight is 0.
    """
    height, width = picture.shape[:2]
    if alpha.shape != (height, width):
        resized = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
        alpha = np.clip(np.asarray(resized, np.float32), 0, 1)
    result = picture.copy()
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not rows.size:
        return result
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    weight = alpha[box][..., None]
    mixed = picture[box] + weight * (render[box].astype(np.float32) - picture[box])
    result[box] = np.rint(mixed).astype(np.uint8)
    return result
