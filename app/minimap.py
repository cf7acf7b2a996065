"""The small picture in a corner of the canvas that tells which part is seen, and takes one elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, QVariantAnimation, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QTabletEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.pane import NOTCH, ZOOM_STEP, ImagePane

LONGER_SIDE = 140
"""The longer side of the small picture, in screen pixels."""
SHARE = 0.35
"""It takes no more than this of the canvas's sides."""
FADE_MS = 150
"""How long it takes to come or go."""

_INSET = 12
_FRAME = 3
_MOST = 0.9
"""The share of the picture's area from which one needs no map to find the rest."""


class Minimap(QWidget):
    """Shows a pane's picture as a whole, with the part outlined that the pane shows, unless that is most of it.

    A drag of the outline pans the view; a press elsewhere brings that place to the middle. The wheel zooms.

    Parameters
    ----------
    pane
        In whose bottom right corner it lies.

    Signals
    -------
    entered
        The cursor came over it, and so went away from the pane.
    """

    entered = Signal()

    def __init__(self, pane: ImagePane) -> None:
        super().__init__(pane)
        self._pane, self._view = pane, pane.view
        self._on = True
        self._wanted = False
        self._grip: QPointF | None = None
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.setDuration(FADE_MS)
        self._fade.valueChanged.connect(self._on_fade)
        # Turned around before it began, it ends without another value.
        self._fade.finished.connect(self._on_fade)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName(self.tr("Overview"))
        self.setToolTip(self.tr("Drag to move what is seen"))
        self.hide()
        self._view.changed.connect(self.refresh)

    @property
    def on(self) -> bool:
        """Whether it is shown when there is more than is seen."""
        return self._on

    @property
    def wanted(self) -> bool:
        """Whether it is shown, or about to be."""
        return self._wanted

    def set_on(self, on: bool) -> None:
        """Choose whether it is shown when there is more than is seen."""
        self._on = on
        self.refresh()

    def refresh(self) -> None:
        """Follow the pane: its picture, its size, and what it shows."""
        wanted = self._on and self._cut_off() and self._pane.has_image
        if wanted:
            self._place()
        if wanted != self._wanted:
            self._wanted = wanted
            if wanted:
                self.show()
            forward, backward = QVariantAnimation.Direction.Forward, QVariantAnimation.Direction.Backward
            self._fade.setDirection(forward if wanted else backward)
            if self._fade.state() != QVariantAnimation.State.Running:
                self._fade.start()
        elif wanted:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        frame = self._frame()
        pixels = self._pane.pixels_within(2 * LONGER_SIDE)
        if pixels is None:
            return
        height, width, _ = pixels.shape
        painter = QPainter(self)
        painter.setOpacity(self._shade())
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 20, 190))
        painter.drawRoundedRect(QRectF(self.rect()), _FRAME + 1, _FRAME + 1)
        painter.setClipRect(frame)
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        painter.save()
        if self._view.flipped:
            # As in the panes, left and right are exchanged; how they are rotated, the outline tells.
            painter.setTransform(QTransform(-1.0, 0.0, 0.0, 1.0, frame.left() + frame.right(), 0.0), combine=True)
        painter.drawImage(frame, image)
        painter.restore()
        seen = self._seen()
        outside, inside = QPainterPath(), QPainterPath()
        outside.addRect(frame)
        inside.addPolygon(seen)
        painter.fillPath(outside.subtracted(inside), QColor(0, 0, 0, 120))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # A light line on a wider dark one can be seen on any picture.
        for pen in (QPen(QColor(0, 0, 0, 150), 3.0), QPen(QColor(255, 255, 255), 1.4)):
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.drawPolygon(seen)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._take(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._let_go()

    def tabletEvent(self, event: QTabletEvent) -> None:
        # Otherwise the pen would draw on the canvas below. Not pressed, it may move on as a mouse.
        event.setAccepted(self._grip is not None or event.type() == QEvent.Type.TabletPress)
        if event.type() == QEvent.Type.TabletPress and event.button() == Qt.MouseButton.LeftButton:
            self._take(event.position())
        elif event.type() == QEvent.Type.TabletMove:
            self._drag(event.position())
        elif event.type() == QEvent.Type.TabletRelease:
            self._let_go()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._view.zoom_about(self._view.centre, ZOOM_STEP ** (event.angleDelta().y() / NOTCH))
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.entered.emit()
        super().enterEvent(event)

    def _take(self, at: QPointF) -> None:
        centre = self._to_map().map(self._view.centre)
        inside = self._seen().containsPoint(at, Qt.FillRule.OddEvenFill)
        self._grip = centre - at if inside else QPointF()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._drag(at)

    def _drag(self, at: QPointF) -> None:
        if self._grip is not None:
            self._view.look_at(self._to_map().inverted()[0].map(at + self._grip))

    def _let_go(self) -> None:
        self._grip = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def _cut_off(self) -> bool:
        """Whether the pane shows less than most of the picture."""
        size = self._view.image_size
        seen = self._seen_in_picture().intersected(QPolygonF(QRectF(QPointF(0, 0), QSizeF(size))))
        return _area(seen) < _MOST * size.width() * size.height()

    def _place(self) -> None:
        """Lie in the pane's corner, in the picture's proportions."""
        size, room = self._view.image_size, self._pane.size()
        longest = min(LONGER_SIDE, SHARE * min(room.width(), room.height()))
        scale = longest / max(size.width(), size.height())
        width, height = (max(round(side * scale), 8) + 2 * _FRAME for side in (size.width(), size.height()))
        self.setGeometry(room.width() - width - _INSET, room.height() - height - _INSET, width, height)

    def _frame(self) -> QRectF:
        return QRectF(self.rect()).adjusted(_FRAME, _FRAME, -_FRAME, -_FRAME)

    def _to_map(self) -> QTransform:
        """Return the map from mask pixels to the widget's."""
        frame, size = self._frame(), self._view.image_size
        across, down = frame.width() / size.width(), frame.height() / size.height()
        if self._view.flipped:
            return QTransform(-across, 0.0, 0.0, down, frame.right(), frame.top())
        return QTransform(across, 0.0, 0.0, down, frame.left(), frame.top())

    def _seen_in_picture(self) -> QPolygonF:
        """Return the outline of what the pane shows, in mask pixels: slanting, where the view is rotated."""
        corners = QPolygonF(QRectF(self._pane.rect()))
        corners.removeLast()
        return self._pane.to_screen().inverted()[0].map(corners)

    def _seen(self) -> QPolygonF:
        """Return the same outline in the map."""
        return self._to_map().map(self._seen_in_picture())

    def _shade(self) -> float:
        return float(self._fade.currentValue() or 0.0)

    def _on_fade(self) -> None:
        if not self._wanted and self._shade() <= 0.0:
            self.hide()
            self._let_go()
        self.update()


def _area(polygon: QPolygonF) -> float:
    places = polygon.toList()
    turned = places[1:] + places[:1]
    return abs(sum(a.x() * b.y() - b.x() * a.y() for a, b in zip(places, turned, strict=True))) / 2
