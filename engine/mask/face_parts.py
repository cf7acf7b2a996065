"""The pixels of a face's parts, and the line that the face is symmetric about."""

import math
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.mask.steps import Mirror
from engine.types import LabelMap
from resources.labels import BY_NAME

Points = NDArray[np.float64]
"""(N, 2), columns (x, y), mask pixels."""

EYES = (BY_NAME["r_eye"].id, BY_NAME["l_eye"].id)
BROWS = (BY_NAME["r_brow"].id, BY_NAME["l_brow"].id)
MOUTH = tuple(BY_NAME[name].id for name in ("mouth", "u_lip", "l_lip"))
SKIN, NOSE, GLASSES = (BY_NAME[name].id for name in ("skin", "nose", "eye_g"))

_COARSE = 512
"""Parts are searched for in no more rows and columns than these."""
_STEEPEST = math.radians(60)
_ROUNDS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The pixels of a part.

    Attributes
    ----------
    border
        The centres of those at its border, (N, 2), N >= 1.
    centre
        The mean of all of them, (2,).
    area
        How many they are.
    """

    border: Points
    centre: Points
    area: int

    def along(self, x: float, y: float) -> NDArray[np.float64]:
        """Return how far along a direction the pixels at the border lie, (N,)."""
        return self.border[:, 0] * x + self.border[:, 1] * y

    @classmethod
    def joined(cls, shapes: list[Self]) -> Self:
        """Return several shapes, at least one, as one."""
        areas = [each.area for each in shapes]
        centre = np.average([each.centre for each in shapes], axis=0, weights=areas)
        return cls(np.concatenate([each.border for each in shapes]), centre, sum(areas))


class FaceParts:
    """The pixels of a face's parts, as far as they are labelled.

    Parameters
    ----------
    labels
        uint8 (H, W), ids 0..18.

    Attributes
    ----------
    eyes
        Up to two, that on the picture's left first.
    brows
        Two, in the same order; None for one that is not there.
    nose, mouth, glasses
        None where there are none. The mouth is lips and teeth together.
    skin
        Some of its pixels, evenly spread, (N, 2); empty where there is none.
    skin_area
        How many pixels it has, nearly.
    """

    def __init__(self, labels: LabelMap) -> None:
        self._labels = labels
        self._step = max(1, max(labels.shape) // _COARSE)
        self._coarse = np.ascontiguousarray(labels[:: self._step, :: self._step])
        thinning = max(1, max(self._coarse.shape) // 128)
        spread = np.ascontiguousarray(self._coarse[::thinning, ::thinning])
        thinning *= self._step
        self.skin = (np.argwhere(spread == SKIN)[:, ::-1] + 0.5) * thinning
        self.skin_area = len(self.skin) * thinning**2
        self.nose, self.mouth, self.glasses = (self._whole(ids) for ids in ((NOSE,), MOUTH, (GLASSES,)))
        self.eyes = self._eyes()
        self.brows = [self._whole((brow,)) for brow in BROWS]
        right, left = self.brows
        if right is not None and left is not None and right.centre[0] > left.centre[0]:
            self.brows.reverse()

    def _connected(self, ids: tuple[int, ...]) -> list[Shape]:
        """Return what hangs together of some classes, the largest first, without specks."""
        table = np.zeros((1, 256), np.uint8)
        table[0, list(ids)] = 1
        step = self._step
        x, y, width, height = (each * step for each in cv2.boundingRect(cv2.LUT(self._coarse, table)))
        if not width:
            return []
        x0, y0 = max(x - step, 0), max(y - step, 0)
        crop = np.ascontiguousarray(self._labels[y0 : y + height + step, x0 : x + width + step])
        _, marks, sizes, centres = cv2.connectedComponentsWithStats(cv2.LUT(crop, table))
        areas = sizes[1:, cv2.CC_STAT_AREA]
        order = 1 + np.argsort(-areas, kind="stable")[:6]
        corner = np.array([x0 + 0.5, y0 + 0.5])
        found, marked = [], np.asarray(marks)
        for mark in order[areas[order - 1] >= 0.15 * areas.max()]:
            contours, _ = cv2.findContours((marked == mark).view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            border = np.concatenate([each[:, 0] for each in contours]) + corner
            found.append(Shape(border, np.asarray(centres[mark], np.float64) + corner, int(areas[mark - 1])))
        return found

    def _whole(self, ids: tuple[int, ...]) -> Shape | None:
        found = self._connected(ids)
        return Shape.joined(found) if found else None

    def _eyes(self) -> list[Shape]:
        found = [shapes for shapes in map(self._connected, ((eye,) for eye in EYES)) if shapes]
        eyes = [shapes[0] for shapes in found]
        if len(eyes) == 1:
            # Both eyes can be in the class of one; two halves of an eye lie closer.
            eyes += [shape for shape in found[0][1:] if _apart(eyes[0], shape)][:1]
        elif len(eyes) == 2 and not _apart(*eyes):
            eyes = [Shape.joined(eyes)]
        return sorted(eyes, key=lambda eye: float(eye.centre[0]))


def _apart(a: Shape, b: Shape) -> bool:
    return math.dist(a.centre, b.centre) > 1.2 * float(np.ptp(a.border, axis=0).max() + 1)


def symmetry_line(parts: FaceParts) -> Mirror:
    """Return the line that best fits the middles of parts, and lies at right angles to what joins pairs.

    Both are weighed by how much they tell, and those that disagree with the others lose weight. A face without parts
    is symmetric about the vertical through the middle of its skin.

    Parameters
    ----------
    parts
        With some skin.
    """
    # About the distance of the eyes, whatever parts there are.
    scale = max(0.57 * math.sqrt(parts.skin_area), 1.0)
    middles = [(parts.skin.mean(axis=0), 0.01)]
    pairs: list[tuple[NDArray[np.float64], float]] = []
    angle = _first_angle(parts)
    if len(parts.eyes) == 2:
        right, left = (eye.centre for eye in parts.eyes)
        middles.append(((right + left) / 2, 1.0))
        pairs.append((left - right, 0.7))
    elif parts.glasses is not None:
        middles.append(((parts.glasses.border.min(axis=0) + parts.glasses.border.max(axis=0)) / 2, 0.5))
    right, left = parts.brows
    if right is not None and left is not None and 0.6 < right.area / left.area < 1.7:
        middles.append(((right.centre + left.centre) / 2, 0.3))
        pairs.append((left.centre - right.centre, 0.3))
    if parts.nose is not None:
        middles.append((parts.nose.centre, 0.3))
    if parts.mouth is not None:
        ends = _ends(parts.mouth, angle)
        middles.append((ends.mean(axis=0), 1.0))
        pairs.append((ends[1] - ends[0], 0.2))
    point = middles[0][0]
    for _ in range(_ROUNDS):
        # Within the frame that was found before, the line u = offset + slope v is nearly v's axis.
        axes = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        local = np.array([middle - point for middle, _ in middles]) @ axes.T / scale
        across = np.array([pair for pair, _ in pairs]).reshape(-1, 2) @ axes.T / scale
        rows = np.concatenate([np.c_[np.ones(len(local)), local[:, 1]], np.c_[np.zeros(len(across)), -across[:, 0]]])
        wanted = np.r_[local[:, 0], across[:, 1]]
        weights = np.array([weight for _, weight in (*middles, *pairs)])
        offset, slope = _robust(rows, wanted, weights)
        point = point + axes.T @ [offset * scale, 0.0]
        angle = min(max(angle - math.atan(slope), -_STEEPEST), _STEEPEST)
    return Mirror(float(point[0]), float(point[1]), angle)


def _robust(
    rows: NDArray[np.float64], wanted: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Return what solves rows @ (offset, slope) = wanted best, errors above a limit counting less than squared."""
    limit, kept = 0.08, np.ones(len(wanted))
    found = np.zeros(2)
    for _ in range(_ROUNDS):
        pull = weights * kept
        # Where nothing tells the slope, it stays what it was.
        normal = rows.T @ (rows * pull[:, None]) + np.diag([0.0, 1e-3])
        found = np.linalg.solve(normal, rows.T @ (wanted * pull))
        errors = np.abs(rows @ found - wanted)
        kept = limit / np.maximum(errors, limit)
    return float(found[0]), float(found[1])


def _first_angle(parts: FaceParts) -> float:
    if len(parts.eyes) == 2:
        x, y = parts.eyes[1].centre - parts.eyes[0].centre
    elif parts.nose is not None and parts.mouth is not None:
        down = parts.mouth.centre - parts.nose.centre
        x, y = down[1], -down[0]
    elif parts.glasses is not None and len(parts.glasses.border) > 8:
        values, vectors = np.linalg.eigh(np.cov(parts.glasses.border.T))
        x, y = vectors[:, 1] if values[1] > 2 * values[0] else (1.0, 0.0)
    else:
        return 0.0
    angle = math.atan(y / x) if abs(x) > 1e-9 else 0.0
    return min(max(angle, -_STEEPEST), _STEEPEST)


def _ends(shape: Shape, angle: float) -> Points:
    """Return the two ends of a part along the direction across the face, (2, 2), the picture's left one first."""
    along = shape.along(math.cos(angle), math.sin(angle))
    low, high = np.percentile(along, [3, 97])
    return np.array([shape.border[along <= low].mean(axis=0), shape.border[along >= high].mean(axis=0)])
