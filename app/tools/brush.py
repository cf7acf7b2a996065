"""The tools that paint with a round brush."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF
from PySide6.QtGui import QPainter, QPolygonF, QTransform

from app.tools.guides import bounds_of, draw_line
from app.tools.ring import BrushLike
from app.tools.stabiliser import Place, Stabiliser, radius_of
from app.tools.tool import Hand, Studio
from engine.mask.steps import Mirror
from engine.mask.strokes import Stroke

if TYPE_CHECKING:
    from app.document import MaskDocument

CLOSEST = 0.3
"""The least distance between two points of a stroke, and the least change of radius, in mask pixels."""
SLOP = 4.0
"""How far the hand may slip in a click, in screen pixels."""


class _Drawing:
    """The points of a stroke that is being drawn.

    Parameters
    ----------
    label, mirror, snap
        The stroke's; they stay, whatever is chosen on the way.
    """

    def __init__(self, label: int | None, mirror: Mirror | None, snap: bool) -> None:
        self._label, self._mirror, self._snap = label, mirror, snap
        # Room for more points than there are: a long stroke is not copied each time that it grows.
        self._points = np.zeros((64, 3), np.float32)
        self._count = 0

    @property
    def last(self) -> tuple[float, float, float]:
        """The last point: (x, y, radius)."""
        x, y, radius = self._points[self._count - 1].tolist()
        return x, y, radius

    def add(self, x: float, y: float, radius: float, least: float = CLOSEST) -> bool:
        """Add a point, unless it is no farther than ``least`` from the last one and as large; return whether it was."""
        # As the stroke has it, so that the same place twice is no distance.
        x, y, radius = np.array((x, y, radius), np.float32).tolist()
        if self._count:
            last_x, last_y, last_radius = self.last
            if math.hypot(x - last_x, y - last_y) <= least and abs(radius - last_radius) <= CLOSEST:
                return False
        if self._count == len(self._points):
            self._points = np.concatenate([self._points, np.zeros_like(self._points)])
        self._points[self._count] = x, y, radius
        self._count += 1
        return True

    def stroke(self) -> Stroke:
        """Return the stroke as it is now."""
        return Stroke(self._label, self._points[: self._count], self._mirror, self._snap)


class _Painting(BrushLike):
    """Paints strokes.

    Shift and a click draw a straight line from the end of the last stroke. With Shift in a drag the stroke goes on
    level or upright, as seen. Escape takes a stroke back.
    """

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._drawing: _Drawing | None = None
        self._stabiliser = Stabiliser(0)
        self._hand_was = Place(0.0, 0.0)
        self._joined: Hand | None = None
        self._level: tuple[Place, bool | None] | None = None
        self._end: tuple[weakref.ref[MaskDocument], float, float] | None = None

    def label(self) -> int | None:
        """Return the class to paint; None for what was there at first."""

    @property
    def resting(self) -> bool:
        return self._drawing is None and super().resting

    def begin_drag(self, hand: Hand) -> None:
        """Begin a stroke; with Shift, where the last one ended."""
        if self.editor.document is None:
            return
        self._stabiliser = Stabiliser(self.studio.options.stabiliser, hand.scale)
        end = self._last_end() if hand.shift else None
        self._joined, self._level = None if end is None else hand, None
        self._drawing = self._begun_at(hand, end)
        self.editor.begin_step(self._drawing.stroke())
        self.changed.emit()

    def go_on(self, hand: Hand) -> None:
        """Draw the stroke further."""
        if self._drawing is None:
            return
        joined = self._joined
        if joined is not None and hand.shift:
            if _distance(hand.at, joined.at) <= SLOP:
                return
            # It is a drag, not a click: so Shift does not ask for the line, but to keep level or upright.
            self._drawing = self._begun_at(joined, None)
            self.editor.revise_step(self._drawing.stroke())
        self._joined = None
        place = self._kept_level(hand)
        if place is not None:
            self._draw(self._drawing, self._stabiliser.move(place))

    def end_drag(self, hand: Hand) -> None:
        """Draw the stroke up to the hand, and keep it."""
        self.go_on(hand)
        self.finish()

    def finish(self) -> None:
        super().finish()
        drawing = self._drawing
        if drawing is None:
            return
        if self._joined is None:
            self._draw(drawing, self._stabiliser.end())
            # However near it is to the last point that counted: the stroke ends where the hand is.
            tip = self._stabiliser.tip
            if drawing.add(tip.x, tip.y, self._radius_at(tip), least=0.0):
                self.editor.extend_step(drawing.stroke())
        self._drawing = self._joined = None
        if self.editor.document is not None:
            x, y, _ = drawing.last
            self._end = (weakref.ref(self.editor.document), x, y)
        self.editor.end_step()
        self.changed.emit()

    def escape(self) -> bool:
        if self._drawing is None:
            return super().escape()
        self._drawing = self._joined = None
        self.editor.cancel_step()
        self.changed.emit()
        return True

    def ring(self) -> Place | None:
        return super().ring() if self._drawing is None else self._stabiliser.tip

    def ring_radius(self) -> float:
        return super().ring_radius() if self._drawing is None else self._drawing.last[2]

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        line = self._guide(to_screen)
        if not line.isEmpty():
            draw_line(painter, line)
        super().paint(painter, to_screen)

    def bounds(self, to_screen: QTransform) -> QRectF:
        line = self._guide(to_screen)
        covered = super().bounds(to_screen)
        return covered if line.isEmpty() else covered.united(bounds_of(line))

    def _guide(self, to_screen: QTransform) -> QPolygonF:
        """Return the line to show, in screen pixels: a stabilised brush's string, or what a Shift-click would draw."""
        hand = self.hand
        if hand is None or self._sizing is not None:
            return QPolygonF()
        start: tuple[float, float] | None = None
        if self._drawing is not None:
            tip = self._stabiliser.tip
            start = None if self._under_cursor() or not self.studio.options.stabiliser else (tip.x, tip.y)
        elif hand.shift:
            start = self._last_end()
        return QPolygonF() if start is None else to_screen.map(QPolygonF([QPointF(*start), QPointF(hand.x, hand.y)]))

    def _begun_at(self, hand: Hand, end: tuple[float, float] | None) -> _Drawing:
        """Return a stroke that begins where the hand is, or where the last one ended."""
        drawing = _Drawing(self.label(), self.studio.mirror, self.studio.options.snap)
        self._hand_was = self._stabiliser.begin(Place(hand.x, hand.y, _pressure(hand)))
        radius = self._radius_at(self._hand_was)
        if end is not None:
            drawing.add(*end, radius)
        drawing.add(hand.x, hand.y, radius)
        return drawing

    def _kept_level(self, hand: Hand) -> Place | None:
        """Return where the hand is, with Shift moved to the level or upright line through where it was at first.

        None while it is not known which.
        """
        place = Place(hand.x, hand.y, _pressure(hand))
        if not hand.shift:
            self._level, self._hand_was = None, place
            return place
        start, level = self._level or (self._hand_was, None)
        view = hand.view
        origin = view.map(QPointF(start.x, start.y))
        way = view.map(QPointF(hand.x, hand.y)) - origin
        if level is None and _distance(way, QPointF()) > SLOP:
            level = abs(way.x()) >= abs(way.y())
        self._level = (start, level)
        if level is None:
            return None
        back, _ = view.inverted()
        at = back.map(origin + (QPointF(way.x(), 0.0) if level else QPointF(0.0, way.y())))
        return Place(at.x(), at.y(), place.pressure)

    def _draw(self, drawing: _Drawing, places: list[Place]) -> None:
        grown = [drawing.add(place.x, place.y, self._radius_at(place)) for place in places]
        if any(grown):
            self.editor.extend_step(drawing.stroke())
        self.changed.emit()

    def _radius_at(self, place: Place) -> float:
        options = self.studio.options
        return radius_of(self.size, place.pressure, options.pressure_curve, options.pressure)

    def _last_end(self) -> tuple[float, float] | None:
        """Return where the last stroke on this mask ended; None where there is none."""
        if self._end is None or self.editor.document is None or self._end[0]() is not self.editor.document:
            return None
        return self._end[1:]


class BrushTool(_Painting):
    """Paints the class that is chosen."""

    name = "brush"
    size_option = "brush_size"

    def label(self) -> int | None:
        return self.studio.label


class RestoreTool(_Painting):
    """Paints back what the portrait's own mask has."""

    name = "restore"
    size_option = "restore_size"


def _pressure(hand: Hand) -> float:
    return hand.pressure if hand.pen else 1.0


def _distance(one: QPointF, other: QPointF) -> float:
    return math.hypot(one.x() - other.x(), one.y() - other.y())
