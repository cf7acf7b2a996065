"""Where a face's parts lie, told by its labels alone.

A face has a frame of its own: its origin lies between the eyes, u runs across the face to the picture's right, v down
its middle, both in units of the eyes' distance. What is measured in it depends neither on the mask's resolution nor
on how the head is tilted.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import to_opencv
from engine.mask.face_parts import BROWS, EYES, GLASSES, MOUTH, NOSE, SKIN, FaceParts, Shape, symmetry_line
from engine.mask.steps import Mirror
from engine.types import LabelMap
from resources.labels import BY_NAME

FACE = (SKIN, NOSE, GLASSES, *EYES, *BROWS, *MOUTH)
"""The classes of what lies between hair, ears and neck."""

CELLS = 32
"""Cells per unit of the face's frame, in which its outline is measured."""

_LIPS_AT, _NOSE_AT, _BROW_AT = 0.97, 0.37, -0.26
"""v of the mouth's upper end and of the middles of nose and brows, as they usually are."""
_EYE_SIZE = (0.44, 0.18)
"""How wide and high an eye usually is."""
_EXTENT = (-2.5, -3.0, 2.5, 3.5)
"""What is looked at: u and v from, u and v to."""
_LEAST = 3.0
"""No face is told from eyes that are closer than this, in pixels."""
_HEAD = (*FACE, BY_NAME["hair"].id, BY_NAME["hat"].id)
_NOWHERE = 255


@dataclass(frozen=True, slots=True)
class Part:
    """An eye, a brow, the nose or the mouth, in the face's frame.

    Attributes
    ----------
    u, v
        The middle of its bounding box.
    width, height
        The size of this box.
    seen
        Whether the labels show it, or it is guessed.
    """

    u: float
    v: float
    width: float
    height: float
    seen: bool = True

    @property
    def left(self) -> float:
        """U of its end on the picture's left."""
        return self.u - self.width / 2

    @property
    def right(self) -> float:
        """U of its end on the picture's right."""
        return self.u + self.width / 2

    @property
    def top(self) -> float:
        """V of its upper end."""
        return self.v - self.height / 2

    @property
    def bottom(self) -> float:
        """V of its lower end."""
        return self.v + self.height / 2


@dataclass(frozen=True, slots=True, eq=False)
class FaceGeometry:
    """Where the parts of a face lie.

    Attributes
    ----------
    origin
        The origin of the face's frame, (x, y), mask pixels.
    unit
        The frame's unit in mask pixels: the eyes' distance, as it is where the head is not turned aside.
    mirror
        The line that the face is symmetric about, in mask pixels; v runs along it.
    eyes, brows
        The one on the picture's left first: the person's right one. Eyes that are not seen are guessed.
    nose, mouth
        None where the labels show none. The mouth is lips and teeth together.
    chin
        V of the chin's lower end.
    crown
        V of the upper end of the head with its hair and hat.
    outline
        float64 (N, 3), N >= 2: v ascending by ``1 / CELLS``, and u of the face's left and right border there, ears and
        hair left out.
    """

    origin: tuple[float, float]
    unit: float
    mirror: Mirror
    eyes: tuple[Part, Part]
    brows: tuple[Part | None, Part | None]
    nose: Part | None
    mouth: Part | None
    chin: float
    crown: float
    outline: NDArray[np.float64]

    @property
    def tilt(self) -> float:
        """How the face is turned from the vertical, in radians, clockwise as seen."""
        return self.mirror.angle

    @property
    def eye_distance(self) -> float:
        """The distance between the eyes' middles, in mask pixels."""
        right, left = self.eyes
        return self.unit * math.hypot(left.u - right.u, left.v - right.v)

    @property
    def middle(self) -> float:
        """U of the line that the face is symmetric about."""
        return float(self.to_face(np.array([[self.mirror.x, self.mirror.y]]))[0, 0])

    @property
    def width(self) -> float:
        """The width of the face between its cheeks, without ears."""
        rows = self.outline[(self.outline[:, 0] > -0.3) & (self.outline[:, 0] < 1.2)]
        return float(np.percentile(rows[:, 2] - rows[:, 1], 90)) if len(rows) else 2.0

    def sides(self, v: float) -> tuple[float, float]:
        """Return u of the face's left and right border at a height, or at the nearest height that has them."""
        rows = self.outline
        return float(np.interp(v, rows[:, 0], rows[:, 1])), float(np.interp(v, rows[:, 0], rows[:, 2]))

    def matrix(self) -> NDArray[np.float64]:
        """Return the map (2, 3) from the face's frame to mask pixels."""
        return _frame(self.origin, self.tilt, self.unit)

    def to_mask(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return mask pixels, (N, 2), of points (N, 2) of the face's frame."""
        matrix = self.matrix()
        return points @ matrix[:, :2].T + matrix[:, 2]

    def to_face(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points of the face's frame, (N, 2), of mask pixels (N, 2)."""
        matrix = self.matrix()
        return (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


def _frame(origin: tuple[float, float], tilt: float, unit: float) -> NDArray[np.float64]:
    c, s = unit * math.cos(tilt), unit * math.sin(tilt)
    return np.array([[c, -s, origin[0]], [s, c, origin[1]]])


def midline(labels: LabelMap) -> Mirror:
    """Return the line that a face is symmetric about.

    It runs through the middles between both eyes and both brows, of nose and mouth, and at right angles to what joins
    the eyes, the brows and the corners of the mouth, as far as there are such parts and as they agree. Without them,
    it is the vertical through the middle of the skin, or of the mask.

    Parameters
    ----------
    labels
        uint8 (H, W), ids 0..18.
    """
    parts = FaceParts(labels)
    if not len(parts.skin):
        return Mirror(labels.shape[1] / 2, labels.shape[0] / 2)
    return symmetry_line(parts)


def read_geometry(labels: LabelMap) -> FaceGeometry | None:
    """Return where the parts of a face lie; None where the labels show no face.

    That is one with skin, and with glasses or any two of right eye, left eye, nose and mouth.

    Parameters
    ----------
    labels
        uint8 (H, W), ids 0..18, of any resolution; the face may be tilted by up to 45 degrees, or turned aside.
    """
    parts = FaceParts(labels)
    found = len(parts.eyes) + (parts.nose is not None) + (parts.mouth is not None)
    if not len(parts.skin) or (found < 2 and parts.glasses is None):
        return None
    mirror = symmetry_line(parts)
    origin, unit = _origin_and_unit(parts, mirror)
    if unit < _LEAST:
        return None
    matrix = _frame(origin, mirror.angle, unit)
    cells = _thumbnail(labels, matrix)
    outline = _outline(cells)
    if outline is None:
        return None

    def part(shape: Shape | None) -> Part | None:
        return None if shape is None else _measured(shape, matrix)

    head = np.flatnonzero(np.isin(cells, _HEAD).any(axis=1))
    brows = (part(parts.brows[0]), part(parts.brows[1]))
    middle = float(_inverse(np.array([[mirror.x, mirror.y]]), matrix)[0, 0])
    return FaceGeometry(
        origin, unit, mirror, _eyes(parts, matrix, middle, brows), brows, part(parts.nose), part(parts.mouth),
        _chin(labels, matrix, cells, middle, outline), _EXTENT[1] + float(head[0]) / CELLS, outline,
    )  # fmt: skip


def _inverse(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


def _origin_and_unit(parts: FaceParts, mirror: Mirror) -> tuple[tuple[float, float], float]:
    """Return the frame's origin in mask pixels and its unit: from the eyes, or from what is there instead of them."""
    across = np.array([math.cos(mirror.angle), math.sin(mirror.angle)])
    down = np.array([-across[1], across[0]])
    foot = np.array([mirror.x, mirror.y])

    def depth(shape: Shape) -> float:
        """How far down the mirror line a part's middle lies, in pixels."""
        along = shape.along(*down)
        return float(along.min() + along.max()) / 2 - float(foot @ down)

    # An open mouth reaches further down, but hardly further up.
    lips = None if parts.mouth is None else float((parts.mouth.along(*down)).min() - foot @ down)
    nose = None if parts.nose is None else depth(parts.nose)
    eyes = [eye.centre for eye in parts.eyes]
    units: list[float] = []
    if len(eyes) == 2:
        units.append(abs(float((eyes[1] - eyes[0]) @ across)))
        origin = (eyes[0] + eyes[1]) / 2
    else:
        if eyes:
            height = float((eyes[0] - foot) @ down)
        elif parts.glasses is not None:
            height = depth(parts.glasses)
            units.append(float(np.ptp(parts.glasses.along(*across))) / 2.05)
        else:
            assert lips is not None and nose is not None
            units.append(abs(lips - nose) / (_LIPS_AT - _NOSE_AT))
            height = nose - _NOSE_AT * units[0]
        origin = foot + height * down
    height = float((origin - foot) @ down)
    if lips is not None:
        # The eyes of a head that is turned aside seem closer.
        units.append(0.95 / _LIPS_AT * (lips - height))
    elif nose is not None and len(eyes) < 2:
        units.append((nose - height) / _NOSE_AT)
    unit = max(units) if units else 0.57 * math.sqrt(parts.skin_area)
    return (float(origin[0]), float(origin[1])), unit


def _measured(shape: Shape, matrix: NDArray[np.float64]) -> Part:
    points = _inverse(shape.border, matrix)
    # Pixels are squares, and the centres of the outermost ones lie half a pixel inside.
    half = 0.5 / math.hypot(matrix[0, 0], matrix[1, 0])
    low, high = points.min(axis=0) - half, points.max(axis=0) + half
    (u, v), (width, height) = (low + high) / 2, high - low
    return Part(float(u), float(v), float(width), float(height))


def _eyes(
    parts: FaceParts, matrix: NDArray[np.float64], middle: float, brows: tuple[Part | None, Part | None]
) -> tuple[Part, Part]:
    seen = [_measured(eye, matrix) for eye in parts.eyes]
    if len(seen) == 2:
        return seen[0], seen[1]
    if seen:
        eye = seen[0]
        twin = Part(2 * middle - eye.u, eye.v, eye.width, eye.height, False)
        return (eye, twin) if eye.u < middle else (twin, eye)
    guessed = [Part(middle + side * 0.5, 0.0, *_EYE_SIZE, False) for side in (-1, 1)]
    if parts.glasses is not None:
        lenses = _inverse(parts.glasses.border, matrix)
        for k, side in enumerate((lenses[lenses[:, 0] < middle], lenses[lenses[:, 0] >= middle])):
            if len(side):
                # A lens reaches a little further down than up.
                u, v = (side.min(axis=0) + side.max(axis=0)) / 2
                guessed[k] = Part(float(u), float(v) - 0.03, *_EYE_SIZE, False)
    else:
        for k, brow in enumerate(brows):
            if brow is not None:
                guessed[k] = Part(brow.u, brow.v - _BROW_AT, *_EYE_SIZE, False)
    return guessed[0], guessed[1]


def _thumbnail(labels: LabelMap, matrix: NDArray[np.float64]) -> LabelMap:
    """Return the labels in the face's frame, a cell each; 255 outside the mask."""
    u0, v0, u1, v1 = _EXTENT
    cell = np.array([[1 / CELLS, 0, u0], [0, 1 / CELLS, v0], [0, 0, 1]])
    size = (round((u1 - u0) * CELLS), round((v1 - v0) * CELLS))
    whole = matrix @ cell
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(labels, to_opencv(whole), size, flags=flags, borderValue=_NOWHERE)
    return np.asarray(laid, np.uint8)


def _outline(cells: LabelMap) -> NDArray[np.float64] | None:
    face = np.isin(cells, FACE).astype(np.uint8)
    _, marks, sizes, _ = cv2.connectedComponentsWithStats(face)
    if len(sizes) < 2:
        return None
    largest = np.asarray(marks) == 1 + int(np.argmax(sizes[1:, cv2.CC_STAT_AREA]))
    rows = np.flatnonzero(largest.any(axis=1))
    if len(rows) < 2:
        return None
    rows = np.arange(rows[0], rows[-1] + 1)
    left = largest[rows].argmax(axis=1)
    right = largest.shape[1] - largest[rows, ::-1].argmax(axis=1)
    u = _EXTENT[0] + np.c_[left, right] / CELLS
    return np.c_[_EXTENT[1] + (rows + 0.5) / CELLS, u]


def _chin(
    labels: LabelMap, matrix: NDArray[np.float64], cells: LabelMap, middle: float, outline: NDArray[np.float64]
) -> float:
    """Return v of the lowest face pixel below the mouth, about the middle line."""
    face = np.isin(cells, FACE)
    column = round((middle - _EXTENT[0]) * CELLS)
    reach = CELLS // 6
    band = face[:, max(column - reach, 0) : column + reach + 1]
    lowest = [rows[-1] + 1 for rows in map(np.flatnonzero, band.T) if len(rows)]
    if not lowest:
        return float(outline[-1, 0])
    rough = _EXTENT[1] + float(np.median(lowest)) / CELLS
    # Sought again pixel by pixel, for a cell is four of them or more.
    pixel = 1 / math.hypot(matrix[0, 0], matrix[1, 0])
    v = np.arange(rough - 2 / CELLS, rough + 2 / CELLS, pixel)
    x, y = (np.c_[np.full(len(v), middle), v] @ matrix[:, :2].T + matrix[:, 2]).T
    inside = (x >= 0) & (y >= 0) & (x < labels.shape[1]) & (y < labels.shape[0])
    found = np.isin(labels[y[inside].astype(int), x[inside].astype(int)], FACE)
    return float(v[inside][found][-1]) + pixel / 2 if found.any() else rough
