"""The tools that draw an area, which shows while it is drawn; those for outlines are in `app.tools.lasso`."""

import math
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF, QTransform

from app.tools.guides import bounds_of, crisp, draw_line
from app.tools.tool import Hand, Studio, Tool
from engine.mask.fills import Area
from engine.mask.steps import Points, Step

FINENESS = 64
"""Places of the hand are kept to this part of a mask pixel: no hand is finer, and files stay short."""


def places(points: Iterable[tuple[float, float]] | Points) -> Points:
    """Return points of the mask as float32 (N, 2), kept to the `FINENESS`."""
    array = np.array(points if isinstance(points, np.ndarray) else list(points), np.float64).reshape(-1, 2)
    return (np.round(array * FINENESS) / FINENESS).astype(np.float32)


class AreaTool(Tool):
    """What the tools have in common whose area is tried out until it is kept or taken back.

    It follows the painted class, the class to replace and the line of symmetry while it is drawn.

    Attributes
    ----------
    shape
        One of `engine.mask.fills.SHAPES`.
    """

    shape: ClassVar[str] = "polygon"

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._tried: Step | None = None
        for signal in (studio.label_changed, studio.options_changed, studio.mirror_changed):
            signal.connect(self._retry)

    def outline(self) -> Points | None:
        """Return the area's points as drawn so far, float32 (N, 2); None for none."""
        return None

    def forget(self) -> None:
        """Forget what was drawn."""

    @property
    def trying(self) -> bool:
        """Whether this tool's area shows in the mask."""
        document = self.editor.document
        return self._tried is not None and document is not None and document.trying is self._tried

    def show_area(self) -> None:
        """Show the area as it is drawn now."""
        points, begun = self.outline(), self._tried is not None
        if begun and not self.trying:
            # Something else has come between, say another portrait.
            self.drop()
        elif points is not None and (begun or len(points) > 2):
            replaced = self.studio.options.replaced
            step = Area(self.studio.label, points, self.shape, replaced if replaced >= 0 else None, self.studio.mirror)
            self._tried = step
            if begun:
                self.editor.revise_step(step)
            else:
                self.editor.begin_step(step)
        self.changed.emit()

    def keep(self) -> None:
        """Keep the area as it shows, as one edit."""
        if self.trying:
            self.editor.end_step()
        self._rest()

    def drop(self) -> None:
        """Take the area back."""
        if self.trying:
            self.editor.cancel_step()
        self._rest()

    def escape(self) -> bool:
        """Take the area back."""
        if self.resting:
            return False
        self.drop()
        return True

    def finish(self) -> None:
        """Keep the area."""
        if not self.resting:
            self.keep()

    def _rest(self) -> None:
        self._tried = None
        self.forget()
        self.changed.emit()

    def _retry(self) -> None:
        if self.trying:
            self.show_area()


class BoxTool(AreaTool):
    """Drags a box that is upright on the screen, however the view is turned.

    Shift makes its sides equal; with Alt it grows from its middle.
    """

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._start: QPointF | None = None
        self._corners: Points | None = None

    @property
    def resting(self) -> bool:
        return self._start is None

    def press(self, hand: Hand) -> None:
        """Set the first corner, or the middle."""
        if self.editor.document is not None:
            self._start, self._corners = QPointF(hand.x, hand.y), None

    def move(self, hand: Hand) -> None:
        """Drag the other corner."""
        if self._start is not None:
            self._corners = places(_box(self._start, hand))
            self.show_area()

    def release(self, hand: Hand) -> None:
        """Keep the area."""
        self.finish()

    def outline(self) -> Points | None:
        return self._corners

    def forget(self) -> None:
        self._start = self._corners = None

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        draw_line(painter, self._line(to_screen), closed=True)

    def bounds(self, to_screen: QTransform) -> QRectF:
        return bounds_on_screen(self._corners, to_screen)

    def _box(self, to_screen: QTransform) -> QPolygonF:
        return on_screen(self._corners, to_screen)

    def _line(self, to_screen: QTransform) -> QPolygonF:
        """Return the area's outline on the screen."""
        box = self._box(to_screen)
        if box.isEmpty():
            return box
        # The view may have been turned since the drag began.
        upright = abs(box.at(0).y() - box.at(1).y()) < 0.5 or abs(box.at(0).x() - box.at(1).x()) < 0.5
        return crisp(box) if upright else box


class RectangleTool(BoxTool):
    """Drags a rectangle."""

    name = "rectangle"
    shape = "rectangle"


class EllipseTool(BoxTool):
    """Drags an ellipse."""

    name = "ellipse"
    shape = "ellipse"

    def _line(self, to_screen: QTransform) -> QPolygonF:
        box = self._box(to_screen)
        if box.isEmpty():
            return box
        corner, across, down = box.at(0), box.at(1) - box.at(0), box.at(3) - box.at(0)
        unit = QTransform(across.x(), across.y(), down.x(), down.y(), corner.x(), corner.y())
        path = QPainterPath()
        path.addEllipse(QRectF(0, 0, 1, 1))
        return path.toFillPolygon(unit)


def on_screen(points: Points | None, to_screen: QTransform) -> QPolygonF:
    """Return points of the mask, float32 (N, 2), in screen pixels; none for None."""
    if points is None:
        return QPolygonF()
    return to_screen.map(QPolygonF([QPointF(x, y) for x, y in points.tolist()]))


def bounds_on_screen(points: Points | None, to_screen: QTransform) -> QRectF:
    """Return what an outline through points of the mask, float32 (N, 2), covers on the screen; empty for None."""
    if points is None:
        return QRectF()
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return bounds_of(to_screen.map(QPolygonF(QRectF(x0, y0, x1 - x0, y1 - y0))))


def _box(start: QPointF, hand: Hand) -> list[tuple[float, float]]:
    """Return the corners, in mask pixels, of the box from a place of the mask to the hand."""
    first = hand.view.map(start)
    across, down = hand.at.x() - first.x(), hand.at.y() - first.y()
    if hand.shift:
        side = max(abs(across), abs(down))
        across, down = math.copysign(side, across), math.copysign(side, down)
    last = first + QPointF(across, down)
    if hand.alt:
        first -= QPointF(across, down)
    back, _ = hand.view.inverted()
    corners = (first, QPointF(last.x(), first.y()), last, QPointF(first.x(), last.y()))
    return [(place.x(), place.y()) for place in (back.map(corner) for corner in corners)]
