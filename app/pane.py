"""The widget that shows a picture in the shared view."""

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.view import ViewModel
from engine.types import Pixels, Region

NEAREST_FROM = 4.0
"""Screen pixels per picture pixel from which single pixels are shown as squares."""
ZOOM_STEP = 1.25
"""Zoom factor of one notch of the wheel."""
NOTCH = 120
"""`angleDelta` of one notch; finer wheels and trackpads send parts of it."""
DIRTY_MARGIN = 2
"""Screen pixels around a changed rectangle that smooth scaling and rounding may touch."""

_Button = Qt.MouseButton
_Hint = QPainter.RenderHint


class ImagePane(QWidget):
    """Shows a picture in the shared view; zooms with the wheel, pans with the middle button or Space and a drag.

    Parameters
    ----------
    view
        The zoom and pan, shared by all panes.
    title
        What the pane shows, for assistive technology.
    """

    def __init__(self, view: ViewModel, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self._pixels: Pixels | None = None
        self._levels: list[tuple[QImage, Pixels]] = []
        self._placeholder = ""
        self._space = False
        self._pan_from: QPointF | None = None
        self._busy = False
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Every paint event fills its rectangle, so Qt need not clear it first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setMinimumSize(120, 120)
        view.changed.connect(self._on_view_changed)

    def sizeHint(self) -> QSize:
        return QSize(480, 480)

    @property
    def busy(self) -> bool:
        """Whether the busy sign is shown."""
        return self._busy

    @property
    def panning(self) -> bool:
        """Whether the left button pans, or a pan is under way."""
        return self._space or self._pan_from is not None

    def set_image(self, pixels: Pixels | None) -> None:
        """Show a picture, uint8 (H, W, 3) RGB, without copying it; None for the placeholder.

        Raises
        ------
        ValueError
            If it is no such picture.
        """
        if pixels is not None and (pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3):
            raise ValueError(f"expected uint8 pixels of shape (H, W, 3), not {pixels.dtype} of shape {pixels.shape}")
        self._pixels = None if pixels is None else np.ascontiguousarray(pixels)
        self._levels = [] if self._pixels is None else [(_rgb_image(self._pixels), self._pixels)]
        self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the words shown while there is no picture."""
        self._placeholder = text
        self.setAccessibleDescription(text)
        self.update()

    def set_busy(self, busy: bool) -> None:
        """Show or hide the busy sign in the top right corner."""
        if busy != self._busy:
            self._busy = busy
            self.update(self._pill())

    def update_region(self, region: Region) -> None:
        """Repaint what shows a rectangle of the mask."""
        if not region.empty:
            self.update(self._dirty(region))

    def to_image(self, point: QPointF) -> QPointF:
        """Return the place in the mask, in mask pixels, of a point of the widget."""
        return self.view.to_image(point, QSizeF(self.size()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(self.backgroundRole()))
        if self._has_content():
            painter.save()
            # Qt clips to the event's region, so that the cost is that of the dirty rectangles, not of the picture.
            painter.setTransform(self.view.transform(QSizeF(self.size())), combine=True)
            self._paint_content(painter)
            painter.restore()
            self._paint_frame(painter)
        elif self._placeholder:
            painter.setPen(_faded(self.palette().color(self.foregroundRole()), 0.6))
            box = self.rect().adjusted(24, 24, -24, -24)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._placeholder)
        if self._busy:
            self._paint_busy(painter)
        self._paint_overlay(painter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.view.set_viewport(self, QSizeF(event.size()))

    def showEvent(self, event: QShowEvent) -> None:
        self.view.set_viewport(self, QSizeF(self.size()))
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        # A minimised window is hidden by the desktop (spontaneously) and comes back as it was.
        if not event.spontaneous():
            self.view.set_viewport(self, None)
        self._end_pan()
        super().hideEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._zoom(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == _Button.MiddleButton or (event.button() == _Button.LeftButton and self._space):
            self._pan_from = event.position()
            self._update_cursor()
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None:
            if not event.buttons():
                self._end_pan()
                return
            step = event.position() - self._pan_from
            self._pan_from = event.position()
            self.view.pan(step.x(), step.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._end_pan()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._space = True
            self._update_cursor()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self._space = False
            self._update_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        # The release of the key or the button may now go elsewhere.
        self._space = False
        self._end_pan()
        super().focusOutEvent(event)

    def _has_content(self) -> bool:
        return bool(self._levels)

    def _paint_content(self, painter: QPainter) -> None:
        """Draw in mask pixels."""
        if self._levels:
            frame = QRectF(QPointF(0, 0), QSizeF(self.view.image_size))
            on_screen = self.view.scale * self.devicePixelRatioF() * frame.width()
            image = self._level(on_screen)
            smooth = self.view.scale * frame.width() / image.width() < NEAREST_FROM
            painter.setRenderHint(_Hint.SmoothPixmapTransform, smooth)
            painter.drawImage(frame, image)

    def _paint_overlay(self, painter: QPainter) -> None:
        """Draw above everything, in screen pixels."""

    def _level(self, width_on_screen: float) -> QImage:
        """Return the picture, halved so often that drawing it at this width shrinks it by less than two.

        Bilinear scaling skips pixels beyond that, and fine hair would shimmer.
        """
        level = 0
        while self._levels[level][0].width() > 2 * width_on_screen and min(self._levels[level][1].shape[:2]) > 1:
            level += 1
            if level == len(self._levels):
                height, width, _ = self._levels[-1][1].shape
                half = cv2.resize(self._levels[-1][1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
                pixels = half.astype(np.uint8, copy=False)
                self._levels.append((_rgb_image(pixels), pixels))
        return self._levels[level][0]

    def _paint_frame(self, painter: QPainter) -> None:
        """Draw a hairline around the picture: a black background class would not show its edge on a dark pane."""
        frame = self.view.transform(QSizeF(self.size())).mapRect(QRectF(QPointF(0, 0), QSizeF(self.view.image_size)))
        painter.setPen(QPen(_faded(self.palette().color(self.foregroundRole()), 0.25), 0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame.toAlignedRect().adjusted(-1, -1, 0, 0))

    def _pill(self) -> QRect:
        text = self.fontMetrics().size(0, self._busy_text())
        size = QSize(text.width() + 20, text.height() + 8)
        return QRect(self.width() - size.width() - 12, 12, size.width(), size.height())

    def _busy_text(self) -> str:
        return self.tr("Rendering…")

    def _paint_busy(self, painter: QPainter) -> None:
        pill = self._pill()
        painter.setRenderHint(_Hint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 20, 190))
        painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2)
        painter.setPen(QColor(240, 240, 240))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, self._busy_text())

    def _dirty(self, region: Region) -> QRect:
        place = QRectF(region.x0, region.y0, region.x1 - region.x0, region.y1 - region.y0)
        mapped = self.view.transform(QSizeF(self.size())).mapRect(place)
        # Cut to the widget first: a large mask at 64x does not fit the integers of a QRect sensibly.
        shown = mapped.intersected(QRectF(self.rect()))
        if shown.isEmpty():
            return QRect()
        return shown.toAlignedRect().adjusted(-DIRTY_MARGIN, -DIRTY_MARGIN, DIRTY_MARGIN, DIRTY_MARGIN)

    def _zoom(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / NOTCH
        self.view.zoom_about(self.to_image(event.position()), ZOOM_STEP**steps)
        event.accept()

    def _end_pan(self) -> None:
        self._pan_from = None
        self._update_cursor()

    def _update_cursor(self) -> None:
        if self._pan_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self._set_idle_cursor()

    def _set_idle_cursor(self) -> None:
        self.unsetCursor()

    def _on_view_changed(self) -> None:
        self.update()


def _rgb_image(pixels: Pixels) -> QImage:
    """Wrap C-contiguous uint8 (H, W, 3) RGB; the caller keeps the array alive."""
    height, width, _ = pixels.shape
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)


def _faded(colour: QColor, alpha: float) -> QColor:
    colour.setAlphaF(alpha)
    return colour
