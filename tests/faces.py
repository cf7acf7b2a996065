"""Masks of faces of any size, place and tilt, drawn in the face's own frame, where the eyes are a unit apart."""

import math

import cv2
import numpy as np

from engine.mask.face import FaceGeometry, read_geometry
from engine.mask.face_actions import FaceAction
from engine.mask.steps import Entry, Ground, done
from engine.types import LabelMap, Region
from resources.labels import BY_NAME, LABELS

LIPS = ("u_lip", "l_lip", "mouth")
EYES, BROWS = ("r_eye", "l_eye"), ("r_brow", "l_brow")

CHIN, HALF_WIDTH, LIPS_AT, EYE, BROW = 1.8, 1.05, 1.1, (0.22, 0.09), (0.3, 0.07)
"""Of every face: v of the chin, half its width, v of where the lips meet; half an eye's width and height, a brow's."""


def make_face(
    size: int | tuple[int, int] = 256,
    unit: float | None = None,
    tilt: float = 0.0,
    origin: tuple[float, float] | None = None,
    without: tuple[str, ...] = (),
    teeth: float = 0.0,
) -> LabelMap:
    """Draw a face that is the mirror image of itself.

    Parameters
    ----------
    size
        Side, or height and width.
    unit
        The distance of the eyes in pixels; a quarter of the smaller side by default.
    tilt
        Degrees, clockwise as seen.
    origin
        Where the middle between the eyes lies, (x, y) in pixels; a little above the mask's middle by default.
    without
        Names of classes that are left out.
    teeth
        How far the mouth is open, in units.
    """
    height, width = (size, size) if isinstance(size, int) else size
    unit = unit or min(height, width) / 4.2
    x0, y0 = origin or (width / 2, 0.46 * height)
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    y, x = np.mgrid[:height, :width] + 0.5
    u = ((x - x0) * c + (y - y0) * s) / unit
    v = ((y - y0) * c - (x - x0) * s) / unit

    def ellipse(cu: float, cv: float, ru: float, rv: float) -> np.ndarray:
        return ((u - cu) / ru) ** 2 + ((v - cv) / rv) ** 2 <= 1

    lips = np.clip(1 - (u / 0.42) ** 2, 0, None)
    shapes = (
        ("hair", ellipse(0, -0.35, 1.45, 1.5)),
        ("cloth", (v > 2.05) & (abs(u) < 1.9)),
        ("neck", (v > 1.2) & (v < 2.3) & (abs(u) < 0.62)),
        ("r_ear", ellipse(-1.08, 0.3, 0.16, 0.35)),
        ("l_ear", ellipse(1.08, 0.3, 0.16, 0.35)),
        ("skin", ellipse(0, 0.5, HALF_WIDTH, CHIN - 0.5)),
        ("r_eye", ellipse(-0.5, 0, *EYE)),
        ("l_eye", ellipse(0.5, 0, *EYE)),
        ("r_brow", ellipse(-0.52, -0.3, *BROW)),
        ("l_brow", ellipse(0.52, -0.3, *BROW)),
        ("nose", (v > -0.05) & (v < 0.75) & (abs(u) < 0.08 + 0.3 * (v + 0.05))),
        ("u_lip", (v <= LIPS_AT) & (v > LIPS_AT - 0.11 * lips)),
        ("mouth", (v > LIPS_AT) & (v <= LIPS_AT + teeth * lips)),
        ("l_lip", (v > LIPS_AT + teeth * lips) & (v < LIPS_AT + (teeth + 0.16) * lips)),
    )
    labels = np.zeros((height, width), np.uint8)
    for name, where in shapes:
        if name not in without:
            labels[where] = BY_NAME[name].id
    return labels


def count(labels: LabelMap, *names: str) -> int:
    """Return how many pixels classes have."""
    return int(np.isin(labels, [BY_NAME[name].id for name in names]).sum())


def holds(labels: LabelMap, *names: str) -> np.ndarray:
    """Return where classes are, bool (H, W)."""
    return np.isin(labels, [BY_NAME[name].id for name in names])


def acted(labels: LabelMap, action: str, strength: float, source: LabelMap | None = None) -> LabelMap:
    """Return a mask after an action, having checked that the step keeps to what all steps promise."""
    ground = Ground(labels, labels if source is None else source, np.zeros((*labels.shape, 3), np.uint8))
    before, work = labels.copy(), labels.copy()
    region = FaceAction(action, strength).draw(ground, work, 0)
    assert (labels == before).all()
    assert work.max() < len(LABELS)
    changed = Region.of(work != labels)
    assert region.union(changed) == region
    assert region.empty or changed.union(region) == region
    assert 0 <= region.y0 <= region.y1 <= labels.shape[0] and 0 <= region.x0 <= region.x1 <= labels.shape[1]
    assert (work == done(ground, Entry(FaceAction(action, strength)))).all()
    return work


def geometry(labels: LabelMap) -> FaceGeometry:
    """Return where the parts of a face lie, which there must be."""
    face = read_geometry(labels)
    assert face is not None
    return face


def places(labels: LabelMap, face: FaceGeometry, *names: str) -> np.ndarray:
    """Return where the pixels of classes lie in a face's frame, (N, 2)."""
    rows, columns = np.nonzero(holds(labels, *names))
    return face.to_face(np.c_[columns, rows] + 0.5)


def pieces(labels: LabelMap, *names: str) -> int:
    """Return how many pieces classes, taken together, are in."""
    return cv2.connectedComponents(holds(labels, *names).astype(np.uint8))[0] - 1


def apart(a: LabelMap, b: LabelMap) -> int:
    """Return in how many pixels two masks differ."""
    return int(np.count_nonzero(a != b))
