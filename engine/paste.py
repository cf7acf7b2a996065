"""How an edit goes back into the photo: at the photo's resolution, with its detail and its grain.

The network works at a few hundred pixels. What the photo has beyond that, its detail, is kept where the label is the
photo's own; where the label is new there is none to keep, and grain as strong as the photo's takes its place.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import Matrix, scaling
from engine.compose import box_of
from engine.photo import Patch
from engine.texture import borrowed, find_shifts
from engine.types import LabelMap, Pixels, Region
from engine.warp import chained, footprint, moving, warped

GRAIN_PIXELS = 256
"""Of a class's own detail so many pixels must be known for its grain to be measured."""
STRONGEST_GRAIN = 14.0
"""Standard deviation, of 255, beyond which detail is texture, which noise would not stand in for."""
RECOLOURING = 0.02
"""How coarse light and shade may be, as a share of the crop, and still be the photo's where only colour changes."""
CHANGE_SOFTNESS = 0.75
"""Standard deviation, in mask pixels, of the step from kept detail to grain."""
CHANGE_REACH = 3
"""Pixels beyond which nothing of that step is left."""
KEPT = 0.01
"""Less of grain than this does not spoil the photo's own."""
NOISE_SIDE = 509
"""Side of the pattern of noise that grain is made of, in pixels: prime, so as to fit no grid of a network."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A rendered edit, before it meets a photo.

    Attributes
    ----------
    render
        What the network made, float32 (h, w, 3) in [-1, 1], without padding.
    source
        What it was given, uint8 (h, w, 3).
    labels
        The edited mask, uint8 (H, W); the network's size may differ.
    original
        The mask before the edit, of the same size.
    alpha
        How much of the edit is to show, float32 (H, W), 0..1.
    recoloured
        Where only the colour is to change, bool (H, W): there the photo's light and shade are kept, fine and coarse.
        None for nowhere.
    own_style
        Whether the photo's own texture may be used in new places.
    """

    render: NDArray[np.float32]
    source: Pixels
    labels: LabelMap
    original: LabelMap
    alpha: NDArray[np.float32]
    recoloured: NDArray[np.bool_] | None = None
    own_style: bool = True


def patch_of(layer: Layer, photo: Pixels, to_photo: Matrix, seed: int = 0) -> Patch | None:
    """Bring an edit to a photo.

    Parameters
    ----------
    layer
        The edit.
    photo
        uint8 (H, W, 3), of any resolution.
    to_photo
        The map from the mask's pixels to the photo's.
    seed
        Of the grain.

    Returns
    -------
    Patch or None
        None if nothing of the edit shows in the photo.
    """
    region = _reach(layer.alpha, photo.shape[:2], to_photo)
    if region.empty:
        return None
    # From here on, places count from the region's corner.
    to_region = to_photo.copy()
    to_region[:, 2] -= (region.x0, region.y0)
    size = (region.x1 - region.x0, region.y1 - region.y0)
    alpha = _weight(layer.alpha, to_region, size)
    if not cv2.hasNonZero(alpha):
        return None
    from_network = chained(to_region, scaling(layer.render.shape[:2], layer.labels.shape))
    colours = warped(layer.render, from_network, size, cv2.INTER_CUBIC) * np.float32(127.5)
    colours += np.float32(127.5)
    np.clip(colours, 0, 255, out=colours)
    own = photo[region.slices]
    coarse = warped(layer.source, from_network, size, cv2.INTER_CUBIC)
    detail = np.asarray(cv2.subtract(own, coarse, dtype=cv2.CV_32F), np.float32)
    colours += detail
    finest = float(np.sqrt(abs(np.linalg.det(from_network[:, :2]))))
    _renew(colours, detail, layer, region, to_region, finest, seed)
    if layer.own_style:
        _lay_texture(colours, layer, photo, region, from_network)
    if layer.recoloured is not None and layer.recoloured.any():
        inside, tint, gain = _recolouring(layer)
        share = warped(inside, from_network, size, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
        gain, tint = (warped(array, from_network, size, cv2.INTER_LINEAR) for array in (gain, tint))
        kept = own * cv2.merge([gain] * 3)
        kept += tint
        _mix(colours, kept, share)
    return Patch(region, colours, alpha)


def _weight(alpha: NDArray[np.float32], to_region: Matrix, size: tuple[int, int]) -> NDArray[np.float32]:
    """Bring the edit's weight to a region of the photo."""
    result = np.clip(warped(alpha, to_region, size, cv2.INTER_LINEAR), 0, 1)
    if any(side.any() for side in (alpha[[0, -1]], alpha[:, [0, -1]])):
        # The weight goes on to the mask's very border, and no further.
        inside = np.ones(alpha.shape, np.uint8)
        result *= warped(inside, to_region, size, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    return result


def _mix(colours: NDArray[np.float32], wanted: NDArray[np.float32], share: NDArray[np.float32]) -> None:
    """Move colours (h, w, 3), in place, towards others, which are written to, by a share (h, w)."""
    wanted -= colours
    wanted *= cv2.merge([share] * 3)
    colours += wanted


def _renew(
    colours: NDArray[np.float32],
    detail: NDArray[np.float32],
    layer: Layer,
    region: Region,
    to_region: Matrix,
    finest: float,
    seed: int,
) -> None:
    """Put grain, in place, instead of the photo's detail where labels are new; see `_grain`."""
    size = (detail.shape[1], detail.shape[0])
    view = footprint(to_region, size, layer.labels.shape, CHANGE_REACH + 1)
    labels, original = layer.labels[view.slices], layer.original[view.slices]
    changed = labels != original
    if not changed.any():
        return
    to_region = chained(to_region, moving(view.x0, view.y0))
    changed = cv2.GaussianBlur(changed.astype(np.float32), (0, 0), CHANGE_SOFTNESS)
    new = np.clip(warped(changed, to_region, size, cv2.INTER_LINEAR), 0, 1)
    box = box_of((new > 0).view(np.uint8))
    if box.empty:
        return
    new = new[box.slices]
    grain = -detail[box.slices]
    if finest > 1:
        now, known = (warped(mask, to_region, size, cv2.INTER_NEAREST).copy() for mask in (labels, original))
        known[box.slices][new >= KEPT] = 255
        grain += cv2.merge([_grain(detail, now, known, region, box, new, finest, seed)] * 3)
    grain *= cv2.merge([new] * 3)
    colours[box.slices] += grain


def _lay_texture(
    colours: NDArray[np.float32], layer: Layer, photo: Pixels, region: Region, from_network: Matrix
) -> None:
    """Lay texture of the photo, in place, over new hair and the like."""
    size = layer.render.shape[1::-1]
    labels, original = (
        np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
        for mask in (layer.labels, layer.original)
    )
    for shifts in find_shifts(labels, original):
        found = borrowed(shifts, layer.render, layer.source, photo, region, from_network)
        if found is not None:
            part, texture, share = found
            _mix(colours[part.slices], texture, share)


def _recolouring(layer: Layer) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Tell how a render recolours what it shows, at the network's resolution.

    Returns
    -------
    inside
        float32 (h, w): 1 where only the colour changes.
    tint
        float32 (h, w, 3): what is added to the photo, 0..255.
    gain
        float32 (h, w): what the photo is multiplied by before that, so that dark hair has dark strands.
    """
    height, width = layer.render.shape[:2]
    inside = layer.recoloured.astype(np.float32) if layer.recoloured is not None else np.zeros((1, 1), np.float32)
    inside = np.asarray(cv2.resize(inside, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    smooth = (RECOLOURING * max(height, width),) * 2
    # Weighed by the class, so that the colour of what lies beside it does not run in.
    weight = cv2.GaussianBlur(inside, (0, 0), *smooth) + np.float32(1e-4)
    before, after = (
        cv2.GaussianBlur(picture * inside[..., None], (0, 0), *smooth) / weight[..., None]
        for picture in (layer.source.astype(np.float32), (layer.render + 1) * np.float32(127.5))
    )
    gain = np.clip((after.mean(axis=2) + 8) / (before.mean(axis=2) + 8), 0.4, 1.6)
    return inside, np.asarray(after - before * gain[..., None], np.float32), np.asarray(gain, np.float32)


def _reach(alpha: NDArray[np.float32], shape: tuple[int, ...], to_photo: Matrix) -> Region:
    """Return the photo's pixels that an edit may show in."""
    box = box_of((alpha > 0).view(np.uint8))
    if box.empty:
        return box
    corners = np.array([[x, y, 1] for x in (box.x0 - 1, box.x1 + 1) for y in (box.y0 - 1, box.y1 + 1)])
    places = corners @ to_photo.T
    (x0, y0), (x1, y1) = np.floor(places.min(axis=0)), np.ceil(places.max(axis=0))
    height, width = shape[:2]
    return Region(max(int(y0), 0), max(int(x0), 0), min(int(y1), height), min(int(x1), width))


def _grain(
    detail: NDArray[np.float32],
    labels: LabelMap,
    known: LabelMap,
    region: Region,
    box: Region,
    new: NDArray[np.float32],
    finest: float,
    seed: int,
) -> NDArray[np.float32]:
    """Make grain for new pixels, class by class as strong as the photo's.

    Parameters
    ----------
    detail
        What the photo has beyond the network's resolution, float32 (h, w, 3).
    labels
        The class of each pixel now.
    known
        Its class where the photo shows that class, 255 elsewhere.
    region
        Where all that lies in the photo.
    box
        The part of it that grain is wanted for.
    new
        How much of it is, float32 of the box's size.
    finest
        Pixels of the photo for one of the network's: grain is finer than that.
    seed
        Of the noise.

    Returns
    -------
    ndarray
        float32 of the box's size.
    """
    noise = _noise(seed, region)
    # Of one pixel and of about two: cameras and JPEG leave no purely white noise.
    noise += 1.5 * cv2.GaussianBlur(noise, (0, 0), min(1.0, 0.3 * finest))
    noise -= cv2.GaussianBlur(noise, (0, 0), max(0.5 * finest, 0.8))
    deviation = float(cv2.meanStdDev(noise)[1][0, 0])
    now = np.ascontiguousarray(labels[box.slices])
    wanted = np.bincount(now[new > 0], minlength=256) > 0
    enough = np.bincount(known.ravel(), minlength=256) >= GRAIN_PIXELS
    grey = np.asarray(cv2.transform(detail, np.full((1, 3), 1 / 3)), np.float32)
    strengths = np.zeros(256, np.float32)
    if (wanted & ~enough).any():
        strengths[wanted] = _spread(grey[known != 255])
    for label in np.flatnonzero(wanted & enough):
        strengths[label] = _spread(grey[known == label])
    strength = cv2.LUT(now, strengths)
    return np.asarray(noise[box.slices] * strength, np.float32) / np.float32(max(deviation, 1e-6))


def _noise(seed: int, region: Region) -> NDArray[np.float32]:
    """Return white noise as it lies under a photo's region, which keeps its place while an edit grows."""
    rows, columns = np.arange(region.y0, region.y1), np.arange(region.x0, region.x1)
    return _noise_tile(seed)[np.ix_(rows % NOISE_SIDE, columns % NOISE_SIDE)]


@lru_cache(maxsize=2)
def _noise_tile(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((NOISE_SIDE, NOISE_SIDE), np.float32)


def _spread(grey: NDArray[np.float32]) -> float:
    """Return the typical deviation of detail (N,): its median, which edges do not raise."""
    if not len(grey):
        return 0.0
    grey = grey[:: max(1, len(grey) // 20000)]
    return min(1.4826 * _median(np.abs(grey - _median(grey))), STRONGEST_GRAIN)


def _median(values: NDArray[np.float32]) -> float:
    """Return the middle one of values (N,), or the upper of the two."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
