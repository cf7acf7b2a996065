"""How an edit goes back into the photo: at the photo's resolution, with its detail and its grain.

The network works at a few hundred pixels. What the photo has beyond that, its detail, is kept where the label is the
photo's own; where the label is new there is none to keep, and grain as strong as the photo's takes its place.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import Matrix, scaling, to_opencv
from engine.photo import Patch
from engine.texture import borrowed, find_shifts
from engine.types import LabelMap, Pixels, Region

GRAIN_PIXELS = 256
"""Of a class's own detail so many pixels must be known for its grain to be measured."""
STRONGEST_GRAIN = 14.0
"""Standard deviation, of 255, beyond which detail is texture, which noise would not stand in for."""
RECOLOURING = 0.02
"""How coarse light and shade may be, as a share of the crop, and still be the photo's where only colour changes."""
CHANGE_SOFTNESS = 0.75
"""Standard deviation, in mask pixels, of the step from kept detail to grain."""
AVERAGED = 0.67
"""Pictures that shrink to less than this are averaged first, as warping skips pixels."""


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
    alpha = np.clip(_warped(layer.alpha, to_region, size, cv2.INTER_LINEAR), 0, 1)
    if any(side.any() for side in (layer.alpha[[0, -1]], layer.alpha[:, [0, -1]])):
        # The weight goes on to the mask's very border, and no further.
        inside = np.ones(layer.alpha.shape, np.uint8)
        alpha = alpha * _warped(inside, to_region, size, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    if not alpha.any():
        return None
    from_network = _chained(to_region, scaling(layer.render.shape[:2], layer.labels.shape))
    colours = _warped(layer.render, from_network, size, cv2.INTER_CUBIC)
    colours = np.clip((colours + 1) * np.float32(127.5), 0, 255)
    coarse = _warped(layer.source.astype(np.float32), from_network, size, cv2.INTER_CUBIC)
    detail = photo[region.slices].astype(np.float32) - coarse
    changed = (layer.labels != layer.original).astype(np.float32)
    changed = cv2.GaussianBlur(changed, (0, 0), CHANGE_SOFTNESS)
    new = np.clip(_warped(changed, to_region, size, cv2.INTER_LINEAR), 0, 1)[..., None]
    labels = _warped(layer.labels, to_region, size, cv2.INTER_NEAREST)
    known = _warped(layer.original, to_region, size, cv2.INTER_NEAREST)
    finest = float(np.sqrt(abs(np.linalg.det(from_network[:, :2]))))
    grain = _grain(detail, labels, np.where(new[..., 0] < 0.01, known, 255), finest, seed)
    colours = colours + (1 - new) * detail + new * grain
    if layer.own_style:
        colours = _textured(colours, layer, photo, region, from_network)
    if layer.recoloured is not None and layer.recoloured.any():
        inside, tint, gain = _recolouring(layer)
        share = _warped(inside, from_network, size, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)[..., None]
        gain, tint = (_warped(array, from_network, size, cv2.INTER_LINEAR) for array in (gain, tint))
        kept = photo[region.slices].astype(np.float32) * gain[..., None] + tint
        colours = colours + share * (kept - colours)
    return Patch(region, np.asarray(colours, np.float32), alpha)


def _textured(
    colours: NDArray[np.float32], layer: Layer, photo: Pixels, region: Region, from_network: Matrix
) -> NDArray[np.float32]:
    """Lay texture of the photo over new hair and the like."""
    size = layer.render.shape[1::-1]
    labels, original = (
        np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
        for mask in (layer.labels, layer.original)
    )
    render = (layer.render + 1) * np.float32(127.5)
    for shifts in find_shifts(labels, original):
        texture, share = borrowed(shifts, render, layer.source, photo, region, from_network)
        colours = np.asarray(colours + share[..., None] * (texture - colours), np.float32)
    return colours


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
    box = Region.of(alpha > 0)
    if box.empty:
        return box
    corners = np.array([[x, y, 1] for x in (box.x0 - 1, box.x1 + 1) for y in (box.y0 - 1, box.y1 + 1)])
    places = corners @ to_photo.T
    (x0, y0), (x1, y1) = np.floor(places.min(axis=0)), np.ceil(places.max(axis=0))
    height, width = shape[:2]
    return Region(max(int(y0), 0), max(int(x0), 0), min(int(y1), height), min(int(x1), width))


def _chained(outer: Matrix, inner: Matrix) -> Matrix:
    """Return the map that does ``inner`` first, then ``outer``."""
    return outer @ np.vstack([inner, [0, 0, 1]])


def _warped(array: NDArray, matrix: Matrix, size: tuple[int, int], how: int, border: int = cv2.BORDER_REPLICATE) -> Any:
    """Bring an array to a picture of ``size`` (width, height)."""
    if np.array_equal(matrix, np.eye(2, 3)) and array.shape[1::-1] == size:
        return array
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if how == cv2.INTER_CUBIC and scale < AVERAGED:
        rows, columns = (max(1, round(side * scale)) for side in array.shape[:2])
        matrix = _chained(matrix, scaling((rows, columns), array.shape[:2]))
        array = np.asarray(cv2.resize(array, (columns, rows), interpolation=cv2.INTER_AREA), array.dtype)
    return cv2.warpAffine(array, to_opencv(matrix), size, flags=how, borderMode=border)


def _grain(
    detail: NDArray[np.float32], labels: LabelMap, known: LabelMap, finest: float, seed: int
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
    finest
        Pixels of the photo for one of the network's: grain is finer than that.
    seed
        Of the noise.
    """
    if finest <= 1:
        return np.zeros_like(detail)
    noise = np.random.default_rng(seed).standard_normal(labels.shape, np.float32)
    # Of one pixel and of about two: cameras and JPEG leave no purely white noise.
    noise = noise + 1.5 * cv2.GaussianBlur(noise, (0, 0), min(1.0, 0.3 * finest))
    noise -= cv2.GaussianBlur(noise, (0, 0), max(0.5 * finest, 0.8))
    noise /= max(float(noise.std()), 1e-6)
    strength = np.zeros((*labels.shape, 1), np.float32)
    everywhere = _spread(detail[known != 255])
    for label in np.unique(labels):
        mine = known == label
        enough = np.count_nonzero(mine) >= GRAIN_PIXELS
        strength[labels == label] = _spread(detail[mine]) if enough else everywhere
    return np.asarray(noise[..., None] * strength, np.float32)


def _spread(detail: NDArray[np.float32]) -> float:
    """Return the typical deviation of detail (N, 3): its median, which edges do not raise."""
    if not len(detail):
        return 0.0
    grey = detail[:: max(1, len(detail) // 20000)].mean(axis=1)
    return min(1.4826 * float(np.median(np.abs(grey - np.median(grey)))), STRONGEST_GRAIN)
