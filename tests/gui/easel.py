"""A mask with one tool, and the hand that uses it, without any window."""

from collections.abc import Callable
from typing import Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QTransform

from app.document import MaskDocument
from app.editor import Editor
from app.mask_editing import MaskEditing
from app.tools.options import Options
from app.tools.tool import Hand, Studio, Tool
from engine.mask.steps import Mirror
from engine.types import LabelMap, Pixels
from resources.labels import BY_NAME

UPRIGHT = QTransform(8.0, 0.0, 0.0, 8.0, 20.0, 12.0)
"""A view at eight screen pixels for each of the mask's."""
TURNED = UPRIGHT * QTransform().rotate(30.0)
FLIPPED = QTransform.fromScale(-1.0, 1.0) * TURNED * QTransform.fromTranslate(300.0, 40.0)

AnyTool = TypeVar("AnyTool", bound=Tool)

HEIGHT, WIDTH = 30, 40
_SKIN, _HAIR, HAT = (BY_NAME[name].id for name in ("skin", "hair", "hat"))


class Easel(Generic[AnyTool]):
    """Stands for canvas and window.

    Parameters
    ----------
    labels
        The mask, uint8 (H, W); None for no portrait.
    kind
        Makes the tool.
    view
        From mask pixels to screen pixels.
    pixels
        The picture.
    options
        How the tools are set.
    """

    def __init__(
        self,
        labels: LabelMap | None,
        kind: Callable[[Studio], AnyTool],
        view: QTransform = UPRIGHT,
        pixels: Pixels | None = None,
        **options,
    ) -> None:
        self.editor = MaskEditing()
        if labels is not None:
            self.editor.document = MaskDocument(labels, pixels)
        self.studio = Studio(cast(Editor, self.editor), Options(**options))
        self.tool = kind(self.studio)
        self.view = view
        self.editor.interrupted.connect(self.tool.finish)

    @property
    def labels(self) -> LabelMap:
        """The mask as it shows."""
        assert self.editor.document is not None
        return self.editor.document.labels

    @property
    def edits(self) -> int:
        """How many edits can be undone."""
        return self.editor.history.index

    def hand(self, x: float, y: float, **held: bool) -> Hand:
        """Return the hand over a place in mask pixels, with keys held down."""
        scale = abs(self.view.determinant()) ** 0.5
        return Hand(x, y, self.view.map(QPointF(x, y)), scale, to_screen=self.view, **held)

    def hover(self, x: float, y: float, **held: bool) -> None:
        self.tool.hover(self.hand(x, y, **held))

    def press(self, x: float, y: float, **held: bool) -> None:
        self.hover(x, y, **held)
        self.tool.press(self.hand(x, y, **held))

    def move(self, x: float, y: float, **held: bool) -> None:
        self.hover(x, y, **held)
        self.tool.move(self.hand(x, y, **held))

    def release(self, x: float, y: float, **held: bool) -> None:
        self.tool.release(self.hand(x, y, **held))

    def click(self, x: float, y: float, **held: bool) -> None:
        self.press(x, y, **held)
        self.release(x, y, **held)

    def double(self, x: float, y: float, **held: bool) -> None:
        """Click twice in the same place."""
        self.click(x, y, **held)
        self.hover(x, y, **held)
        self.tool.double(self.hand(x, y, **held))
        self.release(x, y, **held)

    def drag(self, *points: tuple[float, float], **held: bool) -> None:
        """Press, move and release."""
        self.press(*points[0], **held)
        for point in points[1:]:
            self.move(*point, **held)
        self.release(*points[-1], **held)

    def painted(self) -> NDArray[np.bool_]:
        """Return which screen pixels of a pane of 640 x 480 the tool paints, bool (480, 640)."""
        image = QImage(640, 480, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self.tool.paint(painter, self.view)
        painter.end()
        return np.frombuffer(image.constBits(), np.uint8).reshape(480, 640, 4)[..., 3] > 0

    def check_bounds(self, visible: bool = True) -> None:
        """Check that what is painted lies within what the tool says it covers."""
        painted, bounds = self.painted(), self.tool.bounds(self.view)
        assert painted.any() == visible
        rows, columns = np.nonzero(painted)
        if visible:
            box = QRectF(QPointF(columns.min(), rows.min()), QPointF(columns.max() + 1, rows.max() + 1))
            assert QRectF(bounds.toAlignedRect()).contains(box), f"{box} reaches out of {bounds}"


def start() -> np.ndarray:
    """Return skin with hair in its upper half."""
    labels = np.full((HEIGHT, WIDTH), _SKIN, np.uint8)
    labels[: HEIGHT // 2] = _HAIR
    return labels


def make(kind, **options) -> Easel:
    """Return a tool that puts on a hat."""
    easel = Easel(start(), kind, **options)
    easel.studio.set_label(HAT)
    easel.studio.set_axis(Mirror(WIDTH / 2, HEIGHT / 2))
    return easel


def hats(easel: Easel) -> np.ndarray:
    """Return the pixels that are painted, after checking that no other has changed."""
    found = easel.labels == HAT
    np.testing.assert_array_equal(easel.labels[~found], start()[~found])
    return found


def box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """Return the pixels of a rectangle."""
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[y0:y1, x0:x1] = True
    return inside
