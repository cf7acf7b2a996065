"""Outlines of what is drawn onto a face, in its own frame."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.mask.face_patch import Box, Patch

Outline = NDArray[np.float64]
"""The corners of a filled shape, (N, 2), in the face's frame."""

AROUND = np.linspace(0, 2 * math.pi, 72, endpoint=False)
"""Angles once around, (72,)."""
_FRACTION = 4
"""Fractional bits of the coordinates that OpenCV draws with."""


def drawn(patch: Patch, outlines: Sequence[Outline]) -> NDArray[np.bool_]:
    """Return the pixels of a patch, bool (h, w), that any of some outlines holds."""
    plane = np.zeros(patch.labels.shape, np.uint8)
    for outline in outlines:
        pixels = patch.face.to_mask(outline) - (patch.region.x0 + 0.5, patch.region.y0 + 0.5)
        points = np.round(pixels * 2**_FRACTION).astype(np.int32)
        cv2.fillPoly(plane, [points], 1, cv2.LINE_8, _FRACTION)
    return plane.view(bool)


def box_around(outlines: Sequence[Outline], margin: float = 0.05) -> Box:
    """Return a box that holds outlines, at least one."""
    points = np.concatenate(outlines)
    (u0, v0), (u1, v1) = points.min(axis=0) - margin, points.max(axis=0) + margin
    return float(u0), float(v0), float(u1), float(v1)


def superellipse(wide: float, high: float, power: float = 2.0) -> Outline:
    """Return an ellipse about the origin, by its half axes, that is the more like a rectangle the greater its power."""
    c, s = np.cos(AROUND), np.sin(AROUND)
    return np.c_[wide * np.sign(c) * np.abs(c) ** (2 / power), high * np.sign(s) * np.abs(s) ** (2 / power)]


def moved(outline: Outline, u: float, v: float) -> Outline:
    """Return an outline moved to the right and down."""
    return outline + np.array([u, v])


def bar(ends: Outline, thick: float, arch: float = 0.0) -> Outline:
    """Return a bar between two points, (2, 2), whose middle is arched up."""
    t = np.linspace(0, 1, 9)
    middle = ends[0] + (ends[1] - ends[0]) * t[:, None] - np.c_[0 * t, arch * 4 * t * (1 - t)]
    half = np.array([0.0, thick / 2])
    return np.concatenate([middle - half, (middle + half)[::-1]])


def band(line: Outline, thick: NDArray[np.float64] | float) -> Outline:
    """Return what lies within half a thickness of a line of points, (N, 2), that runs from left to right."""
    slope = np.gradient(line[:, 1], line[:, 0])
    across = np.c_[-slope, np.ones_like(slope)] / np.hypot(1, slope)[:, None] * np.reshape(thick, (-1, 1)) / 2
    return np.concatenate([line - across, (line + across)[::-1]])
