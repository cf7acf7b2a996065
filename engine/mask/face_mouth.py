"""The mouth of a face, changed on its mask.

Each function changes a mask in place and returns where; strengths are -1..1, 0 changing nothing.
"""

import numpy as np
from numpy.typing import NDArray

from engine.mask.face import FaceGeometry
from engine.mask.face_outline import move_chin
from engine.mask.face_parts import MOUTH, SKIN
from engine.mask.face_patch import Field, Patch, Upright, along, smoothed
from engine.mask.steps import EMPTY
from engine.types import LabelMap, Region

_TEETH, _UPPER, _LOWER = MOUTH

Profile = NDArray[np.float64]
"""A value for each column of a mouth, (n,)."""

_LEAST = 1.6
"""No lip is made thinner than this, in pixels: it would fall to pieces."""
_OPENING = 0.26
"""How far a mouth opens, in units of the face's frame."""


class _Mouth:
    """The mouth and the patch around it.

    Attributes
    ----------
    u, v
        The places of the patch's pixels.
    half, middle
        Half the mouth's width, and u of its middle.
    columns
        Places across the mouth, evenly spaced, a little farther than its corners, (n,).
    top, bottom
        V of the upper lip's lower edge and of the lower lip's upper edge there; the same where the mouth is closed.
    thickness
        How thick the thinner lip is, in units of the frame.
    """

    def __init__(self, work: LabelMap, face: FaceGeometry, up: float = 0.25, down: float = 0.25) -> None:
        part = face.mouth
        assert part is not None
        self.half, self.middle = part.width / 2, part.u
        aside = 0.35 * self.half
        self.patch = Patch(work, face, (part.left - aside, part.top - up, part.right + aside, part.bottom + down))
        self.u, self.v = self.patch.places()
        raster = Upright(work, face, (part.left - aside, part.top - 0.02, part.right + aside, part.bottom + 0.02))
        self.columns, self._step = raster.u, 1 / face.unit
        top, bottom, self.thickness = _lip_lines(raster)
        sigma = 0.02 * face.unit
        self.top = smoothed(top, sigma)
        self.bottom = np.maximum(smoothed(bottom, sigma), self.top)

    def at(self, profile: Profile, u: Field) -> Field:
        """Return what a profile, a value for each of the columns, is at places."""
        return along(profile, float(self.columns[0]), self._step, u)


def _lip_lines(columns: Upright) -> tuple[Profile, Profile, float]:
    """Return the upper lip's lower edge and the lower lip's upper edge, (w,) each, and the thinner lip's thickness."""
    step = float(columns.v[1] - columns.v[0])
    upper, lower, teeth = (columns.holds((label,)) for label in (_UPPER, _LOWER, _TEETH))
    ends = []
    for lip in (upper, lower, teeth):
        first = lip.argmax(axis=0)
        last = len(columns.v) - 1 - lip[::-1].argmax(axis=0)
        present = lip.any(axis=0)
        ends.append((present, columns.v[first] - step / 2, columns.v[last] + step / 2))
    (has_upper, _, top), (has_lower, bottom, _), (has_teeth, first, last) = ends
    both = has_upper & has_lower
    # Near the corners there may be one lip alone, or one that hangs past the other: the mouth is closed there.
    met = np.where(both, (top + bottom) / 2, np.where(has_upper, top, np.where(has_lower, bottom, (first + last) / 2)))
    open_ = (both & (bottom > top)) | (has_teeth & ~has_upper & ~has_lower)
    top = np.where(open_, np.where(both, top, first), met)
    bottom = np.where(open_, np.where(both, bottom, last), met)
    known = np.flatnonzero(has_upper | has_lower | has_teeth)
    if not known.size:
        known = np.arange(1)
    every = np.arange(len(top))
    thickness = step * min(float(lip.sum(axis=0).max()) for lip in (upper, lower))
    return np.interp(every, known, top[known]), np.interp(every, known, bottom[known]), thickness


def smile(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Draw the corners of the mouth up and apart, or down."""
    if face.mouth is None:
        return EMPTY
    mouth = _Mouth(work, face)
    # A mouth that is wide already hardly gets wider.
    wide = 1 + strength * (min(max(0.56 / mouth.half - 1, 0.06), 0.17) if strength > 0 else 0.08)
    across = (mouth.u - np.float32(mouth.middle)) / np.float32(mouth.half * wide)
    lift = np.float32((0.115 if strength > 0 else 0.11) * strength)
    # The middle goes the other way a little, so that the lips bend more than they move.
    bend = np.minimum(np.abs(across), np.float32(1.2)) ** 2 - np.float32(0.3)
    source = mouth.middle + across * np.float32(mouth.half)
    inside, labels = mouth.patch.sampled(MOUTH, source, mouth.v + lift * bend)
    return mouth.patch.lay(inside, labels, MOUTH, (SKIN,), (SKIN,))


def open_mouth(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Open the mouth, the jaw following, or close an open one."""
    if not has_lips(work, face):
        return EMPTY
    mouth = _Mouth(work, face, 0.15, _OPENING + 0.05)
    opening = float((mouth.bottom - mouth.top).max())
    if strength < 0 and not mouth.patch.holds((_TEETH,)).any():
        return EMPTY
    jaw = move_chin(work, face, 0.4 * strength * (_OPENING if strength > 0 else opening))
    mouth.patch.renew()
    laid = _opened(mouth, strength) if strength > 0 else _closed(mouth, -strength)
    return jaw.union(laid)


def _opened(mouth: _Mouth, strength: float) -> Region:
    narrow = 1 - 0.07 * strength
    across = (mouth.columns - mouth.middle) / (mouth.half * narrow)
    source = mouth.middle + across * mouth.half
    top, bottom = (np.interp(source, mouth.columns, line) for line in (mouth.top, mouth.bottom))
    gap = _OPENING * strength * np.maximum(1 - np.abs(across / 0.95) ** 3, 0)
    upper, lower = top - 0.2 * gap, bottom + 0.8 * gap
    # A lip that runs down steeply would get thin if its columns were only shifted.
    step = mouth.columns[1] - mouth.columns[0]
    steeper = np.hypot(1, np.gradient(lower, step)) / np.hypot(1, np.gradient(bottom, step))
    u, v = mouth.u, mouth.v
    top, bottom, gap, upper, lower, thick = (
        mouth.at(each, u) for each in (top, bottom, gap, upper, lower, np.clip(steeper, 1, 2))
    )
    between = (v > upper) & (v < lower)
    below = bottom + (v - lower) / thick
    inside, labels = mouth.patch.sampled(
        MOUTH,
        (mouth.middle + (u - np.float32(mouth.middle)) / np.float32(narrow)).astype(np.float32),
        np.where(v <= upper, v + top - upper, np.where(between, (top + bottom) / 2, below)),
    )
    teeth = between & (gap > 0)
    return mouth.patch.lay(inside | teeth, np.where(teeth, np.uint8(_TEETH), labels), MOUTH, (SKIN,), (SKIN,))


def _closed(mouth: _Mouth, strength: float) -> Region:
    u, v = mouth.u, mouth.v
    top, bottom = mouth.at(mouth.top, u), mouth.at(mouth.bottom, u)
    gap = np.float32(strength) * (bottom - top)
    upper, lower = top + np.float32(0.25) * gap, bottom - np.float32(0.75) * gap
    # What is left of the gap is no more than a row of dots where it is narrower than a pixel.
    between = (v > upper) & (v < lower) & (lower - upper > np.float32(1.2 / mouth.patch.face.unit))
    share = (v - upper) / np.maximum(lower - upper, np.float32(1e-6))
    source = np.where(v <= upper, v + top - upper, np.where(between, top + share * (bottom - top), v + bottom - lower))
    inside, labels = mouth.patch.sampled(MOUTH, u, source)
    # Teeth that the lines, being smooth, took for lips close too.
    lips = np.where(v <= upper, np.uint8(_UPPER), np.uint8(_LOWER))
    labels = np.where(~between & (labels == _TEETH), lips, labels)
    return mouth.patch.lay(inside, labels, MOUTH, (SKIN,), (SKIN,))


def lip_fullness(work: LabelMap, face: FaceGeometry, strength: float) -> Region:
    """Make both lips fuller or thinner, away from and towards the line where they meet."""
    if not has_lips(work, face):
        return EMPTY
    mouth = _Mouth(work, face)
    k = 1 + strength * (0.75 if strength > 0 else 0.52)
    k = np.float32(max(k, min(1.0, _LEAST / max(mouth.thickness * face.unit, 1e-6))))
    v, top, bottom = mouth.v, mouth.at(mouth.top, mouth.u), mouth.at(mouth.bottom, mouth.u)
    source = np.where(v < top, top + (v - top) / k, np.where(v > bottom, bottom + (v - bottom) / k, v))
    inside, labels = mouth.patch.sampled(MOUTH, mouth.u, source)
    return mouth.patch.lay(inside, labels, MOUTH, (SKIN,), (SKIN,))


def has_lips(labels: LabelMap, face: FaceGeometry) -> bool:
    """Return whether the mask shows both lips of a face."""
    part = face.mouth
    if part is None:
        return False
    found = Patch(labels, face, (part.left, part.top, part.right, part.bottom)).labels
    return bool((found == _UPPER).any() and (found == _LOWER).any())
