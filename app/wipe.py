"""The line between before and after, and how words are written over pictures."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPolygonF

HANDLE = 13.0
"""Radius in screen pixels of the handle on the line."""
REACH = 8.0
"""Screen pixels beside the line at which it can be taken hold of."""
STEP = 0.02
"""The share of the frame's width by which an arrow key moves the line."""

_INSET = 10
_INK, _SHADE = QColor(255, 255, 255), QColor(0, 0, 0, 150)


def caption_size(metrics: QFontMetrics, text: str) -> QSize:
    """Return the size of a caption."""
    size = metrics.size(0, text)
    return QSize(size.width() + 20, size.height() + 8)


def draw_caption(painter: QPainter, box: QRect, text: str) -> None:
    """Write light words on a dark pill, which can be read on any picture."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 20, 20, 190))
    painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
    painter.setPen(QColor(240, 240, 240))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


@dataclass(frozen=True, slots=True)
class Divider:
    """Where the line lies, in screen pixels of the pane.

    Attributes
    ----------
    frame
        The whole picture.
    pane
        The pane; a zoomed picture reaches beyond it.
    share
        Where the line lies, as a share of the frame's width.
    """

    frame: QRectF
    pane: QRectF
    share: float

    @property
    def x(self) -> float:
        """The line's place."""
        return self.frame.left() + self.share * self.frame.width()

    @property
    def seen(self) -> QRectF:
        """The part of the picture that the pane shows."""
        return self.frame.intersected(self.pane)

    @property
    def handle(self) -> QPointF:
        """The handle's middle."""
        return QPointF(self.x, self.seen.center().y())

    @property
    def bounds(self) -> QRect:
        """What the line and its handle cover."""
        reach, seen = HANDLE + 3, self.seen
        box = QRectF(self.x - reach, seen.top() - reach, 2 * reach, seen.height() + 2 * reach)
        return box.intersected(self.pane).toAlignedRect()

    def share_at(self, x: float) -> float:
        """Return the share for a place of the line, kept within the frame."""
        return min(max((x - self.frame.left()) / self.frame.width(), 0.0), 1.0)

    def grips(self, point: QPointF) -> bool:
        """Whether a point takes hold of the line or its handle."""
        apart, seen = point - self.handle, self.seen
        if QPointF.dotProduct(apart, apart) <= (HANDLE + 3) ** 2:
            return True
        return abs(apart.x()) <= REACH and seen.top() <= point.y() <= seen.bottom()

    def captions(self, before: QSize, after: QSize, top: int) -> tuple[QRect, QRect]:
        """Return the boxes of the two captions, no higher than ``top``; an empty one where its side is too narrow."""
        seen = self.seen
        left, right = round(seen.left()) + _INSET, round(seen.right()) - _INSET
        y = max(round(seen.top()) + _INSET, top)
        boxes = [QRect(left, y, before.width(), before.height())]
        boxes.append(QRect(right - after.width(), y, after.width(), after.height()))
        room = (self.x - left, right - self.x)
        low = y + before.height() > seen.bottom()
        first, second = (
            QRect() if low or space < box.width() + _INSET else box for box, space in zip(boxes, room, strict=True)
        )
        return first, second

    def paint(self, painter: QPainter) -> None:
        """Draw the line and its handle."""
        seen, middle = self.seen, self.handle
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # A light line on a wider dark one can be seen on any colour.
        for pen in (QPen(_SHADE, 4.0), QPen(_INK, 2.0)):
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.drawLine(QPointF(self.x, seen.top()), QPointF(self.x, seen.bottom()))
        painter.setPen(QPen(_SHADE, 1.5))
        painter.setBrush(_INK)
        painter.drawEllipse(middle, HANDLE, HANDLE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(40, 43, 47))
        for side in (-1.0, 1.0):
            tip = middle + QPointF(side * 8.5, 0)
            base = QPointF(side * 5, 0)
            painter.drawPolygon(QPolygonF([tip, tip - base + QPointF(0, 4.5), tip - base - QPointF(0, 4.5)]))
