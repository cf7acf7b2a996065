"""The line of symmetry: how it is drawn over the mask, moved and turned."""

import math

from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF, QTransform

from app.tools.guides import bounds_of, draw_circle, draw_dashes, draw_square, near
from app.tools.tool import Hand, Studio, Tool
from engine.mask.steps import Mirror

ARM = 0.87
"""How far above the middle handle the upper one lies, as a share of the mask's height."""
SHORTEST_ARM = 0.08
"""The least such share where the mask's border is near."""
INSET = 0.03
"""How far the upper handle stays away from the mask's border, as a share of the mask's height."""
OVERHANG = 14.0
"""Screen pixels by which the line reaches beyond the mask."""
TURN_STEP = 15.0
"""Degrees by which the line turns while Shift is held down."""


class SymmetryAxis(Tool):
    """Shows the line of symmetry while there is one, with two handles: the middle one moves it, the upper one turns it.

    Shift keeps a move to the horizontal and a turn to steps; a double click on a handle goes back to the middle of the
    face. The studio's line changes when a drag ends.
    """

    name = "axis"
    picks = False

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._dragged: Mirror | None = None
        self._turning: bool | None = None
        self._hot: bool | None = None
        self._grip = QPointF()
        self._side = 1.0
        studio.mirror_changed.connect(self.changed)

    @property
    def line(self) -> Mirror | None:
        """The line that is shown: the studio's, or in a drag the one that it would become."""
        if self.studio.mirror is None or self.editor.document is None:
            return None
        return self._dragged or self.studio.mirror

    @property
    def resting(self) -> bool:
        return self._turning is None

    def hits(self, hand: Hand) -> bool:
        """Whether the hand would take hold of a handle."""
        return self._handle_at(hand) is not None

    def press(self, hand: Hand) -> None:
        """Take hold of the handle that lies here."""
        handle, line = self._handle_at(hand), self.line
        if handle is not None and line is not None:
            upper = self._upper(line)
            self._turning = handle
            middle = QPointF(line.x, line.y)
            self._side = math.copysign(1.0, QPointF.dotProduct(upper - middle, _up(line)))
            # Taken at its rim, the handle must not jump.
            self._grip = (upper if handle else middle) - QPointF(hand.x, hand.y)
            self._dragged = line

    def move(self, hand: Hand) -> None:
        """Drag the handle."""
        line, document = self.line, self.editor.document
        if self._turning is None or line is None or document is None:
            return
        place = QPointF(hand.x, hand.y) + self._grip
        if self._turning:
            away = (place - QPointF(line.x, line.y)) * self._side
            angle = math.atan2(away.x(), -away.y())
            step = math.radians(TURN_STEP)
            self._dragged = Mirror(line.x, line.y, round(angle / step) * step if hand.shift else angle)
        else:
            height, width = document.labels.shape
            x, y = min(max(place.x(), 0.0), float(width)), min(max(place.y(), 0.0), float(height))
            self._dragged = Mirror(x, self.studio.axis.y if hand.shift else y, line.angle)
        self.changed.emit()

    def release(self, hand: Hand) -> None:
        """Put the line there."""
        self.finish()

    def double(self, hand: Hand) -> None:
        """Put the line into the middle of the face."""
        if self.hits(hand):
            self.studio.find_axis()

    def hover(self, hand: Hand) -> None:
        """Light up the handle that lies here."""
        self._heat(self._handle_at(hand))

    def left(self) -> None:
        self._heat(None)

    def escape(self) -> bool:
        """Leave the line where it was."""
        if self._turning is None:
            return False
        self._turning = self._dragged = None
        self.changed.emit()
        return True

    def finish(self) -> None:
        """Put the line where it was dragged to."""
        line, self._turning, self._dragged = self._dragged, None, None
        if line is not None:
            self.studio.set_axis(line)
            self.changed.emit()

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        line, ends = self.line, self._ends(to_screen)
        if line is None or ends is None:
            return
        # At a high zoom all but a little of the line lies outside the pane.
        seen = _within(ends[0], ends[1], QRectF(painter.viewport()))
        if seen is not None:
            draw_dashes(painter, *seen)
        turning = self._hot if self._turning is None else self._turning
        draw_circle(painter, to_screen.map(self._upper(line)), turning is True)
        draw_square(painter, to_screen.map(QPointF(line.x, line.y)), turning is False)

    def bounds(self, to_screen: QTransform) -> QRectF:
        line, ends = self.line, self._ends(to_screen)
        if line is None or ends is None:
            return QRectF()
        handles = [to_screen.map(self._upper(line)), to_screen.map(QPointF(line.x, line.y))]
        return bounds_of(QPolygonF([*ends, *handles]))

    def cursor(self) -> Qt.CursorShape:
        if self._turning is not None:
            return Qt.CursorShape.ClosedHandCursor
        return Qt.CursorShape.OpenHandCursor

    def _frame(self) -> QRectF:
        document = self.editor.document
        height, width = (0, 0) if document is None else document.labels.shape
        return QRectF(0, 0, width, height)

    def _upper(self, line: Mirror) -> QPointF:
        """Return the place of the handle that turns, in mask pixels: below the other one if there is no room above."""
        frame, middle = self._frame(), QPointF(line.x, line.y)
        least, inset = SHORTEST_ARM * frame.height(), INSET * frame.height()
        # In a drag it stays on its side, or it would jump away from the hand.
        sides = (1.0, -1.0) if self._turning is None else (self._side,)
        for side in sides:
            up = _up(line) * side
            seen = _within(middle, middle + up * (ARM * frame.height() + inset), frame)
            room = 0.0 if seen is None else math.dist(seen[1].toTuple(), middle.toTuple()) - inset
            if room >= least:
                return middle + up * room
        return middle + _up(line) * (least * sides[0])

    def _ends(self, to_screen: QTransform) -> tuple[QPointF, QPointF] | None:
        """Return the line's ends on the screen, the upper one first; None where it does not cross the mask."""
        line = self.line
        if line is None:
            return None
        frame = self._frame()
        middle, up = QPointF(line.x, line.y), _up(line)
        # Far enough to cross the whole mask from wherever the middle is.
        far = frame.width() + frame.height() + abs(line.x) + abs(line.y)
        found = _within(middle + up * far, middle - up * far, frame)
        if found is None:
            return None
        upper, lower = to_screen.map(found[0]), to_screen.map(found[1])
        along = lower - upper
        length = math.hypot(along.x(), along.y())
        over = along * (OVERHANG / length) if length else QPointF()
        return upper - over, lower + over

    def _handle_at(self, hand: Hand) -> bool | None:
        """Return True for the handle that turns, False for the one that moves, None for neither."""
        line = self.line
        if line is None:
            return None
        places = ((False, QPointF(line.x, line.y)), (True, self._upper(line)))
        return next((turns for turns, place in places if near(hand.view.map(place), hand.at)), None)

    def _heat(self, handle: bool | None) -> None:
        if handle is not self._hot:
            self._hot = handle
            self.changed.emit()


def _up(line: Mirror) -> QPointF:
    return QPointF(math.sin(line.angle), -math.cos(line.angle))


def _within(start: QPointF, end: QPointF, frame: QRectF) -> tuple[QPointF, QPointF] | None:
    """Return the ends of the part of a segment that lies in a rectangle; None where it passes by."""
    first, last = 0.0, 1.0
    way = end - start
    for at, step, low, high in (
        (start.x(), way.x(), frame.left(), frame.right()),
        (start.y(), way.y(), frame.top(), frame.bottom()),
    ):
        if step == 0:
            if not low <= at <= high:
                return None
            continue
        enters, leaves = sorted(((low - at) / step, (high - at) / step))
        first, last = max(first, enters), min(last, leaves)
    return (start + way * first, start + way * last) if first < last else None
