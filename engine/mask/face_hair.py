"""The hair of a face, changed on its mask.

Each function changes a mask in place and returns where; strengths are -1..1, 0 changing nothing.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.mask.face import FACE, FaceGeometry
from engine.mask.face_parts import BROWS, SKIN
from engine.mask.face_patch import Box, Field, Patch, Upright, along, filled, ramp, smoothed, widened
from engine.mask.face_shapes import drawn, moved
from engine.mask.steps import EMPTY
from engine.types import LabelMap, Region
from resources.labels import BY_NAME

_BACKGROUND, _HAIR, _HAT, _NECK, _NECKLACE, _CLOTH = (
    BY_NAME[name].id for name in ("background", "hair", "hat", "neck", "neck_l", "cloth")
)
_EARS = (BY_NAME["r_ear"].id, BY_NAME["l_ear"].id)
_BEHIND = (_BACKGROUND, _CLOTH, _NECK, *_EARS)
"""What long hair falls over."""
_MOST_CELLS = 64
"""Hair is looked at in no more cells per unit of the face's frame than these."""
_LONGEST = 1.9
"""How much longer hair gets, in units of the frame."""


def hair_length(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Let the hair hang lower beside the face, over neck, ears and clothes, or cut it."""
    if not (work == _HAIR).any():
        return EMPTY
    return _longer(work, face, strength) if strength > 0 else _shorter(work, face, -strength)


def _whole(work: LabelMap, face: FaceGeometry) -> Box:
    """Return the box that holds the whole mask."""
    height, width = work.shape
    corners = face.to_face(np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))
    (u0, v0), (u1, v1) = corners.min(axis=0), corners.max(axis=0)
    return float(u0), float(v0), float(u1), float(v1)


def _longer(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    raster = Upright(work, face, _whole(work, face), min(face.unit, _MOST_CELLS))
    step = float(raster.v[1] - raster.v[0])
    aside = np.abs(raster.u - face.middle) / (face.width / 2)
    hair, front = raster.holds((_HAIR,)), raster.holds(FACE)
    # Hair hangs behind the jaw, but what lies over the forehead does not come out again below the chin.
    front &= aside < 0.6
    rows = np.arange(len(raster.v), dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(hair, rows, -(10**6)), axis=0)
    blocked = np.maximum.accumulate(np.where(front, rows, -(10**6)), axis=0) > above
    length = _LONGEST * strength * (1 - 0.22 * np.clip(aside - 0.7, 0, 1.2) ** 2) * _near(face, raster.u)
    field = np.where(blocked, -1.0, length - (rows - above) * step)
    field = np.clip(field / step, -3, 3).astype(np.float32)
    # Long hair falls wider than it grows.
    wide = 1 + 0.14 * strength * ramp(raster.v.astype(np.float32), -0.4, 1.3)
    columns = (face.middle + (raster.u - face.middle) / wide[:, None] - raster.u[0]) / step
    x = columns.astype(np.float32)
    y = np.broadcast_to(rows.astype(np.float32), x.shape)
    field = np.maximum(field, cv2.remap(field, x, np.ascontiguousarray(y), cv2.INTER_LINEAR, borderValue=-3))
    field[_between(raster, face, field > 0, 0.4 * strength)] = 3
    field = cv2.GaussianBlur(field, (0, 0), 0.04 / step)
    patch = Patch(work, face, _whole(work, face))
    grown = raster.back(np.asarray(field, np.float32), patch.region) & patch.holds(_BEHIND)
    return patch.write(np.where(grown, np.uint8(_HAIR), patch.labels))


def _near(face: FaceGeometry, u: Field) -> Field:
    """Return how much hair falls at places across the face, (n,): none in front of a head that is turned aside."""
    left, right = face.sides(0.4)
    reach = np.array([face.middle - left, right - face.middle])
    seen = ramp((reach / max(reach.max(), 1e-6)).astype(np.float32), 0.25, 0.5)
    return np.where(u < face.middle, seen[0], seen[1])


def _between(raster: Upright, face: FaceGeometry, hair: NDArray[np.bool_], most: float) -> NDArray[np.bool_]:
    """Return the background between hair and the jaw or neck, bool (h, w), where it is narrow: long hair is there too.

    Parameters
    ----------
    hair
        Where hair is, bool (h, w).
    most
        How wide it may be, in units of the face's frame.
    """
    body, empty = raster.holds((*FACE, _NECK)), raster.holds((_BACKGROUND,))
    columns = np.arange(len(raster.u), dtype=np.int32)
    far = np.int32(10**6)
    found = np.zeros_like(hair)
    low = raster.v > 0.3
    for way in (slice(None), slice(None, None, -1)):
        last = np.maximum.accumulate(np.where(body[low, way], columns, -far), axis=1)
        following = np.minimum.accumulate(np.where(hair[low, way], columns, far)[:, ::-1], axis=1)[:, ::-1]
        outer = (raster.u > face.middle) == (way.step is None)
        found[low] |= ((following - last) * (raster.u[1] - raster.u[0]) < most)[:, way] & outer
    return found & empty


def _shorter(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    whole = _whole(work, face)
    raster = Upright(work, face, whole, min(face.unit, _MOST_CELLS))
    count = raster.holds((_HAIR,)).sum(axis=1)
    # Single locks below all others do not tell how long the hair is.
    lowest = float(raster.v[np.searchsorted(np.cumsum(count), 0.995 * count.sum())])
    level = lowest + strength * (min(0.3, lowest - 0.2) - lowest)
    # Cut round: higher at the outer ends.
    aside = np.linspace(0, max(abs(whole[0]), abs(whole[2])) + 0.5, 40)
    edge = level - 0.6 * strength * np.maximum(aside - face.width / 2, 0) ** 1.5
    below = np.concatenate([np.c_[-aside[::-1], edge[::-1]], np.c_[aside, edge], [[aside[-1], 9], [-aside[-1], 9]]])
    patch = Patch(work, face, (whole[0], float(edge.min()), whole[2], whole[3]))
    cut = EMPTY
    if not patch.region.empty:
        gone = drawn(patch, [moved(below, face.middle, 0)]) & patch.holds((_HAIR,))
        cut = patch.write(_without_hair(patch, gone))
    flatter = 0.6 if lowest > 0.6 else 0.9
    return cut.union(hair_volume(work, face, -flatter * strength))


def _without_hair(patch: Patch, gone: NDArray[np.bool_]) -> LabelMap:
    """Return a patch's labels, uint8 (h, w), in which hair, bool (h, w), has given way to what is behind it."""
    face, labels = patch.face, patch.labels
    if not gone.any():
        return labels
    if (labels == _NECK).any():
        half, spread = 0.33 * face.width, 0.15 * (6 - face.chin)
        sides = [
            [half, 0.5],
            [half, face.chin],
            [half + spread, 6],
            [-half - spread, 6],
            [-half, face.chin],
            [-half, 0.5],
        ]
        neck = gone & drawn(patch, [moved(np.array(sides), face.middle, 0)])
        labels = filled(labels, neck, (_NECK, _NECKLACE, _CLOTH))
        gone = gone & ~neck
    return filled(labels, gone, (_BACKGROUND, _CLOTH, _HAT))


def fringe(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Let the hair fall over the forehead, down to the eyes' lids at most, or draw it back from there."""
    line = _Hairline(work, face)
    if not line.found:
        return EMPTY
    patch = Patch(work, face, (line.u[0], face.crown - 0.1, line.u[-1], 0.3))
    u, v = patch.places()
    start, step = float(line.u[0]), float(line.u[1] - line.u[0])
    new, old = (along(each, start, step, u) for each in (line.moved(face, strength), line.edge))
    if strength < 0:
        bare = (v > new) & (v < old + np.minimum(old - new, 0.03)) & patch.holds((_HAIR,))
        return patch.write(np.where(bare, np.uint8(SKIN), patch.labels))
    covered = (v < new) & (v > old - 0.15) & patch.holds((SKIN, *BROWS))
    result = np.where(covered, np.uint8(_HAIR), patch.labels)
    for brow in BROWS:
        whole, left = np.count_nonzero(patch.labels == brow), result == brow
        if np.count_nonzero(left) < 0.35 * whole:
            # What still looks out under the fringe is no brow any more.
            result[left] = SKIN
    return patch.write(result)


def has_hairline(labels: LabelMap, face: FaceGeometry) -> bool:
    """Return whether hair begins above the forehead: there can be a fringe."""
    return _Hairline(labels, face).found


class _Hairline:
    """Where hair ends above the forehead.

    Attributes
    ----------
    u
        Places across the face, (n,).
    edge
        V of the face's upper end under the hair there.
    weight
        0 where the face has no hair above it between where it has, else 1, with smooth steps.
    top
        V of the hair's upper end.
    found
        Whether there is hair over a part of the forehead.
    """

    def __init__(self, work: LabelMap, face: FaceGeometry) -> None:
        half = face.width / 2
        box = (face.middle - 1.05 * half, face.crown - 0.1, face.middle + 1.05 * half, 0.6)
        raster = Upright(work, face, box, min(face.unit, _MOST_CELLS))
        self.u, step = raster.u, float(raster.v[1] - raster.v[0])
        front, hair = raster.holds(FACE), raster.holds((_HAIR,))
        first = front.argmax(axis=0)
        columns = np.arange(len(self.u))
        under = front.any(axis=0) & (first > 0) & hair[np.maximum(first - 1, 0), columns] & (raster.v[first] < -0.1)
        self.found = bool(under.mean() > 0.25)
        if not self.found:
            return
        known = np.flatnonzero(under)
        sigma = 0.05 / step
        self.edge = smoothed(np.interp(columns, known, raster.v[first[known]] - step / 2), sigma)
        self.top = smoothed(np.interp(columns, known, raster.v[hair.argmax(axis=0)[known]]), sigma)
        gaps = ~under
        gaps[: known[0]] = gaps[known[-1] :] = False
        self.weight = smoothed(1.0 - gaps, sigma)
        self.aside = np.abs(self.u - face.middle) / half

    def moved(self, face: FaceGeometry, strength: float) -> NDArray[np.float64]:
        """Return `edge` with more of a fringe, or less."""
        if strength > 0:
            lids = min(eye.top for eye in face.eyes)
            brows = max((brow.bottom for brow in face.brows if brow is not None), default=lids - 0.1)
            # Right below the brows, or as far above the eyes as looks right.
            goal = min(max(brows + 0.02, lids - 0.1), lids - 0.04) + 0.1 * self.aside**2
            return self.edge + strength * self.weight * np.maximum(goal - self.edge, 0)
        most = np.minimum(0.55, 0.5 * np.maximum(self.edge - self.top, 0))
        taper = 1 - ramp(self.aside.astype(np.float32), 0.5, 0.95)
        return self.edge + strength * self.weight * most * taper


def hair_volume(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Let the hair stand farther from the head, or lie closer to it."""
    hair = Region.of(work == _HAIR)
    if hair.empty:
        return EMPTY
    # As far as it can grow, or as what lies around it fills the room that it leaves.
    reach = round((0.6 * max(strength, 0.0) + 0.2) * face.unit) + 2
    patch = Patch(work, face, widened(hair, reach, work.shape))
    wide, high, middle = 0.52 * face.width, 1.5, np.float32(face.middle)
    # Where the head is, hair neither gives way nor grows.
    start, k = (0.75, 1 + 0.5 * strength) if strength > 0 else (1.0, 1 + 0.55 * strength)

    def source(u: Field, v: Field) -> tuple[Field, Field]:
        across, up = (u - middle) / np.float32(wide), np.minimum(v + np.float32(0.1), 0) / np.float32(high)
        radius = np.maximum(np.hypot(across, up), np.float32(1e-3))
        scale = np.where(radius > start, (start + (radius - start) / k) / radius, 1)
        return middle + (u - middle) * scale, np.where(v < -0.1, -0.1 + (v + 0.1) * scale, v)

    moved, _ = patch.remapped((_HAIR,), *patch.smooth_map(source), ending=True)
    if strength > 0:
        grown = moved & patch.holds((_BACKGROUND, _CLOTH))
        return patch.write(np.where(grown, np.uint8(_HAIR), patch.labels))
    return patch.lay(moved, _HAIR, (_HAIR,), (_NECK, _CLOTH, _BACKGROUND), (_BACKGROUND, _CLOTH))
