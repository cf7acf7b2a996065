"""Texture for new hair and cloth, taken from where the photo has the same: strands that no small network can draw.

Each piece of a new area looks for the shift that brings it onto known parts of its class, near by and in agreement with
its neighbours, and shows what the photo has there. The render has its say in light and shade. It is the idea of
shift-map editing (Pritch, Kav-Venaki and Peleg, ICCV 2009), with the shifts found by correlating masks.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import Matrix, to_opencv
from engine.types import LabelMap, Pixels, Region
from resources.labels import BY_NAME

TEXTURED = tuple(BY_NAME[name].id for name in ("hair", "hat", "cloth"))
"""Classes whose texture is worth more than the network's."""

CELLS = 64
"""Shifts are looked for on a grid of so many cells along the longer side."""
PIECE = 6
"""The side of a piece in cells; its surroundings, as far again on all sides halved, vote too."""
LEAST_OVERLAP = 0.3
"""The part of a piece that a shift must bring onto known texture."""
FAR, UNLIKE = 0.25, 0.1
"""How much overlap a shift by the whole picture, or one quite unlike its neighbour's, must gain to be worth it."""
ALIKE = 20.0
"""Cells beyond which one shift is quite unlike another."""
SMOOTH = 0.02
"""What counts as light and shade: coarser than this share of the longer side."""
SOFT = 0.8
"""Standard deviation, in the network's pixels, of the edge of what is taken."""
PHOTO_SHARE = 0.75
"""How much of light and shade comes from the photo; the rest is the render's."""


@dataclass(frozen=True, slots=True, eq=False)
class Shifts:
    """Where new pixels of a class take their texture from.

    Attributes
    ----------
    known
        Where the photo shows the class, float32 (h, w), 0 or 1.
    now
        Where the class is to be, the same.
    offsets
        float32 (h, w, 2): what to add to a pixel's place (x, y).
    share
        float32 (h, w): how much of what lies there it takes.
    """

    known: NDArray[np.float32]
    now: NDArray[np.float32]
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
        now, before = labels == label, original == label
        new, known = now & ~before, (now & before).astype(np.uint8)
        if not new.any() or not known.any():
            continue
        # The rim of a class shows a little of what lies beside it.
        known = np.asarray(cv2.erode(known, np.ones((3, 3), np.uint8)), np.uint8)
        found = _vote(new, known)
        if found is None:
            continue
        offsets, fits = found
        rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]].astype(np.float32)
        mask = known.astype(np.float32)
        there = cv2.remap(mask, columns + offsets[..., 0], rows + offsets[..., 1], cv2.INTER_LINEAR)
        share = cv2.GaussianBlur(new * fits * there, (0, 0), SOFT)
        if share.any():
            result.append(Shifts(mask, now.astype(np.float32), offsets, np.asarray(share, np.float32)))
    return result


def _vote(new: NDArray[np.bool_], known: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Find a shift for every pixel of a new area: offsets (h, w, 2), and 1 or less where there is one, (h, w)."""
    height, width = new.shape
    rows, columns = (max(1, round(side * CELLS / max(height, width))) for side in (height, width))
    cells = (columns, rows)
    known_cells = (cv2.resize(known.astype(np.float32), cells, interpolation=cv2.INTER_AREA) > 0.9).astype(np.float32)
    new_cells = (cv2.resize(new.astype(np.float32), cells, interpolation=cv2.INTER_AREA) > 0.1).astype(np.float32)
    shape = (2 * rows, 2 * columns)
    spectrum = np.fft.rfft2(known_cells, shape)
    down, right = (np.fft.fftfreq(2 * side, 1 / (2 * side)).astype(np.float32) for side in (rows, columns))
    cost = np.hypot(right[None], down[:, None]) / CELLS * FAR
    total, weight = np.zeros((rows, columns, 2), np.float32), np.zeros((rows, columns), np.float32)
    last: tuple[float, float] | None = None
    for top in range(0, rows, PIECE):
        for left in range(0, columns, PIECE):
            if not new_cells[top : top + PIECE, left : left + PIECE].any():
                continue
            piece = np.zeros_like(new_cells)
            box = np.s_[
                max(0, top - PIECE // 2) : top + 3 * PIECE // 2, max(0, left - PIECE // 2) : left + 3 * PIECE // 2
            ]
            piece[box] = new_cells[box]
            overlap = np.fft.irfft2(spectrum * np.conj(np.fft.rfft2(piece, shape)), shape) / piece.sum()
            worth = overlap - cost
            if last is not None:
                worth -= UNLIKE * np.minimum(1, np.hypot(right[None] - last[0], down[:, None] - last[1]) / ALIKE)
            best = np.unravel_index(int(worth.argmax()), worth.shape)
            last = float(right[best[1]]), float(down[best[0]])
            if overlap[best] >= LEAST_OVERLAP:
                votes = cv2.GaussianBlur(piece, (0, 0), PIECE / 4)
                total += votes[..., None] * np.array(last, np.float32)
                weight += votes
    if not weight.any():
        return None
    mean = total / np.maximum(weight, 1e-3)[..., None] * np.array([width / columns, height / rows], np.float32)
    fits = np.minimum(weight / 0.05, 1)
    size = (width, height)
    return (
        np.asarray(cv2.resize(mean, size, interpolation=cv2.INTER_LINEAR), np.float32),
        np.asarray(cv2.resize(fits, size, interpolation=cv2.INTER_LINEAR), np.float32),
    )


def borrowed(
    shifts: Shifts,
    render: NDArray[np.float32],
    source: Pixels,
    photo: Pixels,
    region: Region,
    to_region: Matrix,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take a class's texture out of the photo.

    Parameters
    ----------
    shifts
        From `find_shifts`, at the network's resolution, as are the following two.
    render
        float32 (h, w, 3), 0..255.
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
    colours
        float32 (rows, columns, 3), 0..255, of the region's size.
    share
        float32 (rows, columns): how much of it is to show.
    """
    size = (region.x1 - region.x0, region.y1 - region.y0)
    height, width = shifts.share.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = columns + shifts.offsets[..., 0], rows + shifts.offsets[..., 1]
    theirs = cv2.remap(_shade(source.astype(np.float32), shifts.known), x, y, cv2.INTER_LINEAR)
    tint = (1 - PHOTO_SHARE) * (_shade(render, shifts.now) - theirs)
    shifted = to_opencv(to_region)
    share = np.asarray(cv2.warpAffine(shifts.share, shifted, size), np.float32)
    seen = share > 0
    if not seen.any():
        return np.zeros((*share.shape, 3), np.float32), share
    moved, tint = (
        cv2.warpAffine(field, shifted, size, borderMode=cv2.BORDER_REPLICATE) for field in (shifts.offsets, tint)
    )
    # A shift of the network's pixels, as one of the photo's.
    turn = to_region[:, :2].astype(np.float32)
    y, x = np.mgrid[region.y0 : region.y1, region.x0 : region.x1].astype(np.float32)
    x += moved @ turn[0]
    y += moved @ turn[1]
    # OpenCV cannot look into pictures of more than 32,767 pixels along a side.
    (x0, x1), (y0, y1) = (
        (min(max(int(field[seen].min()) - 2, 0), side - 1), min(max(int(field[seen].max()) + 3, 1), side))
        for field, side in ((x, photo.shape[1]), (y, photo.shape[0]))
    )
    part = np.ascontiguousarray(photo[y0:y1, x0:x1])
    taken = cv2.remap(part, x - x0, y - y0, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return taken.astype(np.float32) + tint, share


def _shade(picture: NDArray[np.float32], mine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return light and shade of a class by itself, going on smoothly beyond it: float32 (h, w, 3)."""
    height, width = mine.shape
    sigma = SMOOTH * max(height, width)
    # What is smooth needs few pixels, which is several times as fast.
    step = max(1, int(sigma / 1.5))
    stacked = np.dstack([picture * mine[..., None], mine])
    few = (max(1, width // step), max(1, height // step))
    stacked = cv2.GaussianBlur(cv2.resize(stacked, few, interpolation=cv2.INTER_AREA), (0, 0), sigma / step)
    mean = stacked[..., :3].mean(axis=(0, 1)) / max(float(stacked[..., 3].mean()), 1e-6)
    smooth = (stacked[..., :3] + np.float32(1e-4) * mean) / (stacked[..., 3:] + np.float32(1e-4))
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
