"""Edits of label maps such as people make, simulated: parts moved, grown, bent, added and taken away.

They widen what MaskVAE's interpolation makes (MaskGAN, section 3.3), and need no trained network.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from resources.labels import BY_NAME

Labels = NDArray[np.uint8]

GROUPS: tuple[tuple[int, ...], ...] = (
    (0,),
    (1,),
    (2,),
    (3,),
    (4, 5),
    (6, 7),
    (8, 9),
    (10, 11, 12),
    (13,),
    (14,),
    (15,),
    (16,),
    (17,),
    (18,),
)
"""Classes that people edit together."""

_HAIR, _SKIN, _MOUTH = BY_NAME["hair"].id, BY_NAME["skin"].id, BY_NAME["mouth"].id
_LIPS = (BY_NAME["u_lip"].id, BY_NAME["l_lip"].id)
_MOVED = (0, 1)
"""Positions in `GROUPS` of what fills in where a part was: never moved themselves."""


def _parts(labels: Labels) -> list[tuple[int, ...]]:
    return [ids for index, ids in enumerate(GROUPS) if index not in _MOVED and np.isin(labels, ids).any()]


def _choose(labels: Labels, rng: np.random.Generator) -> tuple[int, ...] | None:
    parts = _parts(labels)
    return parts[int(rng.integers(len(parts)))] if parts else None


def _nearest(labels: Labels, known: NDArray[np.bool_]) -> Labels:
    """Give every pixel the label of the nearest known one; ``known`` must hold at least one pixel."""
    unknown = (~known).astype(np.uint8)
    found = cv2.distanceTransformWithLabels(unknown, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    # Each known pixel has a number of its own; look its label up by that number.
    numbers = np.asarray(found, np.int64)
    table = np.zeros(int(numbers.max()) + 1, np.uint8)
    table[numbers[known]] = labels[known]
    return table[numbers]


def without(labels: Labels, ids: tuple[int, ...]) -> Labels:
    """Take classes away; each of their pixels gets the label of the nearest pixel that stays.

    Parameters
    ----------
    labels
        uint8 of shape (H, W).
    ids
        The classes to take away; if nothing else is there, the labels come back as they were.
    """
    gone = np.isin(labels, ids)
    if gone.all() or not gone.any():
        return labels.copy()
    return _nearest(labels, ~gone)


def move(labels: Labels, rng: np.random.Generator) -> Labels:
    """Shift, turn and scale one part about its own centre."""
    ids = _choose(labels, rng)
    if ids is None:
        return labels.copy()
    part = np.isin(labels, ids)
    rows, columns = np.nonzero(part)
    side = labels.shape[0]
    reach = np.sqrt(part.mean())
    matrix = cv2.getRotationMatrix2D(
        (float(columns.mean()), float(rows.mean())), rng.normal(0, 8), float(np.exp(rng.normal(0, 0.15)))
    )
    matrix[:, 2] += rng.normal(0, 0.15 * reach + 0.01, 2) * side
    taken = np.where(part, labels, 255).astype(np.uint8)
    moved = cv2.warpAffine(taken, matrix, labels.shape[::-1], flags=cv2.INTER_NEAREST, borderValue=255)
    return np.where(moved < 255, moved, without(labels, ids)).astype(np.uint8)


def grow(labels: Labels, rng: np.random.Generator) -> Labels:
    """Make one part larger or smaller along its whole border."""
    ids = _choose(labels, rng)
    if ids is None:
        return labels.copy()
    part = np.isin(labels, ids).astype(np.uint8)
    share = np.sqrt(part.mean())
    reach = max(1, int(labels.shape[0] * min(0.06, share * rng.uniform(0.05, 0.3))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    if rng.random() < 0.5:
        kept = cv2.erode(part, disc) > 0
        filled = without(labels, ids)
        return np.where((part > 0) & ~kept, filled, labels).astype(np.uint8)
    added = (cv2.dilate(part, disc) > 0) & (part == 0)
    return np.where(added, _nearest(labels, part > 0), labels).astype(np.uint8)


def bend(labels: Labels, rng: np.random.Generator) -> Labels:
    """Warp the whole map smoothly."""
    height, width = labels.shape
    grid = rng.normal(0, 1, (2, 5, 5)).astype(np.float32)
    flow = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_CUBIC) for plane in grid]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    strength = np.float32(height * rng.uniform(0.01, 0.035))
    x, y = columns + flow[0] * strength, rows + flow[1] * strength
    return np.asarray(cv2.remap(labels, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def remove(labels: Labels, rng: np.random.Generator) -> Labels:
    """Take one part away."""
    ids = _choose(labels, rng)
    return labels.copy() if ids is None else without(labels, ids)


def lengthen_hair(labels: Labels, length: int) -> Labels:
    """Let the hair hang ``length`` pixels lower, beside the face and over all that is below."""
    drop = np.zeros((2 * length + 1, 1), np.uint8)
    drop[: length + 1] = 1  # of the pixels above, for the anchor is in the middle
    grown = cv2.dilate((labels == _HAIR).astype(np.uint8), drop) > 0
    face = np.isin(labels, (_SKIN, *(label for ids in GROUPS[2:8] for label in ids)))
    return np.where(grown & ~face, np.uint8(_HAIR), labels).astype(np.uint8)


def change_hair(labels: Labels, rng: np.random.Generator) -> Labels:
    """Lengthen the hair beside face and neck, or cut it off below some height."""
    hair = labels == _HAIR
    if not hair.any():
        return labels.copy()
    side = labels.shape[0]
    if rng.random() < 0.5:
        return lengthen_hair(labels, max(1, int(rng.uniform(0.1, 0.5) * side)))
    rows = np.nonzero(hair)[0]
    height = int(rng.uniform(0.3, 0.8) * (rows.max() - rows.min()) + rows.min())
    cut = hair & (np.arange(side)[:, None] > height)
    return np.where(cut, without(labels, (_HAIR,)), labels).astype(np.uint8)


def open_mouth(labels: Labels, share: float) -> Labels:
    """Open the mouth between the lips by a share of their height; labels without lips come back as they were."""
    lips = np.isin(labels, (*_LIPS, _MOUTH))
    if not lips.any():
        return labels.copy()
    rows, columns = np.nonzero(lips)
    half = int(0.35 * (columns.max() - columns.min()) + 1)
    height = max(1, int(share * (rows.max() - rows.min() + 2)))
    inside = np.zeros_like(labels)
    centre = (int(columns.mean()), int(rows.mean()))
    cv2.ellipse(inside, centre, (half, height), 0, 0, 360, 1, -1)
    return np.where((inside > 0) & lips, np.uint8(_MOUTH), labels).astype(np.uint8)


def change_mouth(labels: Labels, rng: np.random.Generator) -> Labels:
    """Open the mouth between the lips, or close it."""
    if (labels == _MOUTH).any():
        return without(labels, (_MOUTH,))
    return open_mouth(labels, rng.uniform(0.15, 0.5))


EDITS: tuple[Callable[[Labels, np.random.Generator], Labels], ...] = (
    move,
    grow,
    bend,
    remove,
    change_hair,
    change_mouth,
)
"""Every kind of edit."""


def simulated_edit(labels: Labels, rng: np.random.Generator) -> Labels:
    """Edit a label map in one or two ways.

    Parameters
    ----------
    labels
        uint8 of shape (H, W), ids 0..18; not altered.

    Returns
    -------
    ndarray
        A new label map of the same shape.
    """
    for _ in range(int(rng.integers(1, 3))):
        labels = EDITS[int(rng.integers(len(EDITS)))](labels, rng)
    return labels


def edited_region(before: Labels, after: Labels, reach: int) -> Labels:
    """Return where two label maps differ, grown by ``reach`` pixels: uint8 of shape (H, W), 1 inside."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate((before != after).astype(np.uint8), disc), np.uint8)
