"""The outline of a face, changed on its mask: its chin and its width.

Each function changes a mask in place and returns where.
"""

import cv2
import numpy as np

from engine.mask.face import FaceGeometry
from engine.mask.face_parts import BROWS, EYES, GLASSES, MOUTH, NOSE, SKIN
from engine.mask.face_patch import Field, Patch, along, ramp, smoothed
from engine.mask.steps import EMPTY
from engine.types import LabelMap, Region
from resources.labels import BY_NAME

_BACKGROUND, _HAIR, _NECK, _NECKLACE, _CLOTH = (
    BY_NAME[name].id for name in ("background", "hair", "neck", "neck_l", "cloth")
)
_BEHIND = (_NECK, _NECKLACE, _CLOTH, _BACKGROUND, _HAIR)
"""What lies behind a chin."""
_STILL = (NOSE, *EYES, *BROWS, *MOUTH, GLASSES)
"""What stays where it is when the face's outline moves."""


def move_chin(work: LabelMap, face: FaceGeometry, by: float) -> Region:
    """Move the chin down by some units of the face's frame, or up; jaw and cheeks follow, the less the higher."""
    mouth = face.mouth
    lips = mouth.bottom if mouth is not None else face.chin - 0.45
    start = mouth.v if mouth is not None else face.chin - 0.65
    by = max(by, min(0.0, lips + 0.15 - face.chin))
    if not by or face.chin - start < 0.1:
        return EMPTY
    lower = face.outline[face.outline[:, 0] > start]
    if not len(lower):
        return EMPTY
    left, right = float(lower[:, 1].min()), float(lower[:, 2].max())
    patch = Patch(work, face, (left - 0.02, start, right + 0.02, face.chin + max(by, 0) + 0.12))
    if patch.region.empty:
        return EMPTY
    u, v = patch.places()
    source = v
    for _ in range(4):
        # Moved by what the place that it comes from is moved by.
        source = v - np.float32(by) * ramp(source, start, face.chin)
    # The skin behind the lips, which stay, moves as well.
    inside = patch.covered((SKIN, *MOUTH), u, source)
    return patch.lay(inside, SKIN, (SKIN,), _BEHIND, _BEHIND)


def chin_length(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Make the chin longer or shorter; strength -1..1."""
    return move_chin(work, face, (0.2 if strength > 0 else 0.16) * strength)


def face_width(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Make the face slimmer or wider, ears and hair following; eyes, brows, nose and mouth stay. Strength -1..1."""
    left, right = face.sides(0.4)
    reach = 2.0 * max(face.middle - left, right - face.middle)
    patch = Patch(work, face, (face.middle - reach, -1.0, face.middle + reach, face.chin + 0.5))
    if patch.region.empty:
        return EMPTY
    by = np.float32(0.125 * strength)
    x, y = patch.smooth_map(lambda u, v: (u - by * _outwards(face, u, v), v))
    base, still = patch.labels.copy(), patch.holds(_STILL)
    base[still] = SKIN
    result = np.asarray(cv2.remap(base, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    result[still] = patch.labels[still]
    return patch.write(result)


def _outwards(face: FaceGeometry, u: Field, v: Field) -> Field:
    """Return how far a place moves outwards where the face gets twice as wide, in units of the frame."""
    rows = face.outline
    start, step = float(rows[0, 0]), float(rows[1, 0] - rows[0, 0])
    result = np.zeros_like(u)
    for side, column in ((-1, 1), (1, 2)):
        half = smoothed(np.maximum(side * (rows[:, column] - face.middle), 0.45), 5)
        reach = along(half, start, step, v)
        t = side * (u - np.float32(face.middle)) / reach
        result += side * reach * np.where(t > 0, ramp(t, 0.35, 1.0) * (1 - ramp(t, 1.0, 1.9)), 0)
    height = ramp(v, -0.9, 0.1) * (1 - ramp(v, face.chin - 0.2, face.chin + 0.4))
    return (result * height).astype(np.float32)
