"""What all tools with a round brush have in common: a size that the hand can drag, and a ring that shows it."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QGuiApplication, QPainter, QPen, QPolygonF, QTransform

from app.tools.options import BRUSH_SIZES
from app.tools.stabiliser import Place
from app.tools.tool import Hand, Studio, Tool
from engine.mask.steps import Mirror

SMALL_RING = 4.0
"""Radius in screen pixels below which a ring would be hard to find: the cursor, or short ticks, then mark its place."""
PIXEL_FROM = 6.0
"""Screen pixels per mask pixel from which the brush of one pixel shows as that pixel's square."""
FAINT = 0.4
"""Opacity of the ring on the other side of a symmetric face."""

_TICK, _GAP = 5.0, 3.0
_MARGIN = 3.0
_INK, _SHADE = QColor(255, 255, 255), QColor(0, 0, 0, 150)
_LINE, _UNDER = 1.2, 3.0


class BrushLike(Tool):
    """A tool whose size shows as a ring, and is set with the wheel, keys, or an Alt-drag to the right or left.

    Subclasses say what a drag without Alt does: see `begin_drag`, `go_on` and `end_drag`. What is under way ends before
    the size can be dragged.

    Attributes
    ----------
    size_option
        The name of the option that holds its diameter.
    """

    size_option: ClassVar[str] = ""

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self.hand: Hand | None = None
        """Where the cursor is over the canvas."""
        self._sizing: tuple[Hand, int] | None = None
        studio.options_changed.connect(self.changed)
        studio.mirror_changed.connect(self.changed)

    # What a subclass does

    def begin_drag(self, hand: Hand) -> None:
        """Begin a drag in which the brush works."""

    def go_on(self, hand: Hand) -> None:
        """Go on with it."""

    def end_drag(self, hand: Hand) -> None:
        """End it."""

    def ring(self) -> Place | None:
        """Return the ring's place in mask pixels; None where none is seen."""
        hand = self._sizing[0] if self._sizing is not None else self.hand
        return None if hand is None else Place(hand.x, hand.y)

    def ring_radius(self) -> float:
        """Return the ring's radius in mask pixels."""
        return self.size / 2

    # The size

    @property
    def size(self) -> int:
        """The brush's diameter in mask pixels."""
        return int(getattr(self.studio.options, self.size_option))

    def set_size(self, size: int) -> None:
        """Change the diameter, within `BRUSH_SIZES`."""
        self.studio.change(**{self.size_option: min(max(size, BRUSH_SIZES[0]), BRUSH_SIZES[1])})

    def step(self, steps: int) -> None:
        """Make the brush larger or smaller by about a tenth a step, at least a pixel."""
        size = self.size
        for _ in range(abs(steps)):
            size = size + max(1, size // 10) if steps > 0 else size - max(1, size // 11)
        self.set_size(size)

    # The hand

    def press(self, hand: Hand) -> None:
        """Begin to drag the size with Alt, else whatever the brush does."""
        self.hand = hand
        if hand.alt and self.resting:
            self._sizing = (hand, self.size)
            self.changed.emit()
        else:
            self.begin_drag(hand)

    def move(self, hand: Hand) -> None:
        self.hand = hand
        if self._sizing is None:
            self.go_on(hand)
            return
        start, size = self._sizing
        # The ring's rim keeps up with the hand.
        self.set_size(round(size + 2 * (hand.at.x() - start.at.x()) / start.scale))

    def release(self, hand: Hand) -> None:
        self.hand = hand
        if self._sizing is None:
            self.end_drag(hand)
        else:
            self._sizing = None
            self.changed.emit()

    def hover(self, hand: Hand) -> None:
        self.hand = hand
        # In a drag, `move` follows.
        if self.resting:
            self.changed.emit()

    def left(self) -> None:
        self.hand = None
        self.changed.emit()

    def escape(self) -> bool:
        if self._sizing is None:
            return False
        (_, size), self._sizing = self._sizing, None
        self.set_size(size)
        self.changed.emit()
        return True

    def finish(self) -> None:
        if self._sizing is not None:
            self._sizing = None
            self.changed.emit()

    @property
    def resting(self) -> bool:
        return self._sizing is None

    # What is seen

    def cursor(self) -> Qt.CursorShape:
        if self._sizing is not None:
            return Qt.CursorShape.SizeHorCursor
        large = self.hand is not None and self.size / 2 * self.hand.scale >= SMALL_RING
        return Qt.CursorShape.BlankCursor if large else Qt.CursorShape.CrossCursor

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, own in self._rings():
            painter.setOpacity(1.0 if own else FAINT)
            # The cursor is the cross hair of a small ring under it.
            _draw_ring(painter, place, self.ring_radius(), to_screen, not own or not self._under_cursor())
        painter.setOpacity(1.0)
        ring = self.ring()
        if self._sizing is not None and ring is not None:
            _draw_words(painter, self._words_box(ring, to_screen), self._words())

    def bounds(self, to_screen: QTransform) -> QRectF:
        covered = QRectF()
        reach = max(self.ring_radius(), 1.0) * _scale(to_screen) + _GAP + _TICK + _MARGIN
        for place, _ in self._rings():
            at = to_screen.map(QPointF(place.x, place.y))
            covered = covered.united(QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach))
        ring = self.ring()
        if self._sizing is not None and ring is not None:
            covered = covered.united(self._words_box(ring, to_screen))
        return covered

    def mirror(self) -> Mirror | None:
        """Return the line beyond which a second ring shows; None for no such ring."""
        return self.studio.mirror

    def _rings(self) -> list[tuple[Place, bool]]:
        """Return where rings are, in mask pixels, and whether each is the hand's own."""
        ring, mirror = self.ring(), self.mirror()
        if ring is None or self.editor.document is None:
            return []
        if mirror is None:
            return [(ring, True)]
        x, y = mirror.points(np.array([[ring.x, ring.y]], np.float32))[0].tolist()
        return [(Place(x, y), False), (ring, True)]

    def _under_cursor(self) -> bool:
        """Whether the ring lies around the cursor."""
        ring, hand = self.ring(), self.hand
        return ring is not None and hand is not None and (ring.x, ring.y) == (hand.x, hand.y)

    def _words(self) -> str:
        return self.tr("{0} px").format(self.size)

    def _words_box(self, ring: Place, to_screen: QTransform) -> QRectF:
        metrics = QFontMetricsF(QGuiApplication.font())
        size = QSizeF(metrics.horizontalAdvance(self._words()) + 16, metrics.height() + 6)
        at, radius = to_screen.map(QPointF(ring.x, ring.y)), self.ring_radius() * _scale(to_screen)
        if radius < size.width() / 2 + 8:
            at -= QPointF(0, radius + size.height() / 2 + _GAP + _TICK + _MARGIN)
        return QRectF(at - QPointF(size.width() / 2, size.height() / 2), size)


def _scale(to_screen: QTransform) -> float:
    """Return how many screen pixels a mask pixel is wide, in whatever direction: the view only turns and scales."""
    return math.sqrt(abs(to_screen.determinant()))


def _draw_ring(painter: QPainter, place: Place, radius: float, to_screen: QTransform, ticks: bool) -> None:
    """Draw the outline of what a brush covers; with ``ticks``, a cross hair around a small one."""
    scale, at = _scale(to_screen), to_screen.map(QPointF(place.x, place.y))
    reach = max(radius, 0.5) * scale
    pixel = radius <= 0.5 and scale >= PIXEL_FROM
    square = to_screen.map(QPolygonF(QRectF(math.floor(place.x), math.floor(place.y), 1, 1)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(_SHADE, _UNDER), QPen(_INK, _LINE)):
        painter.setPen(pen)
        if pixel:
            painter.drawPolygon(square)
        else:
            painter.drawEllipse(at, reach, reach)
        if ticks and reach < SMALL_RING:
            for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                way = QPointF(x, y)
                painter.drawLine(at + way * (reach + _GAP), at + way * (reach + _GAP + _TICK))


def _draw_words(painter: QPainter, box: QRectF, words: str) -> None:
    """Write light words on a dark pill."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 20, 20, 215))
    painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
    painter.setPen(QColor(240, 240, 240))
    painter.setFont(QGuiApplication.font())
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
