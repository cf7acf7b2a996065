"""Glasses, hats and jewellery, drawn onto a face's mask as data sets label them.

Each function changes a mask in place and returns where; strengths are 0..1, 0 drawing nothing.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.mask.face import FACE, FaceGeometry, Part
from engine.mask.face_bare import take_off_glasses
from engine.mask.face_parts import GLASSES, NOSE, SKIN
from engine.mask.face_patch import Patch, Upright
from engine.mask.face_shapes import AROUND, Outline, band, bar, box_around, drawn, moved, superellipse
from engine.mask.steps import EMPTY
from engine.types import LabelMap, Region
from resources.labels import BY_NAME

_BACKGROUND, _HAIR, _HAT, _NECK, _CLOTH, _EARRING, _NECKLACE = (
    BY_NAME[name].id for name in ("background", "hair", "hat", "neck", "cloth", "ear_r", "neck_l")
)
_EARS = (BY_NAME["r_ear"].id, BY_NAME["l_ear"].id)


def _put_on(work: LabelMap, face: FaceGeometry, outlines: Sequence[Outline], label: int, onto: Sequence[int]) -> Region:
    if not outlines:
        return EMPTY
    patch = Patch(work, face, box_around(outlines))
    if patch.region.empty:
        return EMPTY
    shown = drawn(patch, outlines) & patch.holds(onto)
    return patch.write(np.where(shown, np.uint8(label), patch.labels))


def _round_lens() -> Outline:
    return superellipse(0.36, 0.345, 2.0)


def _rectangular_lens() -> Outline:
    lens = superellipse(0.4, 0.25, 4.5)
    lens[:, 0] *= 1 - 0.18 * lens[:, 1]
    return lens


def _cat_eye_lens() -> Outline:
    lens = superellipse(0.39, 0.27, 2.7)
    upper = np.clip(0.4 - lens[:, 1] / 0.27, 0, 1)
    lens[:, 1] -= 0.17 * upper * np.clip(lens[:, 0] / 0.39, 0, 1) ** 2
    lens[:, 0] += 0.07 * upper * np.clip(lens[:, 0] / 0.39, 0, 1) ** 2
    return lens


def _aviator_lens() -> Outline:
    lens = superellipse(0.41, 0.35, 2.5)
    lens[:, 0] = lens[:, 0] * (1 - 0.35 * np.clip(lens[:, 1], -0.2, 1)) + 0.16 * lens[:, 1]
    lens[:, 1] = np.where(lens[:, 1] < 0, 0.72 * lens[:, 1], lens[:, 1] + 0.02)
    return lens


_SKY = -4.0
"""V of what is above every head."""

HatShape = Literal["beanie", "cap", "brimmed"]

LENSES = {
    "round": _round_lens(),
    "rectangular": _rectangular_lens(),
    "cat_eye": _cat_eye_lens(),
    "aviator": _aviator_lens(),
}
"""The outlines of lenses, (N, 2): about the eye's middle, u growing outwards, in units of the eyes' distance."""


def put_on_glasses(work: LabelMap, face: FaceGeometry, strength: float, shape: str) -> Region:
    """Draw lenses, frame and bridge, with eyes and brows over them; the stronger, the larger.

    Parameters
    ----------
    shape
        A key of `LENSES`.
    """
    size = 0.8 + 0.42 * strength
    bridge = _bridge(work, face)
    outlines: list[Outline] = []
    inner: list[Outline] = []
    for side, eye in zip((-1, 1), face.eyes, strict=True):
        if not eye.seen and not _on_head(work, face, eye):
            continue
        # The farther lens of a head that is turned aside looks narrower.
        wide = size * min(max(abs(eye.u - bridge) / 0.5, 0.55), 1.1)
        lens = LENSES[shape] * (side * wide, size)
        nearest = float((side * lens[:, 0]).min())
        u = max(side * eye.u + 0.03, side * bridge + 0.09 - nearest)
        lens = moved(lens, side * u, eye.v + 0.05 * size)
        outlines.append(lens)
        inner.append(lens[[int(np.argmin(side * lens[:, 0]))]])
        outlines.append(_temple(face, lens, side))
    if len(inner) == 2:
        outlines.append(bar(np.concatenate(inner) - (0, 0.07 * size), 0.055, 0.05))
    before = take_off_glasses(work, face, None) if (work == GLASSES).any() else EMPTY
    return before.union(_put_on(work, face, outlines, GLASSES, (SKIN, NOSE, _BACKGROUND, *_EARS)))


def _bridge(work: LabelMap, face: FaceGeometry) -> float:
    """Return u of the nose's bridge."""
    nose = face.nose
    if nose is None:
        return face.middle
    upper = Upright(work, face, (nose.left, nose.top, nose.right, nose.top + 0.3 * nose.height))
    columns = np.flatnonzero(upper.holds((NOSE,)).any(axis=0))
    if not columns.size:
        return face.middle
    return float(upper.u[columns].mean() + face.middle) / 2


def _on_head(work: LabelMap, face: FaceGeometry, eye: Part) -> bool:
    """Return whether a place where an eye is guessed lies on the head, and not behind its outline."""
    x, y = face.to_mask(np.array([[eye.u, eye.v]]))[0]
    height, width = work.shape
    return 0 <= x < width and 0 <= y < height and work[int(y), int(x)] in (*FACE, _HAIR)


def _temple(face: FaceGeometry, lens: Outline, side: int) -> Outline:
    """Return the outline of what joins a lens to the ear, as far as the face shows."""
    outer = lens[int(np.argmax(side * lens[:, 0]))]
    v = 0.5 * outer[1] + 0.5 * float(lens[:, 1].min()) + 0.03
    edge = face.sides(v)[0 if side < 0 else 1]
    start = float(outer[0]) - side * 0.1
    return bar(np.array([[start, v], [side * max(side * edge + 0.03, side * start), v - 0.02]]), 0.05, 0.0)


def put_on_hat(work: LabelMap, face: FaceGeometry, strength: float, shape: HatShape) -> Region:
    """Draw a hat that covers the upper head; hair that would stick out beside or above it gives way.

    Parameters
    ----------
    shape
        ``"beanie"``, ``"cap"`` or ``"brimmed"``; the stronger, the larger.
    """
    half = face.width / 2
    brows = min((brow.top for brow in face.brows if brow is not None), default=-0.4)
    rim = min(brows, -0.3) - {"beanie": 0.16, "cap": 0.3, "brimmed": 0.3}[shape]
    wide = half * (1.1 + 0.06 * strength)
    top = min(-1.75, face.outline[0, 0] - 0.05) - {"beanie": 0.3, "cap": 0.08, "brimmed": 0.2}[shape] * strength
    middle = face.middle
    if shape == "beanie":
        sag = 0.2
        cuff = superellipse(wide * 1.03, 0.14 + 0.02 * strength, 3.5)
        cuff[:, 1] += sag * (cuff[:, 0] / wide) ** 2
        outlines = [_dome(middle, wide, rim - 0.1, top, sag, 3.0), moved(cuff, middle, rim - 0.12)]
    elif shape == "cap":
        sag = 0.04
        reach, drop = wide * (0.8 + 0.14 * strength), 0.22 + 0.1 * strength
        visor = np.c_[reach * np.cos(AROUND), np.where(np.sin(AROUND) > 0, drop, 0.1) * np.sin(AROUND)]
        outlines = [_dome(middle, wide, rim, top, sag), moved(visor, middle, rim)]
    else:
        sag = 0.1
        reach = half * (1.5 + 0.45 * strength)
        brim = superellipse(reach, 0.17 + 0.1 * strength)
        brim[:, 1] -= 0.1 * (brim[:, 0] / reach) ** 2
        outlines = [_dome(middle, wide * 0.98, rim, top, sag, 3.4), moved(brim, middle, rim + 0.02)]
    # Hair comes out from under the hat and only then spreads; a bun above the hat goes, too.
    free = np.array(
        [[0.97 * wide, _SKY], [0.97 * wide, rim + sag], [0.97 * wide + 1, rim + 1.4], [3, rim + 1.4], [3, _SKY]]
    )
    above = np.array([[-3, _SKY], [3, _SKY], [3, rim - 0.2], [-3, rim - 0.2]])
    bare = [moved(each, middle, 0) for each in (above, free, free * np.array([-1, 1]))]
    patch = Patch(work, face, (middle - 3, _SKY, middle + 3, rim + 1.5))
    if patch.region.empty:
        return EMPTY
    hat = drawn(patch, outlines)
    over = drawn(patch, bare) & ~hat & patch.holds((_HAIR, _HAT))
    hat &= patch.holds((SKIN, _HAIR, _HAT, _BACKGROUND, *_EARS))
    labels = np.where(over, np.uint8(_BACKGROUND), patch.labels)
    return patch.write(np.where(hat, np.uint8(_HAT), labels))


def _dome(middle: float, wide: float, rim: float, top: float, sag: float, power: float = 2.5) -> Outline:
    """Return the outline of a hat's crown, which lies lower by ``sag`` at its sides."""
    t = np.sin(np.linspace(-1, 1, 65) * math.pi / 2)
    lower = rim + sag * t**2
    upper = rim + sag - (rim + sag - top) * (1 - np.abs(t) ** power) ** (1 / 2.1)
    return np.concatenate([np.c_[middle + wide * t, np.minimum(upper, lower)], np.c_[middle + wide * t, lower][::-1]])


_JEWELLED = (_BACKGROUND, SKIN, _HAIR, _NECK, _NECKLACE, _CLOTH, *_EARS)
"""What earrings hang in front of."""


def put_on_earrings(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Draw studs at the lobes of the ears, or pendants: the stronger, the longer."""
    outlines: list[Outline] = []
    length, wide = 0.1 + 0.45 * strength, 0.05 + 0.05 * strength
    # A drop: the longer, the narrower its upper end.
    drop = np.c_[
        wide * np.sin(AROUND) * np.abs(np.sin(AROUND / 2)) ** (1.5 * strength), length / 2 * (1 - np.cos(AROUND))
    ]
    hook = bar(np.array([[-0.5, 0.0], [0.5, 0.0]]), 1.0) * (max(0.03, 2 / face.unit), length / 2) + (0, length / 4)
    for lobe in ear_lobes(work, face):
        outlines += [drop + lobe - (0, 0.03), hook + lobe - (0, 0.03)]
    return _put_on(work, face, outlines, _EARRING, _JEWELLED)


def put_on_hoops(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Draw rings that hang from the lobes of the ears: the stronger, the larger."""
    radius, thick = 0.1 + 0.14 * strength, max(0.035 + 0.015 * strength, 2 / face.unit)
    outlines: list[Outline] = []
    for lobe in ear_lobes(work, face):
        ring = np.r_[AROUND, 0.0]
        outer, inner = (
            np.c_[0.82 * r * np.sin(ring), -r * np.cos(ring)] + lobe + (0, radius - 0.02)
            for r in (radius, max(radius - thick, 0.0))
        )
        # A ring as one outline: around, and back inside.
        outlines.append(np.concatenate([outer, inner[::-1]]))
    return _put_on(work, face, outlines, _EARRING, _JEWELLED)


def ear_lobes(labels: LabelMap, face: FaceGeometry) -> list[NDArray[np.float64]]:
    """Return where earrings hang: at the lower ends of ears, or where these are under the hair; (2,) each."""
    box = (face.middle - 1.8, -0.6, face.middle + 1.8, 1.4)
    raster = Upright(labels, face, box, min(face.unit, 64.0))
    lobes = []
    for side, ear in zip((-1, 1), _EARS, strict=True):
        rows, columns = np.nonzero(raster.holds((ear,)))
        if len(rows) > 8:
            low = rows >= rows.max() - 0.08 / (raster.v[1] - raster.v[0])
            lobes.append(np.array([raster.u[columns[low]].mean(), raster.v[rows.max()] - 0.03]))
            continue
        place = np.array([face.sides(0.62)[0 if side < 0 else 1] + 0.04 * side, 0.62])
        around = (place[0] - 0.04, place[1] - 0.08, place[0] + 0.04, place[1] + 0.08)
        if Upright(labels, face, around, 50.0).holds((_HAIR,)).mean() > 0.6:
            lobes.append(place)
    return lobes


def put_on_necklace(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Draw a chain around the neck, with a pendant: the stronger, the lower and thicker."""
    line = neck_line(work, face)
    if line is None:
        return EMPTY
    middle, half, start, end = line
    lowest = start + (end - start) * (0.4 + 0.5 * strength)
    t = np.linspace(-1.15, 1.15, 41)
    sag = min(0.8 * half, lowest - start + 0.25)
    thick = max(0.04 + 0.03 * strength, 2 / face.unit)
    chain = np.c_[middle + half * t, lowest - sag * t**2]
    pendant = moved(superellipse(0.02 + 0.06 * strength, 0.03 + 0.08 * strength), middle, lowest + 0.02)
    outlines = [band(chain, thick), pendant]
    return _put_on(work, face, outlines, _NECKLACE, (_NECK,))


def neck_line(labels: LabelMap, face: FaceGeometry) -> tuple[float, float, float, float] | None:
    """Return the middle of the visible neck (u), half its width, and v of its upper and lower end there, or None."""
    raster = Upright(labels, face, (face.middle - 1.5, face.chin - 0.5, face.middle + 1.5, face.chin + 1.2), 64.0)
    neck = raster.holds((_NECK, _NECKLACE))
    near = neck & (np.abs(raster.u - face.middle) < 0.35)
    rows = np.flatnonzero(near.sum(axis=1) > 0.4 * (np.abs(raster.u - face.middle) < 0.35).sum())
    if len(rows) < 5:
        return None
    columns = np.flatnonzero(neck[rows].mean(axis=0) > 0.5)
    if len(columns) < 10:
        return None
    left, right = float(raster.u[columns[0]]), float(raster.u[columns[-1]])
    return (left + right) / 2, min((right - left) / 2, 0.9), float(raster.v[rows[0]]), float(raster.v[rows[-1]])
