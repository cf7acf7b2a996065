"""A mask with two eyes under the transform tool, and the hand that uses it."""

import numpy as np
import pytest
from PySide6.QtGui import QTransform

from app.tools.transform_box import Grip, TransformBox
from app.tools.transform_tool import TransformTool
from engine.mask.steps import Mirror
from engine.types import Region
from resources.labels import BY_NAME
from tests.gui.easel import FLIPPED, TURNED, UPRIGHT, Easel

BACK, SKIN, HAIR, LEFT, RIGHT = (BY_NAME[name].id for name in ("background", "skin", "hair", "l_eye", "r_eye"))
VIEWS = pytest.mark.parametrize("view", [UPRIGHT, TURNED, FLIPPED], ids=["upright", "turned", "flipped"])
EYE = Region(20, 30, 26, 40)


def face() -> np.ndarray:
    """Return a mask of 48 x 72: background, a face of skin, a left eye at `EYE`, a right one at columns 12..21."""
    labels = np.full((48, 72), BACK, np.uint8)
    labels[4:44, 6:66] = SKIN
    labels[EYE.slices] = LEFT
    labels[20:26, 12:22] = RIGHT
    return labels


def easel(view: QTransform = UPRIGHT, **options) -> Easel[TransformTool]:
    canvas = Easel(face(), TransformTool, view, **options)
    canvas.studio.set_axis(Mirror(26, 20))
    return canvas


def box_of(canvas: Easel[TransformTool]) -> TransformBox:
    assert canvas.tool.box is not None
    return canvas.tool.box


def picked(view: QTransform = UPRIGHT, **options) -> Easel[TransformTool]:
    """Return one whose left eye is picked."""
    canvas = easel(view, **options)
    canvas.click(35, 23)
    return canvas


def place_of(canvas: Easel[TransformTool], grip: Grip) -> tuple[float, float]:
    """Return where a handle is, in mask pixels."""
    at = canvas.view.inverted()[0].map(box_of(canvas).handles(canvas.view)[grip])
    return at.x(), at.y()


def turner(canvas: Easel[TransformTool]) -> Grip:
    return next(grip for grip in box_of(canvas).handles(canvas.view) if grip.kind == "turn")


def pull(canvas: Easel[TransformTool], grip: Grip, dx: float, dy: float, **held: bool) -> None:
    """Drag a handle, taken a little beside its middle, by a way in mask pixels."""
    x, y = place_of(canvas, grip)
    x, y = x + 0.3, y - 0.2
    canvas.drag((x, y), (x + dx / 3, y + dy / 3), (x + dx, y + dy), **held)


def eye(canvas: Easel[TransformTool]) -> Region:
    return Region.of(canvas.labels == LEFT)


def placed(canvas: Easel[TransformTool], place: tuple[float, float]) -> np.ndarray:
    matrix = box_of(canvas).matrix
    return matrix[:, :2] @ place + matrix[:, 2]
