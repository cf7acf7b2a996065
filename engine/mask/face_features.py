"""Eyes, brows and nose of a face, changed on its mask.

Each function changes a mask in place and returns where; strengths are -1..1, 0 changing nothing.
"""

import numpy as np

from engine.mask.face import FaceGeometry, Part
from engine.mask.face_parts import BROWS, EYES, GLASSES, NOSE, SKIN
from engine.mask.face_patch import Field, Patch, Upright, along, ramp, smoothed
from engine.mask.steps import EMPTY
from engine.types import LabelMap, Region

_UNDER = (SKIN, GLASSES)
"""What lies behind eyes and brows: they are drawn over glasses."""
_LEAST = 2.0
"""No part is made thinner than this, in pixels: it would fall to pieces."""


def _around(part: Part, across: float, down: float) -> tuple[float, float, float, float]:
    """Return a box around a part, its sides farther away by shares of its width and height, and by a little."""
    u, v = across * part.width + 0.02, down * part.height + 0.02
    return part.left - u, part.top - v, part.right + u, part.bottom + v


def _scale(strength: float, most: float, least: float) -> float:
    """Return 1 for 0, ``most`` for 1 and ``least`` for -1, growing evenly on either side."""
    return 1 + strength * (most - 1 if strength > 0 else 1 - least)


def _soft(strength: float) -> float:
    """Return how much a border is evened out that is drawn larger: its steps would grow with it."""
    return 0.01 * max(strength, 0.0)


def eye_size(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Make the eyes larger or smaller, evenly."""
    k = _scale(strength, 1.32, 0.72)
    changed = EMPTY
    for eye in face.eyes:
        if eye.seen:
            patch = Patch(work, face, _around(eye, 0.4, 0.5))
            u, v = patch.places()
            inside, labels = patch.sampled(EYES, eye.u + (u - eye.u) / k, eye.v + (v - eye.v) / k, _soft(strength))
            changed = changed.union(patch.lay(inside, labels, EYES, _UNDER, _UNDER))
    return changed


def eye_opening(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Open the eyes wide, or close them but for a narrow slit; the upper lid moves more than the lower one."""
    changed = EMPTY
    for eye in face.eyes:
        if eye.seen:
            k = max(_scale(strength, 1.4, 0.2), min(1.0, _LEAST / (eye.height * face.unit)))
            patch = Patch(work, face, _around(eye, 0.1, 0.6))
            u, v = patch.places()
            still = eye.v + 0.25 * eye.height
            inside, labels = patch.sampled(EYES, u, still + (v - still) / np.float32(k), _soft(strength))
            changed = changed.union(patch.lay(inside, labels, EYES, _UNDER, _UNDER))
    return changed


_ROOM = 0.25
"""How far above a brow hair is looked for, in units of the face's frame."""


class _Brow:
    """A brow and the patch around it.

    Attributes
    ----------
    u, v
        The places of the patch's pixels.
    middle
        V of the brow's middle line there.
    thickness
        How thick it is, in units of the frame.
    room
        How far it can rise before most of it is under hair.
    """

    def __init__(self, work: LabelMap, face: FaceGeometry, brow: Part) -> None:
        self.patch = Patch(work, face, _around(brow, 0.15, 1.6))
        self.u, self.v = self.patch.places()
        columns = Upright(work, face, (brow.left, brow.top - _ROOM, brow.right, brow.bottom))
        hair = columns.holds(BROWS)
        count = hair.sum(axis=0)
        seen = np.flatnonzero(count)
        if not seen.size:
            # A brow so small that the raster's cells miss it.
            self.thickness, self.room, self.middle = brow.height, _ROOM, np.full_like(self.v, brow.v)
            return
        self.thickness = float(np.percentile(count[seen], 80)) / face.unit
        line = (hair * columns.v[:, None]).sum(axis=0)[seen] / count[seen]
        middles = smoothed(np.interp(columns.u, columns.u[seen], line), 0.04 * face.unit)
        self.middle = along(middles, float(columns.u[0]), 1 / face.unit, self.u)
        top = hair.argmax(axis=0)[seen]
        hidden = ~columns.holds((*_UNDER, *BROWS))[:, seen] & (np.arange(len(columns.v))[:, None] < top)
        lowest = np.where(hidden, columns.v[:, None], brow.top - _ROOM).max(axis=0)
        self.room = float(np.percentile(columns.v[top] - lowest, 40))

    def moved_to(self, u: Field, v: Field, soft: float = 0.0) -> Region:
        inside, labels = self.patch.sampled(BROWS, u, v, soft)
        return self.patch.lay(inside, labels, BROWS, _UNDER, _UNDER)


def brow_thickness(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Make the brows thicker or thinner, about their own middle lines."""
    changed = EMPTY
    for part in face.brows:
        if part is not None:
            brow = _Brow(work, face, part)
            # Thick brows grow less than thin ones, which no one would see otherwise.
            most = 1 + min(1.0, 0.07 / max(brow.thickness, 1e-6))
            k = max(_scale(strength, most, 0.45), min(1.0, _LEAST / max(brow.thickness * face.unit, 1e-6)))
            source = brow.middle + (brow.v - brow.middle) / np.float32(k)
            changed = changed.union(brow.moved_to(brow.u, source, 2 * _soft(strength)))
    return changed


def brow_height(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Raise the brows, most at their arch, or lower them, most at their inner ends and never into the eyes."""
    changed = EMPTY
    for part, eye in zip(face.brows, face.eyes, strict=True):
        if part is not None:
            brow = _Brow(work, face, part)
            outwards = _outwards(brow.u, part, face)
            if strength > 0:
                shift = (
                    -min(0.17, brow.room)
                    * strength
                    * (0.75 + 0.25 * np.sin(np.pi * np.clip(outwards * 0.8 + 0.1, 0, 1)))
                )
            else:
                room = max(eye.top - part.bottom, 0.0) if eye.seen else 0.05
                shift = -strength * min(0.12, 0.6 * room + 0.03) * (1 - 0.35 * outwards)
            changed = changed.union(brow.moved_to(brow.u, brow.v - shift.astype(np.float32)))
    return changed


def brow_slant(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Slant the brows: inner ends down and outer ones up as in anger, or the other way round as in sorrow."""
    changed = EMPTY
    for part in face.brows:
        if part is not None:
            brow = _Brow(work, face, part)
            shift = 0.085 * strength * (1 - 2 * _outwards(brow.u, part, face))
            changed = changed.union(brow.moved_to(brow.u, brow.v - shift.astype(np.float32)))
    return changed


def _outwards(u: Field, brow: Part, face: FaceGeometry) -> Field:
    """Return how far from a brow's inner end to its outer one each pixel lies, 0..1."""
    t = (u - np.float32(brow.left)) / np.float32(brow.width)
    return np.clip(t if brow.u > face.middle else 1 - t, 0, 1).astype(np.float32)


def nose_width(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Make the nose wider or narrower, most at its wings and hardly at its bridge."""
    nose = face.nose
    if nose is None:
        return EMPTY
    patch = Patch(work, face, _around(nose, 0.25, 0.02))
    u, v = patch.places()
    columns = Upright(work, face, _around(nose, 0, 0)).holds((NOSE,))
    # The middle of the lower half, where the wings are: the nose of a head that is turned aside leans.
    across = np.flatnonzero(columns[columns.shape[0] // 2 :].any(axis=0))
    middle = nose.left + (across[0] + across[-1] + 1) / 2 / face.unit if across.size else nose.u
    wings = 0.3 + 0.7 * ramp(v, nose.top + 0.15 * nose.height, nose.top + 0.75 * nose.height)
    k = 1 + wings * np.float32(_scale(strength, 1.32, 0.7) - 1)
    inside = patch.covered((NOSE,), middle + (u - np.float32(middle)) / k, v)
    return patch.lay(inside, NOSE, (NOSE,), (SKIN,), (SKIN,))
