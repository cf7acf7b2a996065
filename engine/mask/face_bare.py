"""Glasses, hats and jewellery, taken off a face's mask.

What is under them is taken from the portrait's own mask, as far as it shows that, and else it is what a face usually
has there. Each function changes a mask in place and returns where.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.mask.face import FACE, FaceGeometry
from engine.mask.face_parts import BROWS, EYES, GLASSES, NOSE, SKIN
from engine.mask.face_patch import Patch, Upright, chosen, filled, widened
from engine.mask.face_shapes import AROUND, Outline, band, drawn
from engine.mask.steps import EMPTY
from engine.types import LabelMap, Region
from resources.labels import BY_NAME, LABEL_COUNT

_BACKGROUND, _HAIR, _HAT, _EARRING, _NECKLACE = (
    BY_NAME[name].id for name in ("background", "hair", "hat", "ear_r", "neck_l")
)
_EARS = (BY_NAME["r_ear"].id, BY_NAME["l_ear"].id)
_WORN = (GLASSES, _HAT, _EARRING, _NECKLACE)
_AROUND = tuple(sorted(set(range(LABEL_COUNT)) - set(FACE) - set(_WORN) | {SKIN}))
"""What jewellery lies on."""
_CLEARED = 1.1
"""How far below a hat's lower end hair is cleared away where one is put on."""
_MARGIN = 1.2
"""How far around something the patch reaches from which the mask is filled, in units of the face's frame."""


def _off(
    work: LabelMap, source: LabelMap | None, face: FaceGeometry, label: int, trusted: tuple[int, ...]
) -> tuple[Patch, NDArray[np.bool_], LabelMap] | None:
    """Return the patch around a class, where the class is in it, and the patch without it, uint8 (h, w).

    That holds what the source has there, if it is one of the classes ``trusted``; else the class is left. None if the
    mask has none of it.
    """
    found = Region.of(work == label)
    if found.empty:
        return None
    patch = Patch(work, face, widened(found, max(2, round(_MARGIN * face.unit)), work.shape))
    gone = patch.holds((label,))
    result = patch.labels.copy()
    if source is not None:
        own = source[patch.region.slices]
        known = gone & np.isin(own, trusted)
        result[known] = own[known]
    return patch, gone, result


def take_off_jewellery(work: LabelMap, face: FaceGeometry, source: LabelMap | None, label: int) -> Region:
    """Take earrings or a necklace off; ``label`` is the class of either."""
    off = _off(work, source, face, label, _AROUND)
    if off is None:
        return EMPTY
    patch, _, labels = off
    return patch.write(filled(labels, labels == label, _AROUND))


def take_off_glasses(work: LabelMap, face: FaceGeometry, source: LabelMap | None) -> Region:
    """Take glasses off: skin and nose come out, eyes and brows stay, and are drawn where the glasses hid them."""
    hidden = _hidden(work, face)
    off = _off(work, source, face, GLASSES, (SKIN, NOSE, _HAIR, _BACKGROUND, *_EARS, *hidden))
    if off is None:
        return EMPTY
    patch, gone, labels = off
    rest = labels == GLASSES
    u, v = patch.places()
    # Only at the sides of the head do they lie on anything but skin.
    front = rest & (np.abs(u - np.float32(face.middle)) < 0.45 * face.width)
    labels = filled(filled(labels, front, (SKIN,)), rest & ~front, (SKIN, _HAIR, _BACKGROUND, *_EARS))
    if face.nose is not None:
        # The bridge is narrow, and the nose gets wider downwards.
        beside = np.abs(u - np.float32((face.middle + face.nose.u) / 2))
        nose = rest & (beside < 0.065 + 0.3 * np.maximum(v, 0)) & (v > min(face.nose.top, -0.06)) & (v < 0.45)
        labels = np.where(nose, np.uint8(NOSE), labels)
    for outline, label in _outlines(face, set(hidden) - set(np.unique(labels[gone]).tolist())):
        seen = drawn(patch, [outline]) & gone & (labels == SKIN)
        labels = np.where(seen, np.uint8(label), labels)
    return patch.write(labels)


def _hidden(work: LabelMap, face: FaceGeometry) -> tuple[int, ...]:
    """Return the classes of eyes and brows of which nothing is seen, or of a brow no more than an end."""
    eyes = [label for label in EYES if not (work == label).any()]
    brows = [label for label, brow in zip(BROWS, face.brows, strict=True) if brow is None or brow.width < 0.25]
    return *eyes, *brows


def _outlines(face: FaceGeometry, hidden: set[int]) -> list[tuple[Outline, int]]:
    """Return outlines of eyes and brows, as they usually are, and their classes."""
    found: list[tuple[Outline, int]] = []
    for side, eye, eye_id, brow_id in zip((-1, 1), face.eyes, EYES, BROWS, strict=True):
        if eye_id in hidden and not eye.seen:
            c, s = np.cos(AROUND), np.sin(AROUND)
            # An almond, more arched above than below.
            high = np.where(s < 0, 0.6, 0.4) * eye.height
            found.append((np.c_[eye.u + eye.width / 2 * c, eye.v + high * np.sign(s) * np.abs(s) ** 1.5], eye_id))
        if brow_id in hidden:
            t = np.linspace(-1, 1, 25)
            outwards = t * side
            line = np.c_[eye.u + 0.02 * side + 0.29 * t, eye.v - 0.26 - 0.05 * (1 - (outwards - 0.3) ** 2)]
            found.append((band(line, 0.03 + 0.06 * np.sqrt(np.clip(1 - outwards, 0, 1) / 2)), brow_id))
    return found


def take_off_hat(work: LabelMap, face: FaceGeometry, source: LabelMap | None) -> Region:
    """Take a hat off: hair comes out, and the forehead under it."""
    off = _off(work, source, face, _HAT, (SKIN, _HAIR, _BACKGROUND, *_EARS, *BROWS))
    if off is None:
        return EMPTY
    patch, gone, labels = off
    rest = labels == _HAT
    u, v = patch.places()
    if source is not None and not rest.any():
        # The hat was put on here, and hair that stuck out beside it was cleared away with that.
        near = v < v[gone].max() + np.float32(_CLEARED)
        back = near & (labels == _BACKGROUND) & (source[patch.region.slices] == _HAIR)
        return patch.write(np.where(back, np.uint8(_HAIR), labels))
    half, middle = np.float32(face.width / 2), np.float32(face.middle)
    left, right = _hair_sides(work, face)
    across = np.where(u < middle, (middle - u) / np.float32(left), (u - middle) / np.float32(right))
    head = across**2 + (np.minimum(v + np.float32(0.2), 0) / np.float32(1.65)) ** 2 < 1
    forehead = rest & (((u - middle) / (np.float32(0.88) * half)) ** 2 + (v / np.float32(0.82)) ** 2 < 1)
    labels = np.where(rest, np.where(head, np.uint8(_HAIR), np.uint8(_BACKGROUND)), labels)
    return patch.write(np.where(head & _joined(forehead, chosen(labels, FACE)), np.uint8(SKIN), labels))


def _joined(pixels: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return those pixels, bool (h, w), that hang together with others: no skin is left amid hair."""
    _, marks = cv2.connectedComponents((pixels | others).view(np.uint8))
    marks = np.asarray(marks, np.int32)
    return pixels & np.isin(marks, np.unique(marks[others]))


def _hair_sides(work: LabelMap, face: FaceGeometry) -> tuple[float, float]:
    """Return how far the hair beside the face reaches from the middle, to the left and to the right, within limits."""
    half = face.width / 2
    raster = Upright(work, face, (face.middle - 1.3 * half, -0.5, face.middle + 1.3 * half, 0.3), 64.0)
    hair = np.flatnonzero(raster.holds((_HAIR,)).mean(axis=0) > 0.3)
    reach = raster.u[hair] - face.middle if hair.size else np.zeros(1)
    return max(1.14 * half, float(-reach.min())), max(1.14 * half, float(reach.max()))
